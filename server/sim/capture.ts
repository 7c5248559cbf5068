/**
 * A planted truth: what a simulated NPU host did, in memory, before any writer puts it into a format.
 * All times are those of the writing host: `*Ns` are nanoseconds since the Unix epoch, durations whole nanoseconds.
 * Collections are walked several times and in order of start; an array will do, so will an object whose iterator starts anew.
 */

/** SoC families as msprof names them (NPU_INFO); the header of op_summary depends on it. */
export type ChipFamily = 'Ascend910A' | 'Ascend310P' | 'Ascend910B' | 'Ascend310B';

export type AicMetrics =
  | 'PipeUtilization'
  | 'ArithmeticUtilization'
  | 'Memory'
  | 'MemoryL0'
  | 'MemoryUB'
  | 'ResourceConflictRatio'
  | 'L2Cache'
  | 'MemoryAccess';

export interface SimDevice {
  /** Device id as the process counts it. */
  readonly id: number;
  /** Global rank; null where the launcher gave none. */
  readonly rank: number | null;
  /** Host name. */
  readonly host: string;
  /** SoC, e.g. Ascend910B3. */
  readonly chip: string;
  readonly family: ChipFamily;
  readonly aicoreCount: number;
  readonly aivectorCount: number;
  /** Rated AI core clock. */
  readonly aicoreMhz: number;
  readonly hbmBytes: number;
}

/** TASK.taskType: the host's word for the task. */
export type HostTaskType =
  | 'KERNEL_AICORE'
  | 'KERNEL_AIVEC'
  | 'KERNEL_AICPU'
  | 'KERNEL_MIX_AIC'
  | 'KERNEL_MIX_AIV'
  | 'MEMCPY_ASYNC'
  | 'EVENT_WAIT'
  | 'EVENT_RECORD'
  | 'NOTIFY_WAIT'
  | 'NOTIFY_RECORD'
  | 'SDMA_SQE'
  | 'PLACE_HOLDER_SQE';

/** COMPUTE_TASK_INFO.taskType: the unit that ran it. */
export type CoreType = 'AI_CORE' | 'AI_VECTOR_CORE' | 'MIX_AIC' | 'MIX_AIV' | 'AI_CPU';

/** What GE or aclnn tells of a kernel. Shapes as msprof prints them: dims `,`, tensors `;`, without the quotes. */
export interface SimKernel {
  readonly opType: string;
  readonly coreType: CoreType;
  readonly opState: 'static' | 'dynamic' | 'N/A';
  readonly blockNum: number;
  readonly mixBlockNum: number;
  readonly hf32: 'NO' | 'YES' | 'N/A';
  readonly inputShapes: string;
  readonly inputTypes: string;
  readonly inputFormats: string;
  readonly outputShapes: string;
  readonly outputTypes: string;
  readonly outputFormats: string;
}

/** One device task that is not a sub-task of a collective. */
export interface SimTask {
  readonly device: number;
  readonly stream: number;
  readonly taskId: number;
  readonly startNs: bigint;
  readonly durationNs: number;
  readonly name: string;
  readonly hostType: HostTaskType;
  /** Null for memcpy, event and notify tasks. */
  readonly kernel: SimKernel | null;
  /** 4294967295 is none, as msprof writes it. */
  readonly contextId: number;
  readonly modelId: number;
  /** −1 is none. Equal to the launching {@link SimApi}'s. */
  readonly connectionId: number;
  /** PMU values by column stem (`aic_mac_ratio`, `aiv_total_cycles`); null where none were taken. */
  readonly pmu: Readonly<Record<string, number>> | null;
  readonly memcpy: { readonly bytes: number; readonly operation: MemcpyOperation } | null;
}

export type MemcpyOperation = 'host to host' | 'host to device' | 'device to host' | 'device to device';
export type Transport = 'SDMA' | 'RDMA' | 'LOCAL';
export type Link = 'ON_CHIP' | 'HCCS' | 'PCIE' | 'ROCE' | 'SIO';
export type CommTaskName = 'Notify_Wait' | 'Notify_Record' | 'Memcpy' | 'Reduce_Inline' | 'RDMASend';
export type CommDataType = 'INT8' | 'INT32' | 'FP16' | 'FP32' | 'INT64' | 'BFP16';

/** A sub-task of a collective on one of its planes. */
export interface SimCommTask {
  readonly stream: number;
  readonly taskId: number;
  readonly plane: number;
  readonly startNs: bigint;
  readonly durationNs: number;
  readonly name: CommTaskName;
  /** 0 for waits and records. */
  readonly bytes: number;
  readonly transport: Transport;
  readonly link: Link;
  readonly srcRank: number;
  /** 4294967295 is on-chip. */
  readonly dstRank: number;
  readonly notifyId: number | null;
  readonly rdmaType: 'RDMA_SEND_NOTIFY' | 'RDMA_SEND_PAYLOAD' | null;
  readonly master: boolean;
}

