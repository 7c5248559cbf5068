import { foreign, type ComparisonReason } from '../../contract/index.js';
import { thresholds } from '../thresholds.js';
import { codeOrder, codeTexts, isBlocker, type Code } from './codes.js';
import { sideNames, type RootEvidence, type SideName } from './evidence.js';
import { latencyNames } from './metrics.js';
import { loadPairs, type Pass, type Sides } from './sides.js';
import { mean } from '../../stats/moments.js';

export type Value = string | number | boolean | null | undefined | readonly (string | number)[];

export function text(value: Value): string {
  if (value === null || value === undefined) return 'unknown';
  return foreign(Array.isArray(value) ? value.join(',') : String(value), 80);
}

/** Distinct texts of a side, in a fixed order. */
export function distinct(values: readonly string[]): string {
  const set = [...new Set(values)].sort();
  return set.length > 4 ? `${set.slice(0, 4).join(' | ')} and ${set.length - 4} more` : set.join(' | ');
}

export class Reasons {
  readonly #found = new Map<Code, { baseline: string[]; candidate: string[] }>();

  add(code: Code, baseline: string | null, candidate: string | null): void {
    const entry = this.#found.get(code) ?? { baseline: [], candidate: [] };
    if (baseline !== null) entry.baseline.push(baseline);
    if (candidate !== null) entry.candidate.push(candidate);
    this.#found.set(code, entry);
  }

  /** Adds a code with what each side's roots or passes had, when any of them is bad. */
  bad<T>(code: Code, sides: Sides, of: (side: Sides[SideName]) => readonly T[], problem: (item: T) => string | null): void {
    const texts = (name: SideName): string | null => {
      const found = of(sides[name]).map(problem).filter((t): t is string => t !== null);
      return found.length === 0 ? null : distinct(found);
    };
    const [baseline, candidate] = [texts('baseline'), texts('candidate')];
    if (baseline !== null || candidate !== null) this.add(code, baseline ?? 'fine', candidate ?? 'fine');
  }

