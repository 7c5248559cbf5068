import type { RunManifest } from '../../contract/index.js';
import { valueAt } from './metric.js';
import type { Evidence, ItemOf } from './evidence.js';
import { openAttempt, since, type LoopState, type Phase } from './state.js';
import { thresholds } from './thresholds.js';

/** One thing a phase asks for, what was seen, and the tool that brings it. */
export interface Need {
  readonly need: string;
  readonly have: string | null;
  readonly ok: boolean;
  readonly tool: string | null;
}

export interface GateInput {
  readonly state: LoopState;
  readonly manifest: RunManifest;
  readonly evidence: Evidence;
  /** Searches of the history on this host, newest first: when, and the words. */
  readonly searches: readonly { readonly at: string; readonly words: string }[];
  /** Lesson cards of this host: when, and the runs their evidence lies in. */
  readonly cards: readonly { readonly id: string; readonly created_at: string; readonly runs: readonly string[] }[];
}

const item = (need: string, have: string | null, tool: string | null, ok = have !== null): Need => ({ need, have, ok, tool });
const younger = <T extends { readonly created_at: string }>(items: readonly ItemOf<T>[], at: string): ItemOf<T>[] => items.filter((i) => i.value.created_at >= at);
const formal = (manifest: RunManifest): boolean => manifest.identity.level === 'formal';

/** The target in words: a metric with its wished change, or a service level. */
export function targetText({ identity }: RunManifest): string | null {
  const { target_metric: metric, target_change_pct: change, sla } = identity;
  if (typeof metric === 'string' && typeof change === 'number') return `${metric} ${change > 0 ? '+' : ''}${String(change)} %`;
  const levels = Object.entries(sla ?? {});
  return levels.length === 0 ? null : levels.map(([name, value]) => `${name} ${String(value)}`).join(', ');
}

/** The metric the loop is about: the target's, else the first of the service level (`ttft_p99_ms` is `ttft_ms.p99`). */
export function targetMetric({ identity }: RunManifest): string | null {
  if (typeof identity.target_metric === 'string') return identity.target_metric;
  const [name] = Object.keys(identity.sla ?? {});
  const parts = name === undefined ? null : /^(ttft|tpot|itl|e2el)_(mean|p\d+)_ms$/.exec(name);
  return parts === null ? (name ?? null) : `${parts[1] ?? ''}_ms.${parts[2] ?? ''}`;
}

function clean(evidence: Evidence, run: string, phase: string): boolean {
  return evidence.environments.findLast((e) => e.run === run && e.value.phase === phase)?.value.verdict === 'clean';
}

function environment({ state, evidence, manifest }: GateInput): Need[] {
  const runs = [state.run, ...state.related_runs];
  const seen = runs.find((run) => clean(evidence, run, 'before'));
  const devices = manifest.environment.devices ?? null;
  const chips = [...evidence.manifests.values()].map((m) => m.environment.chip).find((c) => typeof c === 'string') ?? null;
  return [
    item('a clean host before anything runs (env_probe, phase before)', seen === undefined ? null : `clean in ${seen}`, 'env_probe'),
    item('the chip is known', chips, 'env_probe'),
    ...(formal(manifest) ? [item('the devices are named', devices === null ? null : devices.join(', '), 'run_create')] : []),
  ];
}

function history({ state, searches }: GateInput): Need[] {
  const search = searches.find((s) => s.at >= state.created_at);
  return [item('the history was searched since the loop began', search === undefined ? null : `searched at ${search.at}`, 'history_search')];
}

function baseline({ state, manifest, evidence }: GateInput): Need[] {
  const first = state.attempts[0]?.opened_at;
  const before = evidence.benchmarks.filter((b) => first === undefined || b.value.created_at < first);
  const points = before.flatMap((b) => b.value.points);
  const runs = [...new Set(before.map((b) => b.run))];
  const warm = points.length > 0 && points.every((p) => (p.warmup ?? 0) > 0);
  const failed = points.filter((p) => p.failed !== 0 || (p.success ?? 0) === 0).length;
  const dirty = runs.filter((run) => !clean(evidence, run, 'before') || !clean(evidence, run, 'idle'));
  const levels = runs.filter((run) => evidence.manifests.get(run)?.identity.level !== 'formal');
  return [
    item('a measured baseline', points.length === 0 ? null : `${String(points.length)} points in ${String(runs.length)} runs`, 'bench_start'),
    item('request warm-up in each point', warm ? 'every point' : null, 'bench_start'),
    item('no failed requests', points.length === 0 ? null : `${String(failed)} points with failures`, 'bench_start', points.length > 0 && failed === 0),
    item('clean environment before and idle in each run', runs.length === 0 || dirty.length > 0 ? null : 'clean', 'env_probe'),
    ...(formal(manifest) ? [item('runs of level formal', runs.length === 0 || levels.length > 0 ? null : 'formal', 'run_create')] : []),
  ];
}

function gap({ state, manifest, evidence }: GateInput): Need[] {
  const metric = targetMetric(manifest);
  const values = metric === null ? [] : evidence.benchmarks.flatMap((b) => b.value.points.map((p) => valueAt(p, metric))).filter((v) => v !== null);
  const estimate = evidence.estimates.findLast((e) => e.value.time_lower_bound_us !== null && [state.run, ...state.related_runs].includes(e.run));
  return [
    item('the baseline has a value of the target metric', values.length === 0 || metric === null ? null : `${metric} in ${String(values.length)} points`, 'bench_start'),
    item('the bound of the hardware for this load', estimate === undefined ? null : `${String(estimate.value.time_lower_bound_us)} us a step`, 'compute_simulate'),
  ];
}

