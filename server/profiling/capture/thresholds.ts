/** Waits and sizes of captures: value, source, and why. */

interface Limit {
  readonly value: number;
  readonly source: string;
  readonly why: string;
}

export const limits = {
  attachMs: { value: 60_000, source: 'our choice; msprof waits 1 s per process for its parameters to be taken', why: 'an attach that shows no prompt by then hangs' },
  commandMs: { value: 65_000, source: 'CANN: DYN_PROF_PROC_TIME_OUT 60 s per process, and some', why: 'msprof asks its processes one after the other, so this counts once per process' },
  lookMs: { value: 1_000, source: 'our choice', why: 'how often a silent process is looked at while it is waited for' },
  quitMs: { value: 8_000, source: 'below the 10 s job_cancel gives a job by default', why: 'a cancelled job must still get its profiler out of the service' },
  exitMs: { value: 3_000, source: 'our choice', why: 'msprof ends right behind its last acknowledgement; what is left is ended' },
  exportMs: { value: 1_800_000, source: 'our choice; exports of some GB take minutes', why: 'an export that hangs must end' },
  analyzeMs: { value: 600_000, source: 'our choice', why: 'the same for the communication analysis' },
  metricsMs: { value: 2_000, source: 'our choice', why: 'a metrics page answers at once, and the capture does not wait for it' },
  metricsEveryMs: { value: 500, source: 'our choice', why: 'the window is seconds long; the page with most blocks in use is kept' },
  metricsBytes: { value: 4 * 1024 * 1024, source: 'our choice', why: 'pages of xLLM have some 100 kB' },
  requestMs: { value: 600_000, source: 'our choice', why: 'a request that hangs must end; a long prompt under a profiler takes minutes at worst' },
  modelsMs: { value: 10_000, source: 'our choice', why: 'a server that serves lists its models at once' },
  decodeWindowTokens: { value: 100, source: 'captures published for xLLM hold 100 tokens and 40,000 to 140,000 device tasks per rank', why: 'longer decode captures only grow; some seconds of TP8 decode are GB of timeline' },
  leastWindowEvents: { value: 5, source: 'our choice', why: 'fewer answers per request inside the window are too few steps to see a period' },
  warmupDecodeTokens: { value: 32, source: 'our choice', why: 'a decode warm-up has to reach every kernel and graph of the batch once, not the full length' },
  torchStopMs: { value: 600_000, source: 'our choice; /stop_profile returns when the trace is written', why: 'multi-card parsing takes minutes' },
  torchFolderMs: { value: 5_000, source: 'our choice; the folder is there when /stop_profile answers', why: 'a folder that is not there by then does not come' },
  torchFilesMs: { value: 60_000, source: 'our choice', why: 'parsing may go on behind the answer' },
  copyBytes: { value: 8 * 1024 ** 3, source: 'torch_npu refuses files of more than 10 GB itself', why: 'a larger profile stays where the service wrote it' },
} as const satisfies Record<string, Limit>;

export type Phase = 'prefill' | 'decode' | 'mixed';

export interface Shape {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly parallel: number;
  readonly batches: number;
  readonly warmup_batches: number;
}

/**
 * The load of each phase when nothing else is asked. Prefill: long prompts and one token, so that the steps are prompts. Decode: short
 * prompts and answers that outlast the window, which opens behind the first tokens. Sizes are our choice: seconds of work on any chip.
 */
export const defaults: Readonly<Record<Phase, Shape>> = {
  prefill: { input_tokens: 2048, output_tokens: 1, parallel: 2, batches: 2, warmup_batches: 1 },
  decode: { input_tokens: 64, output_tokens: 512, parallel: 8, batches: 1, warmup_batches: 1 },
  mixed: { input_tokens: 512, output_tokens: 64, parallel: 4, batches: 2, warmup_batches: 1 },
};
