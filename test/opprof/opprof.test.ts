import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOperators } from '../../server/profiles/opprof.js';
import { judgeOperators } from '../../server/profiling/operators/judge.js';
import { operatorTables } from '../../server/profiling/operators/render.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const dir = await tempFolder();
const host = testHost(dir, [dir]);

/** A table as msprof op writes it: NA where a core has no such counter, a comma at every line's end. */
const csv = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string => [head, ...rows].map((r) => `${r.join(',')},`).join('\n');

interface Plan {
  readonly name: string;
  readonly blocks: number;
  readonly duration: number;
  readonly mhz?: number;
  /** Per vector block: µs, vector ratio, read ratio, KB read, KB written, L2 hits and misses. */
  readonly rows: readonly (readonly [number, number, number, number, number, number, number])[];
}

async function kernel(folder: string, plan: Plan, stamp = ''): Promise<void> {
  await mkdir(folder, { recursive: true });
  const at = (i: number): (string | number)[] => [i, 'vector0', 'NA'];
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, `${name}${stamp}.csv`), text);
  await write('OpBasicInfo', csv(['Op Name', 'Op Type', 'Task Duration(us)', 'Block Dim', 'Mix Block Dim', 'Device Id', 'Pid', 'Current Freq', 'Rated Freq'], [[plan.name, 'vector', plan.duration, plan.blocks, 'NA', 3, 250, plan.mhz ?? 1800, 1800]]));
  await write('PipeUtilization', csv(['block_id', 'sub_block_id', 'aic_time(us)', 'aiv_time(us)', 'aiv_vec_ratio', 'aiv_mte2_ratio', 'aiv_mte2_active_bw(GB/s)'], plan.rows.map((r, i) => [...at(i), r[0], r[1], r[2], 'NA'])));
  await write('ArithmeticUtilization', csv(['block_id', 'sub_block_id', 'aic_time(us)', 'aiv_vec_fops'], plan.rows.map((_, i) => [...at(i), 1000])));
  await write('Memory', csv(['block_id', 'sub_block_id', 'aic_time(us)', 'aiv_main_mem_read_bw(GB/s)', 'read_main_memory_datas(KB)', 'write_main_memory_datas(KB)', 'GM_to_UB_bw_usage_rate(%)', 'L1_to_GM_bw_usage_rate(%)(estimate)'], plan.rows.map((r, i) => [...at(i), 12.5, r[3], r[4], 40 + i, 'NA'])));
  await write('L2Cache', csv(['block_id', 'sub_block_id', 'aic_time(us)', 'aiv_write_cache_hit', 'aiv_write_cache_miss_allocate', 'aiv_r0_read_cache_hit', 'aiv_r0_read_cache_miss_allocate', 'aiv_r1_read_cache_hit', 'aiv_r1_read_cache_miss_allocate'], plan.rows.map((r, i) => [...at(i), 0, 0, r[5], r[6], 0, 0])));
}

// Two blocks, one twice as long: mean 30, longest 40, so 33.3 % above the mean.
const uneven: Plan = { name: 'uneven', blocks: 2, duration: 45, rows: [[20, 0.1, 0.9, 100, 50, 90, 10], [40, 0.2, 0.8, 300, 150, 10, 90]] };
const even: Plan = { name: 'even', blocks: 48, duration: 30, mhz: 1500, rows: [[25, 0.95, 0.1, 8, 8, 1, 1], [25, 0.85, 0.1, 8, 8, 1, 1]] };

