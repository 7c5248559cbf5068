import { cell, number, table, type OpErrors } from '../contract/index.js';
import type { Body } from './outcome.js';

const shown = (value: number | null): string => (value === null ? 'unknown' : Math.abs(value) > 0 && Math.abs(value) < 0.001 ? value.toExponential(3) : number(value));

/** The answer in one sentence. Names of operators and files are foreign and stay out. */
export function headline(body: Body): string {
  const { route, constraints, accuracy, performance, verdict } = body;
  if (route !== null) return route.chosen === 'none' ? 'no route can be named yet' : `${route.chosen} for ${route.work} work from ${route.from}; ${route.questions.length} questions before a kernel is written`;
  if (constraints !== null) {
    const count = (result: string): number => constraints.filter((c) => c.result === result).length;
    return `${count('violated')} of ${constraints.length} limits broken, ${count('warning')} warnings, ${count('unchecked')} unchecked`;
  }
  if (performance !== null) return performance.geomean_speedup === null ? 'the two profiles cannot be compared' : `speed-up ${number(performance.geomean_speedup)} over ${performance.pairs.length} shapes, worst ${shown(performance.worst_speedup)}; wanted ${number(performance.min_speedup)}`;
  if (accuracy === null || accuracy.errors === null) return verdict === 'fail' ? 'actual has another shape than the golden' : 'the tensors cannot be compared';
  const { errors, standard, dtype } = accuracy;
  const first = accuracy.limits.find((l) => !l.ok);
  const size = `${errors.elements} elements of ${dtype}`;
  if (first !== undefined) return `${size}: ${first.metric} ${shown(first.value)}, limit ${shown(first.limit)}`;
  return standard === 'exact' ? `${size} equal` : standard === 'none' ? `${size}: no public limit for this dtype; mean relative error ${shown(errors.mere)}` : `${size}: mean relative error ${shown(errors.mere)}, largest ${shown(errors.mare)}, within the ${standard} benchmark${accuracy.level === null ? '' : ` at ${accuracy.level}`}`;
}

function errorRows(own: OpErrors, other: OpErrors | null): (readonly (string | null)[])[] {
  const names = ['elements', 'mismatches', 'mere', 'mare', 'cosine', 'max_abs', 'rmse', 'nan_inf', 'small_elements', 'small_errors', 'balance'] as const;
  return names.map((n) => [n, own[n] === null ? null : shown(own[n]), other === null || other[n] === null ? null : shown(other[n])]);
}

/** report.md: what was checked, what it gave, and the gates. */
export function page(body: Body): string {
  const parts = ['# Operator migration', '', `${body.kind}: **${body.verdict}** – ${headline(body)}`, '', `Operator: ${cell(body.op ?? '–')}. Status: ${body.status}.`, ''];
  if (body.reasons.length > 0) parts.push(...body.reasons.map((r) => `- ${cell(r, 300)}`), '');
  if (body.route !== null) {
    parts.push('## Routes', '', table(['rank', 'route', 'why', 'where'], body.route.choices.map((c) => [c.rank, c.route, c.why, c.where])), '');
    if (body.route.existing.length > 0) parts.push('## Kernels xLLM has', '', table(['name', 'kind', 'where'], body.route.existing.map((e) => [e.name, e.kind, e.where])), '');
    parts.push('## Before a kernel is written', '', ...body.route.questions.map((q) => `- ${q}`), '');
  }
  if (body.constraints !== null) parts.push('## Limits', '', table(['result', 'rule', 'value', 'limit', 'unit', 'why', 'fit', 'source'], body.constraints.map((c) => [c.result, c.rule, c.value, c.limit, c.unit, c.why, c.fit, c.source])), '');
  if (body.accuracy !== null) {
    const a = body.accuracy;
    const tensors = [['golden', a.golden], ['actual', a.actual], ...(a.benchmark === null ? [] : [['benchmark', a.benchmark] as const])] as const;
    parts.push('## Tensors', '', table(['what', 'file', 'name', 'dtype', 'shape'], tensors.map(([what, t]) => [what, t.path, t.name, t.dtype, `[${t.shape.join(', ')}]`])), '');
    if (a.errors !== null) parts.push('## Errors', '', table(['metric', 'actual', 'benchmark'], errorRows(a.errors, a.benchmark_errors)), '');
    if (a.limits.length > 0) parts.push('## Limits', '', table(['metric', 'value', 'limit', 'ok', 'source'], a.limits.map((l) => [l.metric, l.value === null ? null : shown(l.value), shown(l.limit), l.ok, l.source])), '');
    if (a.worst.length > 0) parts.push('## Worst elements', '', table(['index', 'golden', 'actual', 'abs', 'relative'], a.worst.map((w) => [`[${w.index.join(', ')}]`, String(w.golden), String(w.actual), w.abs === null ? null : shown(w.abs), w.rel === null ? null : shown(w.rel)])), '');
  }
  if (body.performance !== null) parts.push('## Shapes', '', table(['baseline', 'candidate', 'shapes', 'before us', 'now us', 'speed-up', 'launches', 'busiest before', 'busiest now', 'memory % before', 'memory % now', 'GB/s before', 'GB/s now', 'GFLOP/s before', 'GFLOP/s now', 'roofline % before', 'roofline % now'], body.performance.pairs.map((p) => [p.baseline, p.candidate, p.shapes, p.baseline_us, p.candidate_us, p.speedup, p.launches.join(' / '), p.baseline_unit, p.candidate_unit, p.baseline_memory_peak_pct, p.candidate_memory_peak_pct, p.baseline_gbps, p.candidate_gbps, p.baseline_gflops, p.candidate_gflops, p.baseline_roofline_pct, p.candidate_roofline_pct])), '');
  parts.push('## Gates', '', table(['gate', 'state', 'needs', 'has'], body.gates.map((g) => [g.gate, g.state, g.need, g.have])));
  return `${parts.join('\n').trimEnd()}\n`;
}
