import type { Threshold } from '../contract/index.js';

export const thresholds = {
  /** µs */
  pmuMinimumUs: { value: 20, source: 'msprof-analyze advisor, operator bound', why: 'shorter kernels end before their PMU ratios mean anything' },
  cubeRatio: { value: 0.8, source: 'msprof-analyze advisor, operator bound', why: 'the matrix unit is busy most of the time: more data would not help' },
  mte2Ratio: { value: 0.8, source: 'msprof-analyze advisor, operator bound', why: 'the kernel waits for reads from HBM or L2, as weights do in decode' },
  mte1Ratio: { value: 0.8, source: 'msprof-analyze advisor, operator bound', why: 'the kernel waits for moves between L1 and L0' },
  fixpipeRatio: { value: 0.75, source: 'msprof-analyze advisor, AI core performance', why: 'the kernel waits for writing results back' },
  vectorRatio: { value: 0.7, source: 'msprof-analyze advisor, AI core performance', why: 'the vector unit is busy most of the time' },
  vectorMoveRatio: { value: 0.7, source: 'msprof-analyze advisor, AI core performance', why: 'the vector core waits for moves to or from the unified buffer' },
  scalarRatio: { value: 0.5, source: 'our rule', why: 'above half, and above every other unit, control code sets the time' },

  /** shares of span, 0–1 */
  idleHigh: { value: 0.3, source: 'Ascend agent-skills, profiling anomaly rulebook (underfeed)', why: 'a third of the span without work outweighs any kernel change' },
  idleBound: { value: 0.2, source: 'xllm-workflow profiler rule (idle > 20 %)', why: 'from here the host is the first thing to look at' },
  idleSeen: { value: 0.1, source: 'msAgent schedule analysis (Free > 10 %)', why: 'below it gaps between launches are ordinary' },
  exposedBound: { value: 0.25, source: 'msprof communication parser (dominant item >= 0.25)', why: 'a quarter of the span waits for communication alone' },
  exposedSeen: { value: 0.1, source: 'xllm-workflow profiler rule (communication > 10 %)', why: 'below it hiding communication gains little' },
  dominance: { value: 1.5, source: 'our rule', why: 'two causes closer than this are called mixed, not ranked' },
  boundMajority: { value: 0.5, source: 'our rule', why: 'a class is named only when most of the measured kernel time agrees' },
  computeMajority: { value: 0.5, source: 'our rule', why: 'below half of the span a kernel bound does not describe the capture' },
  deviceMajority: { value: 2 / 3, source: 'our rule', why: 'one odd rank does not change the class, two camps do' },
  copyExposed: { value: 0.1, source: 'our rule, as for idle time', why: 'copies that nothing hides cost as much as idle time' },
  /** tasks */
  minimumTasks: { value: 20, source: 'our rule', why: 'fewer kernels are a fragment; no class is named from them' },
  confidentTasks: { value: 200, source: 'our rule', why: 'about one step of a small model; fewer lower the confidence' },

  /** shares of summed kernel time, 0–1 */
  unitHigh: { value: 0.5, source: 'our rule', why: 'most kernel time has the same limit' },
  unitSeen: { value: 0.1, source: 'our rule', why: 'a smaller part is not worth a finding' },
  stageShare: { value: 0.95, source: 'our rule', why: 'a step torn at the edge of the capture may miss its kind; more than that is a second stage' },
  layoutMedium: { value: 0.1, source: 'our rule', why: 'a tenth of kernel time moves data without computing' },
  layoutSeen: { value: 0.03, source: 'our rule', why: 'below it casts and transposes are ordinary' },
  aicpuShare: { value: 0.01, source: 'msprof-analyze advisor, AICPU (1 %)', why: 'AI CPU kernels are an order slower than AI core ones' },
  /** µs */
  aicpuOpUs: { value: 20, source: 'msprof-analyze advisor, AICPU (20 us)', why: 'one such operator is already visible in a decode step' },
  blockWasteMedium: { value: 0.1, source: 'our rule', why: 'a tenth of the core time of the span is left unused by tiling' },
  blockWasteSeen: { value: 0.05, source: 'our rule', why: 'tail blocks cost a little everywhere' },
  fusionSeen: { value: 0.01, source: 'msprof-analyze advisor, fusible operators (1 %)', why: 'below it a fused operator is not worth the risk' },
  fusionMedium: { value: 0.05, source: 'our rule', why: 'a twentieth of the span is above run-to-run noise' },
  /** occurrences */
  fusionCount: { value: 5, source: 'msprof-analyze advisor, fusible operators (count > 5)', why: 'a sequence seen only now and then is chance' },
  /** calls */
  compileCalls: { value: 20, source: 'msprof-analyze advisor, operator compile', why: 'some compilation at start is ordinary; this many is every step' },
  frequencyDrop: { value: 0.05, source: 'msprof-analyze advisor, AI core frequency (5 % below maximum)', why: 'smaller steps are governor noise' },
  /** share of busy time, 0–1 */
  frequencyTime: { value: 0.05, source: 'our rule', why: 'shorter drops do not move a mean' },
  linkBelowMean: { value: 0.2, source: 'msprof communication parser (slow link > 20 % below mean)', why: 'links of one kind in one collective carry the same load' },
  /** transfers */
  linkTransfers: { value: 10, source: 'our rule', why: 'a mean of fewer transfers is noise' },
  /** percent */
  fragmentationMedium: { value: 30, source: 'our rule', why: 'nearly a third of the reserved memory holds nothing' },
  fragmentationSeen: { value: 20, source: 'our rule', why: 'a caching allocator keeps some spare memory at all times' },
  /** MB */
  fragmentationMinimumMb: { value: 1024, source: 'our rule', why: 'less than this does not decide whether a model fits' },
  /** shares of the baseline's span, 0–1 */
  comparedSeen: { value: 0.05, source: 'our rule', why: 'two captures of one build differ by a few percent' },
  comparedMedium: { value: 0.1, source: 'our rule', why: 'a tenth of the span is above what two captures of one build differ by' },
  waitRatio: { value: 0.2, source: 'msprof communication parser (wait ratio 0.2)', why: 'above it a collective waits for a late rank rather than for the link' },
} as const satisfies Record<string, Threshold>;

