import { cell, chance, number, table, type ComparisonReport, type EnvSnapshot, type ProfilingAnalysis, type RunManifest, type ServiceRecord } from '../contract/index.js';
import { missingForFormal } from '../runs/manifest.js';
import type { Run } from '../runs/runs.js';
import { answers, change } from './answers.js';
import { evidenceFiles, gather, type Evidence } from './gather.js';
import { wordsOf, type Language, type Words } from './words.js';

type Lines = readonly string[];

const duration = (fromIso: string, toIso: string): string => `${number((Date.parse(toIso) - Date.parse(fromIso)) / 1000)} s`;

function environment(path: string, env: EnvSnapshot, w: Words): Lines {
  const words = `${env.verdict}${env.phase === null ? '' : ` (${env.phase})`}`;
  return [`## ${w.environment}: ${cell(path, 200)}`, '', `${words}; driver ${cell(env.driver_version)}, CANN ${cell(env.cann_version)}.`, '', ...env.reasons.map((r) => `- ${r.code}: ${cell(r.detail, 200)}`)];
}

function service(path: string, record: ServiceRecord, w: Words): Lines {
  const ready = record.ready_at === null ? 'never ready' : `ready after ${duration(record.started_at, record.ready_at)}`;
  const incident = record.incident;
  const lines = [`## ${w.service}: ${cell(path, 200)}`, '', `${record.framework} ${record.outcome}, ${ready}, devices ${record.devices.join(', ')}${record.profiling_mode ? ', under PROFILING_MODE' : ''}.`, ''];
  if (incident !== null) lines.push(`First error: rank ${cell(incident.rank)}, ${cell(incident.file)} line ${cell(incident.line)}: ${cell(incident.meaning, 200)}`, '');
  if (record.memory !== null) lines.push(table(['KV cache bytes', 'blocks', 'block size', 'token_capacity'], [[record.memory.kv_cache_bytes, record.memory.kv_blocks, record.memory.block_size, record.memory.token_capacity]]), '');
  lines.push(table(['rank', 'pid', 'devices', 'log'], record.ranks.map((r) => [r.rank, r.pid, r.devices.join(', '), r.log])));
  return lines;
}

function profile(path: string, analysis: ProfilingAnalysis, w: Words): Lines {
  const shown = analysis.window;
  const lines = [`## ${w.profile}: ${cell(path, 200)}`, '', w.kernelsNote, ''];
  if (analysis.windows.length > 0) {
    lines.push(
      table(
        ['device', 'rank', 'span us', 'compute us', 'exposed comm us', 'free us', 'overlap %'],
        analysis.windows.map((x) => [x.device, x.rank, x.span_us, x.computing_us, x.communication_not_overlapped_us, x.free_us, x.overlap_pct]),
      ),
      '',
    );
  }
  const rows = (analysis.kernel ?? []).filter((k) => shown === null || k.device === shown.device).sort((a, b) => b.total_us - a.total_us).slice(0, 10);
  if (rows.length > 0) {
    const device = rows[0]?.device;
    lines.push(`Kernels of device ${cell(device)}, longest first:`, '', table(['op type', 'core', 'count', 'total us', 'share %', 'bound'], rows.map((k) => [k.op_type, k.task_type, k.count, k.total_us, k.share_pct, k.bound])), '');
  }
  if (analysis.findings.length > 0) lines.push(table(['finding', 'severity', 'value', 'unit', 'share %', 'action'], analysis.findings.map((f) => [f.id, f.severity, f.value, f.unit, f.share_pct, f.action])), '');
  if (analysis.incomplete.length > 0) lines.push('Incomplete:', ...analysis.incomplete.map((i) => `- ${i.code}: ${cell(i.detail, 300)}`));
  return lines;
}

function manifestTable(manifest: RunManifest, w: Words): string {
  const rows = (['code', 'environment', 'model', 'service', 'workload', 'comparison'] as const).flatMap((section) =>
    Object.entries(manifest[section])
      .filter(([, v]) => v !== null && v !== undefined)
      .map(([field, v]): [string, string, string] => [`${section}.${field}`, typeof v === 'string' ? v : JSON.stringify(v), manifest.provenance[`${section}.${field}`]?.how ?? '']),
  );
  return rows.length === 0 ? w.none : table([w.field, w.value, w.how], rows);
}

