/**
 * Numbers of the simulated host, each with its source and why it is needed. What xLLM, vLLM-Ascend or CANN decide themselves
 * (defaults, formulas, texts) stands beside the code that speaks for them.
 */

/** A number the simulation stands on. */
interface Assumption {
  readonly value: number;
  readonly source: string;
  readonly why: string;
}

const assume = <T extends Readonly<Record<string, Assumption>>>(table: T): T => table;

export const assumptions = assume({
  kernelsPerLayer: { value: 12, source: 'launch order of a dense decoder layer in public traces', why: 'eager launches are counted by kernel' },
  kernelsPerStep: { value: 20, source: 'embedding, head, sampling and their copies', why: 'eager launches are counted by kernel' },
  launch_us: { value: 4, source: 'msmodeling: 5 µs per matmul, 2 µs per vector operator', why: 'host time of one eager launch' },
  hostBoundLaunchFactor: { value: 12, source: 'an eager aclnn host floor of about 260 µs per call was seen in one trace; this plants less', why: 'fault host-bound' },
  syncGap_us: { value: 900, source: 'our choice: scheduling and output handling of a synchronous scheduler', why: 'without schedule overlap the device waits for the host' },
  overlapGap_us: { value: 40, source: 'our choice', why: 'with schedule overlap the next step is queued already' },
  profilerOverhead: { value: 1.06, source: 'our choice', why: 'a service under a profiler is slower; measurements of it must not pass' },
  stepNoise: { value: 0.015, source: 'TPOT variation inside published runs, 0.6 to 0.8 % standard deviation', why: 'steps of equal work differ' },
  startNoise: { value: 0.012, source: 'run-to-run TPOT variation of published rounds', why: 'service starts differ; the start is the unit of replication' },
  acceptance: { value: 0.7, source: 'measured MTP3 acceptance of a public Qwen3.5-27B run: 0.67', why: 'probability that a draft token is accepted, given the ones before it' },
  acceptanceRegressed: { value: 0.25, source: 'our choice', why: 'fault mtp-regression' },
  slowRankFactor: { value: 1.4, source: 'our choice', why: 'fault slow-rank' },
  contextBytes: { value: 139_586_437, source: '0.13 GiB without collectives, vllm-ascend PR 8289', why: 'a process on a card holds more than tensors' },
  graphBytes: { value: 429_496_730, source: '0.4 GiB, inside the published range of 0.1 to 2 GiB', why: 'captured graphs hold memory' },
  idleHbm_mb: { value: 3116, source: '65,536 MB nominal minus 62,420 MB (65,452,113,920 B) visible to a process', why: 'firmware holds it; npu-smi shows it as used' },
  weightLoad_ms: { value: 350, source: 'our choice; real loads take minutes', why: 'start-up of about one second' },
  warmup_ms: { value: 250, source: 'our choice; real warm-ups take seconds to minutes', why: 'start-up of about one second' },
  graphCapture_ms: { value: 180, source: 'our choice; real captures take 0.1 to 1 s', why: 'a lazy capture stalls one step' },
  joinRetry_ms: { value: 250, source: 'xLLM retries every 3 s; scaled', why: 'ranks may start in any order' },
  hcclTimeout_ms: { value: 2000, source: 'HCCL_EXEC_TIMEOUT of 1800 s; scaled', why: 'a peer that stopped must be noticed in a test' },
  hungTask_ms: { value: 1500, source: 'kernel.hung_task_timeout_secs of 120 s; scaled', why: 'a process that sleeps in the kernel shows in the kernel log' },
  faultAfterSteps: { value: 20, source: 'our choice', why: 'a fault without `after` starts once the service has served' },
  faultAfterRequests: { value: 3, source: 'our choice', why: 'crash-after-n without `after`' },
  staleHbm_mb: { value: 24_576, source: 'our choice: enough to shrink a KV cache visibly', why: 'fault stale-process' },
  wrongAnswerShare: { value: 0.4, source: 'our choice', why: 'fault accuracy-drop' },
  garbledAfterTokens: { value: 12, source: 'our choice', why: 'fault garbled-output' },
});

/** The number itself. */
export function assumed(name: keyof typeof assumptions): number {
  return assumptions[name].value;
}
