// Generated from schemas/ by scripts/generate.mjs. Do not edit.

/**
 * Largest drop first; p_adjusted by Holm over all of them.
 */
export type Subsets = AccuracySubset[];
/**
 * How often answers end or break on each side, over joined items; p of the exact McNemar test.
 */
export type Endings = AccuracyEnding[];
export type Differences = AccuracyDifference[];
/**
 * Answers a detector points at, at most 500.
 */
export type Garbled = GarbledAnswer[];
export type Detectors = DetectorCount[];
export type Differences1 = CapacityDifference[];
export type Advice = CapacityAdvice[];
/**
 * What the manifests say differs between the sides: the change under test, and what else.
 */
export type Differences2 = ComparisonDifference[];
export type Ops = ComputeOp[];
export type WhatIf = ComputeWhatIf[];
export type BreakEven = ComputeBreakEven[];
export type Assumptions = string[];
export type Frameworks = Framework[];
export type Topology = {
  npus: string[];
  /**
   * links[i][j]: path type from npus[i] to npus[j].
   */
  links: string[][];
  cpu_affinity: (string | null)[];
} | null;
export type Reasons = EnvReason[];
export type IncidentClass =
  | 'device'
  | 'driver'
  | 'runtime'
  | 'hccl'
  | 'link'
  | 'aicore'
  | 'aicpu'
  | 'graph'
  | 'hbm-oom'
  | 'kv-exhaustion'
  | 'weights-load'
  | 'framework'
  | 'port'
  | 'host-os'
  | 'disk'
  | 'build'
  | 'configuration'
  | 'unknown';
export type IncidentLayer =
  'driver' | 'runtime' | 'hccl' | 'ge' | 'aicore' | 'aicpu' | 'torch_npu' | 'atb' | 'framework' | 'host' | 'build';
export type Incidents = Incident[];
export type Cascades = IncidentCascade[];
export type Timeline = IncidentMoment[];
export type Unmatched = IncidentUnmatched[];
/**
 * Exact read-only commands, in order.
 */
export type FirstEvidence = string[];
export type Actions = string[];
/**
 * What would change the verdict.
 */
export type WouldChange = string[];
export type Processes = IncidentProcess[];
export type Commands = IncidentCommand[];
export type JobProgress = {
  done: number;
  total: number | null;
} | null;
export type LessonEvidence = (
  | {
      [k: string]: unknown;
    }
  | {
      [k: string]: unknown;
    }
) & {
  path?: string;
  url?: string;
  note: string;
} & (
    | {
        [k: string]: unknown;
      }
    | {
        [k: string]: unknown;
      }
  ) & {
    path?: string;
    url?: string;
    note: string;
  };
/**
 * Files read, what each was taken for, and how much was in it.
 */
export type Sources = ProfileSource[];
export type Ranks = ProfileRank[];
export type Evidence1 = BottleneckEvidence[];
/**
 * Per device.
 */
export type Stages = StageRow[];
/**
 * Per device, longest first; the sum of a device is its free time.
 */
export type Bubbles = BubbleRow[];
export type Devices = PipelineDevice[];
/**
 * One deterministic rule of review_diff, as the YAML files of server/review/rules hold it.
 */
export type ReviewRule = {
  id: string;
  title: string;
  severity: 'high' | 'medium' | 'low';
  /**
   * Look at the line as it is; else comments and strings are blanked first.
   */
  raw?: boolean;
  scope: ReviewScope;
  /**
   * Regular expression over an added line.
   */
  pattern?: string;
  /**
   * Clears the hit when it matches the statement.
   */
  unless?: string;
  /**
   * The hit counts only when this matches within so many lines above or below.
   */
  near?: {
    pattern: string;
    lines: number;
  };
  /**
   * Clears the hit when it matches within so many lines above.
   */
  unless_near?: {
    pattern: string;
    lines: number;
  };
  /**
   * Some enclosing header, by indentation, must match.
   */
  inside?: string;
  also_inside?: string;
  not_in?: string;
  /**
   * A check over the file or the whole diff, in code.
   */
  check?:
    | 'unpaired'
    | 'schema'
    | 'triton-constexpr'
    | 'triton-specialize'
    | 'port-window'
    | 'submodule'
    | 'cmake-sources'
    | 'copyright'
    | 'untested'
    | 'config-trio';
  why: string;
  fix: string;
  bad: string;
  good: string;
  source: string;
} & {
  [k: string]: unknown;
};
/**
 * For computed files: how to compute them again.
 */
export type Derivation = {
  /**
   * Name of the derivation.
   */
  by: string;
  params: {
    [k: string]: unknown;
  };
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  producer: Producer;
  /**
   * Whether the run counted as simulated at that moment.
   */
  simulated: boolean;
} | null;
/**
 * What every tool answers: a result, or an error with the code, what was seen, the cause and what to do next.
 */
export type ToolResult = ToolOk | ToolFailed;

export interface AllSchemas {
  AccuracyComparison: AccuracyComparison;
  AccuracySideScore: AccuracySideScore;
  AccuracyInterval: AccuracyInterval;
  AccuracySubset: AccuracySubset;
  AccuracyCauses: AccuracyCauses;
  AccuracyRegression: AccuracyRegression;
  AccuracyOutput: AccuracyOutput;
  GarbledAnswer: GarbledAnswer;
  AccuracyScore: AccuracyScore;
  Bundle: Bundle;
  CapacityPlan: CapacityPlan;
  CaptureRecord: CaptureRecord;
  CaptureCounts: CaptureCounts;
  CaptureWorkload: CaptureWorkload;
  Common: Common;
  Producer: Producer;
  Source: Source;
  ArtifactRef: ArtifactRef;
  Warning: Warning;
  Evidence: Evidence;
  Finding: Finding;
  Incomplete: Incomplete;
  ComparisonReport: ComparisonReport;
  ComparisonClaim: ComparisonClaim;
  ComparisonReason: ComparisonReason;
  ComparisonMetric: ComparisonMetric;
  ComparisonRank: ComparisonRank;
  ComparisonPlan: ComparisonPlan;
  ComparisonInput: ComparisonInput;
  ComputeEstimate: ComputeEstimate;
  ComputePoint: ComputePoint;
  ComputeModel: ComputeModel;
  ComputeDevice: ComputeDevice;
  ComputeOp: ComputeOp;
  ComputeMemory: ComputeMemory;
  ComputeSpeculation: ComputeSpeculation;
  ComputeMeasured: ComputeMeasured;
  ComputeWhatIf: ComputeWhatIf;
  ComputeBreakEven: ComputeBreakEven;
  EnvSnapshot: EnvSnapshot;
  Chip: Chip;
  FailedCase: FailedCase;
  IncidentReport: IncidentReport;
  IncidentClass: IncidentClass;
  IncidentLayer: IncidentLayer;
  IncidentOrigin: IncidentOrigin;
  IncidentEvidence: IncidentEvidence;
  Incident: Incident;
  IncidentCascade: IncidentCascade;
  IncidentMoment: IncidentMoment;
  IncidentUnmatched: IncidentUnmatched;
  IncidentProcess: IncidentProcess;
  IncidentCommand: IncidentCommand;
  IncidentInput: IncidentInput;
  JobState: JobState;
  ProcessIdentity: ProcessIdentity;
  LessonCard: LessonCard;
  LoadSearch: LoadSearch;
  LoopState: LoopState;
  LoopPassed: LoopPassed;
  LoopAttempt: LoopAttempt;
  OpMigration: OpMigration;
  OpRoute: OpRoute;
  OpExisting: OpExisting;
  OpRouteChoice: OpRouteChoice;
  OpConstraint: OpConstraint;
  OpErrors: OpErrors;
  OpLimit: OpLimit;
  OpWorst: OpWorst;
  OpTensor: OpTensor;
  OpAccuracy: OpAccuracy;
  OpPair: OpPair;
  OpPerformance: OpPerformance;
  OpGate: OpGate;
  PerfMetrics: PerfMetrics;
  PerfPoint: PerfPoint;
  PerfLatency: PerfLatency;
  PerfTokens: PerfTokens;
  PipelineAnalysis: PipelineAnalysis;
  Quantiles: Quantiles;
  StepsTable: StepsTable;
  StageRow: StageRow;
  BubbleRow: BubbleRow;
  Layers: Layers;
  RankSkewTable: RankSkewTable;
  PipelineDevice: PipelineDevice;
  ProfilingAnalysis: ProfilingAnalysis;
  ProfileWindow: ProfileWindow;
  ComparedSide: ComparedSide;
  Contribution: Contribution;
  ProfileComparison: ProfileComparison;
  OperatorRow: OperatorRow;
  ReviewReport: ReviewReport;
  ReviewQuestion: ReviewQuestion;
  ReviewRule: ReviewRule;
  RunEvent: RunEvent;
  RunManifest: RunManifest;
  ServiceRecord: ServiceRecord;
  ServiceRank: ServiceRank;
  ServicePorts: ServicePorts;
  ServiceMemory: ServiceMemory;
  ServiceIncident: ServiceIncident;
  Signature: Signature;
  ToolFacts: ToolFacts;
  AccuracyStartFacts: AccuracyStartFacts;
  CapacityPlanFacts: CapacityPlanFacts;
  BenchCompareFacts: BenchCompareFacts;
  EnvProbeFacts: EnvProbeFacts;
  RunCreateFacts: RunCreateFacts;
  RunShowFacts: RunShowFacts;
  RunValidateFacts: RunValidateFacts;
  RunReportFacts: RunReportFacts;
  ProfileAnalyzeFacts: ProfileAnalyzeFacts;
  ProfileStartFacts: ProfileStartFacts;
  PipelineAnalyzeFacts: PipelineAnalyzeFacts;
  ProfileQueryFacts: ProfileQueryFacts;
  JobWaitFacts: JobWaitFacts;
  JobCancelFacts: JobCancelFacts;
  ServiceStartFacts: ServiceStartFacts;
  ServiceStopFacts: ServiceStopFacts;
  ComputeSimulateFacts: ComputeSimulateFacts;
  AccuracyCompareFacts: AccuracyCompareFacts;
  LoopUpdateFacts: LoopUpdateFacts;
  HistorySearchFacts: HistorySearchFacts;
  ReviewDiffFacts: ReviewDiffFacts;
  IncidentTriageFacts: IncidentTriageFacts;
  BenchImportFacts: BenchImportFacts;
  BenchStartFacts: BenchStartFacts;
  OpVerifyFacts: OpVerifyFacts;
  ToolResult: ToolResult;
  ToolOk: ToolOk;
  ToolFailed: ToolFailed;
}
/**
 * accuracy/<n>/comparison.json: two evaluations of the same items, item by item. Percentages are points of accuracy; differences are candidate minus baseline.
 */
export interface AccuracyComparison {
  schema: 'accuracy-comparison';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'no-regression' | 'regression' | 'improvement' | 'inconclusive';
  /**
   * Drop that is given away, in points.
   */
  margin_pct: number;
  /**
   * What a drop comes from, or why nothing can be said; none where nothing is wrong.
   */
  cause: 'none' | 'quality' | 'truncation' | 'prompts-differ' | 'settings-differ' | 'items-lost' | 'too-few-items';
  sides: AccuracySide[];
  /**
   * Items scored on both sides.
   */
  n: number;
  /**
   * Equal scores of 1.
   */
  both_right: number;
  /**
   * Items the baseline scored higher on.
   */
  baseline_only: number;
  /**
   * Items the candidate scored higher on.
   */
  candidate_only: number;
  /**
   * Equal scores below 1.
   */
  both_wrong: number;
  scores: AccuracyScores;
  delta_pct: number | null;
  ci: AccuracyInterval | null;
  /**
   * Exact McNemar test, two-sided; over the signs of the differences where scores are not 0 or 1.
   */
  p_value: number | null;
  /**
   * Drop found with 80 % power: the larger of 2.8·√(discordance / n) and 6 items.
   */
  min_detectable_drop_pct: number | null;
  subsets: Subsets;
  endings: Endings;
  causes: AccuracyCauses;
  unmatched: AccuracyUnmatched;
  differences: Differences;
  /**
   * Items the baseline scored higher on, at most 200; texts cut at 2,000 characters.
   */
  regressions: AccuracyRegression[];
  garbled: Garbled;
  detectors: Detectors;
  findings: Finding[];
  notes: Warning[];
}
/**
 * The program that wrote the artifact.
 */
export interface Producer {
  name: string;
  version: string;
}
/**
 * A raw file the artifact was computed from.
 */
export interface Source {
  /**
   * Relative to the run root where the file lies in it, else absolute.
   */
  path: string;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  sha256: string;
}
export interface AccuracySide {
  side: 'baseline' | 'candidate';
  path: string;
  format: 'evalscope' | 'rows';
  /**
   * Items in the files.
   */
  items: number;
  /**
   * Items with a score.
   */
  scored: number;
  /**
   * Samples the evaluation asked for; null where its report does not tell.
   */
  requested: number | null;
}
export interface AccuracyScores {
  baseline: AccuracySideScore;
  candidate: AccuracySideScore;
}
export interface AccuracySideScore {
  /**
   * Mean over joined items.
   */
  score_pct: number | null;
  /**
   * Wilson interval at 95 %; null where scores are not 0 or 1.
   */
  low_pct: number | null;
  high_pct: number | null;
}
export interface AccuracyInterval {
  low_pct: number;
  high_pct: number;
  /**
   * Score interval of Tango (1998) for 0/1 scores; t interval of the differences otherwise.
   */
  method: 'tango' | 'paired-t';
}
export interface AccuracySubset {
  dataset: string;
  subset: string;
  n: number;
  baseline_only: number;
  candidate_only: number;
  baseline_pct: number;
  candidate_pct: number;
  delta_pct: number;
  low_pct: number;
  high_pct: number;
  p_value: number;
  p_adjusted: number;
  min_detectable_drop_pct: number;
}
export interface AccuracyEnding {
  what: 'truncated' | 'unparsed' | 'garbled' | 'empty';
  /**
   * Null: the files do not tell.
   */
  baseline: number | null;
  candidate: number | null;
  p_value: number | null;
}
/**
 * Items the baseline scored higher on, by what the candidate's answer looks like.
 */
