import type { AicMetrics, ChipFamily, HostTaskType, SimCommTask } from './capture.js';

/** Headers, column groups and enums of the exporters (msprof 9ba1ac7b, torch_npu 9e73e708), in their own words. */

const base = [
  'Device_id',
  'Model ID',
  'Task ID',
  'Stream ID',
  'Op Name',
  'OP Type',
  'OP State',
  'Task Type',
  'Task Start Time(us)',
  'Task Duration(us)',
  'Task Wait Time(us)',
];
const tensor = [
  'Block Num',
  'Mix Block Num',
  'HF32 Eligible',
  'Input Shapes',
  'Input Data Types',
  'Input Formats',
  'Output Shapes',
  'Output Data Types',
  'Output Formats',
  'Context ID',
];

/** Chips with the STARS scheduler; the others lack context ids, mixed kernels and the AIV half of the PMU. */
export function isStars(family: ChipFamily): boolean {
  return family === 'Ascend910B' || family === 'Ascend310B';
}

/** A PMU column of op_summary. `key` is the stem in a task's record; `kind` tells how the value is derived and printed. */
export interface PmuColumn {
  readonly header: string;
  readonly key: string;
  readonly kind: 'time' | 'cycles' | 'value' | 'ratio-time' | 'utilization' | 'memory-bound';
}

const coreTime = (header: string, side: string): PmuColumn[] => [
  { header, key: `${side}total_time`, kind: 'time' },
  { header: `${side}total_cycles`, key: `${side}total_cycles`, kind: 'cycles' },
];
const pipes = (side: string, names: readonly string[]): PmuColumn[] =>
  names.flatMap((name): PmuColumn[] => [
    { header: `${side}${name}_time(us)`, key: `${side}${name}_ratio`, kind: 'ratio-time' },
    { header: `${side}${name}_ratio`, key: `${side}${name}_ratio`, kind: 'value' },
  ]);
const values = (side: string, names: readonly string[], unit = ''): PmuColumn[] =>
  names.map((name) => ({ header: `${side}${name}${unit}`, key: `${side}${name}`, kind: 'value' }));

interface Group {
  readonly aic: readonly string[];
  readonly aiv: readonly string[];
  readonly legacy: readonly string[];
  readonly unit: string;
}