  list(): ComparisonReason[] {
    return [...this.#found]
      .sort(([a], [b]) => codeOrder.indexOf(a) - codeOrder.indexOf(b))
      .map(([code, { baseline, candidate }]) => ({
        code,
        severity: isBlocker(code) ? 'blocker' : 'caution',
        baseline: baseline.length === 0 ? null : baseline.join('; ').slice(0, 400),
        candidate: candidate.length === 0 ? null : candidate.join('; ').slice(0, 400),
        detail: codeTexts[code],
      }));
  }
}

type Manifest = NonNullable<RootEvidence['manifest']>;

interface Field {
  readonly code: Code;
  readonly name: string;
  readonly of: (m: Manifest) => Value;
  /** The same fact as each measured window has it; a known value must agree with the manifest's. */
  readonly point?: (p: Pass) => Value;
  /** True where not knowing, or not sending, the same on all is fine. */
  readonly optional?: boolean;
  /** Distinct values may stand on one side, as long as both sides have the same ones. */
  readonly varies?: boolean;
}

const fields: readonly Field[] = [
  { code: 'F-MODEL', name: 'weights', of: (m) => m.model.weights_sha256 },
  { code: 'F-TOKENIZER', name: 'tokenizer', of: (m) => m.model.tokenizer_sha256 },
  { code: 'F-DTYPE', name: 'dtype', of: (m) => m.model.dtype },
  { code: 'F-QUANT', name: 'quantization', of: (m) => m.model.quantization },
  { code: 'F-NPU', name: 'chip', of: (m) => m.environment.chip },
  { code: 'F-DEVICES', name: 'devices', of: (m) => m.environment.devices },
  { code: 'F-CANN', name: 'CANN', of: (m) => m.environment.cann_version },
  { code: 'F-CANN', name: 'driver', of: (m) => m.environment.driver_version },
  { code: 'F-WORKLOAD', name: 'dataset', of: (m) => m.workload.dataset },
  { code: 'F-WORKLOAD', name: 'input tokens', of: (m) => m.workload.input_tokens, optional: true },
  { code: 'F-WORKLOAD', name: 'output tokens', of: (m) => m.workload.output_tokens },
  { code: 'F-SAMPLING', name: 'temperature', of: (m) => m.workload.temperature, point: (p) => p.point.sampling.temperature },
  { code: 'F-SAMPLING', name: 'top_p', of: (m) => m.workload.top_p, point: (p) => p.point.sampling.top_p, optional: true },
  { code: 'F-SAMPLING', name: 'top_k', of: (m) => m.workload.top_k, point: (p) => p.point.sampling.top_k, optional: true },
  { code: 'F-SAMPLING', name: 'seed', of: (m) => m.workload.seed, point: (p) => p.point.sampling.seed, optional: true, varies: true },
  { code: 'F-SAMPLING', name: 'ignore_eos', of: (m) => m.workload.ignore_eos, point: (p) => p.point.sampling.ignore_eos },
  { code: 'F-STREAM', name: 'stream', of: (m) => m.workload.stream, point: (p) => p.point.stream },
  { code: 'F-CLIENT', name: 'client', of: (m) => m.workload.client, point: (p) => p.point.client.name },
  { code: 'F-CLIENT', name: 'version', of: (m) => m.workload.client_version, point: (p) => p.point.client.version },
];

/** What each input of a side says of a field: the manifest's word and, where they speak of it, the windows' own. */
function said(root: RootEvidence, passes: readonly Pass[], field: Field): string[] {
  const values: Value[] = [root.manifest === null ? null : field.of(root.manifest)];
  if (field.point !== undefined) for (const pass of passes) if (pass.root === root) values.push(field.point(pass));
  const known = values.filter((v) => v !== null && v !== undefined).map(text);
  return known.length === 0 ? ['unknown'] : [...new Set(known)];
}

function manifestFields(sides: Sides, reasons: Reasons): void {
  for (const field of fields) {
    const of = (name: SideName): string[] => sides[name].roots.flatMap((r) => said(r, sides[name].passes, field));
    const [a, b] = [of('baseline'), of('candidate')];
    const unknown = [...a, ...b].includes('unknown');
    const allUnknown = [...a, ...b].every((v) => v === 'unknown');
    const same = field.varies === true ? distinct(a) === distinct(b) : new Set([...a, ...b]).size === 1;
    if (field.optional === true ? allUnknown || same : same && !unknown) continue;
    reasons.add(field.code, `${field.name} ${distinct(a)}`, `${field.name} ${distinct(b)}`);
  }
}

function loads(sides: Sides, reasons: Reasons): void {
  const perRoot = (name: SideName): string[] =>
    sides[name].starts.map((s) => {
      const own = [...new Set(s.passes.map((p) => (p.point.number === null || (p.point.parallel === null && p.point.rate === null) ? `${p.load} (unknown)` : p.load)))].sort();
      return own.length === 0 ? 'unknown' : own.join(', ');
    });
  const [a, b] = [perRoot('baseline'), perRoot('candidate')];
  if (new Set([...a, ...b]).size !== 1 || [...a, ...b].some((v) => v.includes('unknown'))) reasons.add('F-LOAD', distinct(a), distinct(b));
}

function lengths(sides: Sides, reasons: Reasons): void {
  for (const { baseline, candidate, label } of loadPairs(sides)) {
    const tokens = (name: SideName, load: string, of: (p: Pass) => number | null): number | null => {
      const values = sides[name].passes.filter((p) => p.load === load).map(of);
      return values.includes(null) ? null : mean(values.filter((v): v is number => v !== null));
    };
    const show = (v: number | null): string => (v === null ? 'unknown' : `${v.toFixed(1)} tokens at ${label}`);
    const apart = (x: number, y: number): boolean => Math.abs(y - x) > (thresholds.lengthPct.value / 100) * x;
    const out = [tokens('baseline', baseline, (p) => p.point.output_tokens.mean), tokens('candidate', candidate, (p) => p.point.output_tokens.mean)] as const;
    if (out[0] === null || out[1] === null || apart(out[0], out[1])) reasons.add('F-LENGTH', show(out[0]), show(out[1]));
    const into = [tokens('baseline', baseline, (p) => p.point.input_tokens.mean), tokens('candidate', candidate, (p) => p.point.input_tokens.mean)] as const;
    if (into[0] !== null && into[1] !== null && apart(into[0], into[1])) reasons.add('F-WORKLOAD', `input really sent ${show(into[0])}`, `input really sent ${show(into[1])}`);
  }
}

function definitions(sides: Sides, reasons: Reasons): void {
  for (const name of latencyNames) {
    const of = (side: SideName): string[] => sides[side].passes.filter((p) => [p.point[name].mean, p.point[name].p50, p.point[name].p99].some((v) => v !== null)).map((p) => text(p.point[name].definition ?? 'common definition'));
    const [a, b] = [of('baseline'), of('candidate')];
    if (new Set([...a, ...b]).size > 1) reasons.add('F-DEFINITION', `${name}: ${distinct(a)}`, `${name}: ${distinct(b)}`);
  }
}

/** Whether a capture was attached while the window was open; a window or capture without an end stays open. */
function overlapped(pass: Pass): boolean {
  const { started_at: from, ended_at: to, duration_s: seconds } = pass.point;
  return pass.root.captures.some(({ attached_at: attached, detached_at: detached }) => {
    if (attached === null) return false;
    if (from === null || from === undefined) return true;
    const start = Date.parse(from);
    const end = to !== null && to !== undefined ? Date.parse(to) : seconds === null ? Infinity : start + seconds * 1000;
    return Date.parse(attached) <= end && (detached === null || Date.parse(detached) >= start);
  });
}

function profiled(sides: Sides, reasons: Reasons): void {
  const of = (name: SideName): { texts: string[]; overlap: boolean } => ({
    texts: sides[name].roots.map((r) => text(r.manifest?.service.profiling_mode)),
    overlap: sides[name].passes.some(overlapped),
  });
  const [a, b] = [of('baseline'), of('candidate')];
  const modes = new Set([...a.texts, ...b.texts]);
  if (modes.size === 1 && !modes.has('unknown') && !a.overlap && !b.overlap) return;
  const show = (s: { texts: string[]; overlap: boolean }): string => `profiling mode ${distinct(s.texts)}${s.overlap ? ', a capture overlaps the window' : ''}`;
  reasons.add('F-PROFILED', show(a), show(b));
}

function requests(pass: Pass): string | null {
  const { success, failed, number } = pass.point;
  if (success === null || failed === null) return 'counts unknown';
  if (failed > 0) return `${failed} failed`;
  if (success === 0) return 'none succeeded';
  return number !== null && success < number ? `${number - success} of ${number} not accounted for` : null;
}

function warmup(pass: Pass): string | null {
  const known = [pass.point.warmup, pass.root.manifest?.workload.warmup ?? null].filter((v): v is number => v !== null);
  return known.length === 0 ? 'unknown' : Math.min(...known) > 0 ? null : 'none';
}

const written = (command: readonly (readonly string[])[] | null | undefined): boolean => command !== null && command !== undefined && command.some((argv) => argv.length > 0);

function integrity(sides: Sides, reasons: Reasons): void {
  const roots = (s: Sides[SideName]): readonly RootEvidence[] => s.roots;
  reasons.bad('F-RAW', sides, roots, (r) => {
    const bare = r.metrics.filter((m) => m.raw.length === 0).length;
    const gone = r.metrics.flatMap((m) => m.raw).filter((f) => f.state === 'missing').length;
    return bare === 0 && gone === 0 ? null : bare > 0 ? `${bare} results without raw output` : `${gone} raw files gone`;
  });
  reasons.bad('F-HASH', sides, roots, (r) => {
    const changed = [
      ...r.metrics.flatMap((m) => [...(m.state === 'changed' ? [m.path] : []), ...m.raw.filter((f) => f.state === 'changed').map((f) => f.path)]),
      ...r.env.filter((e) => e.state === 'changed').map((e) => `env/${e.phase}.json`),
      ...(r.manifest_state === 'changed' ? ['manifest.yaml'] : []),
      ...(r.ledger_breaks.length > 0 ? ['events.jsonl'] : []),
    ];
    return changed.length === 0 ? null : `changed after it was recorded: ${foreign(changed.slice(0, 3).join(', '), 160)}${changed.length > 3 ? ` and ${changed.length - 3} more` : ''}`;
  });
}

/** Every blocker that holds. */
export function blockersOf(sides: Sides, reasons: Reasons): void {
  const roots = (s: Sides[SideName]): readonly RootEvidence[] => s.roots;
  const passes = (s: Sides[SideName]): readonly Pass[] => s.passes;
  manifestFields(sides, reasons);
  loads(sides, reasons);
  lengths(sides, reasons);
  definitions(sides, reasons);
  profiled(sides, reasons);
  integrity(sides, reasons);
  reasons.bad('F-WARMUP', sides, passes, warmup);
  reasons.bad('F-FAILED', sides, passes, requests);
  reasons.bad('F-GRAPH', sides, passes, (p) => ((p.point.graph_captures ?? 0) > 0 ? `${p.point.graph_captures ?? 0} captures in the window` : null));
  reasons.bad('F-ENV', sides, roots, (r) => {
    const open = (['before', 'idle', 'after'] as const).map((phase) => ({ phase, verdict: r.env.find((e) => e.phase === phase)?.verdict ?? 'missing' })).filter((e) => e.verdict !== 'clean');
    return open.length === 0 ? null : open.map((e) => `${e.phase} ${e.verdict}`).join(', ');
  });
  for (const name of sideNames) {
    const commits = new Set(sides[name].roots.map((r) => r.manifest?.code.commit ?? 'none'));
    if (commits.size === 1 && !commits.has('none')) continue;
    const show = (side: SideName): string => distinct(sides[side].roots.map((r) => r.manifest?.code.commit ?? 'none'));
    reasons.add('F-COMMIT', show('baseline'), show('candidate'));
    break;
  }
  reasons.bad('F-COMMAND', sides, roots, (r) => {
    const lacking = [...(written(r.manifest?.service.command) ? [] : ['start command']), ...(written(r.manifest?.workload.command) ? [] : ['benchmark command'])];
    return lacking.length === 0 ? null : `no ${lacking.join(', no ')}`;
  });
}
