import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { planted } from '../generate/captures.js';
import { tempFolder } from '../helpers/temp.js';
import { column, nanoseconds, sheet, sum, type Sheet } from './reader.js';

/** Verbatim from the exporters' documents and sources, written here a second time on purpose. */
const a2 =
  'Device_id,Model ID,Task ID,Stream ID,Op Name,OP Type,OP State,Task Type,Task Start Time(us),Task Duration(us),Task Wait Time(us),Block Num,Mix Block Num,HF32 Eligible,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,Context ID,aicore_time(us),aic_total_cycles,aic_mac_time(us),aic_mac_ratio,aic_scalar_time(us),aic_scalar_ratio,aic_mte1_time(us),aic_mte1_ratio,aic_mte2_time(us),aic_mte2_ratio,aic_fixpipe_time(us),aic_fixpipe_ratio,aic_icache_miss_rate,aiv_time(us),aiv_total_cycles,aiv_vec_time(us),aiv_vec_ratio,aiv_scalar_time(us),aiv_scalar_ratio,aiv_mte2_time(us),aiv_mte2_ratio,aiv_mte3_time(us),aiv_mte3_ratio,aiv_icache_miss_rate,cube_utilization(%)';
const legacy =
  'Device_id,Model ID,Task ID,Stream ID,Op Name,OP Type,OP State,Task Type,Task Start Time(us),Task Duration(us),Task Wait Time(us),Block Num,HF32 Eligible,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,aicore_time(us),total_cycles,vec_time(us),vec_ratio,mac_time(us),mac_ratio,scalar_time(us),scalar_ratio,mte1_time(us),mte1_ratio,mte2_time(us),mte2_ratio,mte3_time(us),mte3_ratio,icache_miss_rate,memory_bound,cube_utilization(%)';
const l0 =
  'Device_id,Model ID,Task ID,Stream ID,Op Name,OP Type,OP State,Task Type,Task Start Time(us),Task Duration(us),Task Wait Time(us),Context ID';
const kernelDetails =
  'Device_id,Model ID,Task ID,Stream ID,Name,Type,OP State,Accelerator Core,Start Time(us),Duration(us),Wait Time(us),Block Num,Mix Block Num,HF32 Eligible,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,Context ID,aicore_time(us)';

const folder = await tempFolder();
let made: Awaited<ReturnType<typeof planted>>;
const prof = (index = 0): string => made.written.processes[index]!.prof!;
const file = (name: string, index = 0): string => {
  const output = join(prof(index), 'mindstudio_profiler_output');
  return join(
    output,
    readdirSync(output).find((entry) => entry.startsWith(`${name}_2`))!,
  );
};

beforeAll(async () => {
  made = await planted(join(folder, 'a2'), { ranks: 2, commOverlap: false, marks: 'step' }, [
    'msprof-csv',
    'torch-text',
    'msprof-analyze',
  ]);
});