/** A collective or point-to-point operation. */
export interface SimCommOp {
  readonly device: number;
  /** e.g. `hcom_allReduce__428_0_1`. */
  readonly name: string;
  /** e.g. `hcom_allReduce_`. */
  readonly opType: string;
  readonly group: string;
  readonly startNs: bigint;
  readonly durationNs: number;
  readonly connectionId: number;
  /** Elements. */
  readonly count: number;
  readonly dataType: CommDataType;
  readonly algorithm: string;
  readonly rankSize: number;
  readonly modelId: number;
  /** Empty for AIV and AICPU collectives, which have none. */
  readonly tasks: readonly SimCommTask[];
}

export type ApiLevel = 'acl' | 'model' | 'node' | 'communication' | 'runtime';

/** A host API call. */
export interface SimApi {
  readonly level: ApiLevel;
  /** e.g. `launch`, `aclrtSynchronizeStream`, `hcom_allReduce_`. */
  readonly name: string;
  /** For `node` calls: the operator; empty else. */
  readonly item: string;
  readonly thread: number;
  readonly startNs: bigint;
  readonly durationNs: number;
  /** Unique in its process. */
  readonly connectionId: number;
}

export interface SimMemorySample {
  readonly device: number;
  /** PTA, GE, APP, PTA+GE, WORKSPACE; a module such as HCCL or RUNTIME for `npu_module_mem`. */
  readonly component: string;
  readonly kind: 'allocator' | 'module' | 'process';
  readonly timeNs: bigint;
  /** Null where the source does not know it. */
  readonly allocatedBytes: number | null;
  readonly activeBytes: number | null;
  readonly reservedBytes: number;
}

export interface SimFrequencySample {
  readonly device: number;
  readonly timeNs: bigint;
  readonly mhz: number;
}

/** A marked range (mstx) or step (ProfilerStep). */
export interface SimMark {
  readonly kind: 'mstx' | 'step';
  readonly name: string;
  readonly thread: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** One profiled process: one PROF folder, or one *_ascend_pt folder. */
export interface SimProcess {
  readonly pid: number;
  readonly hostUid: string;
  readonly host: string;
  /** Global rank of its (first) device; null where the launcher gave none. */
  readonly rank: number | null;
  /** What this process's clock is ahead of true time, already contained in its times. */
  readonly clockSkewNs: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly devices: readonly SimDevice[];
  readonly tasks: Iterable<SimTask>;
  readonly commOps: Iterable<SimCommOp>;
  readonly apis: Iterable<SimApi>;
  readonly memory: Iterable<SimMemorySample>;
  readonly frequency: Iterable<SimFrequencySample>;
  readonly marks: Iterable<SimMark>;
}

/** How the capture was taken: what the profilers write into their own config files. */
export interface CaptureConfig {
  /** msprof `--task-time`; the torch level follows: l0 Level0, l1 Level1, l2 Level2. */
  readonly level: 'l0' | 'l1' | 'l2';
  /** Null: no PMU was taken. */
  readonly aicMetrics: AicMetrics | null;
  /** Flags as given to msprof, without dashes. */
  readonly flags: Readonly<Record<string, string>>;
  readonly cannVersion: string;
  readonly torchNpuVersion: string;
  /** `Ascend…` group name → global ranks. */
  readonly groups: Readonly<Record<string, readonly number[]>>;
}

export interface Capture {
  readonly seed: number;
  readonly config: CaptureConfig;
  readonly processes: readonly SimProcess[];
}

/**
 * Where a device's time went, by construction, in microseconds. computing + communicationNotOverlapped + free = span; span is the hull of
 * compute and communication. As in msprof's Overlap Analysis AI_CPU kernels with operator information are computing; those without are free (`aicpu_us`).
 */
export interface WindowTruth {
  readonly device: number;
  readonly rank: number | null;
  readonly span_us: number;
  readonly computing_us: number;
  readonly communication_us: number;
  readonly communicationNotOverlapped_us: number;
  readonly free_us: number;
  /** AI_CPU tasks without operator information, outside compute and communication. */
  readonly aicpu_us: number;
  /** Summed Notify_Wait and payload time on the master planes. */
  readonly commWait_us: number;
  readonly commTransit_us: number;
}

/** Something wrong that was planted on purpose. `finding` is a finding id of the public contract. */
export interface PlantedFault {
  readonly finding: string;
  readonly rank: number | null;
  /** What it costs, in microseconds over the whole capture of that rank; null where cost has no single number. */
  readonly size_us: number | null;
  readonly detail: Readonly<Record<string, number | string>>;
}

/** Text of the marker file `SIMULATED` that every generated capture carries. */
export const simulatedText =
  'This capture was generated by the simulator of xllm-npu-workflow. It is not a measurement of any NPU.\n';
export const simulatedFile = 'SIMULATED';

/** msprof's "none" for context, model and destination rank. */
export const none32 = 4294967295;
