import { foreign } from '../contract/index.js';
import { round } from './derived/numbers.js';

/** One table: columns by name, aligned with the rows; NaN where a cell is NA. */
export interface OperatorTable {
  readonly names: readonly string[];
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly number[]>;
  readonly text: (column: string, row: number) => string;
}

export type Tables = Partial<Record<'OpBasicInfo' | 'PipeUtilization' | 'ArithmeticUtilization' | 'Memory' | 'MemoryL0' | 'MemoryUB' | 'L2Cache' | 'ResourceConflictRatio', OperatorTable>>;

export type Core = 'cube' | 'vector';
export type Unit = 'cube' | 'vector' | 'mte1' | 'mte2' | 'mte3' | 'fixpipe' | 'scalar';

/** Blocks on one kind of core; every row of a table is one block (on A2 and A3 a mix kernel has cube and vector blocks). */
export interface OperatorCores {
  readonly core: Core;
  readonly blocks: number;
  readonly time_us_mean: number;
  readonly time_us_max: number;
  /** Longest block over the mean, minus 100; null for a mean of 0. */
  readonly imbalance_pct: number | null;
}

/** Share of cycles a unit was busy, 0–1, over the blocks. */
export interface OperatorUnit {
  readonly core: Core;
  readonly unit: Unit;
  readonly ratio_mean: number;
  readonly ratio_max: number;
}

export interface OperatorProfile {
  readonly path: string;
  readonly op: string | null;
  readonly op_type: string | null;
  readonly device: number | null;
  readonly sequence: number | null;
  readonly blocks: number | null;
  readonly mix_blocks: number | null;
  readonly duration_us: number | null;
  readonly current_mhz: number | null;
  readonly rated_mhz: number | null;
  readonly cores: readonly OperatorCores[];
  readonly units: readonly OperatorUnit[];
  readonly bandwidth: readonly { readonly route: string; readonly unit: 'GB/s' | '%'; readonly mean: number; readonly max: number }[];
  readonly conflicts: readonly { readonly name: string; readonly ratio_mean: number; readonly ratio_max: number }[];
  readonly l2: { readonly read_hit_pct: number | null; readonly write_hit_pct: number | null; readonly total_hit_pct: number | null } | null;
  /** Counters as they are; operations as the `fops` columns count them. */
  readonly work: { readonly cube_ops: number | null; readonly vector_ops: number | null; readonly memory_bytes: number | null };
}

interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  readonly sum: number;
}

/** Mean and maximum of the cells that have a value; null without one. */
function spread(values: readonly number[] | undefined): Spread | null {
  const own = (values ?? []).filter((v) => Number.isFinite(v));
  if (own.length === 0) return null;
  const sum = own.reduce((a, b) => a + b, 0);
  return { count: own.length, mean: sum / own.length, max: own.reduce((a, b) => Math.max(a, b)), sum };
}

function sumOf(tables: readonly (OperatorTable | undefined)[], columns: readonly string[]): number | null {
  const found = columns.map((c) => tables.map((t) => spread(t?.columns.get(c))).find((s) => s !== null) ?? null).filter((s) => s !== null);
  return found.length === 0 ? null : found.reduce((a, s) => a + s.sum, 0);
}

/** Column stems of the units, most telling table first; the cube is `aic_cube_ratio` here and `aic_mac_ratio` in msprof. */
const unitColumns: readonly { core: Core; unit: Unit; column: string }[] = [
  { core: 'cube', unit: 'cube', column: 'aic_cube_ratio' },
  { core: 'cube', unit: 'mte1', column: 'aic_mte1_ratio' },
  { core: 'cube', unit: 'mte2', column: 'aic_mte2_ratio' },
  { core: 'cube', unit: 'mte3', column: 'aic_mte3_ratio' },
  { core: 'cube', unit: 'fixpipe', column: 'aic_fixpipe_ratio' },
  { core: 'cube', unit: 'scalar', column: 'aic_scalar_ratio' },
  { core: 'vector', unit: 'vector', column: 'aiv_vec_ratio' },
  { core: 'vector', unit: 'mte2', column: 'aiv_mte2_ratio' },
  { core: 'vector', unit: 'mte3', column: 'aiv_mte3_ratio' },
  { core: 'vector', unit: 'scalar', column: 'aiv_scalar_ratio' },
];

function unitsOf(tables: readonly (OperatorTable | undefined)[]): OperatorUnit[] {
  return unitColumns.flatMap(({ core, unit, column }) => {
    const found = tables.map((t) => spread(t?.columns.get(column))).find((s) => s !== null);
    return found == null ? [] : [{ core, unit, ratio_mean: round(found.mean, 6), ratio_max: round(found.max, 6) }];
  });
}

function coresOf(tables: readonly (OperatorTable | undefined)[]): OperatorCores[] {
  const kinds = [['cube', 'aic_time(us)'], ['vector', 'aiv_time(us)']] as const;
  return kinds.flatMap(([core, column]) => {
    const found = tables.map((t) => spread(t?.columns.get(column))).find((s) => s !== null);
    if (found == null) return [];
    return [{ core, blocks: found.count, time_us_mean: round(found.mean, 6), time_us_max: round(found.max, 6), imbalance_pct: found.mean > 0 ? round((found.max / found.mean - 1) * 100) : null }];
  });
}

