import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulatedFile, simulatedText, type AicMetrics, type Capture, type SimProcess } from './capture.js';
import { groupHash } from './comm-summary.js';
import { writeCommunicationJson } from './comm-json.js';
import { headers, kernelDetailsNames, opSummaryHeader } from './formats.js';
import { apiStatistic, moduleMemory, opStatistic } from './msprof-csv.js';
import { opSummaryRows } from './op-rows.js';
import { stepName, stepTrace } from './step-trace.js';
import { writeAnalysisDb, writeTorchDb } from './torch-db.js';
import { writeTraceView } from './torch-trace.js';
import { double, microseconds, stamp, TextFile } from './text.js';

export interface TorchOptions {
  /** `text`: csv and json; `db`: databases; both: what current torch_npu does for Text. */
  readonly forms: readonly ('text' | 'db')[];
}

/** torch_npu's word for an aic-metrics group. */
const torchMetrics: Record<AicMetrics, string> = {
  PipeUtilization: 'ACL_AICORE_PIPE_UTILIZATION',
  ArithmeticUtilization: 'ACL_AICORE_ARITHMETIC_UTILIZATION',
  Memory: 'ACL_AICORE_MEMORY_BANDWIDTH',
  MemoryL0: 'ACL_AICORE_L0B_AND_WIDTH',
  MemoryUB: 'ACL_AICORE_MEMORY_UB',
  ResourceConflictRatio: 'ACL_AICORE_RESOURCE_CONFLICT_RATIO',
  L2Cache: 'ACL_AICORE_L2_CACHE',
  MemoryAccess: 'ACL_AICORE_MEMORY_ACCESS',
};
/** Bubble is a sum over no operations: Python's integer 0, all others are floats. */
const bubbleColumn = 6;
const torchLevel = { l0: 'Level0', l1: 'Level1', l2: 'Level2' } as const;

export function torchFolderName(process: SimProcess): string {
  return `${process.host}_${process.pid}_${stamp(process.startNs, 17)}_ascend_pt`;
}

/**
 * What torch_npu.profiler leaves of one process: `<host>_<pid>_<17 digits>_ascend_pt`.
 * @param parent existing folder @returns the folder, and the files inside it
 */
export async function writeTorch(
  parent: string,
  capture: Capture,
  process: SimProcess,
  options: TorchOptions,
): Promise<{ folder: string; files: string[] }> {
  const folder = join(parent, torchFolderName(process));
  const output = join(folder, 'ASCEND_PROFILER_OUTPUT');
  mkdirSync(output, { recursive: true });
  writeFileSync(join(folder, simulatedFile), simulatedText);
  writeFileSync(
    join(folder, process.rank === null ? 'profiler_info.json' : `profiler_info_${process.rank}.json`),
    JSON.stringify(profilerInfo(capture, process, options), null, 4),
  );
  writeFileSync(join(folder, 'profiler_metadata.json'), JSON.stringify(profilerMetadata(capture, process)));
  const files: string[] = [];
  const step = stepName(process);
  if (options.forms.includes('text')) {
    files.push(...textFiles(output, capture, process));
    files.push(writeTraceView(output, capture, process));
    if (capture.config.level !== 'l0' && hasCollectives(process))
      files.push(...writeCommunicationJson(output, process, `step${step}`));
  }
  if (options.forms.includes('db')) {
    files.push(await writeTorchDb(output, capture, process));
    files.push(await writeAnalysisDb(output, capture, process, step));
  }
  return { folder, files };
}

function hasCollectives(process: SimProcess): boolean {
  return process.commOps[Symbol.iterator]().next().done !== true;
}

function textFiles(output: string, capture: Capture, process: SimProcess): string[] {
  const paths: string[] = [];
  // Python's csv writer ends lines with CR LF.
  const write = (name: string, header: string, rows: Iterable<string>): void => {
    const file = new TextFile(join(output, name));
    file.write(`${header}\r\n`);
    for (const row of rows) file.write(`${row}\r\n`);
    file.close();
    paths.push(file.path);
  };
  const { level } = capture.config;
  const marked = [...process.marks].filter((mark) => mark.kind === 'step');
  write('kernel_details.csv', kernelHeader(capture, process, marked.length > 0), kernelRows(capture, process, marked));
  if (level !== 'l0') {
    write('op_statistic.csv', headers.op_statistic, opStatistic(process));
    write('api_statistic.csv', headers.api_statistic, apiStatistic(process));
  }
  write(
    'step_trace_time.csv',
    headers.step_trace_time,
    stepTrace(process).map((row) =>
      [
        row.device,
        row.step,
        ...row.values.map((value, column) => (column === bubbleColumn ? String(value) : double(value))),
      ].join(','),
    ),
  );
  write('memory_record.csv', headers.torch_memory_record, memoryRecord(process));
  write('npu_module_mem.csv', headers.torch_npu_module_mem, moduleMemory(process, 1_048_576));
  return paths;
}

/** Level0 has eight columns without operator types; the others are op_summary's under new names. */
const bareHeader = [
  'Device_id',
  'Name',
  'Type',
  'Accelerator Core',
  'Start Time(us)',
  'Duration(us)',
  'Wait Time(us)',
  'Block Num',
];

