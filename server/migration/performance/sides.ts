import { foreign, ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { round } from '../../profiles/derived/numbers.js';
import { isOperatorPath, readOperators, type OperatorProfile } from '../../profiles/opprof.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { readProfile } from '../../profiles/read.js';
import { quantile } from '../../stats/quantiles.js';

/** One operator at one shape on one side. */
export interface Case {
  readonly name: string;
  /** Input shapes; null: not known, then order pairs. */
  readonly shapes: string | null;
  readonly us: number | null;
  readonly launches: number;
  readonly unit: string | null;
  readonly memoryPeakPct: number | null;
  /** Counted by the profiler; null without counters. */
  readonly work: { readonly cubeOps: number | null; readonly vectorOps: number | null; readonly bytes: number | null } | null;
  readonly mhz: number | null;
  readonly ratedMhz: number | null;
}

export interface Side {
  readonly kind: 'operator-profile' | 'capture';
  readonly cases: readonly Case[];
  /** Absolute paths of the files read. */
  readonly sources: readonly string[];
  readonly notes: readonly string[];
  readonly simulated: boolean;
}

/** The unit that was busy for the largest share of cycles, mean over blocks. */
function busiest(op: OperatorProfile): string | null {
  const top = op.units.reduce<OperatorProfile['units'][number] | null>((a, u) => (a === null || u.ratio_mean > a.ratio_mean ? u : a), null);
  return top === null ? null : `${top.core} ${top.unit} ${round(top.ratio_mean, 3)}`;
}

function ofOperator(op: OperatorProfile): Case {
  const use = op.bandwidth.filter((b) => b.unit === '%' && /GM/.test(b.route)).map((b) => b.max);
  return { name: op.op ?? 'unnamed', shapes: null, us: op.duration_us, launches: 1, unit: busiest(op), memoryPeakPct: use.length === 0 ? null : Math.max(...use), work: { cubeOps: op.work.cube_ops, vectorOps: op.work.vector_ops, bytes: op.work.memory_bytes }, mhz: op.current_mhz, ratedMhz: op.rated_mhz };
}

const folded = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Those that are the operator; a side on which one name stands alone needs no name. */
function named<T>(rows: readonly T[], names: (row: T) => readonly string[], op: string | null, what: string): T[] {
  const wanted = op === null ? '' : folded(op);
  const hits = wanted === '' ? [] : rows.filter((r) => names(r).some((n) => folded(n).includes(wanted)));
  if (hits.length > 0) return hits;
  const all = [...new Set(rows.map((r) => names(r)[0] ?? ''))];
  if (all.length <= 1) return [...rows];
  throw new ToolError(op === null ? 'E_ARG_MISSING' : 'E_ARG_TYPE', op === null ? `${what} holds ${all.length} kernels` : `${what} holds no kernel of that name`, `give op as it is called in both profiles; names: ${all.slice(0, 8).map((n) => foreign(n, 60)).join(', ')}`);
}

/** Median time a launch, by input shapes, in the order of the shapes. */
function ofCapture(profile: Profile, op: string | null, what: string): Case[] {
  const { tasks, strings } = profile;
  const rows = Array.from({ length: tasks.length }, (_, i) => i).filter((i) => tasks.class[i] === taskClass.compute || tasks.class[i] === taskClass.aicpu);
  const name = (i: number): string => strings.get(tasks.name[i] ?? 0);
  const text = (column: Int32Array, i: number): string => strings.get(column[tasks.operator[i] ?? 0] ?? 0);
  const type = (i: number): string => text(tasks.operators.opType, i) || name(i);
  const mine = named(rows, (i) => [type(i), name(i)], op, what);
  const groups = new Map<string, { name: string; times: number[] }>();
  for (const i of mine) {
    const shapes = text(tasks.operators.inputShapes, i);
    const group = groups.get(shapes) ?? { name: type(i), times: [] };
    group.times.push((tasks.durationNs[i] ?? NaN) / 1000);
    groups.set(shapes, group);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([shapes, g]) => ({ name: foreign(g.name, 160), shapes: shapes === '' ? null : foreign(shapes, 200), us: quantile(g.times, 0.5), launches: g.times.length, unit: null, memoryPeakPct: null, work: null, mhz: null, ratedMhz: null }));
}

/**
 * One side of a comparison: OPPROF folders, or captures of a service or a test.
 * @throws ToolError of the readers; E_ARG_MISSING and E_ARG_TYPE when it holds several kernels and op does not name one
 */
export async function readSide(path: string, op: string | null, what: string, host: Host, signal?: AbortSignal): Promise<Side> {
  const options = signal === undefined ? {} : { signal };
  let operators = isOperatorPath(path);
  if (!operators) {
    try {
      const profile = await readProfile([path], host, options);
      return { kind: 'capture', cases: ofCapture(profile, op, what), sources: profile.sources.map((s) => s.path), notes: profile.incomplete.map((n) => n.code), simulated: profile.simulated };
    } catch (error) {
      // A folder above operator profiles says so only when it is read.
      operators = error instanceof ToolError && error.code === 'E_PROFILE_OPERATOR';
      if (!operators) throw error;
    }
  }
  const read = await readOperators([path], host, options);
  const mine = named(read.operators, (o) => [o.op ?? ''], op, what);
  const sorted = [...mine].sort((a, b) => (a.device ?? 0) - (b.device ?? 0) || (a.sequence ?? 0) - (b.sequence ?? 0) || (a.path < b.path ? -1 : 1));
  return { kind: 'operator-profile', cases: sorted.map(ofOperator), sources: read.sources.map((s) => s.path), notes: read.incomplete.map((n) => n.code), simulated: read.simulated };
}
