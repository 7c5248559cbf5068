import { dirname, isAbsolute, join, relative } from 'node:path';
import { check, foreign, isRunId, ToolError, type EventFile, type PerfMetrics } from '../../contract/index.js';
import { exists, isFolder, readText, sha256, sha256File, walk } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { isInside } from '../../host/paths.js';
import { ledgerName, readLedger, type Ledger } from '../../runs/ledger.js';
import { manifestName, parseManifest } from '../../runs/manifest.js';
import { Runs } from '../../runs/runs.js';
import { limits } from '../thresholds.js';
import type { FileState, Measured, RootEvidence, SideName } from './evidence.js';

/** A run root as its ledger tells it. */
interface Root {
  readonly dir: string;
  readonly ledger: Ledger;
  readonly files: ReadonlyMap<string, EventFile & { tool: string | null }>;
}

async function openRoot(dir: string): Promise<Root> {
  const ledger = await readLedger(dir);
  return { dir, ledger, files: new Map(ledger.events.flatMap((e) => e.files.map((f) => [f.path, { ...f, tool: e.tool ?? null }] as const))) };
}

/** The run root a path lies in, or is; null outside of one. */
async function rootAbove(path: string): Promise<string | null> {
  for (let at = path; ; at = dirname(at)) {
    if ((await exists(join(at, manifestName))) && (await exists(join(at, ledgerName)))) return at;
    if (dirname(at) === at) return null;
  }
}

/** A file that may not be read, or is a folder or a device, counts as missing. */
async function stateOf(host: Host, path: string, recorded: string | null): Promise<FileState> {
  const real = await host.admit(path).catch(() => null);
  if (real === null || (await isFolder(real))) return 'missing';
  if (recorded === null) return 'unrecorded';
  return (await sha256File(path)) === recorded ? 'ok' : 'changed';
}

/** Raw files a perf-metrics file rests on: those it names as sources, and those the ledger has beside it under raw/. */
async function rawOf(host: Host, root: Root | null, folder: string, artifact: PerfMetrics): Promise<Measured['raw']> {
  const base = root?.dir ?? folder;
  const recorded = new Map<string, string>();
  if (root !== null) {
    const below = relative(root.dir, join(folder, 'raw'));
    for (const [path, file] of root.files) if (path.startsWith(`${below}/`)) recorded.set(path, file.sha256);
  }
  for (const source of artifact.source) {
    // The ledger is the older witness: a source that names another hash than the ledger has been edited.
    const path = isAbsolute(source.path) && isInside(base, source.path) ? relative(base, source.path) : source.path;
    recorded.set(path, root?.files.get(path)?.sha256 ?? source.sha256);
  }
  return Promise.all([...recorded].sort(([a], [b]) => (a < b ? -1 : 1)).map(async ([path, hash]) => ({ path, sha256: hash, state: await stateOf(host, isAbsolute(path) ? path : join(base, path), hash) })));
}

/** @throws ToolError E_FORMAT_UNKNOWN, E_ARTIFACT_INVALID */
async function measured(host: Host, root: Root | null, path: string): Promise<Measured> {
  const text = (await readText(path, limits.artifactBytes.value)) ?? '';
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} is not JSON`, 'give a metrics.json that bench_start or bench_import wrote', { cause });
  }
  const checked = check('perf-metrics', value);
  if (!checked.ok) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} is not a perf-metrics artifact: ${foreign(checked.problems.slice(0, 3).join('; '), 300)}`, 'give a run id, or a metrics.json; other client outputs go through bench_import first');
  const name = root === null ? path : relative(root.dir, path);
  const known = root?.files.get(name);
  const hash = sha256(text);
  const state: FileState = known === undefined ? 'unrecorded' : known.sha256 === hash ? 'ok' : 'changed';
  return { path: name, sha256: hash, state, tool: known?.tool ?? null, artifact: checked.value, raw: await rawOf(host, root, dirname(path), checked.value) };
}

async function snapshots(host: Host, root: Root): Promise<RootEvidence['env']> {
  return Promise.all(
    (['before', 'idle', 'after'] as const).map(async (phase) => {
      const path = `env/${phase}.json`;
      const state = await stateOf(host, join(root.dir, path), root.files.get(path)?.sha256 ?? null);
      const none = { phase, state, verdict: null, origin: null };
      if (state === 'missing') return none;
      const checked = check('env-snapshot', await json(join(root.dir, path)));
      return checked.ok && checked.value.phase === phase ? { phase, state, verdict: checked.value.verdict, origin: checked.value.origin ?? null } : none;
    }),
  );
}