/** `GM_to_L1_bw_usage_rate(%)` → route and unit; `(estimate)` and the unit leave the name. */
const bandwidthColumn = /^(.*(?:_bw(?:_\w+)?|_bw_usage_rate))\((GB\/s|%)\)(?:\(estimate\))?$/;

function bandwidthOf(tables: readonly (OperatorTable | undefined)[]): { route: string; unit: 'GB/s' | '%'; mean: number; max: number }[] {
  const rows = new Map<string, { route: string; unit: 'GB/s' | '%'; mean: number; max: number }>();
  for (const table of tables) {
    for (const name of table?.names ?? []) {
      const match = bandwidthColumn.exec(name);
      const found = match === null ? null : spread(table?.columns.get(name));
      const route = foreign(match?.[1] ?? '', 60);
      if (found === null || rows.has(route)) continue;
      rows.set(route, { route, unit: match?.[2] === '%' ? '%' : 'GB/s', mean: round(found.mean, 6), max: round(found.max, 6) });
    }
  }
  return [...rows.values()];
}

function conflictsOf(table: OperatorTable | undefined): { name: string; ratio_mean: number; ratio_max: number }[] {
  return (table?.names ?? []).flatMap((name) => {
    const found = /_(?:wait|cflt)_ratio$/.test(name) ? spread(table?.columns.get(name)) : null;
    return found === null ? [] : [{ name: foreign(name, 60), ratio_mean: round(found.mean, 6), ratio_max: round(found.max, 6) }];
  });
}

/** Hits over hits and misses of all blocks: the counts are summed, so busy blocks weigh more than idle ones. */
function l2Of(table: OperatorTable | undefined): OperatorProfile['l2'] {
  if (table === undefined) return null;
  const count = (kind: 'read' | 'write', outcome: 'cache_hit' | 'cache_miss_allocate'): number | null =>
    sumOf([table], ['aic', 'aiv'].flatMap((core) => (kind === 'write' ? [`${core}_write_${outcome}`] : [`${core}_r0_read_${outcome}`, `${core}_r1_read_${outcome}`])));
  const [readHit, readMiss, writeHit, writeMiss] = [count('read', 'cache_hit'), count('read', 'cache_miss_allocate'), count('write', 'cache_hit'), count('write', 'cache_miss_allocate')];
  const rate = (hit: number | null, miss: number | null): number | null => (hit === null || miss === null || hit + miss === 0 ? null : round((hit / (hit + miss)) * 100));
  const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);
  return { read_hit_pct: rate(readHit, readMiss), write_hit_pct: rate(writeHit, writeMiss), total_hit_pct: rate(plus(readHit, writeHit), plus(readMiss, writeMiss)) };
}

/** A cell of OpBasicInfo under any of its spellings ("Device ID" and "Device Id", "Block Dim" and "Block Num"). */
function basic(table: OperatorTable | undefined, ...wanted: readonly string[]): { text: string | null; number: number | null } {
  const name = table?.names.find((n) => wanted.includes(n.toLowerCase()));
  if (table === undefined || name === undefined) return { text: null, number: null };
  const text = table.text(name, 0);
  const value = table.columns.get(name)?.[0] ?? Number.NaN;
  return { text: text === '' || text === 'NA' || text === 'N/A' ? null : foreign(text, 160), number: Number.isFinite(value) ? value : null };
}

/** The profile of one kernel out of its tables. Pure. */
export function operatorOf(path: string, place: { device: number | null; op: string | null; sequence: number | null }, tables: Tables): OperatorProfile {
  const info = tables.OpBasicInfo;
  // Of the same counter in several tables (collected in several replays) one is enough, in a fixed order.
  const byPipe = [tables.PipeUtilization, tables.ArithmeticUtilization, tables.Memory, tables.ResourceConflictRatio, tables.MemoryL0, tables.MemoryUB, tables.L2Cache];
  const kilobytes = sumOf([tables.Memory], ['read_main_memory_datas(KB)', 'write_main_memory_datas(KB)']);
  return {
    path,
    op: basic(info, 'op name').text ?? (place.op === null ? null : foreign(place.op, 160)),
    op_type: basic(info, 'op type').text,
    device: basic(info, 'device id').number ?? place.device,
    sequence: place.sequence,
    blocks: basic(info, 'block dim', 'block num').number,
    mix_blocks: basic(info, 'mix block dim', 'mix block num').number,
    duration_us: basic(info, 'task duration(us)').number,
    current_mhz: basic(info, 'current freq').number,
    rated_mhz: basic(info, 'rated freq').number,
    cores: coresOf(byPipe),
    units: unitsOf(byPipe),
    bandwidth: bandwidthOf([tables.Memory, tables.PipeUtilization, tables.MemoryL0, tables.MemoryUB]),
    conflicts: conflictsOf(tables.ResourceConflictRatio),
    l2: l2Of(tables.L2Cache),
    work: { cube_ops: sumOf([tables.ArithmeticUtilization], ['aic_cube_fops']), vector_ops: sumOf([tables.ArithmeticUtilization], ['aiv_vec_fops']), memory_bytes: kilobytes === null ? null : kilobytes * 1024 },
  };
}
