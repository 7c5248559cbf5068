import type { RememberedNoise } from './evidence.js';
import type { ComparisonMetric, ComparisonPlan, ComparisonRank } from '../../contract/index.js';
import { permutationP, signFlipP } from '../../stats/exact.js';
import { cvPct, deviation, mean } from '../../stats/moments.js';
import { holm } from '../../stats/multiple.js';
import { minimumDetectablePct, pairedNoise, requiredPerSide, unpairedNoise } from '../../stats/power.js';
import { pairedRatio, welchRatio, type RatioTest } from '../../stats/ratio.js';
import { limits, planEffectsPct, thresholds } from '../thresholds.js';
import { sideNames } from './evidence.js';
import { metrics, type Metric } from './metrics.js';
import type { Order } from './order.js';
import { loadPairs, valueOf, type LoadPair, type Sides } from './sides.js';
import { rowVerdict, type Change, type RowVerdict, type Rule } from './verdict.js';

export interface Row {
  readonly metric: ComparisonMetric;
  /** The row's verdict at the level divided by the number of loads. */
  readonly strict: RowVerdict;
}

/** One value per service start; pairs where the design has them and every one is there. */
export interface Samples {
  readonly baseline: readonly number[];
  readonly candidate: readonly number[];
  readonly paired: boolean;
}

function samples(sides: Sides, order: Order, metric: Metric, load: LoadPair): Samples {
  if (order.pairs !== null && order.facts.interleaved === true && order.pairs.length >= thresholds.formalPairs.value) {
    const both = order.pairs.map((p) => [valueOf(p.baseline, metric, load.baseline), valueOf(p.candidate, metric, load.candidate)] as const);
    const baseline = both.map(([b]) => b).filter((v): v is number => v !== null);
    const candidate = both.map(([, c]) => c).filter((v): v is number => v !== null);
    if (baseline.length === both.length && candidate.length === both.length) return { baseline, candidate, paired: true };
  }
  const of = (side: (typeof sideNames)[number]): number[] => sides[side].starts.map((s) => valueOf(s, metric, load[side])).filter((v): v is number => v !== null);
  return { baseline: of('baseline'), candidate: of('candidate'), paired: false };
}

const pct = (ratio: number | null): number | null => (ratio === null ? null : (ratio - 1) * 100);

function test(s: Samples, confidence: number): RatioTest | null {
  return s.paired ? pairedRatio(s.baseline, s.candidate, confidence) : welchRatio(s.baseline, s.candidate, confidence);
}

function change(s: Samples, tested: RatioTest | null): Change {
  const [b, c] = [mean(s.baseline), mean(s.candidate)];
  const ratio = tested?.ratio ?? (b !== null && c !== null && b > 0 ? c / b : null);
  return { deltaPct: pct(ratio), lowPct: pct(tested?.low ?? null), highPct: pct(tested?.high ?? null), tested: tested !== null };
}

function detectable(s: Samples, confidence: number): number | null {
  const base = mean(s.baseline);
  if (base === null || base <= 0) return null;
  if (s.paired) {
    const sd = deviation(s.candidate.map((c, i) => c - (s.baseline[i] ?? 0)));
    const noise = sd === null ? null : pairedNoise((100 * sd) / base, s.baseline.length);
    return noise === null ? null : minimumDetectablePct(noise, confidence, thresholds.power.value);
  }
  const [b, c] = [deviation(s.baseline), deviation(s.candidate)];
  const noise = b === null || c === null ? null : unpairedNoise((100 * b) / base, s.baseline.length, (100 * c) / base, s.candidate.length);
  return noise === null ? null : minimumDetectablePct(noise, confidence, thresholds.power.value);
}

/** Interval, tests and verdict of one metric at one load. Pure. @param loads number of loads the claim is judged at */
export function judgeSamples(s: Samples, rule: Rule, better: Metric['better'], confidence: number, loads = 1): Omit<ComparisonMetric, 'metric' | 'load' | 'primary' | 'p_holm'> & { strict: RowVerdict } {
  const tested = test(s, confidence);
  const seen = change(s, tested);
  const strict = loads === 1 ? seen : change(s, test(s, 1 - (1 - confidence) / loads));
  return {
    baseline: mean(s.baseline),
    candidate: mean(s.candidate),
    delta_pct: seen.deltaPct,
    ci_low_pct: seen.lowPct,
    ci_high_pct: seen.highPct,
    p_value: tested?.p ?? null,
    p_exact: tested === null ? null : s.paired ? signFlipP(s.candidate.map((c, i) => c - (s.baseline[i] ?? 0))) : permutationP(s.baseline, s.candidate),
    n_baseline: s.baseline.length,
    n_candidate: s.candidate.length,
    cv_baseline_pct: cvPct(s.baseline),
    cv_candidate_pct: cvPct(s.candidate),
    mde_pct: detectable(s, confidence),
    method: tested === null ? null : s.paired ? 'paired' : 'welch',
    verdict: rowVerdict(seen, rule, better),
    strict: rowVerdict(strict, rule, better),
  };
}

