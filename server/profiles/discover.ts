import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { foreign, ToolError } from '../contract/index.js';
import { type Host } from '../host/host.js';
import { isEvidence, kindOfHeader, kindOfJson, kindOfName, newest, oldName, type FileKind } from './names.js';
import { limits } from './thresholds.js';

export interface FoundFile {
  /** Real path inside the allowed folders. */
  readonly path: string;
  readonly name: string;
  readonly kind: FileKind;
  readonly bytes: number;
  /** Device id from the folder or the name; −1 when they do not say. */
  readonly device: number;
  /** Named by the caller, not found in a folder. */
  readonly given: boolean;
}

/** One process's export, or files that lie together. */
export interface Capture {
  readonly root: string;
  readonly shape: 'msprof' | 'torch' | 'mindspore' | 'loose';
  readonly files: readonly FoundFile[];
  readonly old: boolean;
  /** Device folders without end_info. */
  readonly unstopped: readonly number[];
  /** A marker file says that it was generated. */
  readonly simulated?: boolean;
}

export interface Discovery {
  readonly captures: readonly Capture[];
  /** Captures with raw data only. */
  readonly unexported: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly folder: boolean;
  readonly link: boolean;
}

const prof = /^PROF_\d{6}_\d{14,17}_\w+$/;
const framework = /_ascend_(?:pt|ms)$/;
const output = 'ASCEND_PROFILER_OUTPUT';
const exported = 'mindstudio_profiler_output';

class Search {
  readonly captures: Capture[] = [];
  readonly unexported: string[] = [];
  readonly operatorFolders: string[] = [];
  readonly seen = new Set<string>();
  readonly names: string[] = [];
  #entries = 0;

  constructor(readonly host: Host) {}

