import { parse, stringify } from 'yaml';
import { check, foreign, ToolError, type Provenance, type RunManifest } from '../contract/index.js';

export const manifestName = 'manifest.yaml';

/** The sections a tool or a person may fill. */
export type ManifestPatch = Partial<Pick<RunManifest, 'code' | 'environment' | 'model' | 'service' | 'workload' | 'comparison'>> & { notes?: string[]; simulated?: boolean };
const sections = ['code', 'environment', 'model', 'service', 'workload', 'comparison'] as const;

export function manifestText(manifest: RunManifest): string {
  return stringify(manifest, { lineWidth: 0 });
}

/** @throws ToolError E_MANIFEST_EMPTY, E_MANIFEST_BROKEN */
export function parseManifest(text: string, path: string): RunManifest {
  if (text.trim() === '') throw new ToolError('E_MANIFEST_EMPTY', `${foreign(path, 300)} has no content`, 'open a new run with run_create; a manifest is written by the tools only');
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (cause) {
    throw new ToolError('E_MANIFEST_BROKEN', `${foreign(path, 300)} is not YAML`, 'restore it from a copy, or open a new run with run_create', { cause });
  }
  const checked = check('run-manifest', parsed);
  if (!checked.ok) throw new ToolError('E_MANIFEST_BROKEN', `${foreign(path, 300)}: ${checked.problems.slice(0, 5).join('; ')}`, 'restore it from a copy; fields are changed through the tools');
  return checked.value;
}

/** A manifest with the patch's fields set, each with who filled it. Pure. */
export function patched(manifest: RunManifest, patch: ManifestPatch, provenance: Provenance): RunManifest {
  const next: RunManifest = { ...manifest, provenance: { ...manifest.provenance } };
  for (const section of sections) {
    const values = patch[section];
    if (values === undefined) continue;
    Object.assign(next, { [section]: { ...manifest[section], ...values } });
    for (const [field, value] of Object.entries(values)) if (value !== undefined) next.provenance[`${section}.${field}`] = provenance;
  }
  if (patch.notes !== undefined) next.notes = [...manifest.notes, ...patch.notes];
  if (patch.simulated === true) next.simulated = true;
  return next;
}

/**
 * Fields a formal claim needs (contract, "When may a performance claim be made"). Each becomes a line of `missing_for_formal`.
 * `rate` is not here: null means unthrottled; `seed` and sampling count only where the client sends them.
 */
const formalFields: Readonly<Record<(typeof sections)[number], readonly string[]>> = {
  code: ['repo', 'commit', 'dirty'],
  environment: ['host', 'chip', 'devices', 'cann_version', 'driver_version'],
  model: ['name', 'weights_sha256', 'tokenizer_sha256', 'dtype', 'quantization'],
  service: ['framework', 'framework_version', 'command', 'prefix_cache', 'profiling_mode', 'started_at'],
  workload: ['client', 'client_version', 'command', 'dataset', 'output_tokens', 'parallel', 'number', 'warmup', 'stream', 'temperature', 'ignore_eos'],
  comparison: [],
};

/** @param files paths the ledger knows, relative to the run root */
export function missingForFormal(manifest: RunManifest, files: readonly string[]): string[] {
  const missing: string[] = [];
  for (const section of sections) {
    const values = new Map(Object.entries(manifest[section]));
    for (const field of formalFields[section]) if (values.get(field) === undefined || values.get(field) === null) missing.push(`${section}.${field}`);
  }
  if (manifest.code.dirty === true && (manifest.code.diff_sha256 ?? null) === null) missing.push('code.diff_sha256');
  for (const phase of ['before', 'idle', 'after']) if (!files.includes(`env/${phase}.json`)) missing.push(`env/${phase}.json`);
  if (!files.some((f) => f.startsWith('perf/') && f.includes('/raw/'))) missing.push('perf/<job>/<point>/raw');
  return missing;
}