export interface AccuracyCauses {
  empty: number;
  /**
   * Cut off by length while the text is sound.
   */
  truncated: number;
  /**
   * Cut off by length in a loop.
   */
  looping: number;
  garbled: number;
  /**
   * A sound text out of which no answer was read.
   */
  unparsed: number;
  /**
   * A sound text with another answer.
   */
  wrong: number;
}
export interface AccuracyUnmatched {
  /**
   * Scored items only the baseline has.
   */
  baseline: number;
  candidate: number;
  /**
   * Items of one id with another prompt or target; left out.
   */
  prompts_differ: number;
  /**
   * Sum of the baseline's scores over items the candidate has no score for.
   */
  lost_right: number;
}
export interface AccuracyDifference {
  field: string;
  baseline: string | null;
  candidate: string | null;
}
export interface AccuracyRegression {
  id: string;
  dataset: string;
  subset: string;
  target: string | null;
  cause: 'empty' | 'truncated' | 'looping' | 'garbled' | 'unparsed' | 'wrong';
  baseline: AccuracyOutput;
  candidate: AccuracyOutput;
}
export interface AccuracyOutput {
  score: number | null;
  extracted: string | null;
  finish_reason: 'stop' | 'length' | 'other' | null;
  text: string | null;
}
export interface GarbledAnswer {
  id: string;
  side: 'baseline' | 'candidate';
  detector: string;
  /**
   * What the detector measured, in its own unit.
   */
  value: number;
}
export interface DetectorCount {
  detector: string;
  baseline: number;
  candidate: number;
}
export interface Finding {
  id: string;
  title: string;
  severity: 'high' | 'medium' | 'low' | 'info';
  value: number | string | null;
  unit: string;
  /**
   * Share of the window's span, in percent.
   */
  share_pct?: number | null;
  evidence: Evidence[];
  confidence: 'high' | 'medium' | 'low';
  action: string;
  /**
   * Of a review: path in the repository.
   */
  file?: string;
  /**
   * Of a review: line of the new side; null for a whole file.
   */
  line?: number | null;
  /**
   * Of a review: rule id.
   */
  rule?: string;
}
export interface Evidence {
  /**
   * File the evidence stands in.
   */
  path: string;
  /**
   * Table, line, row or time range inside the file.
   */
  where: string;
  /**
   * What was seen there.
   */
  detail: string;
}
export interface Warning {
  code: string;
  detail: string;
}
/**
 * accuracy/<job>/score.json: what one accuracy run measured, and how far that reaches. Never a verdict wider than its level.
 */
export interface AccuracyScore {
  schema: 'accuracy-score';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  job: string;
  level: 'L1' | 'L2' | 'L3' | 'L4' | 'L5';
  /**
   * The built-in probe set, or evalscope eval.
   */
  method: 'probe' | 'evalscope';
  /**
   * What the level can show: L1 breakage, L2 smoke, L3 stable bad cases, L4 one task, L5 release.
   */
  scope: 'breakage' | 'smoke' | 'bad-cases' | 'one-task' | 'release';
  /**
   * clean and broken for probes; measured for a dataset: only a comparison judges a score.
   */
  verdict: 'clean' | 'broken' | 'measured' | 'inconclusive';
  endpoint: string;
  model: string;
  items: number;
  /**
   * Answers, repeats counted.
   */
  samples: number;
  /**
   * Answers asked for; null where the client does not tell.
   */
  requested: number | null;
  /**
   * Answers asked for that did not come; null where the client does not tell. They are not in the score.
   */
  errored: number | null;
  /**
   * Sum of the items' scores.
   */
  right: number;
  score_pct: number | null;
  /**
   * Wilson interval at 95 %; null where scores are not 0 or 1.
   */
  low_pct: number | null;
  high_pct: number | null;
  datasets: AccuracyDataset[];
  endings: AccuracyEndings;
  /**
   * Items whose repeats gave different texts.
   */
  unstable: UnstableItem[];
  detectors: DetectorHits[];
  /**
   * Rows of failed_cases.jsonl.
   */
  failed_cases: number;
  findings: Finding[];
  notes: Warning[];
}
export interface AccuracyDataset {
  dataset: string;
  subset: string;
  n: number;
  score_pct: number | null;
  low_pct: number | null;
  high_pct: number | null;
}
/**
 * Answers, by how they end; null where the files do not tell.
 */
export interface AccuracyEndings {
  truncated: number | null;
  unparsed: number | null;
  garbled: number | null;
  empty: number | null;
}
export interface UnstableItem {
  id: string;
  repeats: number;
  texts: number;
  scores_differ: boolean;
}
export interface DetectorHits {
  detector: string;
  answers: number;
}
/**
 * bundle.json at the top of a run root that `xllm-npu bundle` packed: what was taken along, what was redacted on the way, what stayed behind and why. The validator accepts other bytes than the ledger recorded only for raw files that this list calls redacted, with both hashes.
 */
export interface Bundle {
  schema: 'bundle';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  /**
   * Empty: `files` says more than a list of sources.
   *
   * @maxItems 0
   */
  source: [];
  /**
   * Run id; the folder in the archive has this name.
   */
  run: string;
  ledger: BundleLedger;
  /**
   * Every file of the archive but this one and the ledger, sorted by path.
   */
  files: BundleFile[];
  left_out: BundleLeftOut[];
  /**
   * Computed files that another machine cannot compute again, for a file they rest on was left out.
   */
  not_recomputable: string[];
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  seal: string;
}
export interface BundleLedger {
  /**
   * Lines of events.jsonl when the bundle was made.
   */
  events: number;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  head: string;
}
export interface BundleFile {
  /**
   * Relative to the run root.
   */
  path: string;
  /**
   * Size in the bundle.
   */
  bytes: number;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  sha256_run: string;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  sha256: string;
  redacted: boolean;
}
export interface BundleLeftOut {
  path: string;
  bytes: number;
  /**
   * Null: the ledger does not know the file.
   */
  sha256_run: string | null;
  /**
   * job-state: bookkeeping of detached work; not-recorded: the ledger does not know it (caches, weights, hand-made files); outside-run: evidence that stays where it lies; secret-in-binary: a secret was seen in a file that cannot be redacted as text.
   */
  reason: 'job-state' | 'temporary' | 'not-recorded' | 'outside-run' | 'secret-in-binary';
}
/**
 * HBM of one rank, item by item, by the rules of the framework named; what it holds, what binds, and what a start-up log says to it.
 */
export interface CapacityPlan {
  schema: 'capacity-plan';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'pass' | 'risk' | 'fail' | 'inconclusive';
  limit:
    | 'hbm-hard'
    | 'kv-blocks'
    | 'linear-state'
    | 'workspace'
    | 'speculative-reserve'
    | 'scheduler-budget'
    | 'fragmentation'
    | 'none';
  reason: string;
  framework: 'xllm' | 'vllm-ascend' | 'sglang';
  settings: CapacitySetting[];
  per_rank: CapacityPerRank;
  ledger: CapacityLedgerRow[];
  /**
   * Input and output, else the longest request the service accepts.
   */
  tokens_per_request: number | null;
  /**
   * Requests that run at once on the whole replica, reserves at their low end.
   */
  max_concurrency: number | null;
  max_concurrency_low: number | null;
  observed: CapacityObserved | null;
  differences: Differences1;
  advice: Advice;
  notes: Incomplete[];
}
export interface CapacitySetting {
  name: string;
  value: number | string | boolean | null;
  origin: 'given' | 'log' | 'default' | 'chip' | 'none';
}
export interface CapacityPerRank {
  /**
   * Heaviest rank, scales included; tower and draft apart.
   */
  weights_bytes: number;
  draft_bytes: number | null;
  /**
   * Full-attention layers of one rank, index and scales included.
   */
  kv_bytes_per_token: number;
  draft_kv_bytes_per_token: number | null;
  /**
   * Sliding layers.
   */
  kv_window_bytes_per_seq: number;
  /**
   * Delta-net layers.
   */
  linear_state_bytes_per_seq: number;
  /**
   * What the framework hands to the cache, linear state included; null: no memory size, or a part not known.
   */
  kv_pool_bytes: number | null;
  /**
   * With every reserve at its low end; block 0 of xLLM included.
   */
  blocks: number | null;
  /**
   * With every reserve at its high end.
   */
  blocks_low: number | null;
  usable_blocks: number | null;
  /**
   * Tokens of one logical block.
   */
  block_size: number;
  /**
   * Of one DP rank.
   */
  token_capacity: number | null;
  token_capacity_low: number | null;
  linear_slots: number | null;
  reserve: CapacityReserve[];
  hbm_total_bytes: number | null;
  /**
   * Total less the ledger, reserves at their low end; negative: it does not fit.
   */
  free_margin_bytes: number | null;
  /**
   * Reserves at their high end.
   */
  free_margin_low_bytes: number | null;
}
export interface CapacityReserve {
  name: string;
  low_bytes: number;
  high_bytes: number;
  source: string;
}
/**
 * Each column sums to hbm_total_bytes; free_margin is the last row.
 */
export interface CapacityLedgerRow {
  name: string;
  bytes: number;
  worst_bytes: number;
  source: string;
}
/**
 * What the start-up log prints; null: it does not.
 */
export interface CapacityObserved {
  hbm_total_bytes: number | null;
  free_bytes: number | null;
  weights_bytes: number | null;
  kv_bytes: number | null;
  blocks: number | null;
  block_size: number | null;
  token_capacity: number | null;
  max_concurrency: number | null;
}
export interface CapacityDifference {
  quantity: string;
  unit: string;
  planned_low: number | null;
  planned_high: number | null;
  observed: number;
  /**
   * The framework's rule on other lines of the same log, with their rounding.
   */
  recomputed_low: number | null;
  recomputed_high: number | null;
  status: 'agrees' | 'explained' | 'differs' | 'unplanned';
  /**
   * What moves this quantity.
   */
  cause: string;
}
/**
 * One change, planned again.
 */
export interface CapacityAdvice {
  parameter: string;
  from: number | string | boolean | null;
  to: number | string | boolean | null;
  verdict: 'pass' | 'risk' | 'fail' | 'inconclusive';
  max_concurrency: number | null;
  blocks: number;
  free_margin_bytes: number;
}
export interface Incomplete {
  /**
   * Closed lists in server/profiles and server/profiling: what is missing or damaged.
   */
  code: string;
  /**
   * What was seen and how to bring what is missing.
   */
  detail: string;
}
/**
 * profiling/<job>/capture.json: one capture of a running service: what was attached when, which load ran meanwhile, what the profiler acknowledged, and whether what it left is whole. Measurements whose window overlaps attached_at to detached_at are not measurements of the service alone.
 */
export interface CaptureRecord {
  schema: 'capture-record';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  /**
   * Job id in this run.
   */
  job: string;
  tool: 'msprof' | 'torch';
  /**
   * What the load was focused on.
   */
  phase: 'prefill' | 'decode' | 'mixed';
  /**
   * Run and job of the captured service; null when a pid was given.
   */
  service_job: string | null;
  /**
   * Base URL the load went to.
   */
  endpoint: string;
  /**
   * Processes the profiler was attached to; empty with torch, where the service profiles itself.
   */
  pids: number[];
  /**
   * Every program that ran, in order, as argv; with torch the requests.
   */
  command: string[][];
  /**
   * When the profiler was started; from here on the service may be slower. Null: it never was.
   */
  attached_at: string | null;
  /**
   * When the last process acknowledged the start of the collection.
   */
  started_at: string | null;
  /**
   * When the stop was asked for.
   */
  stopped_at: string | null;
  /**
   * When the profiler had left.
   */
  detached_at: string | null;
  workload: CaptureWorkload;
  acks: CaptureAck[];
  folders: CaptureFolder[];
  checks: CaptureCheck[];
  /**
   * inconclusive: what is missing stands in reasons; nothing may be concluded from this capture.
   */
  verdict: 'complete' | 'inconclusive';
  reasons: CaptureReason[];
}
export interface CaptureWorkload {
  api: string;
  model: string | null;
  /**
   * The prompts follow from it; no two requests share one.
   */
  seed: string;
  parallel: number;
  batches: number;
  warmup_batches: number;
  /**
   * As asked; prompts are words, so the server's count differs.
   */
  input_tokens: number;
  output_tokens: number;
  warmup: CaptureCounts;
  during: CaptureCounts;
}
export interface CaptureCounts {
  requests: number;
  /**
   * Answered to their end.
   */
  ok: number;
  failed: number;
  /**
   * Ended by us, after the collection had stopped.
   */
  cut: number;
  /**
   * Stream events with text that arrived while the collection ran; one event may carry several tokens.
   */
  events: number;
  /**
   * Summed as the server counted them; null when it did not say for every request.
   */
  prompt_tokens: number | null;
  completion_tokens: number | null;
}
export interface CaptureAck {
  pid: number | null;
  /**
   * Closed list in server/programs/msprof.ts; with torch the path and its HTTP status.
   */
  event: string;
  /**
   * UTC time, ISO 8601.
   */
  at: string;
}
export interface CaptureFolder {
  /**
   * PROF_* or *_ascend_pt, relative to the run root, or absolute where it was left.
   */
  path: string;
  files: number;
  bytes: number;
  /**
   * Every device folder has its end mark.
   */
  stopped: boolean;
  exported: boolean;
  /**
   * communication.json is there.
   */
  communication: boolean;
}
export interface CaptureCheck {
  check: string;
  ok: boolean;
  detail: string;
}
export interface CaptureReason {
  /**
   * Closed list in server/profiling/capture/reasons.ts.
   */
  code: string;
  detail: string;
}
/**
 * Shapes shared by every artifact.
 */
