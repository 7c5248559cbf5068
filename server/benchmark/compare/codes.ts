/** The closed list of reasons (contract, "When may a performance claim be made"): what holds when the code is there, and the mend. */
export const blockers = {
  'F-MODEL': 'model weights differ or are unknown',
  'F-TOKENIZER': 'tokenizers differ or are unknown',
  'F-DTYPE': 'dtypes differ or are unknown',
  'F-QUANT': 'quantisations differ or are unknown',
  'F-NPU': 'chip types differ or are unknown',
  'F-DEVICES': 'device sets or their order differ or are unknown',
  'F-CANN': 'CANN or driver versions differ or are unknown',
  'F-WORKLOAD': 'dataset or token lengths asked differ or are unknown',
  'F-SAMPLING': 'sampling differs or is unknown',
  'F-STREAM': 'streaming differs or is unknown',
  'F-LOAD': 'parallel, rate or request count differ or are unknown',
  'F-LENGTH': 'output tokens really produced differ by more than 2 % or are unknown',
  'F-CLIENT': 'client or client version differs or is unknown',
  'F-DEFINITION': 'a metric is defined differently',
  'F-WARMUP': 'a side has no request warm-up',
  'F-PROFILED': 'a profiler was attached to a side, or that is unknown',
  'F-ENV': 'an environment gate is missing or not clean',
  'F-FAILED': 'a side has failed, lost or uncounted requests',
  'F-COMMIT': 'a side has no commit, or more than one',
  'F-COMMAND': 'an exact start or benchmark command is missing',
  'F-RAW': 'raw output is missing',
  'F-HASH': 'recorded evidence no longer matches its hash',
  'F-GRAPH': 'graph capture or compilation happened inside the measured window',
} as const;

export const cautions = {
  'F-SIMULATED': 'a side is simulated',
  'F-STATED': 'facts the gate needs were stated by hand, not captured',
  'F-REPLICATES': 'fewer than 5 + 5 independent service starts (or 6 pairs)',
  'F-TAIL': 'a p99 from fewer than 299 requests',
  'F-DIRTY': 'a dirty or unknown work tree without a saved diff',
  'F-PREFIX': 'repeated prompts with prefix cache on',
  'F-ORDER': 'runs are not interleaved, or their start times are unknown',
  'F-UNTUNED': 'frameworks are compared and not both are known to be tuned alike',
  'F-CONCURRENCY': 'a closed loop with fewer than 10 requests per slot',
} as const;

export type Code = keyof typeof blockers | keyof typeof cautions;
export const codeOrder: readonly string[] = [...Object.keys(blockers), ...Object.keys(cautions)];

export function isBlocker(code: Code): code is keyof typeof blockers {
  return Object.hasOwn(blockers, code);
}

export const codeTexts: Readonly<Record<Code, string>> = { ...blockers, ...cautions };