describe('op_summary', () => {
  let data: Sheet;
  beforeAll(() => {
    data = sheet(file('op_summary'));
  });

  test('has the A2 header, and every row as many cells', () => {
    expect(data.header.join(',')).toBe(a2);
    for (const row of data.rows) expect(row).toHaveLength(data.header.length);
  });

  test('holds every planted kernel and collective with its time to the nanosecond', () => {
    const process = made.capture.processes[0]!;
    const truth = [...process.tasks]
      .filter((task) => task.kernel !== null)
      .map((task) => `${task.name} ${task.startNs} ${task.durationNs}`);
    for (const op of process.commOps) truth.push(`${op.name} ${op.startNs} ${op.durationNs}`);
    const names = column(data, 'Op Name');
    const starts = column(data, 'Task Start Time(us)');
    const durations = column(data, 'Task Duration(us)');
    expect(names.map((name, i) => `${name} ${nanoseconds(starts[i]!)} ${nanoseconds(durations[i]!)}`).sort()).toEqual(
      truth.sort(),
    );
  });

  test('ends start times, and nothing else, with a TAB', () => {
    for (const row of data.rows) row.forEach((cell, index) => expect(cell.includes('\t')).toBe(index === 8));
    for (const cell of column(data, 'Task Start Time(us)')) expect(cell).toMatch(/^\d{16}\.\d{3}\t$/);
  });

  test('quotes shapes alone', () => {
    for (const row of data.rows)
      row.forEach((cell, index) => expect(cell.startsWith('"')).toBe([14, 17].includes(index) && cell !== 'N/A'));
  });

  test('shows collectives as the exporter does', () => {
    const rows = data.rows.filter((row) => row[7] === 'COMMUNICATION');
    expect(rows).toHaveLength(made.truth.collectivesPerStep * made.options.steps);
    for (const row of rows) {
      expect([row[2], row[3], row[6], row[11]]).toEqual(['N/A', 'N/A', 'N/A', '0']);
      expect(row.slice(12).every((cell) => cell === 'N/A')).toBe(true);
    }
  });

  test('is sorted by start, and its wait times are the gap to the row before', () => {
    const starts = column(data, 'Task Start Time(us)').map(nanoseconds);
    const durations = column(data, 'Task Duration(us)').map(nanoseconds);
    const waits = column(data, 'Task Wait Time(us)');
    expect(waits[0]).toBe('0');
    for (let i = 1; i < starts.length; i += 1) {
      expect(starts[i]! >= starts[i - 1]!).toBe(true);
      const gap = Number(starts[i]! - starts[i - 1]! - durations[i - 1]!) / 1000;
      // The exporter subtracts doubles of 1.7e15 µs: a quarter of a microsecond is their resolution.
      expect(Math.abs(Number(waits[i]) - Math.max(0, gap))).toBeLessThan(0.8);
    }
  });

  test('PMU times are ratio times core time, and cycles are core time times clock times blocks', () => {
    const at = (row: string[], name: string): number => Number(row[data.header.indexOf(name)]);
    for (const row of data.rows) {
      if (row[7] !== 'AI_CORE') continue;
      expect(at(row, 'aic_mte2_time(us)')).toBeCloseTo(at(row, 'aic_mte2_ratio') * at(row, 'aicore_time(us)'), 0);
      expect(at(row, 'aic_total_cycles') / at(row, 'aicore_time(us)') / 1800).toBeCloseTo(20, 1);
      expect(at(row, 'aicore_time(us)')).toBeLessThanOrEqual(at(row, 'Task Duration(us)'));
    }
  });
});

test('statistics sum to the rows they are made of', () => {
  const rows = sheet(file('op_summary'));
  const durations = rows.rows.filter((row) => row[7] !== 'COMMUNICATION').map((row) => Number(row[9]));
  const statistic = sheet(file('op_statistic'));
  expect(statistic.header.join(',')).toBe(
    'Device_id,OP Type,Core Type,Count,Total Time(us),Min Time(us),Avg Time(us),Max Time(us),Ratio(%)',
  );
  expect(sum(column(statistic, 'Total Time(us)').map(Number))).toBeCloseTo(sum(durations), 1);
  expect(sum(column(statistic, 'Count').map(Number))).toBe(durations.length);
  expect(sum(column(statistic, 'Ratio(%)').map(Number))).toBeCloseTo(100, 1);
  const totals = column(statistic, 'Total Time(us)').map(Number);
  expect(totals).toEqual([...totals].sort((a, b) => b - a));
  const comm = sheet(file('communication_statistic'));
  expect(comm.header.join(',')).toBe(
    'Device_id,OP Type,Count,Total Time(us),Min Time(us),Avg Time(us),Max Time(us),Ratio(%)',
  );
  expect(column(comm, 'Ratio(%)')).toEqual(['100']);
});

test('task_time has TABs at both times, a stop that is start and duration, and FFTS+ contexts folded', () => {
  const data = sheet(file('task_time'));
  expect(data.header.join(',')).toBe(
    'Device_id,kernel_name,kernel_type,stream_id,task_id,task_time(us),task_start(us),task_stop(us)',
  );
  for (const row of data.rows) {
    expect([row[6]!.endsWith('\t'), row[7]!.endsWith('\t'), row[5]!.includes('\t')]).toEqual([true, true, false]);
    expect(nanoseconds(row[7]!) - nanoseconds(row[6]!)).toBe(nanoseconds(row[5]!));
  }
  const process = made.capture.processes[0]!;
  expect(data.rows).toHaveLength([...process.tasks].length + [...process.commOps].length);
});

test('api_statistic counts every call, with the population variance', () => {
  const data = sheet(file('api_statistic'));
  expect(data.header.join(',')).toBe('Device_id,Level,API Name,Time(us),Count,Avg(us),Min(us),Max(us),Variance');
  const calls = [...made.capture.processes[0]!.apis];
  expect(sum(column(data, 'Count').map(Number))).toBe(calls.length);
  const launches = calls.filter((call) => call.level === 'node').map((call) => call.durationNs / 1000);
  const mean = sum(launches) / launches.length;
  const row = data.rows.find((cells) => cells[1] === 'node')!;
  expect(Number(row[8])).toBeCloseTo(sum(launches.map((value) => (value - mean) ** 2)) / launches.length, 2);
});