export interface Common {
  [k: string]: unknown;
}
export interface ArtifactRef {
  /**
   * What the file is, e.g. profiling-analysis, five-tables, raw.
   */
  kind: string;
  /**
   * Absolute path.
   */
  path: string;
  /**
   * Name of the schema the file was checked against; null for files without one.
   */
  schema: string | null;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  sha256: string;
}
/**
 * comparison/<n>/report.json: whether a performance claim about two sets of service starts may be made, and how sure it is.
 */
export interface ComparisonReport {
  schema: 'comparison-report';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'supported' | 'refuted' | 'equivalent' | 'inconclusive' | 'inadmissible';
  grade: 'smoke' | 'indicative' | 'formal' | 'reproduced' | 'simulated';
  claim: ComparisonClaim;
  reasons: ComparisonReason[];
  metrics: ComparisonMetric[];
  inputs: ComparisonInput[];
  order: ComparisonOrder;
  /**
   * Service level met first, then request throughput, output throughput, median TTFT, median TPOT.
   */
  ranking: ComparisonRank[];
  plan: ComparisonPlan | null;
  differences: Differences2;
  /**
   * Earlier formal report of this run root that this one confirms with later service starts.
   */
  confirms: string | null;
  notes: Warning[];
}
export interface ComparisonClaim {
  metric: string;
  direction: 'decrease' | 'increase' | 'no-regression';
  threshold_pct: number | null;
  equivalence_pct: number;
  confidence: number;
  /**
   * Where the metric comes from.
   */
  origin: 'asked' | 'manifest' | 'default';
}
export interface ComparisonReason {
  /**
   * Closed list in server/benchmark/compare/codes.ts.
   */
  code: string;
  severity: 'blocker' | 'caution';
  /**
   * What the side had; null: nothing.
   */
  baseline: string | null;
  candidate: string | null;
  detail: string;
}
/**
 * One metric of one load. Means over service starts of each start's value; the interval is that of the ratio of the two means.
 */
export interface ComparisonMetric {
  metric: string;
  /**
   * Load of both sides, e.g. parallel_4_number_40.
   */
  load: string;
  /**
   * True when the verdict of the whole comparison rests on this row.
   */
  primary: boolean;
  /**
   * Mean over service starts, in the metric's unit.
   */
  baseline: number | null;
  candidate: number | null;
  /**
   * (candidate / baseline − 1) × 100.
   */
  delta_pct: number | null;
  /**
   * Null: no bound.
   */
  ci_low_pct: number | null;
  /**
   * Null: no bound.
   */
  ci_high_pct: number | null;
  /**
   * Two-sided Welch or paired t test of no difference; agrees with the interval.
   */
  p_value: number | null;
  /**
   * Two-sided exact permutation (unpaired) or sign-flip (paired) test; null when there are too many arrangements.
   */
  p_exact: number | null;
  /**
   * p_value after Holm over all rows with one.
   */
  p_holm: number | null;
  n_baseline: number;
  n_candidate: number;
  /**
   * Standard deviation over service starts, of the mean.
   */
  cv_baseline_pct: number | null;
  cv_candidate_pct: number | null;
  /**
   * Smallest change that these numbers of starts and this spread show with 80 % power.
   */
  mde_pct: number | null;
  /**
   * Null: fewer than two service starts on a side, no interval.
   */
  method: 'welch' | 'paired' | null;
  /**
   * Of this row alone, by the direction of the claim or the metric's own good direction.
   */
  verdict: 'supported' | 'refuted' | 'equivalent' | 'inconclusive';
}
/**
 * One service start with what was measured on it.
 */
export interface ComparisonInput {
  side: 'baseline' | 'candidate';
  label: string;
  run: string | null;
  commit: string | null;
  /**
   * Null: unknown.
   */
  service_started_at: string | null;
  /**
   * Null: unknown.
   */
  first_request_at: string | null;
  passes: number;
  /**
   * The perf-metrics files, as they were read.
   */
  metrics: Source[];
}
export interface ComparisonOrder {
  /**
   * Sides in the order of their first request, B and C; null: a start time is missing.
   */
  sequence: string | null;
  interleaved: boolean | null;
  /**
   * Pairs of neighbours, one of each side; null where the sides do not pair up.
   */
  pairs: number | null;
}
export interface ComparisonRank {
  rank: number;
  side: 'baseline' | 'candidate';
  load: string;
  /**
   * Null: no service level given, or its p99 is missing.
   */
  sla_met: boolean | null;
  request_tps: number | null;
  output_tps: number | null;
  ttft_p50_ms: number | null;
  tpot_p50_ms: number | null;
  ttft_p99_ms?: number | null;
  tpot_p99_ms?: number | null;
}
export interface ComparisonPlan {
  /**
   * Spread of the primary metric between service starts, pooled over the sides.
   */
  noise_cv_pct: number | null;
  /**
   * What the spread was taken from.
   */
  noise_from: string;
  power: number;
  confidence: number;
  effects: ComparisonPlanRow[];
}
export interface ComparisonPlanRow {
  effect_pct: number;
  /**
   * Service starts each side needs; null: more than the search limit.
   */
  starts_per_side: number | null;
  wished: boolean;
}
export interface ComparisonDifference {
  field: string;
  baseline: string | null;
  candidate: string | null;
}
/**
 * What one step of a model must compute and move on one rank, and the time no device can beat. A bound, not a forecast.
 */
export interface ComputeEstimate {
  schema: 'compute-estimate';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'compute-bound' | 'memory-bound' | 'communication-bound' | 'inconclusive';
  point: ComputePoint;
  model: ComputeModel;
  device: ComputeDevice | null;
  params_total: number;
  params_active: number;
  /**
   * Per rank and step, 2 per multiply-add; the sum over ops.
   */
  flops: number;
  cube_flops: number;
  vector_flops: number;
  weight_bytes: number;
  cache_bytes: number;
  /**
   * Per rank and step from memory: weights, cache, activations beyond L2; the sum over ops but collectives.
   */
  bytes: number;
  bytes_sent: number;
  compute_us: number | null;
  communication_us: number | null;
  /**
   * Communication wholly hidden.
   */
  time_lower_bound_us: number | null;
  /**
   * Communication wholly exposed.
   */
  time_no_overlap_us: number | null;
  tokens_per_step: number;
  /**
   * Of the whole replica: accepted tokens in decode, prompt tokens in prefill.
   */
  tokens_per_s_upper_bound: number | null;
  ops: Ops;
  memory: ComputeMemory;
  speculation: ComputeSpeculation | null;
  /**
   * True with a measured profile; else every time is a bound nothing has been compared with.
   */
  calibrated: boolean;
  measured: ComputeMeasured | null;
  mfu_pct: number | null;
  mbu_pct: number | null;
  what_if: WhatIf;
  break_even: BreakEven;
  assumptions: Assumptions;
  findings: Finding[];
}
/**
 * The step that was priced. Null: not given.
 */
export interface ComputePoint {
  phase: 'prefill' | 'decode';
  /**
   * SoC name; null: no device, so no times.
   */
  chip: string | null;
  tp: number;
  dp: number;
  ep: number;
  pp: number;
  dtype: 'bf16' | 'fp16' | null;
  quant: string | null;
  /**
   * Sequences of the whole replica in one step.
   */
  batch: number;
  /**
   * Prefill: new tokens per sequence.
   */
  input_tokens: number | null;
  /**
   * Prefill: tokens cached before. Decode: tokens the first query sees, itself included.
   */
  context_tokens: number;
  num_speculative_tokens: number;
  /**
   * Constant acceptance per draft, 0 to 1.
   */
  acceptance_rate: number | null;
  draft_layers: number | null;
}
export interface ComputeModel {
  /**
   * Known name, or the folder as given.
   */
  name: string;
  model_type: string;
  layers: number;
  /**
   * Text model without MTP layers and towers.
   */
  params_total: number;
  /**
   * Total minus the routed experts a token does not use.
   */
  params_active: number;
  params_mtp: number | null;
}
export interface ComputeDevice {
  soc: string;
  /**
   * What one rank holds; on A3 one die.
   */
  device: string;
  cube_cores: number;
  clock_mhz: number;
  /**
   * Cores x clock x 8192: the roof of matrix products.
   */
  cube_fp16_tflops: number | null;
  cube_int8_tops: number | null;
  /**
   * Cube and vector added, as the sheet prints it; not used.
   */
  marketing_fp16_tflops: number | null;
  memory_bytes_per_s: number;
  confidence: 'high' | 'medium' | 'low';
  /**
   * Cores or clock were read from the capture.
   */
  from_card: boolean;
}
/**
 * One operator of the step on one rank.
 */
export interface ComputeOp {
  op: string;
  /**
   * Kernels in the step.
   */
  calls: number;
  flops: number;
  /**
   * From memory; of a collective, what the rank sends.
   */
  bytes: number;
  /**
   * Larger of work over peak and bytes over bandwidth; null without device or links.
   */
  time_us: number | null;
  bound: 'compute' | 'memory' | 'communication' | null;
}
export interface ComputeMemory {
  weights_bytes: number;
  cache_bytes: number;
  device_bytes: number | null;
  /**
   * False: weights and cache alone exceed the device. True leaves the reserves to capacity_plan.
   */
  fits: boolean | null;
}
export interface ComputeSpeculation {
  tokens_per_sequence_step: number;
  time_without_us: number | null;
  /**
   * Tokens/s with over without drafts, both at the bound.
   */
  speedup_bound: number | null;
}
export interface ComputeMeasured {
  device: number;
  rank: number | null;
  devices: number;
  steps: number;
  steps_source: 'attention-kernels' | 'markers';
  /**
   * Compute kernels of one step on the slowest device.
   */
  kernel_us: number;
  /**
   * Span over steps, idle included.
   */
  step_us: number | null;
  /**
   * Of kernel time: time of the cube at its peak / measured.
   */
  mfu_pct: number;
  /**
   * Of kernel time: (weights touched + KV and state) / (measured x bandwidth).
   */
  mbu_pct: number;
  /**
   * Of the span.
   */
  mfu_step_pct: number | null;
  mbu_step_pct: number | null;
  groups: ComputeMeasuredGroup[];
}
export interface ComputeMeasuredGroup {
  group: 'matmul' | 'attention' | 'other';
  measured_us: number;
  /**
   * Null with drafts, whose kernels carry the same names.
   */
  bound_us: number | null;
  op_types: string[];
}
export interface ComputeWhatIf {
  /**
   * What differs from the base.
   */
  change: {
    [k: string]: unknown;
  };
  flops: number | null;
  bytes: number | null;
  bound: 'compute' | 'memory' | 'communication' | null;
  time_lower_bound_us: number | null;
  time_no_overlap_us: number | null;
  tokens_per_s_upper_bound: number | null;
  tokens_per_s_change_pct: number | null;
  /**
   * Bound x the measured ratio of the base; null without a profile.
   */
  time_calibrated_us: number | null;
  fits: boolean | null;
  /**
   * Code and cause when the row means no possible plan.
   */
  error: string | null;
}
export interface ComputeBreakEven {
  what: string;
  /**
   * First value for which it holds; null: not up to searched_to.
   */
  at: number | null;
  unit: 'sequences' | 'tokens' | 'drafts' | 'acceptance';
  searched_to: number;
  note: string;
}
/**
 * The state of an NPU host at one moment, from npu-smi and version files: chips, memory, processes, versions, and whether a measurement may start.
 */
export interface EnvSnapshot {
  schema: 'env-snapshot';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  /**
   * before: no service, cards free; idle: service up, no load; after: load ended.
   */
  phase: 'before' | 'idle' | 'after' | null;
  verdict: 'clean' | 'contaminated' | 'unavailable' | 'inconclusive';
  host?: string | null;
  /**
   * host: captured by this tool on this host; raw_dir: read from outputs somebody else captured.
   */
  origin?: 'host' | 'raw_dir';
  /**
   * Times the chip table was read; aicore_pct is the largest of them.
   */
  samples?: number;
  chips: Chip[];
  /**
   * From the driver's version.info (or npu-smi -t board), not npu-smi's own.
   */
  driver_version: string | null;
  npu_smi_version: string | null;
  firmware_version?: string | null;
  cann_version: string | null;
  os?: string | null;
  frameworks: Frameworks;
  topology?: Topology;
  reasons: Reasons;
  /**
   * Programs and files that were looked for.
   */
  looked_for: string[];
}
export interface Chip {
  /**
   * Logical device id, as ASCEND_RT_VISIBLE_DEVICES counts.
   */
  logic_id: number | null;
  npu_id: number | null;
  chip_id: number | null;
  phy_id: number | null;
  /**
   * As npu-smi info prints it, e.g. 910B3, Ascend910, 310P3.
   */
  name: string | null;
  /**
   * SoC name, e.g. Ascend910B3, Ascend910_9392; on A3 and 950 it needs -t board.
   */
  soc?: string | null;
  bus_id?: string | null;
  /**
   * As npu-smi says: OK, Warning, Alarm, Critical, UNKNOWN.
   */
  health: string | null;
  /**
   * Error codes of -t health.
   */
  health_codes?: string[];
  memory_kind: 'HBM' | 'DDR' | null;
  hbm_used_mb: number | null;
  hbm_total_mb: number | null;
  aicore_pct: number | null;
  /**
   * Overall utilisation, where the table prints it in the place of AICore (950).
   */
  npu_util_pct?: number | null;
  /**
   * HBM Double Bit Error Count of -t ecc.
   */
  hbm_double_bit_errors?: number | null;
  /**
   * Null where the tool prints - (second die) or NA.
   */
  power_w: number | null;
  temp_c: number | null;
  /**
   * Null when the process list is missing (truncated paste), empty when the tool says none.
   */
  processes: NpuProcess[] | null;
}
export interface NpuProcess {
  /**
   * On the host.
   */
  pid: number;
  /**
   * Inside the container, where the table prints it.
   */
  container_pid?: number | null;
  name: string | null;
  memory_mb: number | null;
  /**
   * True when this run started the process.
   */
  known: boolean;
}
export interface Framework {
  name: string;
  version: string | null;
}
export interface EnvReason {
  /**
   * Closed list in server/environment/reasons.ts.
   */
  code: string;
  detail: string;
}
/**
 * One line of accuracy/<job>/failed_cases.jsonl: an answer that scored below 1, or that a detector points at.
 */