function comparison(path: string, report: ComparisonReport, w: Words): Lines {
  const rows = [...report.metrics].sort((a, b) => Number(b.primary) - Number(a.primary)).slice(0, 20);
  return [
    `## ${w.comparison}: ${cell(path, 200)}`,
    '',
    table(['metric', 'load', 'baseline', 'candidate', 'change', 'p', 'n', w.verdict], rows.map((m) => [m.metric, m.load, m.baseline, m.candidate, change(m), chance(m.p_value), `${m.n_baseline} + ${m.n_candidate}`, m.verdict])),
    '',
    ...report.reasons.map((r) => `- ${r.code} (${r.severity}): ${cell(r.detail, 200)}`),
  ];
}

function benchmarks(e: Evidence, w: Words): Lines {
  const rows = e.of('perf-metrics').flatMap(({ path, value }) => value.points.map((p) => [p.id, p.repeat ?? null, p.success, p.failed, p.output_tps, p.ttft_ms.p50, p.ttft_ms.p99, p.tpot_ms.mean, p.tpot_ms.p99, path]));
  return rows.length === 0 ? [] : ['', `## ${w.benchmark}`, '', table(['load', 'pass', 'success', 'failed', 'output tok/s', 'TTFT p50 ms', 'TTFT p99 ms', 'TPOT mean ms', 'TPOT p99 ms', w.path], rows)];
}

/** summary.md of a run: the answer first, then what each artifact says, then what is missing for a formal claim. */
export async function summary(run: Run, language: Language = 'en', evidence?: Evidence): Promise<{ path: string; kind: string; text: string }[]> {
  const e = evidence ?? (await gather(run));
  const w = wordsOf(language);
  const { manifest } = e;
  const all = answers(e, w);
  const top = all[0];
  const files = evidenceFiles(e.files);
  const missing = missingForFormal(manifest, [...e.files.keys()]);
  const made = files.filter((f) => f.kind !== 'raw' && f.kind !== 'env-raw').map((f): [string, string, string] => [f.kind, f.path, f.sha256.slice(0, 16)]);
  const sections = [
    ...e.of('comparison-report').map(({ path, value }) => comparison(path, value, w)),
    ...e.of('env-snapshot').map(({ path, value }) => environment(path, value, w)),
    ...e.of('service-record').map(({ path, value }) => service(path, value, w)),
    ...e.of('profiling-analysis').map(({ path, value }) => profile(path, value, w)),
  ];
  const lines = [
    `# ${w.run} ${run.id}`,
    '',
    top === undefined ? `**${w.nothing}**` : `**${top.verdict}**: ${top.area}, ${cell(top.text, 400)}.`,
    '',
    ...(manifest.simulated ? [`> ${w.simulated}`, ''] : []),
    ...e.broken.map((b) => `- **${w.broken}**: ${cell(b.path, 200)} (${w[b.why]})`),
    '',
    table([w.purpose, w.level, w.created, w.target], [[manifest.identity.purpose, manifest.identity.level, manifest.created_at, manifest.identity.target_metric ?? null]]),
    ...(all.length === 0 ? [] : ['', `## ${w.verdicts}`, '', table([w.area, w.verdict, w.answer, w.artifact], all.map((a) => [a.area, a.verdict, a.text, a.path]))]),
    ...benchmarks(e, w),
    ...sections.flatMap((s) => ['', ...s]),
    '',
    `## ${w.manifest}`,
    '',
    manifestTable(manifest, w),
    '',
    `## ${w.missingFormal}`,
    '',
    ...(missing.length === 0 ? [w.none] : missing.map((m) => `- ${m}`)),
    '',
    `## ${w.evidence}`,
    '',
    table([w.kind, w.path, 'sha256'], made),
    '',
    w.rawBeside(files.length - made.length),
  ];
  return [{ path: 'summary.md', kind: 'summary', text: `${lines.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n` }];
}
