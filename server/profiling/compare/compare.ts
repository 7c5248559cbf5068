import type { ComparedCollective, ComparedSide, Contribution, Incomplete, ProfileComparison } from '../../contract/index.js';
import { byText, round, us } from '../../profiles/derived/numbers.js';
import type { CompareFacts, DeviceTimes, OpTime } from './facts.js';
import { canonicalOp, picksTokens } from './names.js';

type Cause = Contribution['cause'];

/** Why a comparison says less, or has to be read with care. Closed. */
export const compareNotes = {
  'compare-devices': 'the captures hold different devices: only the one with the longest span of each is compared',
  'compare-steps': 'the captures hold different amounts of work, so part of the difference is work, not speed: capture the same number of steps',
  'compare-no-shapes': 'an op type has no shapes on one side, so calls of other shapes cannot be told from slower ones',
  'compare-names': 'op types were matched under a common name without version and build suffixes: the rows show both names',
  'compare-no-split': 'one capture does not split free time into copies, waits and idle, so free is compared as a whole',
} as const;

interface Ops {
  readonly names: Set<string>;
  count: number;
  ns: number;
  /** By input shapes; null once a kernel without shapes was met. */
  shapes: Map<string, { count: number; ns: number }> | null;
}

/** Kernels of all devices of one side under their common names. */
function byCommonName(devices: readonly DeviceTimes[]): Map<string, Ops> {
  const all = new Map<string, Ops>();
  const add = (op: OpTime): void => {
    const name = canonicalOp(op.opType);
    const sum: Ops = all.get(name) ?? { names: new Set(), count: 0, ns: 0, shapes: new Map() };
    all.set(name, sum);
    sum.names.add(op.opType);
    sum.count += op.count;
    sum.ns += op.totalNs;
    if (op.shapes === '') sum.shapes = null;
    const same = sum.shapes?.get(op.shapes) ?? { count: 0, ns: 0 };
    same.count += op.count;
    same.ns += op.totalNs;
    sum.shapes?.set(op.shapes, same);
  };
  for (const device of devices) for (const op of device.ops) add(op);
  return all;
}

/** A contribution in ns; µs are made at the very end, so that sums stay exact. */
interface Part {
  readonly cause: Cause;
  readonly op: string | null;
  readonly names: readonly [readonly string[], readonly string[]];
  readonly counts: readonly [number | null, number | null];
  readonly ns: readonly [number, number];
  readonly deltaNs: number;
}

interface Tally {
  counts: [number, number];
  ns: [number, number];
  deltaNs: number;
}

const tally = (): Tally => ({ counts: [0, 0], ns: [0, 0], deltaNs: 0 });

function take(into: Tally, a: { count: number; ns: number }, b: { count: number; ns: number }, deltaNs: number): void {
  into.counts = [into.counts[0] + a.count, into.counts[1] + b.count];
  into.ns = [into.ns[0] + a.ns, into.ns[1] + b.ns];
  into.deltaNs += deltaNs;
}

const nothing = { count: 0, ns: 0 };

/**
 * How one op type moved the time: (n_b − n_a) calls at the baseline's mean, the rest by the time per call; where both sides carry
 * shapes, per shape, and shapes of one side only by themselves. The parts add up to the difference exactly.
 */
function opParts(op: string, a: Ops | undefined, b: Ops | undefined): Part[] {
  const names = [[...(a?.names ?? [])].sort(byText), [...(b?.names ?? [])].sort(byText)] as const;
  const part = (cause: Cause, t: Tally): Part => ({ cause, op, names, counts: t.counts, ns: t.ns, deltaNs: t.deltaNs });
  if (a === undefined || b === undefined) {
    const only = tally();
    take(only, a ?? nothing, b ?? nothing, (b?.ns ?? 0) - (a?.ns ?? 0));
    return [part(a === undefined ? 'new' : 'gone', only)];
  }
  const [calls, perCall, shapes] = [tally(), tally(), tally()];
  const split = (x: { count: number; ns: number }, y: { count: number; ns: number }): void => {
    const more = Math.round(((y.count - x.count) * x.ns) / x.count);
    take(calls, x, y, more);
    take(perCall, x, y, y.ns - x.ns - more);
  };
  if (a.shapes === null || b.shapes === null) split(a, b);
  else {
    for (const [text, x] of a.shapes) {
      const y = b.shapes.get(text);
      if (y === undefined) take(shapes, x, nothing, -x.ns);
      else split(x, y);
    }
    for (const [text, y] of b.shapes) if (!a.shapes.has(text)) take(shapes, nothing, y, y.ns);
  }
  return [part('calls', calls), part('per-call', perCall), part('shapes', shapes)];
}

