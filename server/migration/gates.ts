import type { OpGate, OpMigration } from '../contract/index.js';

/** What each gate asks for. Source: migration runbook of xLLM, gates M0–M9. */
const needs = {
  M0: 'route, inventory and the profile row of the baseline',
  M1: 'a CPU reference in fp32 or fp64, seeded, with saved inputs',
  M2: 'unit accuracy: smallest, tail, one row, largest, misaligned, TP shapes; NaN, Inf and zero inputs; ten identical repeats',
  M3: 'a clean build, one binary a kernel name, the symbol in the library',
  M4: 'the C++ wrapper gives what Python gives; non-contiguous and other dtypes are refused or handled',
  M5: 'eager equals graph on three buckets with a padded batch; a replay after changed indices gives a new result',
  M6: 'end to end: smoke, a dataset slice (L3), MTP on and off',
  M7: 'performance against the NPU baseline on all shapes',
  M8: 'unsupported shapes take the old path, logged once, tested',
  M9: 'the migration record',
} as const;
type Gate = keyof typeof needs;

type Report = Pick<OpMigration, 'kind' | 'verdict' | 'accuracy' | 'performance' | 'route' | 'constraints'>;

const isPass = (r: Report): boolean => r.verdict === 'pass';

/** Newest of the reports of one kind about the same inputs: a mended kernel is not held to its old failure. */
function newest(reports: readonly Report[], key: (r: Report) => string): Report[] {
  const last = new Map<string, Report>();
  for (const r of reports) {
    last.delete(key(r));
    last.set(key(r), r);
  }
  return [...last.values()];
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function state(gate: Gate, reports: readonly Report[]): Pick<OpGate, 'state' | 'have'> {
  const of = (kind: Report['kind']): Report[] => reports.filter((r) => r.kind === kind);
  const open = { state: 'open', have: 'no evidence in this run' } as const;
  if (gate === 'M0') {
    const route = of('route').at(-1);
    const limits = of('constraints').at(-1);
    if (route?.verdict === 'fail' || limits?.verdict === 'fail') return { state: 'failed', have: route?.verdict === 'fail' ? 'no route is left' : 'the kernel breaks a limit of the chip' };
    const have = [...(route !== undefined && isPass(route) ? ['route'] : []), ...(limits !== undefined && isPass(limits) ? ['limits of the chip'] : []), ...(of('performance').length > 0 ? ['baseline profile'] : [])];
    return have.length === 0 ? open : { state: 'partial', have: `${have.join(', ')}; the inventory is a person's` };
  }
  if (gate === 'M1') {
    const references = of('accuracy').filter((r) => r.accuracy?.errors != null);
    return references.length === 0 ? open : { state: 'partial', have: `golden in ${[...new Set(references.map((r) => r.accuracy?.golden.dtype ?? ''))].sort().join(', ')}; seed and inputs are not seen` };
  }
  if (gate === 'M2') {
    const all = newest(of('accuracy'), (r) => `${r.accuracy?.actual.shape.join() ?? ''} ${r.accuracy?.dtype ?? ''}`);
    const bad = all.filter((r) => r.verdict === 'fail').length;
    if (bad > 0) return { state: 'failed', have: `${bad} of ${counted(all.length, 'shape')} fail` };
    const good = all.filter(isPass).length;
    return good === 0 ? open : { state: 'partial', have: `${counted(good, 'shape')} passed; which of the list they are, and repeats, are not seen` };
  }
  if (gate === 'M7') {
    const last = of('performance').at(-1);
    if (last === undefined || last.verdict === 'inconclusive') return open;
    return isPass(last) ? { state: 'partial', have: `${counted(last.performance?.pairs.length ?? 0, 'shape')} at ${last.performance?.geomean_speedup ?? 0}; TPOT and throughput come from an unprofiled benchmark` } : { state: 'failed', have: 'slower than is accepted' };
  }
  if (gate === 'M9') return { state: 'partial', have: `${counted(reports.length, 'report')} of op_verify` };
  return open;
}

/** The gates as the reports of one operator leave them, oldest report first. Nothing is met by files alone. */
export function gatesOf(reports: readonly Report[]): OpGate[] {
  const ids: readonly Gate[] = ['M0', 'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9'];
  return ids.map((gate) => ({ gate, ...state(gate, reports), need: needs[gate] }));
}

/** How far the evidence carries. A failed gate blocks whatever else is there. */
export function statusOf(gates: readonly OpGate[]): OpMigration['status'] {
  const at = (gate: Gate): OpGate['state'] => gates.find((g) => g.gate === gate)?.state ?? 'open';
  if (gates.some((g) => g.state === 'failed')) return 'blocked';
  if (at('M2') === 'open') return 'planned';
  return at('M7') === 'open' ? 'unit-pass' : 'perf-pass';
}