test('memory files are in KB for msprof and in MB for torch', () => {
  const msprof = sheet(file('npu_module_mem'));
  expect(msprof.header.join(',')).toBe('Device_id,Component,Timestamp(us),Total Reserved(KB),Device');
  const torch = sheet(join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'npu_module_mem.csv'));
  expect(torch.header.join(',')).toBe('Device_id,Component,Timestamp(us),Total Reserved(MB),Device');
  expect(Number(msprof.rows[0]![3])).toBe(Number(torch.rows[0]![3]) * 1024);
  const record = sheet(join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'memory_record.csv'));
  expect(record.header.join(',')).toBe(
    'Component,Timestamp(us),Total Allocated(MB),Total Reserved(MB),Total Active(MB),Stream Ptr,Device Type',
  );
  expect(sheet(file('memory_record')).header.join(',')).toBe(
    'Device_id,Component,Timestamp(us),Total Allocated(KB),Total Reserved(KB),Device',
  );
});

test('kernel_details: torch names, step ids, CR LF, shapes quoted twice', () => {
  const path = join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'kernel_details.csv');
  const data = sheet(path);
  expect(data.header.join(',').startsWith(`Step Id,${kernelDetails}`)).toBe(true);
  expect(
    data.text
      .split('\n')
      .slice(0, -1)
      .every((line) => line.endsWith('\r')),
  ).toBe(true);
  expect(data.rows).toHaveLength(sheet(file('op_summary')).rows.length);
  expect(data.rows[0]![15]).toMatch(/^"""[\d,;]+"""$/);
  expect(new Set(column(data, 'Step Id'))).toEqual(new Set(['0', '1', '2', '3']));
});

test('step_trace_time is the truth, and stage is its sum', () => {
  const data = sheet(join(made.written.processes[1]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'step_trace_time.csv'));
  expect(data.header.join(',')).toBe(
    'Device_id,Step,Computing,Communication(Not Overlapped),Overlapped,Communication,Free,Stage,Bubble,Communication(Not Overlapped and Exclude Receive),Preparing',
  );
  const [, , computing, alone, overlapped, communication, free, stage] = data.rows[0]!.map(Number);
  const truth = made.truth.windows[1]!;
  expect(computing).toBeCloseTo(truth.computing_us, 3);
  expect(alone).toBeCloseTo(truth.communicationNotOverlapped_us, 3);
  expect(communication).toBeCloseTo(truth.communication_us, 3);
  expect(overlapped).toBeCloseTo(communication! - alone!, 6);
  expect(stage).toBeCloseTo(computing! + alone! + free!, 6);
});

test('a row limit makes slices with a header each; below it there is one file', async () => {
  const sliced = await planted(join(folder, 'sliced'), { steps: 2 }, ['msprof-csv'], { sliceRows: 40 });
  const output = join(sliced.written.processes[0]!.prof!, 'mindstudio_profiler_output');
  const parts = readdirSync(output)
    .filter((name) => name.startsWith('op_summary'))
    .sort();
  const rows = sliced.truth.kernelsPerDecodeStep * 2;
  expect(parts).toHaveLength(Math.ceil(rows / 40));
  parts.forEach((name, index) => expect(name).toMatch(new RegExp(`^op_summary_slice_${index}_\\d{14}\\.csv$`)));
  const sheets = parts.map((name) => sheet(join(output, name)));
  expect(sum(sheets.map((data) => data.rows.length))).toBe(rows);
  for (const data of sheets) expect(data.header.join(',')).toBe(a2);
  expect(readdirSync(output).filter((name) => name.startsWith('op_statistic'))[0]).toMatch(
    /^op_statistic_\d{14}\.csv$/,
  );
});

test('chips without STARS lose mixed kernels, context ids and the vector side', async () => {
  const old = await planted(join(folder, '310p'), { chip: 'Ascend310P3', steps: 1 }, ['msprof-csv']);
  const output = join(old.written.processes[0]!.prof!, 'mindstudio_profiler_output');
  const data = sheet(
    join(
      output,
      readdirSync(output).find((name) => name.startsWith('op_summary'))!,
    ),
  );
  expect(data.header.join(',')).toBe(legacy);
  for (const row of data.rows) expect(row).toHaveLength(data.header.length);
  expect(column(data, 'Task Type').every((type) => type === 'AI_CORE')).toBe(true);
});

