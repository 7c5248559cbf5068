import { cell, check, foreign, number, table, type EnvSnapshot, type ProfilingAnalysis, type RunManifest, type ServiceRecord } from '../contract/index.js';
import { missingForFormal } from '../runs/manifest.js';
import { readArtifact, type Run } from '../runs/runs.js';
import { isAbsolute, join } from 'node:path';

/** What one artifact says: its answer in a line, and its section. */
interface Section {
  /** Later kinds answer more of the question a run asks. */
  readonly rank: number;
  readonly answer: string;
  readonly lines: readonly string[];
}

const duration = (fromIso: string, toIso: string): string => `${number((Date.parse(toIso) - Date.parse(fromIso)) / 1000)} s`;

function environment(path: string, env: EnvSnapshot): Section {
  const words = `${env.verdict}${env.phase === null ? '' : ` (${env.phase})`}`;
  return {
    rank: 0,
    answer: `**${env.verdict}**: ${env.chips.length} chips on ${env.host === null || env.host === undefined ? 'an unnamed host' : foreign(env.host, 60)}.`,
    lines: [`## Environment: ${path}`, '', `${words}; driver ${cell(env.driver_version)}, CANN ${cell(env.cann_version)}.`, '', ...env.reasons.map((r) => `- ${r.code}: ${cell(r.detail, 200)}`)],
  };
}

function service(path: string, record: ServiceRecord): Section {
  const ready = record.ready_at === null ? 'never ready' : `ready after ${duration(record.started_at, record.ready_at)}`;
  const incident = record.incident;
  const lines = [`## Service: ${path}`, '', `${record.framework} ${record.outcome}, ${ready}, devices ${record.devices.join(', ')}${record.profiling_mode ? ', under PROFILING_MODE' : ''}.`, ''];
  if (incident !== null) lines.push(`First error: rank ${cell(incident.rank)}, ${cell(incident.file)} line ${cell(incident.line)}: ${cell(incident.meaning, 200)}`, '');
  if (record.memory !== null) lines.push(table(['KV cache bytes', 'blocks', 'block size', 'token capacity'], [[record.memory.kv_cache_bytes, record.memory.kv_blocks, record.memory.block_size, record.memory.token_capacity]]), '');
  lines.push(table(['rank', 'pid', 'devices', 'log'], record.ranks.map((r) => [r.rank, r.pid, r.devices.join(', '), r.log])));
  return {
    rank: incident === null ? 1 : 3,
    answer: incident === null ? `**${record.outcome}**: the ${record.framework} service was ${ready}.` : `**service ${record.outcome}**: ${incident.class} on rank ${cell(incident.rank)}: ${cell(incident.meaning, 200)}`,
    lines,
  };
}

function profile(path: string, analysis: ProfilingAnalysis): Section {
  const w = analysis.window;
  const lines = [`## Profile: ${path}`, '', 'A profile explains; it never measures performance.', ''];
  if (analysis.windows.length > 0) {
    lines.push(
      table(
        ['device', 'rank', 'span us', 'compute us', 'exposed comm us', 'free us', 'overlap %'],
        analysis.windows.map((x) => [x.device, x.rank, x.span_us, x.computing_us, x.communication_not_overlapped_us, x.free_us, x.overlap_pct]),
      ),
      '',
    );
  }
  const rows = (analysis.kernel ?? []).filter((k) => w === null || k.device === w.device).sort((a, b) => b.total_us - a.total_us).slice(0, 10);
  if (rows.length > 0) {
    const device = rows[0]?.device;
    lines.push(`Kernels of device ${cell(device)}, longest first:`, '', table(['op type', 'core', 'count', 'total us', 'share %', 'bound'], rows.map((k) => [k.op_type, k.task_type, k.count, k.total_us, k.share_pct, k.bound])), '');
  }
  if (analysis.findings.length > 0) lines.push(table(['finding', 'severity', 'value', 'unit', 'share %', 'action'], analysis.findings.map((f) => [f.id, f.severity, f.value, f.unit, f.share_pct, f.action])), '');
  if (analysis.incomplete.length > 0) lines.push('Incomplete:', ...analysis.incomplete.map((i) => `- ${i.code}: ${cell(i.detail, 300)}`));
  const where = w === null ? '' : `: of ${number(w.span_us / 1000)} ms on device ${w.device}, ${number(w.computing_us / 1000)} ms compute, ${number(w.communication_not_overlapped_us / 1000)} ms exposed communication, ${number(w.free_us / 1000)} ms free`;
  return { rank: 2, answer: `**${analysis.bottleneck.class}** (confidence ${analysis.bottleneck.confidence})${where}.`, lines };
}

