import type { Threshold } from '../../contract/index.js';

export const limits = {
  /** bytes of one JSON, CSV or text of a client */
  textBytes: { value: 64 * 1024 * 1024, source: 'our rule', why: 'detailed results of 10,000 requests with texts have some 50 MB' },
  /** bytes of one benchmark_data.db taken along */
  dbBytes: { value: 512 * 1024 * 1024, source: 'our rule', why: 'evalscope keeps requests and answers in it; without it the summary is read' },
  /** files looked at */
  files: { value: 2000, source: 'our rule', why: 'a sweep of 40 loads has some 300 files; a data disk has more' },
} as const satisfies Record<string, Threshold>;