const sum = (devices: readonly DeviceTimes[], of: (d: DeviceTimes) => number): number => devices.reduce((total, d) => total + of(d), 0);
const kernelNs = (d: DeviceTimes): number => d.ops.reduce((total, o) => total + o.totalNs, 0);

/** Parts of the window that are not kernels. */
function windowParts(a: readonly DeviceTimes[], b: readonly DeviceTimes[], whole: boolean): Part[] {
  const part = (cause: Cause, of: (d: DeviceTimes) => number): Part => {
    const ns = [sum(a, of), sum(b, of)] as const;
    return { cause, op: null, names: [[], []], counts: [null, null], ns, deltaNs: ns[1] - ns[0] };
  };
  return [
    part('kernel-overlap', (d) => d.computingNs - kernelNs(d)),
    part('exposed-communication', (d) => d.exposedNs),
    ...(whole
      ? [part('free', (d) => d.freeNs)]
      : [part('memcpy', (d) => d.split?.memcpyNs ?? 0), part('event-wait', (d) => d.split?.eventWaitNs ?? 0), part('aicpu', (d) => d.split?.aicpuNs ?? 0), part('idle', (d) => d.split?.idleNs ?? 0)]),
  ];
}

const label = (d: DeviceTimes): string => `device ${d.device}${d.rank === null ? '' : `, rank ${d.rank}`}`;

function side(facts: CompareFacts, devices: readonly DeviceTimes[], ops: ReadonlyMap<string, Ops>): ComparedSide {
  let samplers = 0;
  for (const [name, op] of ops) if (picksTokens(name)) samplers += op.count;
  return {
    devices: devices.map(label),
    span_us: us(sum(devices, (d) => d.spanNs)),
    computing_us: us(sum(devices, (d) => d.computingNs)),
    communication_not_overlapped_us: us(sum(devices, (d) => d.exposedNs)),
    free_us: us(sum(devices, (d) => d.freeNs)),
    kernels: sum(devices, (d) => d.ops.reduce((n, o) => n + o.count, 0)),
    steps: facts.steps,
    sampler_calls: samplers,
  };
}

/** The devices to compare: all of both when ranks (else device ids) are the same, else the longest span of each. */
function paired(a: CompareFacts, b: CompareFacts): { a: readonly DeviceTimes[]; b: readonly DeviceTimes[]; all: boolean } {
  const keys = (f: CompareFacts): string => {
    const ranked = f.devices.every((d) => d.rank !== null);
    return f.devices.map((d) => `${ranked ? 'rank' : 'device'} ${ranked ? d.rank : d.device}`).sort(byText).join();
  };
  const longest = (f: CompareFacts): DeviceTimes[] => f.devices.reduce<DeviceTimes[]>((best, d) => (best[0] === undefined || d.spanNs > best[0].spanNs ? [d] : best), []);
  const all = (a.devices.length === 1 && b.devices.length === 1) || keys(a) === keys(b);
  return all ? { a: a.devices, b: b.devices, all } : { a: longest(a), b: longest(b), all };
}

function collectives(a: readonly DeviceTimes[], b: readonly DeviceTimes[]): ComparedCollective[] {
  const rows = new Map<string, { counts: [number, number]; ns: [number, number]; known: boolean }>();
  for (const [i, devices] of [a, b].entries()) {
    for (const c of devices.flatMap((d) => d.collectives)) {
      const row = rows.get(c.op) ?? { counts: [0, 0], ns: [0, 0], known: true };
      rows.set(c.op, row);
      row.counts = i === 0 ? [row.counts[0] + c.count, row.counts[1]] : [row.counts[0], row.counts[1] + c.count];
      const ns = c.notOverlappedNs ?? 0;
      row.known &&= c.notOverlappedNs !== null;
      row.ns = i === 0 ? [row.ns[0] + ns, row.ns[1]] : [row.ns[0], row.ns[1] + ns];
    }
  }
  return [...rows]
    .filter(([, r]) => r.known)
    .map(([op, r]) => ({ op, baseline_count: r.counts[0], candidate_count: r.counts[1], baseline_us: us(r.ns[0]), candidate_us: us(r.ns[1]), delta_us: us(r.ns[1] - r.ns[0]) }))
    .sort((x, y) => Math.abs(y.delta_us) - Math.abs(x.delta_us) || byText(x.op, y.op));
}