/** Names of layout and type conversions on the device (TransData, Transpose, Cast …), without version suffix. */
export const layoutOps = new Set(['TransData', 'Transpose', 'TransposeD', 'Cast', 'TensorMove', 'AsStrided', 'FormatCast']);

/** How much is shown, kept and waited for. */
export const limits = {
  summaryRows: { value: 5, source: 'our rule', why: 'a summary is read in one go; views and artifacts hold the rest' },
  summaryFindings: { value: 5, source: 'our rule', why: 'more are not acted on at once' },
  sqlRows: { value: 200, source: 'our rule', why: 'more rows do not fit a result; aggregate instead' },
  /** bytes */
  sqlBytes: { value: 6000, source: 'contract: a result stays under 8 kB', why: 'leaves room for columns and the frame' },
  loadMs: { value: 20_000, source: 'contract: no call blocks longer than 45 s', why: 'leaves as long for the statement; loading goes on behind' },
  sqlTimeoutMs: { value: 20_000, source: 'contract: no call blocks longer than 45 s', why: 'leaves room for reading the profile first' },
  /** files */
  cacheAnalyses: { value: 2000, source: 'our rule', why: 'an analysis of one capture has some 10 to 200 kB; several questions on 128 ranks stay' },
  /** bytes */
  threadedBytes: { value: 16 << 20, source: 'measured', why: 'a thread needs some 100 ms to start, which 16 MB take to read' },
  /** bytes */
  jobBytes: { value: 1_500_000_000, source: 'measured: 100 MB/s and more on two cores', why: 'more may not be read within the 45 s of a call, so a job does it at once' },
  callMs: { value: 38_000, source: 'contract: no call blocks longer than 45 s', why: 'leaves room to start a job and to answer' },
  cacheFiles: { value: 6, source: 'our rule', why: 'a cached profile can have some 100 MB; the least recently used go' },
} as const satisfies Record<string, Threshold>;
