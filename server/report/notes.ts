import { cell, fenced, shellJoin, table } from '../contract/index.js';
import { missingForFormal } from '../runs/manifest.js';
import { answers, change, primaryRow } from './answers.js';
import { evidenceFiles, type Evidence } from './gather.js';
import type { Words } from './words.js';

/** One of the seven questions: what the run says, and what it lacks to say all of it. */
interface Reply {
  readonly lines: readonly string[];
  readonly lacks: readonly string[];
}

/** What a reviewer asks of a claim, from what the manifest holds and who filled it in. */
function identity(e: Evidence, w: Words): Reply {
  const m = e.manifest;
  const parts: [string, string | number | boolean | readonly number[] | null | undefined][] = [
    ['model.name', m.model.name], ['model.path', m.model.path], ['model.weights_sha256', m.model.weights_sha256], ['model.tokenizer_sha256', m.model.tokenizer_sha256],
    ['model.dtype', m.model.dtype], ['model.quantization', m.model.quantization], ['environment.host', m.environment.host], ['environment.chip', m.environment.chip],
    ['environment.devices', m.environment.devices], ['environment.cann_version', m.environment.cann_version], ['environment.driver_version', m.environment.driver_version],
    ['service.framework', m.service.framework], ['service.framework_version', m.service.framework_version], ['code.repo', m.code.repo], ['code.commit', m.code.commit], ['code.dirty', m.code.dirty], ['code.diff_sha256', m.code.diff_sha256],
  ];
  const known = parts.filter(([, v]) => v !== null && v !== undefined);
  const has = (field: string): boolean => known.some(([f]) => f === field);
  const needed = ['model.tokenizer_sha256', 'model.dtype', 'environment.chip', 'environment.devices', 'code.commit'].filter((f) => !has(f));
  const lacks = [...(has('model.name') || has('model.path') ? [] : ['model.name']), ...needed, ...(m.code.dirty === true && !has('code.diff_sha256') ? ['code.diff_sha256'] : [])];
  const how = (field: string): string => (m.provenance[field]?.how === 'captured' ? w.captured : m.provenance[field]?.how === 'stated' ? w.stated : w.unknown);
  const shown = (v: string | number | boolean | readonly number[] | null | undefined): string | number | boolean | null => (typeof v === 'string' || typeof v === 'number' || typeof v === 'boolean' ? v : v === null || v === undefined ? null : v.join(', '));
  return { lines: known.length === 0 ? [] : [table([w.field, w.value, w.how], known.map(([f, v]) => [f, shown(v), how(f)]))], lacks };
}

function commands(e: Evidence, w: Words): Reply {
  const records = e.of('service-record').flatMap((r) => r.value.command);
  const service = records.length > 0 ? records : (e.manifest.service.command ?? []);
  const passes = e.passes.flatMap((p) => (p.command === null ? [] : [[...p.command]]));
  const bench = passes.length > 0 ? passes : (e.manifest.workload.command ?? []);
  const block = (argvs: readonly (readonly string[])[], label: string): string[] => {
    const lines = [...new Set(argvs.filter((a) => a.length > 0).map((a) => shellJoin(a)))];
    return lines.length === 0 ? [] : [fenced(lines.join('\n'), label, 12_000), ''];
  };
  return {
    lines: [...block(service, w.service), ...block(bench, w.benchmark), ...block(e.evaluations.map((x) => x.command), w.accuracy)],
    lacks: [...(service.some((a) => a.length > 0) ? [] : [w.serviceCommand]), ...(bench.some((a) => a.length > 0) ? [] : [w.benchCommand])],
  };
}

