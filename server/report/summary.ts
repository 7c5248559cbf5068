import { isAbsolute, join } from 'node:path';
import { cell, check, foreign, isSchemaName, number, table, type ArtifactRef, type EnvSnapshot, type ProfilingAnalysis, type RunManifest } from '../contract/index.js';
import { missingForFormal } from '../runs/manifest.js';
import type { Run } from '../runs/runs.js';
import { readArtifact } from '../runs/runs.js';

interface Loaded {
  readonly ref: ArtifactRef;
  readonly relative: string;
  readonly env: EnvSnapshot | null;
  readonly profile: ProfilingAnalysis | null;
}

async function load(run: Run): Promise<Loaded[]> {
  const loaded: Loaded[] = [];
  for (const [path, file] of await run.files()) {
    const ref = { kind: file.kind, path: isAbsolute(path) ? path : join(run.dir, path), schema: file.schema, sha256: file.sha256 };
    const schema = file.schema;
    let env: EnvSnapshot | null = null;
    let profile: ProfilingAnalysis | null = null;
    if (schema !== null && isSchemaName(schema) && path.endsWith('.json')) {
      const value = await readArtifact(ref.path);
      if (schema === 'env-snapshot') {
        const checked = check('env-snapshot', value);
        if (checked.ok) env = checked.value;
      } else if (schema === 'profiling-analysis') {
        const checked = check('profiling-analysis', value);
        if (checked.ok) profile = checked.value;
      }
    }
    loaded.push({ ref, relative: path, env, profile });
  }
  return loaded;
}

/** The first lines: what this run says and what it may not be used for. */
function answer(manifest: RunManifest, loaded: readonly Loaded[]): string[] {
  const lines: string[] = [];
  const profile = loaded.findLast((l) => l.profile !== null)?.profile;
  const env = loaded.findLast((l) => l.env !== null)?.env;
  if (profile !== undefined && profile !== null) {
    const w = profile.window;
    lines.push(
      `**${profile.bottleneck.class}** (confidence ${profile.bottleneck.confidence})${w === null ? '' : `: of ${number(w.span_us / 1000)} ms on device ${w.device}, ${number(w.computing_us / 1000)} ms compute, ${number(w.communication_not_overlapped_us / 1000)} ms exposed communication, ${number(w.free_us / 1000)} ms free`}.`,
    );
  } else if (env !== undefined && env !== null) lines.push(`**${env.verdict}**: ${env.chips.length} chips on ${env.host === null || env.host === undefined ? 'an unnamed host' : foreign(env.host, 60)}.`);
  else lines.push('**Nothing measured yet**: the run holds no computed artifact.');
  if (manifest.simulated) lines.push('', '> Simulated: the NPU host or the capture behind this run is not real. Nothing here may be claimed of real hardware.');
  return lines;
}

function manifestTable(manifest: RunManifest): string[] {
  const rows = (['code', 'environment', 'model', 'service', 'workload', 'comparison'] as const).flatMap((section) =>
    Object.entries(manifest[section])
      .filter(([, v]) => v !== null && v !== undefined)
      .map(([field, v]): [string, string, string] => [`${section}.${field}`, typeof v === 'string' ? v : JSON.stringify(v), manifest.provenance[`${section}.${field}`]?.how ?? '']),
  );
  return rows.length === 0 ? ['No manifest field is filled yet.'] : [table(['field', 'value', 'how'], rows)];
}

/** summary.md of a run: the answer first, then what each artifact says, then what is missing. Pure but for reading the run. */
export async function summary(run: Run): Promise<{ path: string; kind: string; text: string }[]> {
  const manifest = await run.manifest();
  const loaded = await load(run);
  const missing = missingForFormal(manifest, loaded.map((l) => l.relative));
  const lines = [`# Run ${run.id}`, '', ...answer(manifest, loaded), ''];
  lines.push(table(['purpose', 'level', 'created', 'target'], [[manifest.identity.purpose, manifest.identity.level, manifest.created_at, manifest.identity.target_metric ?? null]]), '');
  for (const { relative, env, profile } of loaded) {
    if (env !== null) {
      lines.push(`## Environment: ${relative}`, '', `${env.verdict}${env.phase === null ? '' : ` (${env.phase})`}; driver ${cell(env.driver_version)}, CANN ${cell(env.cann_version)}.`, '');
      if (env.reasons.length > 0) lines.push(...env.reasons.map((r) => `- ${r.code}: ${cell(r.detail, 200)}`), '');
    }
    if (profile !== null) {
      lines.push(`## Profile: ${relative}`, '', 'A profile explains; it never measures performance.', '');
      if (profile.windows.length > 0) {
        lines.push(
          table(
            ['device', 'rank', 'span us', 'compute us', 'exposed comm us', 'free us', 'overlap %'],
            profile.windows.map((w) => [w.device, w.rank, w.span_us, w.computing_us, w.communication_not_overlapped_us, w.free_us, w.overlap_pct]),
          ),
          '',
        );
      }
      const kernel = [...(profile.kernel ?? [])].sort((a, b) => b.total_us - a.total_us).slice(0, 10);
      if (kernel.length > 0) lines.push(table(['op type', 'core', 'count', 'total us', 'share %', 'bound'], kernel.map((k) => [k.op_type, k.task_type, k.count, k.total_us, k.share_pct, k.bound])), '');
      if (profile.findings.length > 0) lines.push(table(['finding', 'severity', 'value', 'unit', 'share %', 'action'], profile.findings.map((f) => [f.id, f.severity, f.value, f.unit, f.share_pct, f.action])), '');
      if (profile.incomplete.length > 0) lines.push('Incomplete:', ...profile.incomplete.map((i) => `- ${i.code}: ${cell(i.detail, 300)}`), '');
    }
  }
  lines.push('## Manifest', '', ...manifestTable(manifest), '');
  lines.push('## Missing for a formal claim', '', ...(missing.length === 0 ? ['Nothing.'] : missing.map((m) => `- ${m}`)), '');
  lines.push('## Artifacts', '', table(['kind', 'path', 'sha256'], loaded.map((l) => [l.ref.kind, l.relative, l.ref.sha256.slice(0, 16)])), '');
  return [{ path: 'summary.md', kind: 'summary', text: `${lines.join('\n').trimEnd()}\n` }];
}