/** Columns that exist on one side only are already parted (msprof UNSUPPORTED_HEADER). */
const groups: Record<Exclude<AicMetrics, 'PipeUtilization'>, Group> = {
  ArithmeticUtilization: {
    aic: ['mac_fp16_ratio', 'mac_int8_ratio', 'cube_fops'],
    aiv: ['vec_fp32_ratio', 'vec_fp16_ratio', 'vec_int32_ratio', 'vec_misc_ratio', 'vector_fops'],
    legacy: [
      'mac_fp16_ratio',
      'mac_int8_ratio',
      'vec_fp32_ratio',
      'vec_fp16_ratio',
      'vec_int32_ratio',
      'vec_misc_ratio',
      'cube_fops',
      'vector_fops',
    ],
    unit: '',
  },
  Memory: {
    aic: ['l1_read_bw', 'l1_write_bw', 'main_mem_read_bw', 'main_mem_write_bw', 'l2_read_bw', 'l2_write_bw'],
    aiv: ['ub_read_bw', 'ub_write_bw', 'main_mem_read_bw', 'main_mem_write_bw', 'l2_read_bw', 'l2_write_bw'],
    legacy: [
      'ub_read_bw',
      'ub_write_bw',
      'l1_read_bw',
      'l1_write_bw',
      'main_mem_read_bw',
      'main_mem_write_bw',
      'l2_read_bw',
      'l2_write_bw',
    ],
    unit: '(GB/s)',
  },
  MemoryL0: {
    aic: ['l0a_read_bw', 'l0a_write_bw', 'l0b_read_bw', 'l0b_write_bw', 'l0c_read_bw_cube', 'l0c_write_bw_cube'],
    aiv: ['l0c_read_bw', 'l0c_write_bw'],
    legacy: [
      'l0a_read_bw',
      'l0a_write_bw',
      'l0b_read_bw',
      'l0b_write_bw',
      'l0c_read_bw',
      'l0c_write_bw',
      'l0c_read_bw_cube',
      'l0c_write_bw_cube',
    ],
    unit: '(GB/s)',
  },
  MemoryUB: {
    aic: ['ub_read_bw_scalar', 'ub_write_bw_scalar'],
    aiv: ['ub_read_bw_vector', 'ub_write_bw_vector', 'ub_read_bw_scalar', 'ub_write_bw_scalar'],
    legacy: ['ub_read_bw_vector', 'ub_write_bw_vector', 'ub_read_bw_scalar', 'ub_write_bw_scalar'],
    unit: '(GB/s)',
  },
  ResourceConflictRatio: {
    aic: [],
    aiv: ['vec_bankgroup_cflt_ratio', 'vec_bank_cflt_ratio', 'vec_resc_cflt_ratio'],
    legacy: ['vec_bankgroup_cflt_ratio', 'vec_bank_cflt_ratio', 'vec_resc_cflt_ratio'],
    unit: '',
  },
  L2Cache: {
    aic: [
      'write_cache_hit',
      'write_cache_miss_allocate',
      'r0_read_cache_hit',
      'r0_read_cache_miss_allocate',
      'r1_read_cache_hit',
      'r1_read_cache_miss_allocate',
    ],
    aiv: [
      'write_cache_hit',
      'write_cache_miss_allocate',
      'r0_read_cache_hit',
      'r0_read_cache_miss_allocate',
      'r1_read_cache_hit',
      'r1_read_cache_miss_allocate',
    ],
    legacy: [],
    unit: '',
  },
  MemoryAccess: {
    aic: [
      'read_main_memory_datas',
      'write_main_memory_datas',
      'GM_to_L1_datas',
      'L0C_to_L1_datas',
      'L0C_to_GM_datas',
      'GM_to_UB_datas',
      'UB_to_GM_datas',
    ],
    aiv: [
      'read_main_memory_datas',
      'write_main_memory_datas',
      'GM_to_L1_datas',
      'L0C_to_L1_datas',
      'L0C_to_GM_datas',
      'GM_to_UB_datas',
      'UB_to_GM_datas',
    ],
    legacy: [],
    unit: '(KB)',
  },
};

const utilization: PmuColumn = { header: 'cube_utilization(%)', key: 'aic_total_cycles', kind: 'utilization' };

/** PMU columns after the tensor columns. Empty when no metrics were taken. */
export function pmuColumns(family: ChipFamily, metrics: AicMetrics | null): PmuColumn[] {
  if (metrics === null) return [];
  const stars = isStars(family);
  if (metrics === 'PipeUtilization') {
    if (!stars) {
      return [
        ...coreTime('aicore_time(us)', ''),
        ...pipes('', ['vec', 'mac', 'scalar', 'mte1', 'mte2', 'mte3']),
        { header: 'icache_miss_rate', key: 'icache_miss_rate', kind: 'value' },
        { header: 'memory_bound', key: 'memory_bound', kind: 'memory-bound' },
        { ...utilization, key: 'total_cycles' },
      ];
    }
    return [
      ...coreTime('aicore_time(us)', 'aic_'),
      ...pipes('aic_', ['mac', 'scalar', 'mte1', 'mte2', 'fixpipe']),
      { header: 'aic_icache_miss_rate', key: 'aic_icache_miss_rate', kind: 'value' },
      ...coreTime('aiv_time(us)', 'aiv_'),
      ...pipes('aiv_', ['vec', 'scalar', 'mte2', 'mte3']),
      { header: 'aiv_icache_miss_rate', key: 'aiv_icache_miss_rate', kind: 'value' },
      utilization,
    ];
  }
  const group = groups[metrics];
  if (!stars)
    return [
      ...coreTime('aicore_time(us)', ''),
      ...values('', group.legacy, group.unit),
      { ...utilization, key: 'total_cycles' },
    ];
  return [
    ...coreTime('aicore_time(us)', 'aic_'),
    ...values('aic_', group.aic, group.unit),
    ...coreTime('aiv_time(us)', 'aiv_'),
    ...values('aiv_', group.aiv, group.unit),
    utilization,
  ];
}