function kernelHeader(capture: Capture, process: SimProcess, marked: boolean): string {
  const { level, aicMetrics } = capture.config;
  const names =
    level === 'l0'
      ? bareHeader
      : opSummaryHeader(process.devices[0]?.family ?? 'Ascend910B', level, aicMetrics).map(
          (name) => kernelDetailsNames.get(name) ?? name,
        );
  return (marked ? ['Step Id', ...names] : names).join(',');
}

function* kernelRows(
  capture: Capture,
  process: SimProcess,
  marked: readonly { name: string; startNs: bigint; endNs: bigint }[],
): Generator<string> {
  const config =
    capture.config.level === 'l0' ? { ...capture.config, level: 'l1' as const, aicMetrics: null } : capture.config;
  for (const row of opSummaryRows(process, config)) {
    const start = row[8] ?? '';
    const ns = BigInt(start.replace('.', ''));
    const mark = marked.find((item) => ns >= item.startNs && ns < item.endNs);
    const comm = row[7] === 'COMMUNICATION';
    const cells =
      capture.config.level === 'l0'
        ? [row[0], row[4], 'N/A', comm ? 'COMMUNICATION' : 'N/A', `${start}\t`, row[9], row[10], '0']
        : row.map((cell, index) => (index === 8 ? `${cell}\t` : csvCell(cell)));
    yield (marked.length > 0 ? [mark?.name.replace('ProfilerStep#', '') ?? '', ...cells] : cells).join(',');
  }
}

/** Shapes come quoted from op_summary; Python's csv writer quotes the quotes again. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function* memoryRecord(process: SimProcess): Generator<string> {
  const mb = (bytes: number | null): string =>
    bytes === null ? '' : Number.isInteger(bytes / 1_048_576) ? `${bytes / 1_048_576}.0` : String(bytes / 1_048_576);
  for (const sample of process.memory)
    if (sample.kind === 'process')
      yield `${sample.component},${microseconds(sample.timeNs)}\t,,${mb(sample.reservedBytes)},,,NPU:${sample.device}`;
  for (const sample of process.memory) {
    if (sample.component !== 'PTA') continue;
    for (const component of ['PTA', 'PTA+GE'])
      yield `${component},${microseconds(sample.timeNs)}\t,${mb(sample.allocatedBytes)},${mb(sample.reservedBytes)},${mb(sample.activeBytes)},2,NPU:${sample.device}`;
  }
}

function profilerInfo(capture: Capture, process: SimProcess, options: TorchOptions): unknown {
  const { level, aicMetrics, cannVersion, torchNpuVersion } = capture.config;
  return {
    config: {
      common_config: {
        activities: ['ProfilerActivity.CPU', 'ProfilerActivity.NPU'],
        schedule: { wait: 0, active: 1, warmup: 0, repeat: 1, skip_first: 0 },
        record_shapes: false,
        profile_memory: true,
        with_stack: false,
        with_flops: false,
        with_modules: false,
      },
      experimental_config: {
        _profiler_level: torchLevel[level],
        _aic_metrics: aicMetrics === null ? 'ACL_AICORE_NONE' : torchMetrics[aicMetrics],
        _l2_cache: false,
        _msprof_tx: false,
        _mstx: false,
        _data_simplification: true,
        record_op_args: false,
        _export_type: [...options.forms],
        _host_sys: [],
        _op_attr: false,
        _gc_detect_threshold: null,
        _mstx_domain_include: [],
        _mstx_domain_exclude: [],
        _sys_io: false,
        _sys_interconnection: false,
      },
    },
    start_info: {
      syscnt_enable: true,
      freq: 100,
      start_cnt: Number(process.startNs % 1_000_000_000_000_000n) / 10,
      start_monotonic: Number(process.startNs % 1_000_000_000_000_000n),
    },
    end_info: {
      collectionTimeEnd: Number(process.endNs),
      MonotonicTimeEnd: Number(process.endNs % 1_000_000_000_000_000n),
    },
    torch_npu_version: torchNpuVersion,
    cann_version: cannVersion,
    rank_id: process.rank === null ? '-1' : String(process.rank),
  };
}

function profilerMetadata(capture: Capture, process: SimProcess): unknown {
  const groups = Object.entries(capture.config.groups).map(([name, ranks]): [string, unknown] => [
    groupHash(name),
    { group_name: 'tp', group_rank: process.rank === null ? -1 : ranks.indexOf(process.rank), global_ranks: ranks },
  ]);
  return {
    ENV_VARIABLES: {
      ASCEND_GLOBAL_LOG_LEVEL: '3',
      HCCL_RDMA_TC: '',
      HCCL_RDMA_SL: '',
      ACLNN_CACHE_LIMIT: '',
      HOST_CACHE_CAPACITY: '',
      ASCEND_ENHANCE_ENABLE: '',
      PYTORCH_NPU_ALLOC_CONF: 'expandable_segments:True',
      ASCEND_LAUNCH_BLOCKING: '',
      HCCL_ALGO: '',
    },
    parallel_group_info: Object.fromEntries<unknown>(groups),
    SIMULATED: '1',
  };
}