describe('readOperators', () => {
  it('reads one kernel: means, maxima, sums and rates over the blocks, NA as null', async () => {
    const folder = join(dir, 'OPPROF_20260101000000_AAAA');
    await kernel(folder, uneven);
    const { operators, incomplete, simulated } = await readOperators([folder], host);
    expect(operators).toHaveLength(1);
    const [op] = operators;
    expect(op).toMatchObject({ op: 'uneven', op_type: 'vector', device: 3, blocks: 2, mix_blocks: null, duration_us: 45, current_mhz: 1800, sequence: null });
    expect(op?.cores).toEqual([{ core: 'vector', blocks: 2, time_us_mean: 30, time_us_max: 40, imbalance_pct: 33.333 }]);
    expect(op?.units).toEqual([{ core: 'vector', unit: 'vector', ratio_mean: 0.15, ratio_max: 0.2 }, { core: 'vector', unit: 'mte2', ratio_mean: 0.85, ratio_max: 0.9 }]);
    expect(op?.work).toEqual({ cube_ops: null, vector_ops: 2000, memory_bytes: 600 * 1024 });
    // Summed hits, not the mean of rates.
    expect(op?.l2).toEqual({ read_hit_pct: 50, write_hit_pct: null, total_hit_pct: 50 });
    expect(op?.bandwidth).toEqual([{ route: 'aiv_main_mem_read_bw', unit: 'GB/s', mean: 12.5, max: 12.5 }, { route: 'GM_to_UB_bw_usage_rate', unit: '%', mean: 40.5, max: 41 }]);
    expect({ incomplete, simulated }).toEqual({ incomplete: [], simulated: false });
  });

  it('reads the layouts of several operators, runs and devices, and the newest table of each', async () => {
    const root = join(dir, 'OPPROF_20260101000000_BBBB');
    await kernel(join(root, 'device0', 'Add', '0'), { ...uneven, name: 'old' }, '_20240603022812284');
    await kernel(join(root, 'device0', 'Add', '0'), { ...uneven, name: 'new' }, '_20240603022999999');
    await kernel(join(root, 'device0', 'Add', '1'), uneven, '_20240603022812284');
    await kernel(join(root, 'device1', 'Mul', '0'), even, '_20240603022812284');
    await mkdir(join(root, 'device1', 'Mul', '0', 'dump'));
    await writeFile(join(root, 'device1', 'Mul', '0', 'dump', 'Memory.csv'), 'not,a,table\n1,2,3\n');
    await writeFile(join(root, 'SIMULATED'), '');
    const { operators, simulated } = await readOperators([root], host);
    expect(operators.map((o) => [o.op, o.sequence])).toEqual([['new', 0], ['uneven', 1], ['even', 0]]);
    expect(simulated).toBe(true);
    expect((await readOperators([join(root, 'device1', 'Mul', '0', 'PipeUtilization_20240603022812284.csv')], host)).operators).toMatchObject([{ op: 'Mul', device: 1, duration_us: null }]);
  });

  it('notes missing and broken tables, and refuses a profile without any', async () => {
    const folder = join(dir, 'OPPROF_20260101000000_CCCC');
    await kernel(folder, uneven);
    await rm(join(folder, 'Memory.csv'));
    await rm(join(folder, 'OpBasicInfo.csv'));
    await writeFile(join(folder, 'L2Cache.csv'), '');
    const { operators, incomplete } = await readOperators([folder], host);
    expect(incomplete.map((n) => n.code)).toEqual(['operator-no-basic-info', 'operator-no-memory', 'operator-table-broken']);
    expect(operators).toMatchObject([{ op: null, duration_us: null, l2: null, work: { memory_bytes: null } }]);
    const empty = join(dir, 'OPPROF_20260101000000_DDDD');
    await mkdir(join(empty, 'dump'), { recursive: true });
    await expect(readOperators([empty], host)).rejects.toMatchObject({ code: 'E_PROFILE_OPERATOR' });
  });
});

describe('judgeOperators', () => {
  it('names the bound unit, imbalance, too few blocks and a low clock', async () => {
    const root = join(dir, 'OPPROF_20260101000000_EEEE');
    await kernel(join(root, 'Uneven', '0'), uneven);
    await kernel(join(root, 'Even', '0'), even);
    const judged = judgeOperators(await readOperators([root], host));
    expect(judged.rows.map((r) => [r.op, r.bound])).toEqual([['uneven', 'mte2'], ['even', 'vector']]);
    // 45 of 75 us read, so memory; 60 % is no three quarters.
    expect(judged.bottleneck).toMatchObject({ class: 'memory-bound', confidence: 'medium' });
    expect(new Set(judged.findings.map((f) => f.id))).toEqual(new Set(['block-under-use', 'block-imbalance', 'freq-drop', 'mte2-bound', 'vector-bound']));
    expect(judged.findings.find((f) => f.id === 'block-under-use')?.evidence.map((e) => e.where)).toEqual(['uneven, device 3, run 0']);
    expect(judged.findings.find((f) => f.id === 'freq-drop')?.value).toBeCloseTo(16.667, 3);
    // 2000 operations over 614400 bytes in 45 us.
    expect(judged.rows[0]?.roofline).toMatchObject({ intensity: 0.003255, achieved_gbps: 13.653333, memory_peak_pct: 41 });
    const page = operatorTables(judged, 20);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(page.split('\n')[0]).toContain('memory-bound');
  });

  it('is inconclusive when no unit is busy, as msprof op calls latency bound', async () => {
    const folder = join(dir, 'OPPROF_20260101000000_FFFF');
    await kernel(folder, { ...even, mhz: 1800, rows: [[25, 0.05, 0.2, 8, 8, 1, 1], [25, 0.03, 0.2, 8, 8, 1, 1]] });
    const judged = judgeOperators(await readOperators([folder], host));
    expect(judged.bottleneck.class).toBe('inconclusive');
    expect(judged.findings.map((f) => f.id)).toEqual(['operator-latency']);
  });
});