export interface FailedCase {
  id: string;
  dataset: string;
  subset: string;
  repeat: number;
  prompt: string | null;
  target: string | null;
  /**
   * Whole text of the answer.
   */
  prediction: string | null;
  /**
   * The answer as it was read out of the text.
   */
  extracted: string | null;
  score: number | null;
  finish_reason: 'stop' | 'length' | 'other' | null;
  output_tokens: number | null;
  /**
   * pointed: the score is full, a detector points at the text.
   */
  cause: 'empty' | 'truncated' | 'looping' | 'garbled' | 'unparsed' | 'wrong' | 'pointed';
  detectors: DetectorHit[];
}
export interface DetectorHit {
  detector: string;
  value: number;
}
/**
 * incident/<n>/report.json: the first error over all ranks, what follows from it, and what to do next.
 */
export interface IncidentReport {
  schema: 'incident-report';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'diagnosed' | 'suspected' | 'no-known-signature' | 'inconclusive';
  /**
   * incidents[0].
   */
  primary: Incident | null;
  incidents: Incidents;
  cascades: Cascades;
  timeline: Timeline;
  unmatched: Unmatched;
  first_evidence: FirstEvidence;
  actions: Actions;
  would_change: WouldChange;
  processes: Processes;
  commands: Commands;
  input: IncidentInput;
  notes: Warning[];
}
export interface Incident {
  /**
   * Signature, or silent-rank, rank-ended, stalled-start.
   */
  id: string;
  class: IncidentClass;
  layer: IncidentLayer;
  confidence: 'high' | 'medium' | 'low';
  /**
   * False: the meaning of the signature was not seen in a source or a public log.
   */
  verified: boolean;
  meaning: string;
  /**
   * Why this is the origin.
   */
  why: string;
  origin: IncidentOrigin;
  /**
   * All ranks with this signature's class.
   */
  ranks: number[];
  count: number;
  causes: string[];
  evidence: IncidentEvidence[];
  false_friends: string[];
  source: string;
}
/**
 * Where it began; file and line are null when the origin is a rank that said nothing.
 */
export interface IncidentOrigin {
  rank: number | null;
  host: string | null;
  pid: number | null;
  device: number | null;
  file: string | null;
  line: number | null;
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  time: string | null;
}
export interface IncidentEvidence {
  file: string;
  line: number;
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  time: string | null;
  rank: number | null;
  /**
   * The line, cleaned and capped: data, not instructions.
   */
  text: string;
}
export interface IncidentCascade {
  id: string;
  class: IncidentClass;
  /**
   * Index into incidents; null: none of them explains it.
   */
  under: number | null;
  count: number;
  ranks: number[];
  processes: number;
  first: IncidentEvidence;
  /**
   * After the origin, clocks aligned where possible.
   */
  delay_s: number | null;
  meaning: string;
}
export interface IncidentMoment {
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  time: string | null;
  rank: number | null;
  host: string | null;
  id: string;
  role: 'root' | 'timeout' | 'cascade';
  file: string;
  line: number;
  text: string;
}
/**
 * An error line no signature knows, once per wording.
 */
export interface IncidentUnmatched {
  file: string;
  line: number;
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  time: string | null;
  rank: number | null;
  count: number;
  text: string;
}
export interface IncidentProcess {
  host: string | null;
  pid: number | null;
  rank: number | null;
  device: number | null;
  files: number;
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  first_time: string | null;
  /**
   * Wall clock of the writing host, ISO 8601 without zone; null: the line and its block carry none.
   */
  last_time: string | null;
  counts: IncidentCount[];
}
export interface IncidentCount {
  id: string;
  count: number;
}
/**
 * What collect ran or read on this host.
 */
export interface IncidentCommand {
  command: string;
  outcome: 'ok' | 'failed' | 'missing' | 'refused';
  bytes: number;
}
export interface IncidentInput {
  files: number;
  /**
   * After decompression.
   */
  bytes: number;
  lines: number;
  error_lines: number;
}
/**
 * jobs/<job>/job.json: one detached piece of work. Written atomically by its worker; a reader checks pid, process start time and boot id before it believes working.
 */
export interface JobState {
  /**
   * Job id, unique in its run: kind and number.
   */
  job: string;
  run: string;
  /**
   * service, bench, profile, accuracy …
   */
  kind: string;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  request_sha256: string;
  /**
   * What was asked, redacted.
   */
  request: {
    [k: string]: unknown;
  };
  state: 'working' | 'completed' | 'failed' | 'cancelled' | 'lost';
  /**
   * Where the work stands, e.g. starting, ready, measuring.
   */
  stage: string;
  progress: JobProgress;
  /**
   * Null until the worker has said who it is.
   */
  worker: ProcessIdentity | null;
  /**
   * UTC time, ISO 8601.
   */
  started_at: string;
  /**
   * UTC time, ISO 8601.
   */
  updated_at: string;
  ended_at: string | null;
  /**
   * What the work answers when it is completed, or has so far.
   */
  result: {
    [k: string]: unknown;
  } | null;
  error: JobError | null;
  /**
   * What was still there when the job ended: processes, ports, files.
   */
  left: string[];
}
/**
 * A process that cannot be mistaken for a later one with the same pid.
 */
export interface ProcessIdentity {
  pid: number;
  /**
   * Field 22 of /proc/<pid>/stat: clock ticks since boot.
   */
  start_ticks: number;
  boot_id: string;
}
export interface JobError {
  code: string;
  seen: string;
  next: string;
}
/**
 * What one change did, under which conditions, with its evidence. A card without evidence is refused.
 */
export interface LessonCard {
  id: string;
  title: string;
  framework: 'xllm' | 'vllm-ascend' | 'sglang' | 'any';
  model_family: string;
  scenario: string;
  change: string;
  effect: LessonEffect[];
  /**
   * @minItems 1
   */
  evidence: [LessonEvidence, ...LessonEvidence[]];
  touched_paths: string[];
  risks: string[];
  next_checks: string[];
  status: 'verified' | 'suspected' | 'pending';
  confidence: 'high' | 'medium' | 'low';
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
}
export interface LessonEffect {
  metric: string;
  before: number | null;
  after: number | null;
  delta_pct: number | null;
  conditions: string;
}
/**
 * The search for the largest load that meets a service level: every pass in order, and what came out.
 */
export interface LoadSearch {
  schema: 'load-search';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  job: string;
  /**
   * What was varied: requests in flight, or requests per second.
   */
  by: 'parallel' | 'rate';
  sla: LoadSearchLevel;
  /**
   * Passes at each edge.
   */
  repeats: number;
  /**
   * Gap between the edges that ended the search, as a share of the lower one.
   */
  resolution: number;
  tries: LoadSearchTry[];
  result: LoadSearchResult;
  words: string;
}
export interface LoadSearchLevel {
  ttft_p99_ms: number | null;
  tpot_p99_ms: number | null;
}
export interface LoadSearchTry {
  load: number;
  number: number | null;
  /**
   * perf-metrics of the pass, relative to the run root.
   */
  metrics: string;
  ttft_p99_ms: number | null;
  tpot_p99_ms: number | null;
  failed: number | null;
  /**
   * Null: its p99 is not known.
   */
  meets: boolean | null;
}
export interface LoadSearchResult {
  /**
   * Largest load most of whose passes met the level.
   */
  largest: number | null;
  smallest_failing: number | null;
  /**
   * Largest load up to which no pass failed it.
   */
  surely_met: number | null;
  /**
   * Smallest load from which on every pass failed it.
   */
  surely_failed: number | null;
  /**
   * False: a higher load met the level that a lower one failed.
   */
  monotone: boolean;
  /**
   * Every p99 rests on at least 299 requests.
   */
  tail_known: boolean;
  passes: number;
  end: 'edge-found' | 'cap-met' | 'none-met' | 'passes-spent' | 'unjudged';
}
/**
 * loop.json: where an optimisation stands. Written by loop_update after each gate it checked; enough for somebody else to go on.
 */
export interface LoopState {
  schema: 'loop-state';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  /**
   * Artifacts the gates passed on, by path.
   */
  source: Source[];
  run: string;
  /**
   * UTC time, ISO 8601.
   */
  updated_at: string;
  phase:
    | 'target'
    | 'environment'
    | 'history'
    | 'baseline'
    | 'gap'
    | 'evidence'
    | 'plan'
    | 'patch'
    | 'review'
    | 'accuracy'
    | 'performance'
    | 'record';
  /**
   * Gates passed, oldest first; from the evidence phase on each attempt passes its own.
   */
  passed: LoopPassed[];
  attempts: LoopAttempt[];
  /**
   * Other runs whose artifacts count: service starts of the two sides.
   */
  related_runs: string[];
  /**
   * Percentage points of the wished change that are still missing; 0 when met, null before a comparison.
   */
  gap_pct: number | null;
  stop_reason: 'target-met' | 'tie' | 'hardware-bound' | 'no-gain' | 'asked' | null;
  stop_detail: string | null;
}
export interface LoopPassed {
  phase: string;
  attempt: number | null;
  /**
   * UTC time, ISO 8601.
   */
  at: string;
  /**
   * What the gate saw.
   */
  have: string[];
}
/**
 * One hypothesis and one change. Attempts that failed stay.
 */
export interface LoopAttempt {
  n: number;
  hypothesis: string;
  /**
   * One commit, or one flag=value.
   */
  change: string;
  /**
   * UTC time, ISO 8601.
   */
  opened_at: string;
  closed_at: string | null;
  outcome: 'gain' | 'no-gain' | 'regression' | 'failed' | 'abandoned' | null;
  reason: string | null;
  /**
   * Change of the target metric as bench_compare computed it.
   */
  delta_pct: number | null;
  evidence: string[];
}
/**
 * migration/<n>/report.json: one check of an operator on its way to the NPU, and the gates it leaves open.
 */
export interface OpMigration {
  schema: 'op-migration';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  kind: 'route' | 'constraints' | 'accuracy' | 'performance';
  verdict: 'pass' | 'fail' | 'inconclusive';
  /**
   * How far this run's evidence carries the migration. integrated and e2e-pass are never claimed from files.
   */
  status: 'planned' | 'blocked' | 'unit-pass' | 'perf-pass';
  op: string | null;
  chip: string | null;
  route: OpRouteChoice | null;
  /**
   * Every rule that was looked at.
   */
  constraints: OpConstraint[] | null;
  accuracy: OpAccuracy | null;
  performance: OpPerformance | null;
  gates: OpGate[];
  /**
   * Why the verdict is not pass.
   */
  reasons: string[];
  findings: Finding[];
  incomplete: Incomplete[];
}
export interface OpRouteChoice {
  chosen: 'aclnn' | 'xllm_ops' | 'atb' | 'triton-ascend' | 'tilelang' | 'none';
  from: string;
  /**
   * What the operator needs, by its name.
   */
  work: 'vector' | 'cube' | 'mixed' | 'unknown';
  choices: OpRoute[];
  /**
   * Kernels of that or a near name that xLLM has.
   */
  existing: OpExisting[];
  /**
   * To be answered before a kernel is written.
   */
  questions: string[];
}
export interface OpRoute {
  route: 'aclnn' | 'xllm_ops' | 'atb' | 'triton-ascend' | 'tilelang' | 'none';
  why: string;
  /**
   * Where it is done in xLLM.
   */
  where: string;
  /**
   * 1 is the choice.
   */
  rank: number;
}
export interface OpExisting {
  name: string;
  kind: 'tilelang' | 'xllm_ops';
  where: string;
}
export interface OpConstraint {
  rule: string;
  result: 'ok' | 'violated' | 'warning' | 'unchecked';
  value: number | null;
  limit: number | null;
  unit: string;
  why: string;
  /**
   * The largest that fits, or how it is put right.
   */
  fit: string | null;
  source: string;
}
export interface OpAccuracy {
  /**
   * single: against limits of the dtype; double: against the errors of a third implementation; exact: integers; none: no limit is known, or nothing could be compared.
   */
  standard: 'single' | 'double' | 'exact' | 'none';
  /**
   * The errors are judged by it.
   */
  dtype: string;
  level: 'L0' | 'L1' | 'L2' | null;
  golden: OpTensor;
  actual: OpTensor;
  benchmark: OpTensor | null;
  errors: OpErrors | null;
  benchmark_errors: OpErrors | null;
  limits: OpLimit[];
  worst: OpWorst[];
}
export interface OpTensor {
  path: string;
  name: string | null;
  dtype: string;
  shape: number[];
}
export interface OpErrors {
  elements: number;
  /**
   * Elements whose value differs at all.
   */
  mismatches: number;
  /**
   * Mean relative error over the elements it is judged by, error over |golden| + 1e-7; null: none, or not finite.
   */
  mere: number | null;
  /**
   * Largest relative error of them.
   */
  mare: number | null;
  /**
   * Null where a side has no length.
   */
  cosine: number | null;
  max_abs: number | null;
  rmse: number | null;
  /**
   * Elements that are NaN or infinite on one side only, or infinite with the other sign.
   */
  nan_inf: number;
  /**
   * Finite elements with |golden| below the small-value region of the dtype.
   */
  small_elements: number;
  /**
   * Of those, elements off by more than the absolute tolerance.
   */
  small_errors: number;
  /**
   * |larger − smaller| / elements: 0 is unbiased.
   */
  balance: number | null;
}
export interface OpLimit {
  metric: string;
  value: number | null;
  limit: number;
  ok: boolean;
  source: string;
}
export interface OpWorst {
  /**
   * In the tensor, as C-order coordinates.
   */
  index: number[];
  golden: number | string;
  actual: number | string;
  abs: number | null;
  rel: number | null;
}
export interface OpPerformance {
  kind: 'operator-profile' | 'capture';
  pairs: OpPair[];
  geomean_speedup: number | null;
  worst_speedup: number | null;
  min_speedup: number;
  /**
   * Least speed-up of any shape.
   */
  slowest_allowed: number;
  unpaired: string[];
}
export interface OpPair {
  baseline: string;
  candidate: string;
  /**
   * Input shapes; null: the profile does not hold them.
   */
  shapes: string | null;
  baseline_us: number | null;
  candidate_us: number | null;
  speedup: number | null;
  /**
   * Of the baseline and of the candidate.
   */
  launches: number[];
  /**
   * Busiest unit and its share of cycles.
   */
  baseline_unit: string | null;
  candidate_unit: string | null;
  /**
   * Of the bandwidth to main memory, as msprof op reports it.
   */
  baseline_memory_peak_pct: number | null;
  candidate_memory_peak_pct: number | null;
  /**
   * Bytes counted at main memory over time, GB/s.
   */
  baseline_gbps: number | null;
  candidate_gbps: number | null;
  /**
   * Operations counted on the matrix unit over time; without them those of the vector unit.
   */
  baseline_gflops: number | null;
  candidate_gflops: number | null;
  /**
   * Least time by counted bytes and matrix operations on the chip named, over the time measured; null without chip or counters. Above 100 the bytes came from L2.
   */
  baseline_roofline_pct: number | null;
  candidate_roofline_pct: number | null;
}
export interface OpGate {
  gate: string;
  state: 'met' | 'partial' | 'failed' | 'open';
  need: string;
  have: string;
}
/**
 * perf/<job>/<point>/metrics.json: what a load client measured, in one vocabulary for every client. Numbers that the client did not give, or that would be averages over zero successes, are null.
 */