async function json(path: string): Promise<unknown> {
  try {
    return JSON.parse((await readText(path, limits.artifactBytes.value)) ?? 'null');
  } catch {
    return null;
  }
}

async function captures(root: Root): Promise<RootEvidence['captures']> {
  const found: RootEvidence['captures'] = [];
  for (const path of [...root.files.keys()].filter((p) => /^profiling\/[^/]+\/capture\.json$/.test(p)).sort()) {
    const checked = check('capture-record', await json(join(root.dir, path)));
    // A capture that can not be read any more was there all the same: with no times it overlaps everything.
    if (!checked.ok) found.push({ job: path.split('/')[1] ?? '', attached_at: '1970-01-01T00:00:00Z', detached_at: null });
    else found.push({ job: checked.value.job, attached_at: checked.value.attached_at, detached_at: checked.value.detached_at });
  }
  return found;
}

/** perf-metrics files that belong to what was named: a file itself, or all below a folder. */
async function metricsFiles(root: Root | null, asked: string): Promise<string[]> {
  if (!(await isFolder(asked))) return [asked];
  const recorded = root === null ? [] : [...root.files.values()].filter((f) => f.schema === 'perf-metrics').map((f) => join(root.dir, f.path)).filter((p) => isInside(asked, p));
  const lying = (await walk(asked)).filter((p) => p === 'metrics.json' || p.endsWith('/metrics.json')).map((p) => join(asked, p));
  const found: string[] = [];
  for (const path of [...new Set([...recorded, ...lying])].sort()) if (await exists(path)) found.push(path);
  return found;
}

/**
 * Reads one input of a side and re-hashes everything it rests on.
 * @throws ToolError E_RUN_MISSING, E_PATH_*, E_FORMAT_UNKNOWN, E_JSON_BROKEN
 */
export async function gather(host: Host, side: SideName, label: string): Promise<RootEvidence> {
  const asked = isRunId(label) ? (await new Runs(host).open(label)).dir : await host.admit(label);
  const above = await rootAbove(asked);
  const dir = above === null ? null : await host.admit(above).catch(() => null);
  const root = dir === null ? null : await openRoot(dir);
  const files = await metricsFiles(root, asked);
  if (files.length === 0) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(label, 200)} holds no perf-metrics artifact`, 'measure with bench_start, or bring a result in with bench_import, then compare');
  const metrics: Measured[] = [];
  for (const file of files) metrics.push(await measured(host, root, file));
  const manifestText = root === null ? null : await readText(join(root.dir, manifestName));
  let manifest: RootEvidence['manifest'] = null;
  let manifestState: FileState = manifestText === null ? 'missing' : 'changed';
  if (root !== null && manifestText !== null) {
    if (root.files.get(manifestName)?.sha256 === sha256(manifestText)) manifestState = 'ok';
    try {
      manifest = parseManifest(manifestText, manifestName);
    } catch {
      manifestState = 'changed';
    }
  }
  return {
    side,
    label: foreign(label, 300),
    run: manifest?.identity.run ?? null,
    manifest,
    manifest_state: manifestState,
    ledger_breaks: root === null ? [] : root.ledger.breaks,
    metrics,
    env: root === null ? [] : await snapshots(host, root),
    captures: root === null ? [] : await captures(root),
  };
}

/**
 * Refuses a measurement that would count twice: the same file on any side again, or another file resting on the same raw bytes.
 * @throws ToolError E_ARG_CONFLICT
 */
export function refuseDoubles(roots: readonly RootEvidence[]): void {
  const seen = new Map<string, string>();
  for (const root of roots) {
    for (const file of root.metrics) {
      const raw = file.raw.filter((r) => r.sha256 !== null).map((r) => r.sha256);
      const marks = [`metrics ${file.sha256}`, ...(raw.length === 0 ? [] : [`raw ${raw.sort().join(' ')}`])];
      for (const mark of marks) {
        const before = seen.get(mark);
        if (before !== undefined) throw new ToolError('E_ARG_CONFLICT', `the same measurement stands in two places: ${before} and ${root.side} ${root.label}`, 'name every run once; a copy of a measurement is not a second one');
      }
      for (const mark of marks) seen.set(mark, `${root.side} ${root.label}`);
    }
  }
}