/** The section of a recorded file; null for files without one, and for artifacts that no longer keep their schema. */
async function sectionOf(path: string, full: string, schema: string | null): Promise<Section | null> {
  if (!path.endsWith('.json')) return null;
  if (schema === 'env-snapshot') {
    const checked = check('env-snapshot', await readArtifact(full));
    return checked.ok ? environment(path, checked.value) : null;
  }
  if (schema === 'service-record') {
    const checked = check('service-record', await readArtifact(full));
    return checked.ok ? service(path, checked.value) : null;
  }
  if (schema === 'profiling-analysis') {
    const checked = check('profiling-analysis', await readArtifact(full));
    return checked.ok ? profile(path, checked.value) : null;
  }
  return null;
}

function manifestTable(manifest: RunManifest): string {
  const rows = (['code', 'environment', 'model', 'service', 'workload', 'comparison'] as const).flatMap((section) =>
    Object.entries(manifest[section])
      .filter(([, v]) => v !== null && v !== undefined)
      .map(([field, v]): [string, string, string] => [`${section}.${field}`, typeof v === 'string' ? v : JSON.stringify(v), manifest.provenance[`${section}.${field}`]?.how ?? '']),
  );
  return rows.length === 0 ? 'No manifest field is filled yet.' : table(['field', 'value', 'how'], rows);
}

/** summary.md of a run: the answer first, then what each artifact says, then what is missing for a formal claim. */
export async function summary(run: Run): Promise<{ path: string; kind: string; text: string }[]> {
  const manifest = await run.manifest();
  const files = [...(await run.files())];
  const sections: Section[] = [];
  for (const [path, file] of files) {
    const section = await sectionOf(path, isAbsolute(path) ? path : join(run.dir, path), file.schema);
    if (section !== null) sections.push(section);
  }
  const strongest = sections.reduce<Section | null>((best, s) => (best === null || s.rank >= best.rank ? s : best), null);
  const missing = missingForFormal(manifest, files.map(([path]) => path));
  const artifacts = files.filter(([, f]) => f.kind !== 'raw' && f.kind !== 'env-raw').map(([path, f]): [string, string, string] => [f.kind, path, f.sha256.slice(0, 16)]);
  const lines = [
    `# Run ${run.id}`,
    '',
    strongest?.answer ?? '**Nothing measured yet**: the run holds no computed artifact.',
    '',
    ...(manifest.simulated ? ['> Simulated: the NPU host or the capture behind this run is not real. Nothing here may be claimed of real hardware.', ''] : []),
    table(['purpose', 'level', 'created', 'target'], [[manifest.identity.purpose, manifest.identity.level, manifest.created_at, manifest.identity.target_metric ?? null]]),
    ...sections.flatMap((s) => ['', ...s.lines]),
    '',
    '## Manifest',
    '',
    manifestTable(manifest),
    '',
    '## Missing for a formal claim',
    '',
    ...(missing.length === 0 ? ['Nothing.'] : missing.map((m) => `- ${m}`)),
    '',
    '## Artifacts',
    '',
    table(['kind', 'path', 'sha256'], artifacts),
    '',
    `${files.length - artifacts.length} raw files are recorded beside them; events.jsonl lists all with their hashes.`,
  ];
  return [{ path: 'summary.md', kind: 'summary', text: `${lines.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n` }];
}