/** Header cells of op_summary. At l0 there is no operator information: the first eleven and the context id only. */
export function opSummaryHeader(family: ChipFamily, level: 'l0' | 'l1' | 'l2', metrics: AicMetrics | null): string[] {
  if (level === 'l0') return isStars(family) ? [...base, 'Context ID'] : base;
  const masked = isStars(family) ? tensor : tensor.filter((name) => name !== 'Mix Block Num' && name !== 'Context ID');
  return [...base, ...masked, ...pmuColumns(family, metrics).map((column) => column.header)];
}

export const headers = {
  op_statistic: 'Device_id,OP Type,Core Type,Count,Total Time(us),Min Time(us),Avg Time(us),Max Time(us),Ratio(%)',
  communication_statistic: 'Device_id,OP Type,Count,Total Time(us),Min Time(us),Avg Time(us),Max Time(us),Ratio(%)',
  api_statistic: 'Device_id,Level,API Name,Time(us),Count,Avg(us),Min(us),Max(us),Variance',
  task_time: 'Device_id,kernel_name,kernel_type,stream_id,task_id,task_time(us),task_start(us),task_stop(us)',
  npu_module_mem: 'Device_id,Component,Timestamp(us),Total Reserved(KB),Device',
  memory_record: 'Device_id,Component,Timestamp(us),Total Allocated(KB),Total Reserved(KB),Device',
  torch_npu_module_mem: 'Device_id,Component,Timestamp(us),Total Reserved(MB),Device',
  torch_memory_record:
    'Component,Timestamp(us),Total Allocated(MB),Total Reserved(MB),Total Active(MB),Stream Ptr,Device Type',
  step_trace_time:
    'Device_id,Step,Computing,Communication(Not Overlapped),Overlapped,Communication,Free,Stage,Bubble,Communication(Not Overlapped and Exclude Receive),Preparing',
} as const;

/** op_summary name → kernel_details name, where they differ (torch_npu csv headers). */
export const kernelDetailsNames: ReadonlyMap<string, string> = new Map([
  ['Op Name', 'Name'],
  ['OP Type', 'Type'],
  ['Task Type', 'Accelerator Core'],
  ['Task Start Time(us)', 'Start Time(us)'],
  ['Task Duration(us)', 'Duration(us)'],
  ['Task Wait Time(us)', 'Wait Time(us)'],
]);