/** Every row, the claim's first; p_holm over all of them. @param paths metrics to show, the claim's among them */
export function rowsOf(sides: Sides, order: Order, primary: string, paths: readonly string[], rule: Rule, confidence: number): Row[] {
  const loads = loadPairs(sides);
  const ordered = [primary, ...paths.filter((p) => p !== primary)];
  const rows = ordered.flatMap((path) => {
    const metric = metrics.get(path);
    if (metric === undefined) return [];
    // Rows beside the claim are read by their own good direction, without its threshold.
    const own: Rule = path === primary || rule.direction === 'no-regression' ? rule : { ...rule, direction: metric.better === 'higher' ? 'increase' : 'decrease', thresholdPct: null };
    return loads.map((load) => {
      const { strict, ...row } = judgeSamples(samples(sides, order, metric, load), own, metric.better, confidence, loads.length);
      return { row: { metric: path, load: load.label, primary: path === primary, ...row }, strict };
    });
  });
  const kept = rows.filter((r) => r.row.primary || r.row.n_baseline + r.row.n_candidate > 0);
  const adjusted = holm(kept.map((r) => r.row.p_value));
  return kept.map((r, i) => ({ metric: { ...r.row, p_holm: adjusted[i] ?? null }, strict: r.strict }));
}

export interface Sla {
  readonly ttftP99Ms: number | null;
  readonly tpotP99Ms: number | null;
}

/** Sides and loads, best first: service level met, then requests/s, output tokens/s, median TTFT, median TPOT. */
export function ranking(sides: Sides, sla: Sla): ComparisonRank[] {
  const entries = sideNames.flatMap((side) =>
    [...new Set(sides[side].passes.map((p) => p.load))].map((load) => {
      const values = (path: string): (number | null)[] => {
        const metric = metrics.get(path);
        return metric === undefined ? [] : sides[side].starts.filter((s) => s.passes.some((p) => p.load === load)).map((s) => valueOf(s, metric, load));
      };
      const average = (path: string): number | null => mean(values(path).filter((v): v is number => v !== null));
      // Met only when every start meets it: a level that one start in five breaks is broken.
      const met = (path: string, limit: number | null): boolean | null => (limit === null ? true : values(path).includes(null) ? null : values(path).every((v) => v !== null && v <= limit));
      const parts = [met('ttft_ms.p99', sla.ttftP99Ms), met('tpot_ms.p99', sla.tpotP99Ms)];
      const asked = sla.ttftP99Ms !== null || sla.tpotP99Ms !== null;
      return {
        side,
        load,
        sla_met: !asked ? null : parts.includes(false) ? false : parts.includes(null) ? null : true,
        request_tps: average('request_tps'),
        output_tps: average('output_tps'),
        ttft_p50_ms: average('ttft_ms.p50'),
        tpot_p50_ms: average('tpot_ms.p50'),
        ttft_p99_ms: average('ttft_ms.p99'),
        tpot_p99_ms: average('tpot_ms.p99'),
      };
    }),
  );
  const down = (a: number | null, b: number | null): number => (b ?? -Infinity) === (a ?? -Infinity) ? 0 : (b ?? -Infinity) > (a ?? -Infinity) ? 1 : -1;
  const up = (a: number | null, b: number | null): number => -down(a ?? Infinity, b ?? Infinity);
  entries.sort((a, b) => Number(b.sla_met === true) - Number(a.sla_met === true) || down(a.request_tps, b.request_tps) || down(a.output_tps, b.output_tps) || up(a.ttft_p50_ms, b.ttft_p50_ms) || up(a.tpot_p50_ms, b.tpot_p50_ms));
  return entries.map((e, i) => ({ rank: i + 1, ...e }));
}

/** Service starts each side needs for a wished change, from the spread of the claim's first row. Null without two starts on a side. */
export function planOf(row: ComparisonMetric | undefined, wishedPct: number | null, confidence: number, remembered: RememberedNoise | null): ComparisonPlan | null {
  if (row === undefined) return null;
  const parts = [
    { cv: row.cv_baseline_pct, df: row.n_baseline - 1 },
    { cv: row.cv_candidate_pct, df: row.n_candidate - 1 },
  ].filter((p): p is { cv: number; df: number } => p.cv !== null);
  const df = parts.reduce((s, p) => s + p.df, 0);
  // What rests on more service starts is the better estimate of the host's noise.
  const memory = remembered !== null && remembered.df > df ? remembered : null;
  if (df === 0 && memory === null) return null;
  const cv = memory?.cv_pct ?? Math.sqrt(parts.reduce((s, p) => s + p.cv ** 2 * p.df, 0) / df);
  const wished = wishedPct === null || wishedPct === 0 ? null : Math.abs(wishedPct);
  const effects = [...new Set([...planEffectsPct, ...(wished === null ? [] : [wished])])].sort((a, b) => a - b);
  return {
    noise_cv_pct: cv,
    noise_from: memory !== null ? `${row.metric} remembered over ${memory.starts} service starts of this host, model and load` : `${row.metric} at ${row.load} over the ${row.n_baseline} + ${row.n_candidate} service starts compared`,
    power: thresholds.power.value,
    confidence,
    effects: effects.map((e) => ({ effect_pct: e, starts_per_side: requiredPerSide(e, cv, confidence, thresholds.power.value, limits.planStarts.value), wished: e === wished })),
  };
}