test.each([
  ['ArithmeticUtilization', 'aic_mac_fp16_ratio', 'aiv_vec_fp32_ratio', 'aic_vec_fp32_ratio'],
  ['Memory', 'aic_main_mem_read_bw(GB/s)', 'aiv_ub_read_bw(GB/s)', 'aic_ub_read_bw(GB/s)'],
  ['MemoryL0', 'aic_l0a_read_bw(GB/s)', 'aic_l0c_read_bw_cube(GB/s)', 'aiv_l0a_read_bw(GB/s)'],
  ['MemoryUB', 'aiv_ub_read_bw_vector(GB/s)', 'aiv_ub_write_bw_scalar(GB/s)', 'aic_ub_read_bw_vector(GB/s)'],
  ['ResourceConflictRatio', 'aiv_vec_bank_cflt_ratio', 'aiv_vec_resc_cflt_ratio', 'aic_vec_bank_cflt_ratio'],
  ['L2Cache', 'aic_write_cache_hit', 'aiv_r1_read_cache_miss_allocate', 'write_cache_hit'],
  ['MemoryAccess', 'aic_read_main_memory_datas(KB)', 'aiv_UB_to_GM_datas(KB)', 'read_main_memory_datas(KB)'],
] as const)('%s has its columns and not those of the wrong core', async (aicMetrics, one, other, wrong) => {
  const written = await planted(join(folder, aicMetrics), { aicMetrics, steps: 1 }, ['msprof-csv']);
  const output = join(written.written.processes[0]!.prof!, 'mindstudio_profiler_output');
  const data = sheet(
    join(
      output,
      readdirSync(output).find((name) => name.startsWith('op_summary'))!,
    ),
  );
  expect(data.header).toEqual(
    expect.arrayContaining([one, other, 'aicore_time(us)', 'aiv_time(us)', 'cube_utilization(%)']),
  );
  expect(data.header).not.toContain(wrong);
  for (const row of data.rows) expect(row).toHaveLength(data.header.length);
  expect(Number(column(data, 'Task Duration(us)')[0])).toBeGreaterThan(0);
});

test('task-time l0 knows collectives and task times only', async () => {
  const bare = await planted(join(folder, 'l0'), { level: 'l0', ranks: 2, steps: 1 }, ['msprof-csv', 'torch-text']);
  const output = join(bare.written.processes[0]!.prof!, 'mindstudio_profiler_output');
  const names = readdirSync(output);
  expect(names.some((name) => /op_statistic|communication_statistic/.test(name))).toBe(false);
  const data = sheet(
    join(
      output,
      names.find((name) => name.startsWith('op_summary'))!,
    ),
  );
  expect(data.header.join(',')).toBe(l0);
  expect(data.rows).toHaveLength(bare.truth.collectivesPerStep);
  // Collectives carry a 0 that has no column here: it stands under Context ID.
  for (const row of data.rows) expect([row[5], row[11]]).toEqual(['N/A', '0']);
  const torch = sheet(join(bare.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'kernel_details.csv'));
  expect(torch.header.join(',')).toBe(
    'Device_id,Name,Type,Accelerator Core,Start Time(us),Duration(us),Wait Time(us),Block Num',
  );
  expect(readdirSync(join(bare.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT'))).not.toContain(
    'communication.json',
  );
});

test('everything is marked as simulated, and a PROF folder has the parts of a real one', () => {
  for (const path of [made.written.folder, prof(), made.written.processes[0]!.torch!])
    expect(readFileSync(join(path, 'SIMULATED'), 'utf8')).toMatch(/simulator of xllm-npu-workflow/);
  const metadata = JSON.parse(readFileSync(join(made.written.processes[0]!.torch!, 'profiler_metadata.json'), 'utf8'));
  expect(metadata.SIMULATED).toBe('1');
  expect(prof()).toMatch(/PROF_000001_\d{17}_\d{8}[A-Z]{8}$/);
  expect(readdirSync(prof()).sort()).toEqual([
    'SIMULATED',
    'analyze',
    'device_0',
    'host',
    'mindstudio_profiler_output',
  ]);
  const info = JSON.parse(readFileSync(join(prof(), 'device_0', 'info.json.0'), 'utf8'));
  expect(info.DeviceInfo[0]).toMatchObject({ id: 0, ai_core_num: 20, aiv_num: 40, aic_frequency: '1800' });
  expect(info.platform_version).toBe('5');
  expect(JSON.parse(readFileSync(join(prof(), 'device_0', 'end_info.0'), 'utf8')).collectionTimeEnd).toMatch(
    /^\d{16}$/,
  );
  expect(JSON.parse(readFileSync(join(prof(), 'host', 'sample.json'), 'utf8'))).toMatchObject({
    ai_core_metrics: 'PipeUtilization',
    profLevel: 'l1',
  });
});
