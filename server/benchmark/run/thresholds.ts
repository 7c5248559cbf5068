import type { Threshold } from '../../contract/index.js';

/** Waits, sizes and rules of measuring. */
export const limits = {
  /** ms */
  versionMs: { value: 40_000, source: 'below the 45 s a call may take', why: 'clients import whole frameworks before they print their version' },
  /** ms */
  jobVersionMs: { value: 300_000, source: 'our choice', why: 'a job can wait for a cold disk; the wrong version would ask for the wrong flags' },
  /** ms */
  lookMs: { value: 200, source: 'our choice', why: 'how late the opening of the window may be noticed; shorter than any pass' },
  /** ms */
  stallMs: { value: 1_800_000, source: 'our choice', why: 'a client that finishes no request for half an hour waits on a service that hangs' },
  /** ms */
  endMs: { value: 3_000, source: 'below the 10 s job_cancel gives a job by default', why: 'a client has nothing to save' },
  /** ms */
  counterMs: { value: 5_000, source: 'our choice', why: 'a service under load answers its metrics late' },
  /** bytes */
  counterBytes: { value: 4 * 1024 * 1024, source: 'our choice', why: 'metrics with histograms of many models have some hundred kB' },
  /** bytes */
  windowLogBytes: { value: 256 * 1024 * 1024, source: 'our choice', why: 'a service that logs every request writes some kB per second' },
  /** lines */
  graphLines: { value: 50, source: 'our choice', why: 'one is enough to void the window; the rest shows which sizes' },
  /** bytes */
  resultBytes: { value: 64 * 1024 * 1024, source: 'our choice', why: 'the text a client writes of one pass' },
  /** ms */
  requestMs: { value: 600_000, source: 'our choice', why: 'a request of the probe that hangs must end' },
  /** requests in flight, or per second */
  searchCap: { value: 4096, source: 'our choice', why: 'one client process saturates before' },
  /** share */
  searchResolution: { value: 0.05, source: 'our choice', why: 'closer than the noise of a p99 nothing can be told apart' },
  /** passes */
  searchPasses: { value: 40, source: 'our choice; bracket 12, bisect 7, repeats 2 × 5', why: 'a search that has not ended by then flips at its edge' },
  /** requests per slot */
  searchPerSlot: { value: 10, source: 'InferenceMAX: num_prompts = 10 × concurrency', why: 'fewer waves are mostly ramp and drain' },
  /** requests */
  tailRequests: { value: 299, source: 'order statistics: 1 − 0.99^n ≥ 0.95', why: 'with fewer requests not even the maximum bounds the p99' },
  /** rows of an answer */
  shownCommands: { value: 12, source: 'contract: a result stays under 8 kB', why: 'manifest.yaml has all' },
} as const satisfies Record<string, Threshold>;

/** What is sent when nothing else is asked. Lengths are our choice: a pass of seconds on any chip. */
export const defaults = { inputTokens: 512, outputTokens: 128, perSlot: 10, repeats: 1, searchRepeats: 3 } as const;
