import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { describe, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { analyze } from '../../server/profiling/analyze/analyze.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const dir = await tempFolder();
const host = testHost(dir);
const mib = 1024 * 1024;

// Headers of torch_npu and of msprof (facts §2.6, §2.4). 600 of 1000 MB used at the reserved peak; the last tensor is never released.
const torch = `Name,Size(KB),Allocation Time(us),Release Time(us),Active Release Time(us),Duration(us),Active Duration(us),Allocation Total Allocated(MB),Allocation Total Reserved(MB),Allocation Total Active(MB),Release Total Allocated(MB),Release Total Reserved(MB),Release Total Active(MB),Stream Ptr,Device Type
aten::empty,1,1736408883697894.540\t,1736408883697999.000\t,,,,500.0,800.0,500.0,600.0,1000.0,600.0,1,NPU:3
aten::mm,1,1736408883697950.000\t,,,,,900.0,950.0,900.0,,,,1,NPU:3
`;
const msprof = `Device_id,Name,Size(KB),Allocation Time(us),Duration(us),Allocation Total Allocated(KB),Allocation Total Reserved(KB),Release Total Allocated(KB),Release Total Reserved(KB),Device
3,op,1,1736408883697894.540\t,10,614400,1024000,N/A,N/A,NPU:3
`;
const kernels = 'Device_id,Name,Type,Accelerator Core,Start Time(us),Duration(us)\n3,MatMul,MatMulV2,AI_CORE,1736408883697900.000\t,10\n';

async function rowsOf(name: string, files: Record<string, string>): Promise<unknown> {
  const folder = join(dir, name, 'ASCEND_PROFILER_OUTPUT');
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries({ 'kernel_details.csv': kernels, ...files })) await writeFile(join(folder, file), text);
  return analyze(await readProfile([join(dir, name)], host)).memory?.map((r) => [r.device, r.component, r.peak_mb, r.reserved_mb, r.allocated_mb, r.fragmentation_pct]);
}

describe('memory of single operators', () => {
  it('operator_memory.csv of torch_npu: the peak may be at a release', async () => {
    expect(await rowsOf('a_ascend_pt', { 'operator_memory.csv': torch })).toEqual([[3, 'PTA', 1000, 1000, 600, 40]]);
  });

  it('operator_memory.csv of msprof, in KB', async () => {
    expect(await rowsOf('b_ascend_pt', { 'operator_memory_20260101000000.csv': msprof })).toEqual([[3, 'PTA', 1000, 1000, 600, 40]]);
  });

  it('gives way to the record over time', async () => {
    const record = 'Component,Timestamp(us),Total Allocated(MB),Total Reserved(MB),Total Active(MB),Stream Ptr,Device Type\nPTA,1736408883697894.540\t,10.0,20.0,10.0,1,NPU:3\n';
    expect(await rowsOf('c_ascend_pt', { 'operator_memory.csv': torch, 'memory_record.csv': record })).toEqual([[3, 'PTA', 20, 20, 10, 50]]);
  });

  it('a metrics page of xLLM beside the capture: the pool, the blocks in use, and no fragmentation', async () => {
    const page = (used: number): string => `num_free_blocks : ${4000 - used}\nnum_used_blocks : ${used}\ntotal_kv_cache_size_in_kilobytes : ${8 * 1024 * 1024}\nkv_cache_utilization_perc : 0.25\n`;
    const folder = join(dir, 'job', 'e_ascend_pt', 'ASCEND_PROFILER_OUTPUT');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'kernel_details.csv'), kernels);
    await writeFile(join(dir, 'job', 'service-metrics.txt'), page(1000));
    const profile = await readProfile([join(dir, 'job')], host);
    expect(analyze(profile).memory?.map((r) => [r.device, r.component, r.peak_mb, r.reserved_mb, r.allocated_mb, r.fragmentation_pct])).toEqual([[3, 'KV blocks', 8192, 8192, 2048, null]]);
    // The pool says nothing about the allocator: its files are still missed.
    expect(profile.incomplete.map((n) => n.code)).toContain('no-memory');
    await writeFile(join(dir, 'job', 'service-metrics.txt'), 'vllm:num_requests_running{engine="0"} 2\n');
    expect(analyze(await readProfile([join(dir, 'job', 'e_ascend_pt')], host)).memory).toBeNull();
  });

  it('OP_MEMORY of a database without MEMORY_RECORD', async () => {
    const folder = join(dir, 'd_ascend_pt', 'ASCEND_PROFILER_OUTPUT');
    await mkdir(folder, { recursive: true });
    const db = new Sqlite(join(folder, 'ascend_pytorch_profiler_0.db'));
    db.exec(`CREATE TABLE STRING_IDS (id INTEGER PRIMARY KEY, value TEXT); INSERT INTO STRING_IDS VALUES (1, 'KERNEL_AICORE'), (2, 'aten::mm');
      CREATE TABLE TASK (startNs INTEGER, endNs INTEGER, deviceId INTEGER, connectionId INTEGER, globalTaskId INTEGER, globalPid INTEGER, taskType INTEGER, contextId INTEGER, streamId INTEGER, taskId INTEGER, modelId INTEGER);
      INSERT INTO TASK VALUES (1736408883697900000, 1736408883697910000, 3, 1, 1, 1, 1, 4294967295, 2, 1, 4294967295);
      CREATE TABLE OP_MEMORY (name INTEGER, size INTEGER, allocationTime INTEGER, releaseTime INTEGER, allocationTotalAllocated INTEGER, allocationTotalReserved INTEGER, releaseTotalAllocated INTEGER, releaseTotalReserved INTEGER, deviceId INTEGER);
      INSERT INTO OP_MEMORY VALUES (2, 1, 1736408883697894540, 1736408883697999000, ${500 * mib}, ${800 * mib}, ${600 * mib}, ${1000 * mib}, 3), (2, 1, 1736408883697950000, NULL, ${900 * mib}, ${950 * mib}, NULL, NULL, 3);`);
    db.close();
    const rows = analyze(await readProfile([join(dir, 'd_ascend_pt')], host)).memory;
    expect(rows?.map((r) => [r.device, r.component, r.reserved_mb, r.allocated_mb, r.fragmentation_pct])).toEqual([[3, 'PTA', 1000, 600, 40]]);
  });
});