function diagnosis(input: GateInput): Need[] {
  const { state, evidence } = input;
  const from = openAttempt(state) === null ? since(state) : (state.attempts.at(-2)?.closed_at ?? state.created_at);
  const seen = [
    ...younger(evidence.profiles, from).map((p) => p.value.bottleneck.class),
    ...younger(evidence.pipelines, from).map((p) => p.value.verdict),
    ...younger(evidence.incidents, from).filter((i) => i.value.verdict === 'diagnosed').map((i) => i.value.verdict),
  ].filter((word) => word !== 'inconclusive');
  return [item('a diagnosis that is not inconclusive, younger than the last attempt', seen.at(-1) ?? null, 'profile_analyze')];
}

function plan({ state }: GateInput): Need[] {
  const open = openAttempt(state);
  return [item('one open attempt with one hypothesis and one change', open === null ? null : `attempt ${String(open.n)}`, 'loop_update')];
}

const isCommit = (change: string): boolean => /^[0-9a-f]{7,64}$/.test(change);

function inPlace(input: GateInput): Need[] {
  const { state, evidence } = input;
  const open = openAttempt(state);
  if (open === null) return [item('one open attempt', null, 'loop_update')];
  const { change } = open;
  const commits = [...evidence.manifests.entries()].filter(([, m]) => typeof m.code.commit === 'string' && (m.code.commit.startsWith(change) || change.startsWith(m.code.commit)));
  const [flag = '', value = ''] = change.split('=', 2);
  const bare = flag.replace(/^-+/, '');
  const carries = (argv: readonly string[]): boolean => argv.some((a, i) => [`--${bare}=${value}`, `-${bare}=${value}`].includes(a) || ([`--${bare}`, `-${bare}`].includes(a) && (value === '' || value === 'true' || argv[i + 1] === value)));
  const started = younger(evidence.services, open.opened_at).filter((s) => s.value.command.some(carries));
  const have = isCommit(change) ? (commits[0] === undefined ? null : `commit in ${commits[0][0]}`) : started[0] === undefined ? null : `service of ${started[0].run} runs with it`;
  return [...diagnosis(input), item('a service that runs with the change', have, 'service_start')];
}

function review({ state, evidence }: GateInput): Need[] {
  const open = openAttempt(state);
  if (open !== null && !isCommit(open.change)) return [item('a review of the code', 'no code changed', null)];
  const last = younger(evidence.reviews, since(state)).at(-1);
  const high = last?.value.findings.filter((f) => f.severity === 'high').length ?? 0;
  return [item('a review of the change without findings of severity high', last === undefined || last.value.verdict === 'inconclusive' ? null : `${String(high)} high`, 'review_diff', last !== undefined && last.value.verdict !== 'inconclusive' && high === 0)];
}

function accuracy({ state, manifest, evidence }: GateInput): Need[] {
  const at = since(state);
  const verdict = younger(evidence.accuracies, at).at(-1)?.value.verdict ?? null;
  const level = Math.max(0, ...younger(evidence.scores, at).map((s) => Number(s.value.level.slice(1))));
  return [
    item('no accuracy regression against the baseline', verdict, 'accuracy_compare', verdict === 'no-regression' || verdict === 'improvement'),
    ...(formal(manifest) ? [item(`an accuracy score of level L${String(thresholds.formalAccuracy.value)} or more`, level === 0 ? null : `L${String(level)}`, 'accuracy_start', level >= thresholds.formalAccuracy.value)] : []),
  ];
}

function performance({ state, manifest, evidence }: GateInput): Need[] {
  const metric = targetMetric(manifest);
  const last = younger(evidence.comparisons, since(state)).findLast((c) => metric === null || c.value.claim.metric === metric);
  const admissible = last !== undefined && last.value.verdict !== 'inadmissible';
  const grades = ['formal', 'reproduced', 'simulated'];
  return [
    item(`a comparison on ${metric ?? 'the target metric'}, younger than the attempt`, last === undefined ? null : `${last.value.verdict}, grade ${last.value.grade}`, 'bench_compare', admissible),
    ...(formal(manifest) ? [item('grade formal', last?.value.grade ?? null, 'bench_compare', last !== undefined && grades.includes(last.value.grade))] : []),
  ];
}

function record({ state, cards }: GateInput): Need[] {
  const runs = [state.run, ...state.related_runs];
  const card = cards.find((c) => c.created_at >= since(state) && c.runs.some((r) => runs.includes(r)));
  return [item('a lesson card with evidence in these runs', card?.id ?? null, 'history_search')];
}

const gates: Readonly<Record<Phase, (input: GateInput) => Need[]>> = {
  target: ({ manifest }) => [item('a target metric with its wished change, or a service level', targetText(manifest), 'run_create')],
  environment, history, baseline, gap, evidence: diagnosis, plan, patch: inPlace, review, accuracy, performance, record,
};

/** What the present phase asks for and what is there. Pure. */
export function gateOf(input: GateInput): Need[] {
  const needs = gates[input.state.phase](input);
  const { tampered } = input.evidence;
  return tampered.length === 0 ? needs : [...needs, item('artifacts that are what was written', `${String(tampered.length)} are not`, 'run_validate', false)];
}