function clean(e: Evidence, w: Words): Reply {
  const points = e.of('perf-metrics').flatMap((p) => p.value.points);
  const snapshots = e.of('env-snapshot');
  const lines: string[] = [];
  const lacks: string[] = [];
  if (points.length === 0) lacks.push(w.noBench);
  else {
    const failed = points.reduce((sum, p) => sum + (p.failed ?? 0), 0);
    lines.push(`- ${w.warmed(points.filter((p) => (p.warmup ?? 0) > 0).length, points.length)}${w.failedRequests(failed)}${w.graphs(points.filter((p) => (p.graph_captures ?? 0) > 0).length)}`);
    if (points.some((p) => p.warmup === null)) lacks.push(w.warmupUnknown);
    if (points.some((p) => p.failed === null)) lacks.push('failed');
    if (points.some((p) => (p.graph_captures ?? null) === null)) lacks.push('graph_captures');
  }
  for (const phase of ['before', 'idle', 'after'] as const) {
    const found = snapshots.filter((s) => s.value.phase === phase);
    if (found.length === 0) lacks.push(w.noEnv(phase));
    for (const s of found) lines.push(`- ${phase}: **${s.value.verdict}** (${cell(s.path, 200)})${s.value.reasons.length === 0 ? '' : `: ${s.value.reasons.slice(0, 5).map((r) => r.code).join(', ')}`}`);
  }
  return { lines, lacks };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const span = (from: string | null | undefined, to: string | null | undefined): Span | null => (from === null || from === undefined || to === null || to === undefined ? null : { from: Date.parse(from), to: Date.parse(to) });

/** Whether a profiler was near a number: captures against measured windows, by their own clocks. */
function profiling(e: Evidence, w: Words): Reply {
  const captures = e.of('capture-record').map((c) => span(c.value.attached_at ?? c.value.started_at, c.value.detached_at ?? c.value.stopped_at));
  const profiles = e.of('profiling-analysis').length + e.of('pipeline-analysis').length;
  const windows = e.of('perf-metrics').flatMap((p) => p.value.points.map((x) => span(x.started_at, x.ended_at)));
  const services = e.of('service-record').map((s) => s.value.profiling_mode);
  const mode = services.length > 0 ? services.some((m) => m) : (e.manifest.service.profiling_mode ?? null);
  const lines: string[] = [];
  const lacks: string[] = [];
  if (windows.length > 0 && mode === true) lines.push(`- **${w.profilingMode}**`);
  if (windows.length > 0 && mode === null) lacks.push(w.profilingUnknown);
  if (captures.length === 0 && profiles === 0) {
    if (mode === false) lines.push(`- ${w.noProfile}`);
    else if (mode === null && windows.length === 0) lacks.push(w.profilingUnknown);
  } else if (windows.length > 0) {
    const overlap = captures.some((c) => c !== null && windows.some((x) => x !== null && c.from < x.to && x.from < c.to));
    if (overlap) lines.push(`- **${w.overlaps}**`);
    else if (captures.length === 0 || captures.includes(null) || windows.includes(null)) lacks.push(w.windowTimes);
    else lines.push(`- ${w.apart}`);
  } else lines.push(`- ${w.profilesOnly}`);
  return { lines, lacks };
}

function accuracy(e: Evidence, w: Words): Reply {
  const scores = e.of('accuracy-score');
  const compared = e.of('accuracy-comparison');
  if (scores.length + compared.length === 0) return { lines: [], lacks: [w.noAccuracy] };
  const lines: string[] = [];
  if (scores.length > 0) lines.push(table(['level', w.verdict, 'score %', 'low %', 'high %', 'n', w.failedCases, w.path], scores.map(({ path, value: v }) => [`${v.level} (${v.scope})`, v.verdict, v.score_pct, v.low_pct, v.high_pct, v.items, v.failed_cases, path])), '');
  for (const { path, value: v } of compared) lines.push(`- **${v.verdict}** (${v.cause}): delta_pct ${cell(v.delta_pct)}, n ${v.n}, baseline_only ${v.baseline_only}, candidate_only ${v.candidate_only}, min_detectable_drop_pct ${cell(v.min_detectable_drop_pct)} (${cell(path, 200)})`);
  const failed = [...e.files.keys()].filter((f) => f.endsWith('failed_cases.jsonl'));
  if (failed.length > 0) lines.push(`- ${w.failedCases}: ${failed.map((f) => cell(f, 200)).join(', ')}`);
  // A comparison without a score names no level.
  return { lines, lacks: scores.length === 0 ? ['accuracy-score level'] : [] };
}

function risks(e: Evidence): string[] {
  return [
    ...(e.manifest.simulated ? ['simulated'] : []),
    ...e.of('comparison-report').flatMap((c) => c.value.reasons.map((r) => `${r.code} (${r.severity}): ${cell(r.detail, 200)}`)),
    ...e.of('accuracy-comparison').filter((a) => a.value.verdict !== 'no-regression').map((a) => `accuracy_compare: ${a.value.verdict} (${a.value.cause})`),
    ...e.of('incident-report').filter((i) => i.value.verdict !== 'no-known-signature').map((i) => `incident_triage: ${i.value.verdict}${i.value.primary === null ? '' : ` (${i.value.primary.class})`}`),
    ...e.of('review-report').filter((r) => r.value.counts.high + r.value.counts.medium > 0).map((r) => `review_diff: high ${r.value.counts.high}, medium ${r.value.counts.medium}`),
    ...e.of('service-record').filter((s) => s.value.incident !== null).map((s) => `service ${s.value.outcome}: ${cell(s.value.incident?.class, 60)}`),
    ...(e.broken.length === 0 ? [] : [`run_validate: ${e.broken.length}`]),
    ...missingForFormal(e.manifest, [...e.files.keys()]).map((m) => `missing: ${m}`),
  ];
}

function changes(e: Evidence, w: Words): Reply {
  const attempts = e.of('loop-state').flatMap((l) => l.value.attempts);
  const compared = e.of('comparison-report');
  const code = e.manifest.code;
  const lines: string[] = [];
  if (attempts.length > 0) lines.push(table(['n', w.change, w.outcome, 'delta_pct'], attempts.map((a) => [a.n, a.change, a.outcome, a.delta_pct])), '');
  else if ((code.diff_sha256 ?? null) !== null) lines.push(`- commit ${cell(code.commit)}, diff sha256 ${cell(code.diff_sha256)}`);
  for (const { path, value } of compared) {
    const row = primaryRow(value);
    lines.push(`- **${value.verdict}** (${value.grade}): ${value.claim.metric}${row === null ? '' : ` ${change(row)}`} (${cell(path, 200)})`);
  }
  const open = risks(e);
  lines.push('', `${w.risks}:`, '', ...(open.length === 0 ? [`- ${w.noRisk}`] : open.map((r) => `- ${r}`)));
  return { lines, lacks: [...(attempts.length > 0 || (code.diff_sha256 ?? null) !== null ? [] : [w.noChange]), ...(compared.length > 0 ? [] : [w.noEffect])] };
}

function artifacts(e: Evidence, w: Words): Reply {
  const files = evidenceFiles(e.files);
  const made = files.filter((f) => f.kind !== 'raw' && f.kind !== 'env-raw');
  const raw = files.some((f) => f.path.startsWith('perf/') && f.path.includes('/raw/'));
  const lines = [`- ${w.replayHow}`, `- ${w.rawBeside(files.length - made.length)}`, '', table([w.kind, w.path, 'sha256'], made.map((f) => [f.kind, f.path, f.sha256]))];
  for (const b of e.broken) lines.push('', `**${w.broken}**: ${cell(b.path, 200)} (${w[b.why]})`);
  return { lines, lacks: [...(raw ? [] : [w.noRaw]), ...e.broken.map((b) => cell(b.path, 200))] };
}

/** The seven replies; null lines never stand for an answer: a question without facts says that the run can not tell. */
function replies(e: Evidence, w: Words): { question: string; reply: Reply }[] {
  const asked: [string, (e: Evidence, w: Words) => Reply][] = [[w.q1, identity], [w.q2, commands], [w.q3, clean], [w.q4, profiling], [w.q5, accuracy], [w.q6, changes], [w.q7, artifacts]];
  return asked.map(([question, answer]) => ({ question, reply: answer(e, w) }));
}

/** pr_notes.md: the seven questions a reviewer of a performance change asks, each answered from the run or said to be open. */
export function prNotes(e: Evidence, w: Words): { text: string; open: string[] } {
  const all = replies(e, w);
  const open = all.flatMap(({ reply }, i) => (reply.lacks.length === 0 ? [] : [i + 1]));
  const top = answers(e, w)[0];
  const lines = [
    `# ${w.prTitle}: ${e.run.id}`,
    '',
    open.length === 0 ? w.prAll : w.prSome(all.length - open.length, open.join(', ')),
    '',
    top === undefined ? `**${w.nothing}**` : `**${top.verdict}**: ${cell(top.text, 400)} (${cell(top.path, 200)})`,
    ...(e.manifest.simulated ? ['', `> ${w.simulated}`] : []),
    ...all.flatMap(({ question, reply }, i) => {
      const state = reply.lacks.length === 0 ? w.answered : reply.lines.some((l) => l !== '') ? w.partly : w.cannot;
      return ['', `## ${i + 1}. ${question}`, '', `*${state}*`, '', ...reply.lines, ...(reply.lacks.length === 0 ? [] : ['', `${w.lacks}: ${reply.lacks.join('; ')}`])];
    }),
  ];
  return { text: `${lines.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n`, open: all.flatMap(({ question, reply }, i) => (reply.lacks.length === 0 ? [] : [`${i + 1}. ${question} ${w.lacks}: ${reply.lacks.join('; ')}`])) };
}