export interface PerfMetrics {
  schema: 'perf-metrics';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  /**
   * Benchmark job in this run; null when imported.
   */
  job: string | null;
  /**
   * Service job that was measured.
   */
  service_job?: string | null;
  /**
   * When the measured service was started: the unit of replication. Null: unknown.
   */
  service_started_at?: string | null;
  points: PerfPoint[];
  incomplete: Incomplete[];
}
/**
 * One pass of one load. Passes of the same load against the same service start share id, parallel, rate and number; they are averaged, never counted as replicates.
 */
export interface PerfPoint {
  /**
   * Name of the load, e.g. parallel_4_number_40.
   */
  id: string;
  /**
   * Which pass of the load this is, from 1.
   */
  repeat?: number;
  /**
   * Requests in flight at most; null in an open loop.
   */
  parallel: number | null;
  /**
   * Requests per second; null is unthrottled.
   */
  rate: number | null;
  /**
   * Requests asked.
   */
  number: number | null;
  success: number | null;
  failed: number | null;
  /**
   * Wall time of the measured window, warm-up excluded.
   */
  duration_s: number | null;
  /**
   * When the client began the measured window, by the clock of the host it ran on.
   */
  started_at?: string | null;
  /**
   * When the client ended.
   */
  ended_at?: string | null;
  /**
   * Requests before the window; null: unknown.
   */
  warmup: number | null;
  /**
   * Passes of this load asked for.
   */
  repeats: number | null;
  /**
   * True when a prompt of the window had been sent to the same service before; null: unknown.
   */
  repeated_prompts?: boolean | null;
  /**
   * Log lines of the service inside the window that tell of graph capture or compilation; null: not looked for.
   */
  graph_captures?: number | null;
  stream: boolean | null;
  sampling: PerfSampling;
  ttft_ms: PerfLatency;
  tpot_ms: PerfLatency;
  itl_ms: PerfLatency;
  e2el_ms: PerfLatency;
  /**
   * Output tokens per second of the window.
   */
  output_tps: number | null;
  /**
   * Input and output tokens per second.
   */
  total_tps: number | null;
  /**
   * Successful requests per second.
   */
  request_tps: number | null;
  input_tokens: PerfTokens;
  output_tokens: PerfTokens;
  speculative: PerfSpeculative | null;
  client: PerfClient;
  /**
   * Requests per second that met the service level the client was given.
   */
  goodput?: number | null;
}
/**
 * Null: not sent.
 */
export interface PerfSampling {
  temperature: number | null;
  top_p: number | null;
  top_k: number | null;
  seed: number | null;
  ignore_eos: boolean | null;
}
/**
 * Milliseconds over the successful requests of the window. Percentiles as the client computes them; interpolated where they are computed from its per-request rows.
 */
export interface PerfLatency {
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  min?: number | null;
  max?: number | null;
  std?: number | null;
  /**
   * Only where the client defines it differently from the common definition.
   */
  definition?: string;
}
/**
 * Tokens per successful request.
 */
export interface PerfTokens {
  mean: number | null;
  p50?: number | null;
  p90?: number | null;
  p95?: number | null;
  p99?: number | null;
  min?: number | null;
  max?: number | null;
  total?: number | null;
  /**
   * server: the service's usage; client: counted with its tokenizer.
   */
  source?: 'server' | 'client';
}
export interface PerfSpeculative {
  accepted_tokens: number | null;
  draft_tokens: number | null;
  /**
   * Accepted of drafted tokens, 0 to 1.
   */
  acceptance_rate: number | null;
  /**
   * Tokens per decode step.
   */
  tokens_per_step: number | null;
  /**
   * server: difference of the service's counters; client: guessed from chunks.
   */
  source: 'server' | 'client';
}
export interface PerfClient {
  name: string;
  version: string | null;
  /**
   * Which layout of the client's output files was read.
   */
  output_generation: string | null;
}
/**
 * What repeats in a device profile: steps, their stages, the bubbles between and inside them with their cause, the layers inside a step, and how the ranks differ. A profile explains; it never measures performance.
 */
export interface PipelineAnalysis {
  schema: 'pipeline-analysis';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  sources: Sources;
  /**
   * What is missing or damaged, why no steps were found, and what limits the comparison of ranks.
   */
  incomplete: Incomplete[];
  ranks: Ranks;
  verdict: PipelineVerdict;
  /**
   * Device whose steps and layers are shown: the one with the longest span that has steps. Null without steps.
   */
  device: number | null;
  rank: number | null;
  /**
   * How its steps were found; null without steps.
   */
  method: 'markers' | 'anchors' | 'periodicity' | null;
  confidence: 'high' | 'medium' | 'low' | null;
  /**
   * Op that ends a step and op that begins the next.
   */
  boundary: StepBoundary | null;
  steps: StepsTable;
  stages: Stages;
  bubbles: Bubbles;
  layers: Layers | null;
  /**
   * Null when ranks cannot be compared; incomplete says why.
   */
  rank_skew: RankSkewTable | null;
  devices: Devices;
  findings: Finding[];
}
export interface ProfileSource {
  path: string;
  /**
   * E.g. msprof-db, op-summary-csv, kernel-details-csv, timeline-json.
   */
  kind: string;
  rows: number | null;
  bytes: number;
}
export interface ProfileRank {
  /**
   * Global rank; null in native msprof captures, which do not know it.
   */
  rank: number | null;
  /**
   * Device id as the profile counts it.
   */
  device: number;
  host: string | null;
}
export interface PipelineVerdict {
  class: 'device-bound' | 'host-bound' | 'communication-bound' | 'rank-skewed' | 'mixed' | 'inconclusive';
  confidence: 'high' | 'medium' | 'low';
  evidence: Evidence1;
}
export interface BottleneckEvidence {
  metric: string;
  value: number | null;
  threshold: number | null;
  /**
   * Where the value comes from and whose threshold it is.
   */
  source: string;
}
export interface StepBoundary {
  before: string;
  after: string;
  /**
   * True: as the caller gave it.
   */
  given: boolean;
}
export interface StepsTable {
  /**
   * Steps found, those torn by an end of the capture left out when less than half is there.
   */
  count: number;
  /**
   * Steps that the capture holds with the start of the next one; quantiles are over these.
   */
  whole: number;
  /**
   * Start to start.
   */
  period_us: Quantiles | null;
  /**
   * Union of compute and communication inside the step.
   */
  busy_us: Quantiles | null;
  /**
   * Period minus busy.
   */
  bubble_us: Quantiles | null;
  kinds: StepKindRow[];
  /**
   * Steps far above the median of their kind, worst first.
   */
  outliers: OutlierStep[];
}
/**
 * Nearest rank.
 */
export interface Quantiles {
  p50: number;
  p90: number;
  p99: number;
}
export interface StepKindRow {
  stage: 'prefill' | 'decode' | 'mixed' | null;
  count: number;
  /**
   * Tokens of a step: rows of most of its matrix products.
   */
  tokens_p50: number | null;
  /**
   * Rows of its sampler.
   */
  sequences_p50: number | null;
  period_us: Quantiles | null;
  busy_us: Quantiles | null;
  bubble_us: Quantiles | null;
}
export interface OutlierStep {
  step: number;
  /**
   * From the first step's start.
   */
  start_us: number;
  stage: 'prefill' | 'decode' | 'mixed' | null;
  period_us: number;
  busy_us: number;
  bubble_us: number;
  /**
   * Beyond the median of its kind.
   */
  excess_us: number;
}
export interface StageRow {
  device: number;
  rank: number | null;
  /**
   * Null: kernels of steps whose kind is not known.
   */
  stage: 'prefill' | 'decode' | 'mixed' | 'sampling' | 'communication' | 'other' | null;
  steps: number;
  tasks: number;
  /**
   * Summed task time, collectives included; tasks side by side count both.
   */
  total_us: number;
  /**
   * Of the sum over the device's stages.
   */
  share_pct: number;
}
export interface BubbleRow {
  device: number;
  rank: number | null;
  where: 'between-steps' | 'inside-steps' | 'outside-steps' | null;
  /**
   * Op type that ended last; null in a row that sums what was cut.
   */
  before: string | null;
  after: string | null;
  class: 'host-sync' | 'host-launch' | 'memcpy' | 'comm-wait' | 'untraced';
  count: number;
  total_us: number;
  p50_us: number;
  p99_us: number;
  max_us: number;
  /**
   * Of the device's span.
   */
  share_pct: number;
  /**
   * Of count: the next task was on its stream before the gap began. Null without host calls.
   */
  queued: number | null;
  /**
   * Copies inside; null when the capture lists kernels only.
   */
  memcpy_us: number | null;
  event_wait_us: number | null;
  /**
   * Time in which no traced host call ran; null without host calls.
   */
  host_silent_us: number | null;
  /**
   * Host calls of the process by their overlap with the gaps; nested calls count each.
   */
  host_events: HostEvent[];
}
export interface HostEvent {
  name: string;
  total_us: number;
  /**
   * Calls that overlap a gap of the row, counted once a gap.
   */
  count: number;
}
/**
 * The repeated pattern inside a step.
 */
export interface Layers {
  device: number;
  rank: number | null;
  /**
   * Kind of the steps looked at.
   */
  stage: 'prefill' | 'decode' | 'mixed' | null;
  /**
   * Steps with the same kernel sequence that were averaged.
   */
  steps: number;
  count: number;
  /**
   * Op types of one layer in order of launch, as in most layers.
   */
  pattern: string[];
  /**
   * Median over layers.
   */
  per_layer_us: number;
  layers: LayerRow[];
}
export interface LayerRow {
  layer: number;
  /**
   * Median over steps: start of its first kernel to that of the next layer's, or to the end of its last one.
   */
  us: number;
  /**
   * Against the median of the layers.
   */
  delta_pct: number;
  /**
   * Why it stands out; null when it does not.
   */
  odd: 'slower' | 'faster' | 'sequence' | null;
}
/**
 * Ranks compared by the n-th occurrence of each collective, clocks aligned by collective ends.
 */
