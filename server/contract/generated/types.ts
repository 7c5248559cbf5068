// Generated from schemas/ by scripts/generate.mjs. Do not edit.

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
export type Ranks = ProfileRank[];
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
  EnvSnapshot: EnvSnapshot;
  Chip: Chip;
  JobState: JobState;
  ProcessIdentity: ProcessIdentity;
  LessonCard: LessonCard;
  ProfilingAnalysis: ProfilingAnalysis;
  ProfileWindow: ProfileWindow;
  RunEvent: RunEvent;
  RunManifest: RunManifest;
  ServiceRecord: ServiceRecord;
  ServiceRank: ServiceRank;
  ServicePorts: ServicePorts;
  ServiceMemory: ServiceMemory;
  ServiceIncident: ServiceIncident;
  ToolFacts: ToolFacts;
  EnvProbeFacts: EnvProbeFacts;
  RunCreateFacts: RunCreateFacts;
  RunShowFacts: RunShowFacts;
  RunValidateFacts: RunValidateFacts;
  RunReportFacts: RunReportFacts;
  ProfileAnalyzeFacts: ProfileAnalyzeFacts;
  ProfileStartFacts: ProfileStartFacts;
  ProfileQueryFacts: ProfileQueryFacts;
  JobWaitFacts: JobWaitFacts;
  JobCancelFacts: JobCancelFacts;
  ServiceStartFacts: ServiceStartFacts;
  ServiceStopFacts: ServiceStopFacts;
  ToolResult: ToolResult;
  ToolOk: ToolOk;
  ToolFailed: ToolFailed;
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
export interface Warning {
  code: string;
  detail: string;
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
  /**
   * Files read, what each was taken for, and how much was in it.
   */
  sources: ProfileSource[];
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
  evidence: BottleneckEvidence[];
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
 * The facts of each tool's answer, by tool name.
 */
export interface ToolFacts {
  [k: string]: unknown;
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