  async list(folder: string): Promise<Entry[]> {
    const found = await readdir(folder, { withFileTypes: true }).catch(() => []);
    this.#entries += found.length;
    if (this.#entries > limits.folderEntries) throw new ToolError('E_FORMAT_UNKNOWN', `more than ${limits.folderEntries} entries below the given folder`, 'give the folder of one profile: PROF_…, …_ascend_pt, or the folder that holds them');
    return found.map((e) => ({ name: e.name, folder: e.isDirectory(), link: e.isSymbolicLink() })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A folder below, admitted again: it may be a link that leads out. */
  async sub(folder: string, name: string): Promise<string | null> {
    const path = await this.host.admit(join(folder, name));
    return (await stat(path)).isDirectory() ? path : null;
  }

  async file(folder: string, name: string, kind: FileKind, device = -1): Promise<FoundFile | null> {
    const path = await this.host.admit(join(folder, name));
    const info = await stat(path);
    if (!info.isFile()) return null;
    return { path, name, kind, bytes: info.size, device: device >= 0 ? device : (oldName(name)?.device ?? -1), given: false };
  }

  /** Known files of one folder, newest export of each kind. */
  async files(folder: string, entries: readonly Entry[], device = -1): Promise<FoundFile[]> {
    const byKind = new Map<FileKind, { name: string }[]>();
    for (const entry of entries) {
      const kind = entry.folder ? null : kindOfName(entry.name);
      if (kind === null) continue;
      const list = byKind.get(kind) ?? [];
      list.push({ name: entry.name });
      byKind.set(kind, list);
    }
    const found: FoundFile[] = [];
    for (const [kind, list] of byKind) {
      for (const { name } of kind === 'device-info' || kind === 'end-info' || kind === 'profiler-info' ? list : newest(list)) {
        const file = await this.file(folder, name, kind, device);
        if (file !== null) found.push(file);
      }
    }
    return found;
  }

  add(capture: Capture): void {
    if (this.seen.has(capture.root)) return;
    this.seen.add(capture.root);
    this.captures.push(...split(capture));
  }
}

/** Several databases side by side are several processes: their ids collide, so each is a capture. */
function split(capture: Capture): Capture[] {
  const dbs = capture.files.filter((f) => f.kind === 'db');
  if (dbs.length < 2) return [capture];
  const rest = capture.files.filter((f) => f.kind !== 'db');
  return dbs.map((db, i) => ({ ...capture, files: i === 0 ? [db, ...rest] : [db, ...rest.filter((f) => !isEvidence(f.kind) && f.kind !== 'profiler-info')] }));
}

const has = (entries: readonly Entry[], name: string): boolean => entries.some((e) => e.name === name && (e.folder || e.link));
const deviceFolders = (entries: readonly Entry[]): string[] => entries.filter((e) => (e.folder || e.link) && /^device_\d+$/.test(e.name)).map((e) => e.name);

/** A PROF folder: the unified database, the exported text, device info, and the layout of CANN 7.0 and older. */
async function readProf(search: Search, root: string, entries: readonly Entry[]): Promise<{ capture: Capture; evidence: boolean }> {
  const files = await search.files(root, entries);
  if (has(entries, exported)) {
    const folder = await search.sub(root, exported);
    if (folder !== null) files.push(...(await search.files(folder, await search.list(folder))));
  }
  if (has(entries, 'analyze')) {
    const folder = await search.sub(root, 'analyze');
    if (folder !== null) files.push(...(await search.files(folder, await search.list(folder))));
  }
  let old = false;
  const unstopped: number[] = [];
  for (const name of [...deviceFolders(entries), ...(has(entries, 'host') ? ['host'] : [])]) {
    const folder = await search.sub(root, name);
    if (folder === null) continue;
    const device = name === 'host' ? -1 : Number(name.slice(7));
    const inside = await search.list(folder);
    const info = (await search.files(folder, inside, device)).filter((f) => !isEvidence(f.kind));
    files.push(...info);
    if (device >= 0 && !info.some((f) => f.kind === 'end-info')) unstopped.push(device);
    for (const part of ['summary', 'timeline']) {
      if (device < 0 || !has(inside, part)) continue;
      const below = await search.sub(folder, part);
      const found = below === null ? [] : await search.files(below, await search.list(below), device);
      if (found.some((f) => isEvidence(f.kind))) old = true;
      files.push(...found);
    }
  }
  const evidence = files.some((f) => isEvidence(f.kind));
  return { capture: { root, shape: 'msprof', files: merged(files), old, unstopped }, evidence };
}

/** The old layout writes the same events several times; the whole timeline is enough. */
function merged(files: readonly FoundFile[]): FoundFile[] {
  const whole = files.some((f) => f.kind === 'timeline');
  return files.filter((f) => !(whole && (f.kind === 'old-tasks' || f.kind === 'old-hccl')));
}

/** A folder of the Ascend PyTorch or MindSpore profiler, with PROF folders inside for device info. */
async function readFramework(search: Search, root: string, entries: readonly Entry[]): Promise<void> {
  const shape = root.endsWith('_ascend_ms') ? 'mindspore' : 'torch';
  const files = await search.files(root, entries);
  const results = has(entries, output) ? await search.sub(root, output) : null;
  const inside = results === null ? [] : await search.files(results, await search.list(results));
  files.push(...inside);
  const profs: { capture: Capture; evidence: boolean }[] = [];
  for (const entry of entries) {
    if (!(entry.folder || entry.link) || !entry.name.startsWith('PROF_')) continue;
    const folder = await search.sub(root, entry.name);
    if (folder !== null) profs.push(await readProf(search, folder, await search.list(folder)));
  }
  if (inside.some((f) => isEvidence(f.kind))) {
    for (const p of profs) files.push(...p.capture.files.filter((f) => !isEvidence(f.kind)));
    search.add({ root, shape, files, old: false, unstopped: [] });
    return;
  }
  const usable = profs.filter((p) => p.evidence);
  for (const p of usable) search.add({ ...p.capture, files: [...files, ...p.capture.files] });
  if (usable.length === 0 && files.some((f) => isEvidence(f.kind))) search.add({ root, shape, files, old: false, unstopped: [] });
  else if (usable.length === 0) search.unexported.push(root);
}

function isOperatorFolder(name: string, entries: readonly Entry[]): boolean {
  const known = entries.some((e) => kindOfName(e.name) !== null || e.name === output || e.name === exported);
  return name.startsWith('OPPROF_') || (!known && entries.some((e) => /^(?:OpBasicInfo|PipeUtilization|ArithmeticUtilization|Memory|MemoryL0|MemoryUB|L2Cache|ResourceConflictRatio)(?:_\d+)?\.csv$/.test(e.name)));
}

async function readFolder(search: Search, folder: string, depth: number): Promise<void> {
  if (search.seen.has(folder)) return;
  const name = basename(folder);
  const entries = await search.list(folder);
  if (isOperatorFolder(name, entries)) {
    search.operatorFolders.push(folder);
    return;
  }
  if (has(entries, output) || framework.test(name)) return readFramework(search, folder, entries);
  if (name === output || name === exported) {
    const parent = await search.host.admit(dirname(folder)).catch(() => null);
    if (parent !== null) return name === output ? readFramework(search, parent, await search.list(parent)) : settleProf(search, parent);
  }
  if (prof.test(name) || has(entries, exported) || (name.startsWith('PROF_') && (deviceFolders(entries).length > 0 || has(entries, 'host')))) return settleProf(search, folder, entries);
  if (deviceFolders(entries).length > 0 && !entries.some((e) => e.name.startsWith('PROF_') || framework.test(e.name))) {
    const { capture, evidence } = await readProf(search, folder, entries);
    if (evidence) {
      search.add(capture);
      return;
    }
  }
  if (/^device_\d+$/.test(name) && (has(entries, 'timeline') || has(entries, 'summary'))) {
    const parent = await search.host.admit(dirname(folder)).catch(() => null);
    const device = Number(name.slice(7));
    const found = parent === null ? null : await readProf(search, parent, [{ name, folder: true, link: false }]);
    if (found?.evidence === true) {
      search.add({ ...found.capture, root: folder, files: found.capture.files.filter((f) => f.device === device) });
      return;
    }
  }
  const files = await search.files(folder, entries);
  const layers = ['timeline', 'summary'].filter((part) => has(entries, part));
  for (const part of layers) {
    const below = await search.sub(folder, part);
    if (below !== null) files.push(...(await search.files(below, await search.list(below))));
  }
  if (files.some((f) => isEvidence(f.kind))) search.add({ root: folder, shape: 'loose', files: merged(files), old: files.some((f) => oldName(f.name) !== null && f.kind !== 'db'), unstopped: [] });
  search.names.push(...entries.slice(0, 8).map((e) => e.name));
  if (depth >= limits.folderDepth) return;
  for (const entry of entries) {
    if (layers.includes(entry.name) || !(entry.folder || (entry.link && (prof.test(entry.name) || framework.test(entry.name))))) continue;
    const below = await search.sub(folder, entry.name);
    if (below !== null) await readFolder(search, below, depth + 1);
  }
}

async function settleProf(search: Search, folder: string, entries?: readonly Entry[]): Promise<void> {
  const { capture, evidence } = await readProf(search, folder, entries ?? (await search.list(folder)));
  if (evidence) search.add(capture);
  else search.unexported.push(folder);
}

/** The first bytes of a file as text. */
async function head(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its permissions', { cause });
  });
  try {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(buffer, 0, bytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

const sniffBytes = 1 << 16;

/** What a single file is: by name, and when that does not tell, by content. @throws ToolError E_FILE_EMPTY, E_FORMAT_UNKNOWN */
async function kindOfFile(path: string): Promise<FileKind> {
  const { size } = await stat(path);
  if (size === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'export or copy the profile again');
  const name = basename(path);
  const named = kindOfName(name);
  if (named !== null && isEvidence(named)) return named;
  if (/\.db$/i.test(name) || (await head(path, 16)).startsWith('SQLite format 3')) return 'db';
  const start = await head(path, sniffBytes);
  const byContent = /\.csv$/i.test(name)
    ? kindOfHeader((start.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0] ?? '').split(',').map((c) => c.replace(/^[\s"]+|[\s"]+$/g, '')))
    : kindOfJson(start);
  if (byContent !== null) return byContent;
  throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} is no file of a profile this server knows`, 'give a PROF_… folder, a …_ascend_pt folder, or one of msprof_*.db, ascend_pytorch_profiler*.db, op_summary_*.csv, kernel_details.csv, msprof_*.json, trace_view.json');
}

/**
 * Finds the captures below the given paths. Files below folders are admitted again by their real path.
 * @throws ToolError E_PATH_* (a link that leads out), E_FILE_EMPTY, E_FORMAT_UNKNOWN, E_PROFILE_NOT_EXPORTED
 */
export async function discover(paths: readonly string[], host: Host): Promise<Discovery> {
  const search = new Search(host);
  const loose: FoundFile[] = [];
  for (const path of new Set(paths)) {
    const info = await stat(path);
    if (info.isDirectory()) await readFolder(search, path, 0);
    else loose.push({ path, name: basename(path), kind: await kindOfFile(path), bytes: info.size, device: oldName(basename(path))?.device ?? -1, given: true });
  }
  // Files given by name from one folder belong together; those of another folder are another capture.
  for (const folder of new Set(loose.map((f) => dirname(f.path)))) {
    const files = loose.filter((f) => dirname(f.path) === folder);
    const configs = await nearby(search, folder);
    search.captures.push(...split({ root: folder, shape: 'loose', files: [...files, ...configs], old: files.some((f) => oldName(f.name) !== null && f.kind !== 'db'), unstopped: [] }));
  }
  if (search.captures.length > 0) return { captures: await Promise.all((await withMetrics(search)).map(async (c) => ({ ...c, simulated: await marked(host, c.root) }))), unexported: search.unexported };
  throw nothing(search, paths);
}

/** File that generated captures carry in their folders. */
const marker = 'SIMULATED';
/** Folders looked at for the marker: the own one up to the one that holds all ranks. */
const markerHeight = 4;

async function marked(host: Host, root: string): Promise<boolean> {
  let folder = root;
  for (let height = 0; height < markerHeight; height++) {
    const found = await host.admit(join(folder, marker)).catch(() => null);
    if (found !== null) return true;
    folder = dirname(folder);
  }
  return false;
}

/** The configuration that lies beside a file: in its folder and, for ASCEND_PROFILER_OUTPUT, one above. */
async function nearby(search: Search, folder: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const parent = basename(folder) === output ? await search.host.admit(dirname(folder)).catch(() => null) : null;
  for (const place of [folder, parent]) {
    if (place === null) continue;
    const entries = (await search.list(place)).filter((e) => !e.link);
    found.push(...(await search.files(place, entries)).filter((f) => !isEvidence(f.kind)));
  }
  return found;
}

/** Metrics of the service that were saved beside captures go to the first of them: they are of the whole service. */
async function withMetrics(search: Search): Promise<Capture[]> {
  const taken = new Set<string>();
  const found: Capture[] = [];
  for (const capture of search.captures) {
    const folder = capture.shape === 'loose' ? null : await search.host.admit(dirname(capture.root)).catch(() => null);
    const files = folder === null || taken.has(folder) ? [] : await search.files(folder, (await search.list(folder)).filter((e) => !e.link && kindOfName(e.name) === 'service-metrics'));
    if (folder !== null) taken.add(folder);
    found.push(files.length === 0 ? capture : { ...capture, files: [...capture.files, ...files] });
  }
  return found;
}

function nothing(search: Search, paths: readonly string[]): ToolError {
  const raw = search.unexported[0];
  if (raw !== undefined) {
    const torch = framework.test(raw) || !basename(raw).startsWith('PROF_');
    return new ToolError(
      'E_PROFILE_NOT_EXPORTED',
      `${foreign(raw, 300)} holds raw data only; nothing was exported from it yet`,
      torch ? `on a host with torch_npu: python3 -c "from torch_npu.profiler.profiler import analyse; analyse('FOLDER')", FOLDER being the one named` : 'on a host with CANN: msprof --export=on --output=FOLDER, FOLDER being the one named',
    );
  }
  const operator = search.operatorFolders[0];
  if (operator !== undefined) return new ToolError('E_PROFILE_OPERATOR', `${foreign(operator, 300)} is an operator profile of msprof op: counters of single operators, no timeline of a service`, 'give a PROF_… folder of msprof or a …_ascend_pt folder of the Ascend PyTorch profiler');
  const names = search.names.slice(0, 8).map((n) => foreign(n, 40)).join(', ');
  return new ToolError('E_FORMAT_UNKNOWN', `${foreign(paths[0] ?? '', 300)} holds no profile${names === '' ? ' (it is empty)' : `; it holds ${names}`}`, 'give a PROF_… folder, a folder that holds some, mindstudio_profiler_output, a …_ascend_pt folder, or a file of them');
}