export interface RankSkewTable {
  pattern: 'slow-rank' | 'slow-group' | 'uneven-load' | 'slow-link' | 'uneven' | 'clock-skew' | 'balanced';
  /**
   * Collectives seen on two ranks or more.
   */
  collectives_matched: number;
  /**
   * Of these, seen on every rank of their group that is in the capture.
   */
  collectives_complete: number;
  span_us: number;
  /**
   * Null below 5 % skew, and when a group or the load is uneven, not a rank.
   */
  slowest_rank: number | null;
  /**
   * How much longer the slowest rank takes between collectives than the median of its peers; null when there are no peers to measure by.
   */
  skew_pct: number | null;
  slow_ranks: number[];
  spell: SlowSpell | null;
  slow_ops: SlowOp[];
  slow_links: SlowLinkRow[];
  /**
   * Share of all ranks' time spent waiting for a later rank.
   */
  wait_pct: number;
  clock_spread_us: number;
  clock_reference_rank: number;
  groups: SkewGroup[];
  per_rank: RankSkewRow[];
}
export interface SlowSpell {
  /**
   * First slow step of the clock reference rank; null where no steps were found.
   */
  since_step: number | null;
  /**
   * From the first matched collective, on the reference rank's clock.
   */
  since_us: number;
  /**
   * First step after it; null when it lasts to the end.
   */
  until_step: number | null;
  until_us: number | null;
  /**
   * Steps (or intervals) compared inside it.
   */
  steps: number;
  /**
   * The only kind of step in which the rank is slower; null: in all, or not known.
   */
  stage: 'prefill' | 'decode' | null;
  /**
   * Where the time beyond its peers' goes.
   */
  cause: 'kernels' | 'idle' | 'work' | null;
}
export interface SlowOp {
  op_type: string;
  count: number;
  excess_us: number;
  slower_pct: number;
  share_pct: number;
}
export interface SlowLinkRow {
  group: string;
  op: string;
  link: string;
  src: number;
  dst: number;
  src_rank: number | null;
  dst_rank: number | null;
  transfers: number;
  bandwidth_gbps: number;
  peers_gbps: number;
  excess_us: number;
}
export interface SkewGroup {
  group: string;
  size: number | null;
  ranks: number[];
  collectives: number;
  transfer_us_p50: number | null;
  wait_us: number;
}
export interface RankSkewRow {
  rank: number;
  rank_source: 'profile' | 'group' | 'order';
  device: number;
  host: string | null;
  collectives: number;
  compute_us: number | null;
  /**
   * Time in which it was not only communicating.
   */
  own_us: number | null;
  /**
   * Summed over matched collectives: last arrival minus own arrival, clocks aligned.
   */
  comm_wait_us: number | null;
  /**
   * Median over matched collectives: own arrival minus first arrival, clocks aligned.
   */
  late_us_p50: number | null;
  peers: number;
  skew_pct: number | null;
  clock_offset_us: number | null;
  clock_drift_ppm: number | null;
  clock_residual_us: number | null;
}
export interface PipelineDevice {
  device: number;
  rank: number | null;
  host: string | null;
  method: 'markers' | 'anchors' | 'periodicity' | null;
  confidence: 'high' | 'medium' | 'low' | null;
  /**
   * Why it has no steps.
   */
  reason: 'no-kernels' | 'boundary-not-found' | 'no-pattern' | null;
  steps: number;
  whole: number;
  period_p50_us: number | null;
  busy_p50_us: number | null;
  bubble_p50_us: number | null;
  span_us: number | null;
  computing_us: number | null;
  communication_not_overlapped_us: number | null;
  free_us: number | null;
  /**
   * Sum of the bubble table; equals free_us.
   */
  bubbles_us: number | null;
  /**
   * Bubbles that end with a late launch: host-sync and host-launch. Null without host calls.
   */
  host_us: number | null;
  copy_us: number | null;
  comm_wait_us: number | null;
  /**
   * Untraced bubbles whose next task was on its stream already: the device's own gaps.
   */
  queued_us: number | null;
  /**
   * Untraced bubbles of unknown cause.
   */
  untraced_us: number | null;
  class: 'device-bound' | 'host-bound' | 'communication-bound' | 'mixed' | 'inconclusive';
}
/**
 * What a device profile says: the window and where it went, five tables, the bottleneck class with its evidence. A profile explains; it never measures performance.
 */
export interface ProfilingAnalysis {
  schema: 'profiling-analysis';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  sources: Sources;
  incomplete: Incomplete[];
  ranks: Ranks;
  /**
   * The device with the longest span; null when no device time is known.
   */
  window: ProfileWindow | null;
  /**
   * One per device.
   */
  windows: ProfileWindow[];
  bottleneck: Bottleneck;
  /**
   * Null when the capture holds no kernel data.
   */
  kernel: KernelRow[] | null;
  /**
   * Null when the capture cannot hold communication data; empty when it can and there is none.
   */
  communication: CommunicationRow[] | null;
  fusion: FusionRow[] | null;
  dispatch: DispatchRow[] | null;
  memory: MemoryRow[] | null;
  /**
   * Against another capture (compare_to), which is the baseline; null when none was given.
   */
  comparison: ProfileComparison | null;
  /**
   * Operator profiles (OPPROF of msprof op), one entry a replayed kernel; null for captures of a service.
   */
  operators: OperatorRow[] | null;
  findings: Finding[];
}
/**
 * computing_us + communication_not_overlapped_us + free_us = span_us. Free splits exclusively, in this order: memcpy, event wait, AICPU, idle.
 */
export interface ProfileWindow {
  device: number;
  rank: number | null;
  /**
   * Hull of compute and communication.
   */
  span_us: number;
  computing_us: number;
  communication_us: number;
  communication_not_overlapped_us: number;
  free_us: number;
  memcpy_us: number | null;
  event_wait_us: number | null;
  aicpu_us: number | null;
  idle_us: number | null;
  /**
   * Share of communication hidden behind compute; null without communication.
   */
  overlap_pct: number | null;
}
export interface Bottleneck {
  class: 'host-bound' | 'compute-bound' | 'memory-bound' | 'communication-bound' | 'mixed' | 'inconclusive';
  confidence: 'high' | 'medium' | 'low';
  evidence: Evidence1;
}
export interface KernelRow {
  device: number;
  rank: number | null;
  op_type: string;
  /**
   * AI_CORE, AI_VECTOR_CORE, MIX_AIC, MIX_AIV, AI_CPU …
   */
  task_type: string;
  count: number;
  total_us: number;
  avg_us: number;
  max_us: number | null;
  /**
   * Share of the device's summed kernel time.
   */
  share_pct: number;
  /**
   * Null without PMU columns.
   */
  bound: 'cube' | 'vector' | 'mte1' | 'mte2' | 'mte3' | 'fixpipe' | 'scalar' | null;
  /**
   * Floating-point or integer operations of all calls whose shapes give them, a multiply-add counting two; null at types that are neither matrix product nor attention.
   */
  flops: number | null;
  /**
   * Time those calls would take at the cube peak (cores x clock x 8192 at FP16 and BF16, 16384 at INT8) over the time they took. Null when a shape, the type or the peak is not known, and when it came out above 100; incomplete says why.
   */
  mfu_pct: number | null;
  stage: 'prefill' | 'decode' | 'mixed' | 'sampling' | null;
}
export interface CommunicationRow {
  device: number;
  rank: number | null;
  /**
   * Collective type, e.g. hcom_allReduce_.
   */
  op: string;
  group: string | null;
  count: number;
  /**
   * Null where an exported summary does not say.
   */
  total_us: number | null;
  /**
   * SDMA and RDMA payload time on the master plane.
   */
  transit_us: number | null;
  /**
   * Notify-wait time on the master plane.
   */
  wait_us: number | null;
  /**
   * Time in which no plane moved payload and at least one waited for a peer: what a late rank cost, on whatever plane.
   */
  peer_wait_us: number | null;
  not_overlapped_us: number | null;
  /**
   * Summed time over the device's span; operations that run side by side can pass 100.
   */
  share_pct: number | null;
  /**
   * GB/s (1e9 bytes) of one link while in transit.
   */
  bandwidth_gbps: number | null;
  /**
   * Not-overlapped time that compute of the same device, as it ran without any communication, could cover.
   */
  overlap_opportunity_us: number | null;
}
export interface FusionRow {
  device: number;
  rank: number | null;
  pattern: string;
  fused_op: string;
  occurrences: number;
  total_us: number;
  /**
   * All kernels of the sequence but the longest: an upper bound.
   */
  saving_us_estimate: number | null;
  evidence: string;
}
export interface DispatchRow {
  device: number;
  rank: number | null;
  stream: number | null;
  tasks: number;
  busy_us: number;
  /**
   * Time between tasks of the stream, with a running end; event waits are tasks here, though not busy time.
   */
  gap_us: number;
  gaps: number;
  max_gap_us: number;
  launches_per_ms: number | null;
  /**
   * Device start minus host launch start by connection id; null without both.
   */
  launch_latency_us: LaunchLatency | null;
}
export interface LaunchLatency {
  p50: number;
  p99: number;
}
export interface MemoryRow {
  device: number | null;
  rank: number | null;
  /**
   * PTA, GE, APP, HCCL …
   */
  component: string;
  /**
   * Peak reserved (used, where the source has no reservation). MB as torch_npu counts: 1,048,576 bytes.
   */
  peak_mb: number | null;
  /**
   * Reserved at the reserved peak.
   */
  reserved_mb: number | null;
  /**
   * Allocated at the reserved peak.
   */
  allocated_mb: number | null;
  /**
   * (reserved − allocated) / reserved at the reserved peak.
   */
  fragmentation_pct: number | null;
}
/**
 * candidate minus baseline. The delta_us of the contributions add up to delta_us exactly, in whole ns.
 */
export interface ProfileComparison {
  baseline_sources: string[];
  baseline: ComparedSide;
  candidate: ComparedSide;
  /**
   * Difference of the summed spans.
   */
  delta_us: number;
  delta_pct: number | null;
  /**
   * Largest first.
   */
  contributions: Contribution[];
  /**
   * Not-overlapped time by collective, where both sides know it: what stands behind exposed-communication. Collectives that run side by side are counted each.
   */
  communication: ComparedCollective[];
  notes: Incomplete[];
}
export interface ComparedSide {
  /**
   * Devices whose times are summed, e.g. `device 0, rank 0`.
   */
  devices: string[];
  span_us: number;
  computing_us: number;
  communication_not_overlapped_us: number;
  free_us: number;
  /**
   * Compute kernels.
   */
  kernels: number;
  /**
   * Marked steps; null without marks.
   */
  steps: number | null;
  /**
   * Kernels that pick tokens: about one a step.
   */
  sampler_calls: number;
}
export interface Contribution {
  /**
   * new, gone: an op type only one side has. per-call: the same calls took another time. calls: more or fewer calls, at the baseline's time each. shapes: calls with shapes the other side does not have. kernel-overlap: kernels that ran side by side, and span of several streams. The rest are parts of the window.
   */
  cause:
    | 'new'
    | 'gone'
    | 'per-call'
    | 'calls'
    | 'shapes'
    | 'kernel-overlap'
    | 'exposed-communication'
    | 'memcpy'
    | 'event-wait'
    | 'aicpu'
    | 'idle'
    | 'free';
  /**
   * Common name of the op type, without version and build suffixes; null for parts of the window.
   */
  op: string | null;
  /**
   * The names the baseline uses.
   */
  baseline_ops: string[];
  candidate_ops: string[];
  baseline_count: number | null;
  candidate_count: number | null;
  baseline_us: number;
  candidate_us: number;
  /**
   * What this adds to the difference of the spans.
   */
  delta_us: number;
  /**
   * delta_us over the span of the baseline.
   */
  share_pct: number | null;
}
export interface ComparedCollective {
  op: string;
  baseline_count: number;
  candidate_count: number;
  baseline_us: number;
  candidate_us: number;
  delta_us: number;
}
export interface OperatorRow {
  /**
   * Folder of its tables.
   */
  path: string;
  op: string | null;
  /**
   * cube, vector or mix, as msprof op writes it.
   */
  op_type: string | null;
  device: number | null;
  /**
   * Order in which kernels of one name were scheduled.
   */
  sequence: number | null;
  blocks: number | null;
  mix_blocks: number | null;
  duration_us: number | null;
  current_mhz: number | null;
  rated_mhz: number | null;
  /**
   * The unit that limits it; null when none is busy enough.
   */
  bound: 'cube' | 'vector' | 'mte1' | 'mte2' | 'mte3' | 'fixpipe' | 'scalar' | null;
  bound_ratio: number | null;
  cores: OperatorCores[];
  /**
   * Share of the cycles a unit was busy, over blocks; units run side by side.
   */
  units: OperatorUnit[];
  bandwidth: OperatorBandwidth[];
  /**
   * Waits and bank conflicts as shares of the cycles.
   */
  conflicts: OperatorConflict[];
  /**
   * Hits over hits and misses, summed over blocks.
   */
  l2: OperatorL2 | null;
  roofline: OperatorRoofline | null;
}
export interface OperatorCores {
  core: 'cube' | 'vector';
  /**
   * Rows of the tables: blocks of this kind of core.
   */
  blocks: number;
  time_us_mean: number;
  time_us_max: number;
  /**
   * Longest block over the mean, minus 100.
   */
  imbalance_pct: number | null;
}
export interface OperatorUnit {
  core: 'cube' | 'vector';
  unit: 'cube' | 'vector' | 'mte1' | 'mte2' | 'mte3' | 'fixpipe' | 'scalar';
  ratio_mean: number;
  ratio_max: number;
}
export interface OperatorBandwidth {
  /**
   * The column without its unit, e.g. aic_main_mem_read_bw.
   */
  route: string;
  unit: 'GB/s' | '%';
  mean: number;
  max: number;
}
export interface OperatorConflict {
  name: string;
  ratio_mean: number;
  ratio_max: number;
}
export interface OperatorL2 {
  read_hit_pct: number | null;
  write_hit_pct: number | null;
  total_hit_pct: number | null;
}
export interface OperatorRoofline {
  /**
   * As the counters say (fops).
   */
  cube_ops: number | null;
  vector_ops: number | null;
  /**
   * Read from and written to main memory by all blocks.
   */
  memory_bytes: number | null;
  /**
   * Operations per byte of main memory.
   */
  intensity: number | null;
  /**
   * 1e9 operations per second over the task duration.
   */
  achieved_gflops: number | null;
  achieved_gbps: number | null;
  /**
   * Highest bandwidth use of a route between main memory and the core, as msprof op computes it.
   */
  memory_peak_pct: number | null;
}
/**
 * review/<n>/report.json: what the rules found in the added lines of a diff, and the questions it leaves to judgement.
 */
export interface ReviewReport {
  schema: 'review-report';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  verdict: 'clean' | 'findings' | 'inconclusive';
  /**
   * By the paths of the diff.
   */
  repository_kind: 'xllm' | 'vllm-ascend' | 'operators' | 'unknown';
  /**
   * Commit compared with; null for a diff file.
   */
  base: string | null;
  head: string | null;
  focus: string | null;
  files_changed: number;
  lines_added: number;
  lines_removed: number;
  counts: ReviewCounts;
  findings: Finding[];
  judgement_checklist: ReviewQuestion[];
  suppressed: ReviewSuppressed[];
  /**
   * Files nothing was looked for in.
   */
  skipped: ReviewSkipped[];
  /**
   * Deterministic rules applied.
   */
  rules: number;
}
export interface ReviewCounts {
  high: number;
  medium: number;
  low: number;
}
export interface ReviewQuestion {
  id: string;
  topic: string;
  ask: string;
  /**
   * What in the diff raised it.
   */
  because: string;
}
export interface ReviewSuppressed {
  rule: string;
  file: string;
  line: number | null;
  reason: string;
}
export interface ReviewSkipped {
  file: string;
  why: string;
}
export interface ReviewScope {
  /**
   * Regular expressions; one must match the path.
   *
   * @minItems 1
   */
  paths: [string, ...string[]];
  not?: string[];
  /**
   * @minItems 1
   */
  languages: ['cpp' | 'python' | 'any', ...('cpp' | 'python' | 'any')[]];
}
/**
 * One line of events.jsonl. Each line carries the hash of the line before it, so a removed or edited line shows.
 */
