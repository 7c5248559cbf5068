import type { Threshold } from '../contract/index.js';

export const thresholds = {
  /** shares of a gap, 0–1 */
  copyMajority: { value: 0.5, source: 'our rule', why: 'a gap that copies fill for the most part is theirs' },
  waitMajority: { value: 0.5, source: 'our rule', why: 'a gap that waits for events fill for the most part is a wait for another stream or rank' },
  /** shares of span, 0–1 */
  hostBound: { value: 0.2, source: 'xllm-workflow profiler rule (idle > 20 %)', why: 'from here the host is the first thing to look at' },
  commBound: { value: 0.25, source: 'msprof communication parser (dominant item >= 0.25)', why: 'a quarter of the span waits for communication alone' },
  deviceBound: { value: 0.5, source: 'our rule', why: 'below half of the span compute does not describe the capture' },
  dominance: { value: 1.5, source: 'our rule', why: 'two causes closer than this are called mixed, not ranked' },
  deviceMajority: { value: 2 / 3, source: 'our rule', why: 'one odd rank does not change the class, two camps do' },
  untraced: { value: 0.2, source: 'our rule, as for the host', why: 'where so much idle time has no known cause, none is named' },
  bubbleHigh: { value: 0.3, source: 'Ascend agent-skills, profiling anomaly rulebook (bubble heavy)', why: 'a third of every step without work outweighs any kernel change' },
  bubbleSeen: { value: 0.1, source: 'msAgent schedule analysis (Free > 10 %)', why: 'below it gaps between launches are ordinary' },
  findingSeen: { value: 0.05, source: 'our rule', why: 'less than a twentieth of the span is not the first thing to change' },
  /** share of steps, 0–1 */
  recurring: { value: 0.6, source: 'Ascend agent-skills, profiling anomaly rulebook (recurring in 60 % of steps)', why: 'a gap of most steps is the engine\'s, others are accidents' },
  /** steps */
  wholeSteps: { value: 2, source: 'our rule', why: 'one period is no pattern' },
  confidentSteps: { value: 8, source: 'our rule', why: 'fewer steps give no quantiles worth the name' },
  /** times the median of the kind */
  outlier: { value: 1.2, source: 'our rule', why: 'steps of one kind differ by a few percent as contexts grow' },
  /** times the median absolute deviation, made comparable to a standard deviation */
  outlierSpread: { value: 5, source: 'our rule', why: 'in a wide spread a step is named only when it is far outside of it' },
  /** share of the median layer, 0–1 */
  oddLayer: { value: 0.15, source: 'our rule', why: 'layers of one kind take the same time but for launch jitter' },
  /** µs */
  oddLayerUs: { value: 5, source: 'our rule', why: 'less is one kernel\'s jitter' },
  /** share of distances between layer starts that are regular, 0–1 */
  regularLayers: { value: 0.7, source: 'our rule', why: 'a label that comes at uneven distances is no layer start' },
  /** percent */
  rankSkew: { value: 5, source: 'msprof-analyze, slow rank (5 %)', why: 'ranks of one build differ by a few percent' },
} as const satisfies Record<string, Threshold>;

/** A normal deviate's standard deviation over its median absolute deviation. */
export const madToSigma = 1.4826;

/** How much is kept and shown. */
export const limits = {
  /** bytes of all captures */
  threadedBytes: { value: 16 << 20, source: 'measured', why: 'a thread needs some 100 ms to start, which 16 MB take to read' },
  /** rows a device */
  bubbleRows: { value: 300, source: 'our rule', why: 'the longest decide; the rest is summed, so that totals hold' },
  hostEvents: { value: 8, source: 'our rule', why: 'calls behind these cover next to nothing' },
  outliers: { value: 50, source: 'our rule', why: 'more are a second kind of step, not outliers' },
  patternOps: { value: 64, source: 'our rule', why: 'a layer has some ten to forty kernels' },
  shownBubbles: { value: 4, source: 'our rule', why: 'a summary is read in one go; views and files hold the rest' },
  viewRows: { value: 40, source: 'our rule', why: 'about what 8 kB hold' },
  findings: { value: 20, source: 'our rule', why: 'there are fewer kinds than that' },
  shownFindings: { value: 5, source: 'our rule', why: 'more are not acted on at once' },
  /** bytes */
  resultBytes: { value: 5000, source: 'contract: a result stays under 8 kB', why: 'six artifacts with their paths and hashes, headline, warnings and next need the rest' },
  /** rows of a table in the Markdown page */
  pageRows: { value: 20, source: 'our rule', why: 'the csv beside it holds all' },
} as const satisfies Record<string, Threshold>;