export const apiType = { acl: 20000, model: 15000, node: 10000, communication: 5500, runtime: 5000 } as const;
export const apiTrack = {
  acl: 'AscendCL',
  model: 'Model',
  node: 'Node',
  communication: 'Communication',
  runtime: 'Runtime',
} as const;
export const commDataType = {
  INT8: 0,
  INT16: 1,
  INT32: 2,
  FP16: 3,
  FP32: 4,
  INT64: 5,
  UINT64: 6,
  UINT8: 7,
  UINT16: 8,
  UINT32: 9,
  FP64: 10,
  BFP16: 11,
  INT128: 12,
  HIF8: 14,
  FP8E4M3: 15,
  FP8E5M2: 16,
  FP8E8M0: 17,
  RESERVED: 255,
  'N/A': 65534,
  INVALID_TYPE: 65535,
} as const;
export const linkType = {
  ON_CHIP: 0,
  HCCS: 1,
  PCIE: 2,
  ROCE: 3,
  SIO: 4,
  HCCS_SW: 5,
  STANDARD_ROCE: 6,
  UB: 7,
  UBoE: 8,
  RESERVED: 255,
  'N/A': 65534,
  INVALID_TYPE: 65535,
} as const;
export const transportType = {
  SDMA: 0,
  RDMA: 1,
  LOCAL: 2,
  UB: 3,
  ROCE: 4,
  RESERVED: 255,
  'N/A': 65534,
  INVALID_TYPE: 65535,
} as const;
export const rdmaType = {
  RDMA_SEND_NOTIFY: 0,
  RDMA_SEND_PAYLOAD: 1,
  RESERVED: 255,
  'N/A': 65534,
  INVALID_TYPE: 65535,
} as const;
export const memcpyOperation = {
  'host to host': 0,
  'host to device': 1,
  'device to host': 2,
  'device to device': 3,
  'managed memory': 4,
  'addr device to device': 5,
  'host to device ex': 6,
  'device to host ex': 7,
  other: 65535,
} as const;
export const mstxType = { marker: 0, 'push/pop': 1, 'start/end': 2, marker_ex: 3 } as const;
export const overlapType = { COMPUTE: 0, COMMUNICATION: 1, COMM_NOT_OVERLAP_COMP: 2, FREE: 3, RESERVE: 65535 } as const;
export const moduleIds: Readonly<Record<string, number>> = {
  SLOG: 0,
  IDEDD: 1,
  SCC: 2,
  HCCL: 3,
  FMK: 4,
  CCU: 5,
  DVPP: 6,
  RUNTIME: 7,
  CCE: 8,
  HDC: 9,
  DRV: 10,
  NET: 11,
  DEVMM: 22,
  KERNEL: 23,
  LIBMEDIA: 24,
  CCECPU: 25,
  ROS: 27,
  HCCP: 28,
  ROCE: 29,
  TEFUSION: 30,
  PROFILING: 31,
  DP: 32,
  APP: 33,
  TS: 34,
  TSDUMP: 35,
  AICPU: 36,
  LP: 37,
  TDT: 38,
  FE: 39,
  MD: 40,
  MB: 41,
  ME: 42,
  IMU: 43,
  IMP: 44,
  GE: 45,
  CAMERA: 47,
  ASCENDCL: 48,
  TEEOS: 49,
  ISP: 50,
  SIS: 51,
  HSM: 52,
  DSS: 53,
  PROCMGR: 54,
  BBOX: 55,
  AIVECTOR: 56,
  TBE: 57,
  FV: 58,
  TUNE: 60,
  HSS: 61,
  FFTS: 62,
  OP: 63,
  UDF: 64,
  HICAID: 65,
  TSYNC: 66,
  AUDIO: 67,
  TPRT: 68,
  ASCENDCKERNEL: 69,
  ASYS: 70,
  ATRACE: 71,
  RTC: 72,
  SYSMONITOR: 73,
  AMP: 74,
  ADETECT: 75,
  MBUFF: 76,
  CUSTOM: 77,
};

/** The scheduler's word for a task, shown in the timeline where no kernel type is known. */
export const sqeType: Readonly<Record<HostTaskType, string>> = {
  KERNEL_AICORE: 'AI_CORE',
  KERNEL_AIVEC: 'AIV_SQE',
  KERNEL_AICPU: 'AI_CPU',
  KERNEL_MIX_AIC: 'AI_CORE',
  KERNEL_MIX_AIV: 'AIV_SQE',
  MEMCPY_ASYNC: 'SDMA_SQE',
  EVENT_WAIT: 'EVENT_WAIT_SQE',
  EVENT_RECORD: 'EVENT_RECORD_SQE',
  NOTIFY_WAIT: 'NOTIFY_WAIT_SQE',
  NOTIFY_RECORD: 'NOTIFY_RECORD_SQE',
  SDMA_SQE: 'SDMA_SQE',
  PLACE_HOLDER_SQE: 'PLACE_HOLDER_SQE',
};

/** TASK.taskType of a collective's sub-task: FFTS+ contexts show the scheduler's element. */
export function commTaskSqe(task: SimCommTask): string {
  if (task.name === 'Notify_Wait') return 'NOTIFY_WAIT_SQE';
  if (task.name === 'Memcpy' || task.name === 'Reduce_Inline') return 'SDMA_SQE';
  return 'WRITE_VALUE_SQE';
}