export interface RunEvent {
  seq: number;
  /**
   * UTC time, ISO 8601.
   */
  at: string;
  /**
   * What happened.
   */
  kind: 'created' | 'manifest' | 'raw' | 'computed' | 'report' | 'note';
  /**
   * The tool that did it.
   */
  tool?: string | null;
  /**
   * The tool's input, redacted.
   */
  input?: {
    [k: string]: unknown;
  } | null;
  derive?: Derivation;
  files: EventFile[];
  /**
   * Hash of the line before; 64 zeros on the first.
   */
  prev: string;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  hash: string;
}
export interface EventFile {
  /**
   * Relative to the run root; absolute for raw evidence that stays where it is.
   */
  path: string;
  kind: string;
  schema: string | null;
  /**
   * SHA-256 of the file's bytes, lower-case hex.
   */
  sha256: string;
  bytes: number;
}
/**
 * manifest.yaml: what a run is, on what it ran and what was asked of it. The tools write it; a hand edit shows as tampered.
 */
export interface RunManifest {
  schema: 'run-manifest';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  /**
   * True when anything in the run came from the simulated NPU host.
   */
  simulated: boolean;
  source: Source[];
  identity: RunIdentity;
  code: RunCode;
  environment: RunEnvironment;
  model: RunModel;
  service: RunService;
  workload: RunWorkload;
  /**
   * Filled in a bundle; in a live run the ledger is the list.
   */
  artifacts: ArtifactRef[];
  comparison: RunComparison;
  notes: string[];
  /**
   * For each filled field, by its dotted path: captured by a tool of this project, or stated by a person or agent.
   */
  provenance: {
    [k: string]: Provenance;
  };
}
export interface RunIdentity {
  /**
   * Run id: the folder's name.
   */
  run: string;
  purpose: string;
  /**
   * What the run may prove: smoke (it works), quick (an indication), formal (a claim).
   */
  level: 'smoke' | 'quick' | 'formal';
  /**
   * Path into a perf-metrics point, e.g. tpot_ms.mean.
   */
  target_metric?: string | null;
  /**
   * Wished change of the target metric, in percent; negative is a decrease.
   */
  target_change_pct?: number | null;
  /**
   * Service level asked, e.g. ttft_p99_ms, tpot_p99_ms.
   */
  sla?: {
    [k: string]: number;
  } | null;
}
export interface RunCode {
  repo?: string | null;
  branch?: string | null;
  commit?: string | null;
  dirty?: boolean | null;
  /**
   * Hash of the saved diff of a dirty tree.
   */
  diff_sha256?: string | null;
}
export interface RunEnvironment {
  host?: string | null;
  /**
   * SoC name, e.g. Ascend910B3.
   */
  chip?: string | null;
  /**
   * Logical device ids, in rank order.
   */
  devices?: number[] | null;
  cann_version?: string | null;
  driver_version?: string | null;
  torch_npu_version?: string | null;
  container?: string | null;
}
export interface RunModel {
  path?: string | null;
  name?: string | null;
  weights_sha256?: string | null;
  tokenizer_sha256?: string | null;
  dtype?: string | null;
  quantization?: string | null;
}
export interface RunService {
  framework?: 'xllm' | 'vllm-ascend' | 'sglang' | 'command' | null;
  framework_version?: string | null;
  /**
   * One argv list per process.
   */
  command?: string[][] | null;
  prefix_cache?: boolean | null;
  /**
   * True when the service ran under PROFILING_MODE.
   */
  profiling_mode?: boolean | null;
  tuned?: boolean | null;
  started_at?: string | null;
}
export interface RunWorkload {
  client?: string | null;
  client_version?: string | null;
  command?: string[][] | null;
  dataset?: string | null;
  input_tokens?: number | null;
  output_tokens?: number | null;
  parallel?: number[] | null;
  number?: number[] | null;
  /**
   * Requests per second; null is unthrottled.
   */
  rate?: number | null;
  /**
   * Warm-up requests.
   */
  warmup?: number | null;
  stream?: boolean | null;
  temperature?: number | null;
  top_p?: number | null;
  top_k?: number | null;
  seed?: number | null;
  ignore_eos?: boolean | null;
}
export interface RunComparison {
  baseline?: string[] | null;
  candidate?: string[] | null;
}
export interface Provenance {
  how: 'captured' | 'stated';
  /**
   * The tool.
   */
  by: string;
  /**
   * UTC time, ISO 8601.
   */
  at: string;
}
/**
 * service/<job>/service.json: one service from start to end: its exact processes, what its logs say about memory, and the incident that ended it.
 */
export interface ServiceRecord {
  schema: 'service-record';
  schema_version: string;
  producer: Producer;
  /**
   * UTC time, ISO 8601.
   */
  created_at: string;
  simulated: boolean;
  source: Source[];
  /**
   * Job id in this run.
   */
  job: string;
  framework: 'xllm' | 'vllm-ascend' | 'sglang' | 'command';
  /**
   * As the service's own log says.
   */
  framework_version: string | null;
  /**
   * ended: stopped on purpose; lost: its supervisor was killed.
   */
  outcome: 'starting' | 'ready' | 'ended' | 'failed' | 'lost';
  /**
   * Base URL.
   */
  endpoint: string | null;
  place: ServicePlace;
  /**
   * One argv list per process, as it was run; environment and folder stand in command_rank_N.sh.
   */
  command: string[][];
  ranks: ServiceRank[];
  ports: ServicePorts;
  /**
   * Logical device ids in rank order.
   */
  devices: number[];
  /**
   * True when the service ran under PROFILING_MODE=dynamic.
   */
  profiling_mode: boolean;
  prefix_cache: boolean | null;
  /**
   * UTC time, ISO 8601.
   */
  started_at: string;
  /**
   * When the first real request was answered.
   */
  ready_at: string | null;
  ended_at: string | null;
  check: ServiceCheck | null;
  /**
   * Null when the logs say nothing about memory.
   */
  memory: ServiceMemory | null;
  /**
   * captured at start-up; lazy: by the first real requests; eager: none.
   */
  graph: 'captured' | 'lazy' | 'eager' | null;
  /**
   * Kernel backend xLLM chose: ATB or TORCH.
   */
  backend: string | null;
  end: ServiceEnd | null;
  incident: ServiceIncident | null;
}
export interface ServicePlace {
  kind: 'local' | 'docker' | 'ssh' | 'ssh+docker';
  host: string | null;
  container: string | null;
}
export interface ServiceRank {
  rank: number;
  /**
   * Process id where the service runs; null before the start and where it could not be seen.
   */
  pid: number | null;
  devices: number[];
  port: number | null;
  /**
   * Relative to the run root.
   */
  log: string;
}
export interface ServicePorts {
  /**
   * First and last.
   *
   * @minItems 2
   * @maxItems 2
   */
  http: [number, number];
  /**
   * xLLM: master port and the last of its TCPStore window.
   */
  master: number[] | null;
  /**
   * HCCL_IF_BASE_PORT; 16 ports from here on.
   */
  hccl_base: number | null;
}
/**
 * The request that proved the service ready.
 */
export interface ServiceCheck {
  path: string;
  /**
   * Model id of /v1/models.
   */
  model: string;
  status: number;
  completion_tokens: number | null;
  latency_ms: number;
}
/**
 * As printed, so accurate to the last digit printed; null where the log does not say.
 */
export interface ServiceMemory {
  workers: ServiceWorkerMemory[];
  max_memory_utilization: number | null;
  weights_bytes: number | null;
  kv_cache_bytes: number | null;
  kv_blocks: number | null;
  /**
   * Tokens of one block.
   */
  block_size: number | null;
  /**
   * KV bytes of one token in one layer on one rank.
   */
  slot_size_bytes: number | null;
  index_slot_size_bytes: number | null;
  linear_slot_size_bytes: number | null;
  linear_blocks: number | null;
  linear_state_slots: number | null;
  reserved_linear_bytes: number | null;
  n_layers: number | null;
  kv_cache_dtype: string | null;
  /**
   * Tokens the KV pool of one DP rank holds; xLLM: (blocks - 1) × block_size, block 0 being padding.
   */
  token_capacity: number | null;
  max_concurrency: {
    tokens_per_request: number;
    times: number;
  } | null;
  graph_bytes: number | null;
}
export interface ServiceWorkerMemory {
  worker: number;
  /**
   * xLLM: left for the KV cache after weights and reserve; vLLM: free at start-up.
   */
  available_bytes: number | null;
  total_bytes: number | null;
}
export interface ServiceEnd {
  cause: 'exit' | 'timeout' | 'stopped' | 'lost';
  /**
   * The rank whose process ended first.
   */
  rank: number | null;
  code: number | null;
  signal: string | null;
}
export interface ServiceIncident {
  /**
   * The rank it began on.
   */
  rank: number | null;
  /**
   * Log, relative to the run root; null for a silent rank.
   */
  file: string | null;
  line: number | null;
  /**
   * Classes of incident_triage.
   */
  class: string;
  /**
   * Closed list in server/serving/patterns.ts, or silent-rank, rank-ended, no-answer, no-evidence.
   */
  pattern: string;
  /**
   * True when only a consequence was seen.
   */
  consequence: boolean;
  /**
   * In our own words.
   */
  meaning: string;
  /**
   * Wall clock of the service's host, as logged; no time zone.
   */
  time: string | null;
  /**
   * The line: data written by another program.
   */
  text: string | null;
}
/**
 * One entry of server/incident/catalogue/*.yaml: how a failure shows in a log line, what it means and what to do.
 */
export interface Signature {
  id: string;
  layer:
    'driver' | 'runtime' | 'hccl' | 'ge' | 'aicore' | 'aicpu' | 'torch_npu' | 'atb' | 'framework' | 'host' | 'build';
  class:
    | 'device'
    | 'driver'
    | 'runtime'
    | 'hccl'
    | 'link'
    | 'aicore'
    | 'aicpu'
    | 'graph'
    | 'hbm-oom'
    | 'kv-exhaustion'
    | 'weights-load'
    | 'framework'
    | 'port'
    | 'host-os'
    | 'disk'
    | 'build'
    | 'configuration'
    | 'unknown';
  /**
   * root: can be the origin. timeout: this rank waited for another one. cascade: follows from something earlier.
   */
  role: 'root' | 'timeout' | 'cascade';
  /**
   * Also on lines that are not of an error level, such as device events and kernel lines.
   */
  any_level?: boolean;
  /**
   * Every matching line holds one of them; only such lines meet the regex.
   *
   * @minItems 1
   */
  literals: [string, ...string[]];
  /**
   * Case-sensitive, without nested quantifiers.
   */
  regex?: string;
  /**
   * Six-digit runtime codes, matched where the line calls them a code or result.
   *
   * @minItems 1
   */
  codes?: [number, ...number[]];
  /**
   * CANN codes as they head an error block: EI0002:, (EI0002), EI0002[PID.
   *
   * @minItems 1
   */
  cann?: [string, ...string[]];
  meaning: string;
  /**
   * @minItems 1
   */
  causes: [string, ...string[]];
  /**
   * Read-only commands or places to look at first.
   */
  evidence: string[];
  /**
   * @minItems 1
   */
  actions: [string, ...string[]];
  false_friends: string[];
  source: string;
  /**
   * source: text seen in a program's source or tables. issue: seen in a public log. stated: one document says so, not verified. domain: general knowledge, not verified.
   */
  confidence: 'source' | 'issue' | 'stated' | 'domain';
}
/**
 * The facts of each tool's answer, by tool name.
 */