function notesOf(all: boolean, a: ReadonlyMap<string, Ops>, b: ReadonlyMap<string, Ops>, sides: readonly [ComparedSide, ComparedSide], whole: boolean, split: boolean): Incomplete[] {
  const notes: Incomplete[] = [];
  const [x, y] = sides;
  const note = (code: keyof typeof compareNotes, what = ''): void => void notes.push({ code, detail: `${what === '' ? '' : `${what}: `}${compareNotes[code]}` });
  if (!all) note('compare-devices');
  const amounts = [x.steps !== null && y.steps !== null && x.steps !== y.steps ? `${x.steps} and ${y.steps} marked steps` : '', x.sampler_calls !== y.sampler_calls ? `${x.sampler_calls} and ${y.sampler_calls} sampler calls` : ''].filter((t) => t !== '');
  if (amounts.length > 0) note('compare-steps', `${amounts.join(', ')} (baseline and candidate)`);
  const shared = [...a].flatMap(([name, op]) => { const other = b.get(name); return other === undefined ? [] : [{ op, other }]; });
  if (shared.some(({ op, other }) => (op.shapes === null) !== (other.shapes === null))) note('compare-no-shapes');
  if (shared.some(({ op, other }) => [...op.names].sort(byText).join() !== [...other.names].sort(byText).join())) note('compare-names');
  if (whole && split) note('compare-no-split');
  return notes;
}

/**
 * Attributes the difference of the device time of two captures: raw times, no normalising; `notes` say when the amount of work
 * differs. The parts add up to the difference of the spans exactly, in ns. Null when a side has no window. Pure.
 */
export function compareAnalyses(baseline: CompareFacts, candidate: CompareFacts): ProfileComparison | null {
  if (baseline.devices.length === 0 || candidate.devices.length === 0) return null;
  const { a, b, all } = paired(baseline, candidate);
  const [opsA, opsB] = [byCommonName(a), byCommonName(b)];
  const names = [...new Set([...opsA.keys(), ...opsB.keys()])].sort(byText);
  const splits = [...a, ...b].map((d) => d.split !== null);
  const whole = splits.includes(false);
  const parts = [...names.flatMap((name) => opParts(name, opsA.get(name), opsB.get(name))), ...windowParts(a, b, whole)].filter((p) => p.deltaNs !== 0);
  parts.sort((x, y) => Math.abs(y.deltaNs) - Math.abs(x.deltaNs) || byText(x.cause, y.cause) || byText(x.op ?? '', y.op ?? ''));
  const sides: [ComparedSide, ComparedSide] = [side(baseline, a, opsA), side(candidate, b, opsB)];
  const spanA = sum(a, (d) => d.spanNs);
  const deltaNs = sum(b, (d) => d.spanNs) - spanA;
  const share = (ns: number): number | null => (spanA > 0 ? round((ns / spanA) * 100) : null);
  return {
    baseline_sources: [...baseline.sources],
    baseline: sides[0],
    candidate: sides[1],
    delta_us: us(deltaNs),
    delta_pct: share(deltaNs),
    contributions: parts.map((p) => ({
      cause: p.cause,
      op: p.op,
      baseline_ops: [...p.names[0]],
      candidate_ops: [...p.names[1]],
      baseline_count: p.counts[0],
      candidate_count: p.counts[1],
      baseline_us: us(p.ns[0]),
      candidate_us: us(p.ns[1]),
      delta_us: us(p.deltaNs),
      share_pct: share(p.deltaNs),
    })),
    communication: collectives(a, b),
    notes: notesOf(all, opsA, opsB, sides, whole, splits.includes(true)),
  };
}