export interface ToolFacts {
  [k: string]: unknown;
}
export interface AccuracyStartFacts {
  run: string;
  /**
   * Handle for job_wait; null in a dry run.
   */
  job: string | null;
  level: 'L1' | 'L2' | 'L3' | 'L4' | 'L5';
  /**
   * What the level can show: L1 breakage, L2 smoke, L3 stable bad cases, L4 one task, L5 release.
   */
  scope: 'breakage' | 'smoke' | 'bad-cases' | 'one-task' | 'release';
  method: 'probe' | 'evalscope' | 'bisect';
  /**
   * Requests that will be sent; null where the client decides.
   */
  requests: number | null;
  command: string[][];
  /**
   * Folder the job writes to; give it to accuracy_compare.
   */
  output: string;
}
export interface CapacityPlanFacts {
  run: string;
  limit:
    | 'hbm-hard'
    | 'kv-blocks'
    | 'linear-state'
    | 'workspace'
    | 'speculative-reserve'
    | 'scheduler-budget'
    | 'fragmentation'
    | 'none';
  per_rank: CapacityPerRank;
  ledger: CapacityLedgerShort[];
  /**
   * Input and output, else the longest request the service accepts.
   */
  tokens_per_request: number | null;
  /**
   * Requests that run at once on the whole replica, reserves at their low end.
   */
  max_concurrency: number | null;
  max_concurrency_low: number | null;
  observed: CapacityObserved | null;
  differences: Differences1;
  advice: Advice;
}
export interface CapacityLedgerShort {
  name: string;
  bytes: number;
  worst_bytes: number;
}
export interface BenchCompareFacts {
  run: string;
  grade: 'smoke' | 'indicative' | 'formal' | 'reproduced' | 'simulated';
  claim: ComparisonClaim;
  reasons: ComparisonReason[];
  metrics: ComparisonMetric[];
  order: ComparisonOrder;
  ranking: ComparisonRank[];
  plan: ComparisonPlan | null;
  differences: Differences2;
  /**
   * Earlier formal report of this run root that this one confirms with later service starts.
   */
  confirms: string | null;
}
export interface EnvProbeFacts {
  run: string;
  chips: Chip[];
  driver_version: string | null;
  npu_smi_version: string | null;
  cann_version: string | null;
  frameworks: Frameworks;
  reasons: Reasons;
  looked_for: string[];
}
export interface RunCreateFacts {
  run: string;
  run_dir: string;
  missing_for_formal: string[];
}
export interface RunShowFacts {
  runs?: RunListRow[];
  manifest?: {
    [k: string]: unknown;
  } | null;
  artifacts?: ArtifactRef[];
  jobs?: {
    [k: string]: unknown;
  }[];
  events?: RunEvent[];
  missing_for_formal?: string[];
}
export interface RunListRow {
  run: string;
  purpose: string | null;
  level: string | null;
  created_at: string | null;
  simulated: boolean | null;
}
export interface RunValidateFacts {
  /**
   * Files the ledger names that are gone.
   */
  missing: string[];
  violations: Violation[];
  hash_mismatches: string[];
  /**
   * Null when nothing was computed again.
   */
  recomputed_equal: boolean | null;
  /**
   * Computed files derived again.
   */
  recomputed?: number;
  /**
   * Files the ledger does not know.
   */
  unrecorded?: string[];
  missing_for_formal?: string[];
}
export interface Violation {
  path: string;
  problem: string;
}
export interface RunReportFacts {
  files: string[];
}
export interface ProfileAnalyzeFacts {
  run: string;
  view: string;
  /**
   * The device with the longest span; null when no device time is known.
   */
  window: ProfileWindow | null;
  bottleneck: Bottleneck;
  tables: TableSizes;
  /**
   * Top rows of the tables the view shows.
   */
  rows: {
    [k: string]: unknown;
  };
  incomplete: Incomplete[];
  ranks: Ranks;
  /**
   * With compare_to: candidate (path) minus baseline (compare_to).
   */
  comparison: ComparisonFacts | null;
  /**
   * For job_wait: the job that reads a capture too large for one call; else null.
   */
  job: string | null;
  /**
   * Kernels of an operator profile (OPPROF); null for captures of a service.
   */
  operators: number | null;
}
/**
 * Rows of each table in the artifact; null when the capture cannot fill it.
 */
export interface TableSizes {
  kernel: number | null;
  communication: number | null;
  fusion: number | null;
  dispatch: number | null;
  memory: number | null;
}
export interface ComparisonFacts {
  baseline: ComparedSide;
  candidate: ComparedSide;
  delta_us: number;
  delta_pct: number | null;
  /**
   * How many there are; the largest stand in rows.comparison, all in the artifact.
   */
  contributions: number;
  notes: Incomplete[];
}
export interface ProfileStartFacts {
  run: string;
  /**
   * For job_wait; null in a dry run.
   */
  job: string | null;
  backend: 'msprof' | 'torch';
  phase: 'prefill' | 'decode' | 'mixed';
  endpoint: string;
  /**
   * Processes that will be attached to.
   */
  pids: number[];
  /**
   * What will run, in order, as argv; with torch the requests.
   */
  command: string[][];
  /**
   * Folder for profile_analyze, once the job is completed.
   */
  output: string;
  workload: ProfileStartWorkload;
}
export interface ProfileStartWorkload {
  input_tokens: number;
  output_tokens: number;
  parallel: number;
  batches: number;
  warmup_batches: number;
}
export interface PipelineAnalyzeFacts {
  run: string;
  view: string;
  /**
   * Device whose steps and layers are shown: the one with the longest span that has steps. Null without steps.
   */
  device: number | null;
  rank: number | null;
  /**
   * How its steps were found; null without steps.
   */
  method: 'markers' | 'anchors' | 'periodicity' | null;
  confidence: 'high' | 'medium' | 'low' | null;
  /**
   * Op that ends a step and op that begins the next.
   */
  boundary: StepBoundary | null;
  steps: StepsTable;
  stages: Stages;
  bubbles: Bubbles;
  layers: Layers | null;
  /**
   * Null when ranks cannot be compared; incomplete says why.
   */
  rank_skew: RankSkewTable | null;
  devices: Devices;
  tables: PipelineTableSizes;
  incomplete: Incomplete[];
}
/**
 * Rows of each table in the files; the lists above are cut to the view.
 */
export interface PipelineTableSizes {
  stages: number | null;
  bubbles: number | null;
  layers: number | null;
  ranks: number | null;
  devices: number | null;
  outliers: number | null;
}
export interface ProfileQueryFacts {
  columns: QueryColumn[];
  rows: unknown[][];
  truncated: boolean;
  row_count?: number;
}
export interface QueryColumn {
  name: string;
  type: string;
}
export interface JobWaitFacts {
  jobs?: JobListRow[];
  job?: string;
  kind?: string;
  state?: 'working' | 'completed' | 'failed' | 'cancelled' | 'lost';
  stage?: string;
  progress?: JobProgress;
  started_at?: string;
  ended_at?: string | null;
  log_tail?: string | null;
  result?: {
    [k: string]: unknown;
  } | null;
  error?: JobError | null;
  left?: string[];
}
export interface JobListRow {
  job: string;
  run: string;
  kind: string;
  state: string;
  stage: string;
  started_at: string;
}
export interface JobCancelFacts {
  job: string;
  kind?: string;
  state: 'working' | 'completed' | 'failed' | 'cancelled' | 'lost';
  stage?: string;
  progress?: JobProgress;
  started_at?: string;
  ended_at?: string | null;
  log_tail?: string | null;
  result?: {
    [k: string]: unknown;
  } | null;
  error?: JobError | null;
  left: string[];
}
export interface ServiceStartFacts {
  run: string;
  /**
   * Null for a dry run.
   */
  job: string | null;
  stage?: string | null;
  endpoint: string | null;
  /**
   * One line per process, quoted for a POSIX shell. Environment and folder stand in command_rank_N.sh.
   */
  command: string[];
  /**
   * Lines left out here; the record holds all.
   */
  command_cut?: number;
  ranks: ServiceRank[];
  ports: ServicePorts | null;
  devices: number[];
  /**
   * Start to first answered request.
   */
  ready_s?: number | null;
  memory: ServiceMemory | null;
  incident: ServiceIncident | null;
  /**
   * What a failed start left.
   */
  left?: string[];
}
export interface ServiceStopFacts {
  run: string;
  jobs: StoppedJob[];
  /**
   * Null when npu-smi did not answer: not verified.
   */
  released_hbm: ReleasedHbm[] | null;
  /**
   * Processes, ports and memory still held.
   */
  leftovers: string[];
}
export interface StoppedJob {
  job: string;
  before: string;
  after: string;
}
export interface ReleasedHbm {
  device: number;
  before_mb: number | null;
  after_mb: number | null;
  released_mb: number | null;
  /**
   * True when the device holds no more than before the start, or is idle; null when other processes hold it.
   */
  back: boolean | null;
}
export interface ComputeSimulateFacts {
  run: string;
  point: ComputePoint;
  model: ComputeModel;
  device: ComputeDevice | null;
  params_total: number;
  params_active: number;
  /**
   * Per rank and step, 2 per multiply-add; the sum over ops.
   */
  flops: number;
  cube_flops: number;
  vector_flops: number;
  weight_bytes: number;
  cache_bytes: number;
  /**
   * Per rank and step from memory: weights, cache, activations beyond L2; the sum over ops but collectives.
   */
  bytes: number;
  bytes_sent: number;
  compute_us: number | null;
  communication_us: number | null;
  /**
   * Communication wholly hidden.
   */
  time_lower_bound_us: number | null;
  /**
   * Communication wholly exposed.
   */
  time_no_overlap_us: number | null;
  tokens_per_step: number;
  /**
   * Of the whole replica: accepted tokens in decode, prompt tokens in prefill.
   */
  tokens_per_s_upper_bound: number | null;
  ops: Ops;
  memory: ComputeMemory;
  speculation: ComputeSpeculation | null;
  /**
   * True with a measured profile; else every time is a bound nothing has been compared with.
   */
  calibrated: boolean;
  measured: ComputeMeasured | null;
  mfu_pct: number | null;
  mbu_pct: number | null;
  what_if: WhatIf;
  break_even: BreakEven;
  assumptions: Assumptions;
}
export interface AccuracyCompareFacts {
  run: string;
  /**
   * Items scored on both sides.
   */
  n: number;
  /**
   * Equal scores of 1.
   */
  both_right: number;
  /**
   * Items the baseline scored higher on.
   */
  baseline_only: number;
  /**
   * Items the candidate scored higher on.
   */
  candidate_only: number;
  /**
   * Equal scores below 1.
   */
  both_wrong: number;
  scores: AccuracyScores;
  delta_pct: number | null;
  ci: AccuracyInterval | null;
  /**
   * Exact McNemar test, two-sided; over the signs of the differences where scores are not 0 or 1.
   */
  p_value: number | null;
  /**
   * Drop found with 80 % power: the larger of 2.8·√(discordance / n) and 6 items.
   */
  min_detectable_drop_pct: number | null;
  /**
   * Drop that is given away, in points.
   */
  margin_pct: number;
  /**
   * What a drop comes from, or why nothing can be said; none where nothing is wrong.
   */
  cause: 'none' | 'quality' | 'truncation' | 'prompts-differ' | 'settings-differ' | 'items-lost' | 'too-few-items';
  causes: AccuracyCauses;
  subsets: Subsets;
  endings: Endings;
  unmatched: AccuracyUnmatched;
  differences: Differences;
  garbled: Garbled;
  detectors: Detectors;
}
export interface LoopUpdateFacts {
  run: string;
  phase: string;
  gate: LoopGateItem[];
  attempts: LoopAttempt[];
  passed?: string[];
  gap_pct: number | null;
  stop_reason?: string | null;
}
export interface LoopGateItem {
  need: string;
  have: string | null;
  ok: boolean;
  /**
   * The tool that brings what is missing.
   */
  tool: string | null;
}
export interface HistorySearchFacts {
  cards: HistoryCard[];
  /**
   * Cards looked through.
   */
  searched?: number;
}
export interface HistoryCard {
  id: string;
  title: string;
  score: number | null;
  status: string;
  effect: string[];
  risk: string[];
  next_checks: string[];
  /**
   * File of a card of this host; null for one that ships with the package.
   */
  path: string | null;
}
export interface ReviewDiffFacts {
  run: string;
  repository_kind: string;
  files_changed: number;
  lines_added: number;
  counts: ReviewCounts;
  judgement_checklist: ReviewQuestion[];
  suppressed: number;
  rules: number;
}
export interface IncidentTriageFacts {
  run: string;
  /**
   * incidents[0].
   */
  primary: Incident | null;
  incidents: Incidents;
  cascades: Cascades;
  timeline: Timeline;
  unmatched: Unmatched;
  first_evidence: FirstEvidence;
  actions: Actions;
  would_change: WouldChange;
  processes: Processes;
  commands: Commands;
  input: IncidentInput;
}
export interface BenchImportFacts {
  run: string;
  client: string;
  client_version: string | null;
  /**
   * Which layout of the client's output files was read.
   */
  output_generation: string | null;
  /**
   * Points in all; points shows the first of them.
   */
  loads: number;
  points: PerfPoint[];
  incomplete: Incomplete[];
}
export interface BenchStartFacts {
  run: string;
  /**
   * For job_wait; null in a dry run.
   */
  job: string | null;
  client: string;
  /**
   * Null: it does not say, or the built-in probe.
   */
  client_version: string | null;
  /**
   * Service of this run that listens at the endpoint; null: none.
   */
  service_job: string | null;
  /**
   * Passes in order, at most 12; of a search the first.
   */
  points: BenchStartPoint[];
  /**
   * All passes; null: a search makes as many as it needs.
   */
  passes: number | null;
  /**
   * Requests before each pass.
   */
  warmup: number;
  /**
   * Exact commands in order, at most 12, each cut to 700 characters; manifest.yaml has all.
   */
  command: string[];
}
export interface BenchStartPoint {
  id: string;
  repeat: number;
  parallel: number | null;
  rate: number | null;
  number: number;
}
export interface OpVerifyFacts {
  /**
   * For job_wait: the job that compares tensors too large for one call; its result names the report.
   */
  job?: string | null;
  run: string;
  kind: string;
  op: string | null;
  status: string;
  route: OpRouteChoice | null;
  /**
   * Broken, warned of and unchecked rules; the artifact holds all.
   */
  violations: OpConstraint[];
  /**
   * Of accuracy.
   */
  standard: string | null;
  dtype: string | null;
  level: string | null;
  errors: OpErrors | null;
  benchmark_errors: OpErrors | null;
  limits: OpLimit[];
  worst: OpWorst[];
  /**
   * Geometric mean over the shapes.
   */
  speedup: number | null;
  worst_speedup: number | null;
  pairs: OpPair[];
  gates: OpGate[];
  reasons: string[];
}
export interface ToolOk {
  /**
   * A word from the tool's own list.
   */
  verdict: string;
  /**
   * One sentence with the number that matters.
   */
  headline: string;
  /**
   * The tool's own facts; tool-facts.schema.json holds each shape.
   */
  facts: {
    [k: string]: unknown;
  };
  findings: Finding[];
  artifacts: ArtifactRef[];
  warnings: Warning[];
  next: NextStep[];
}
export interface NextStep {
  tool: string;
  why: string;
}
export interface ToolFailed {
  error: ToolFailure;
}
export interface ToolFailure {
  /**
   * From the closed list in server/contract/errors.ts.
   */
  code: string;
  /**
   * What was met.
   */
  seen: string;
  /**
   * Why it matters.
   */
  cause: string;
  /**
   * What to do now.
   */
  next: string;
}
