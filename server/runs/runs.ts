import { isAbsolute, join } from 'node:path';
import {
  check,
  foreign,
  isRunId,
  makeRunId,
  producer,
  redactText,
  redactValue,
  ToolError,
  type ArtifactRef,
  type EventFile,
  type RunEvent,
  type RunManifest,
  type SchemaName,
} from '../contract/index.js';
import { exists, fileSize, isFolder, listFolder, readText, sha256, sha256File, walk, writeAtomic } from '../host/files.js';
import { rememberedHash } from '../host/cache.js';
import { withLock } from '../host/lock.js';
import { admitWrite } from '../host/paths.js';
import type { Host } from '../host/host.js';
import { appendEvent, readLedger, type NewEvent } from './ledger.js';
import { manifestName, manifestText, parseManifest, patched, type ManifestPatch } from './manifest.js';

/** One computed file: an object for a schema-checked JSON artifact, text for anything else. */
export type DerivedFile = { path: string; kind: string; schema: SchemaName; body: object } | { path: string; kind: string; schema: null; body: string };

/** What a derivation gives back: files, and the raw files they were computed from (relative to the run root, or absolute). */
export interface Derived {
  readonly files: readonly DerivedFile[];
  readonly sources: readonly string[];
  /** True when a source says it comes from the simulated host or a generator. */
  readonly simulated: boolean;
}

/** Computes artifacts again from raw files: a pure function of params and files. */
export type Derive = (params: Record<string, unknown>, host: Host, runDir: string) => Promise<Derived>;
export type Derivations = Readonly<Record<string, Derive>>;

export interface NewRun {
  readonly purpose: string;
  readonly level: 'smoke' | 'quick' | 'formal';
  readonly targetMetric?: string | null;
  readonly targetChangePct?: number | null;
  readonly sla?: Record<string, number> | null;
}

export interface By {
  readonly tool: string;
  readonly input: Record<string, unknown>;
}

interface Stamp {
  readonly createdAt: string;
  readonly producer: { name: string; version: string };
  readonly simulated: boolean;
  readonly source: readonly { path: string; sha256: string }[];
}

/** The bytes of one derived file under a stamp. Pure; the same stamp gives the same bytes. @throws ToolError E_ARTIFACT_INVALID */
export function derivedText(file: DerivedFile, stamp: Stamp): string {
  if (file.schema === null) return redactText(file.body);
  const whole = redactValue({
    schema: file.schema,
    schema_version: '1.0.0',
    producer: stamp.producer,
    created_at: stamp.createdAt,
    simulated: stamp.simulated,
    source: stamp.source,
    ...file.body,
  });
  const checked = check(file.schema, whole);
  if (!checked.ok) throw new ToolError('E_ARTIFACT_INVALID', `${file.path} against ${file.schema}: ${checked.problems.slice(0, 5).join('; ')}`, 'nothing was written; report this as a defect of the server');
  return `${JSON.stringify(whole, null, 2)}\n`;
}

/** The hashes of the raw files a derivation read. @param hash a remembered one will do for a new record, not for checking one */
export async function hashSources(dir: string, sources: readonly string[], hash: (path: string) => Promise<string>): Promise<{ path: string; sha256: string }[]> {
  const hashes: { path: string; sha256: string }[] = [];
  // One after the other: side by side they take as long and hold a buffer each.
  for (const path of [...new Set(sources)].sort()) hashes.push({ path, sha256: await hash(isAbsolute(path) ? path : join(dir, path)) });
  return hashes;
}

/** A JSON artifact as it lies there; null when it is gone or not JSON. */
export async function readArtifact(path: string): Promise<unknown> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** One run root: evidence is written once, everything is hashed, the ledger only grows. */
export class Run {
  readonly id: string;
  readonly dir: string;
  readonly #host: Host;

  constructor(id: string, dir: string, host: Host) {
    this.id = id;
    this.dir = dir;
    this.#host = host;
  }

  /** @throws ToolError E_MANIFEST_EMPTY, E_MANIFEST_BROKEN */
  async manifest(): Promise<RunManifest> {
    return parseManifest((await readText(join(this.dir, manifestName))) ?? '', join(this.dir, manifestName));
  }

  async events(): Promise<RunEvent[]> {
    return (await readLedger(this.dir)).events;
  }

  /** The newest record of each file, by path. */
  async files(): Promise<Map<string, EventFile>> {
    const files = new Map<string, EventFile>();
    for (const event of await this.events()) for (const file of event.files) files.set(file.path, file);
    return files;
  }

  /** Absolute references of the recorded files, newest record of each. */
  async artifacts(): Promise<ArtifactRef[]> {
    return [...(await this.files()).values()].map((f) => this.#ref(f));
  }

  #ref(file: EventFile): ArtifactRef {
    return { kind: file.kind, path: isAbsolute(file.path) ? file.path : join(this.dir, file.path), schema: file.schema, sha256: file.sha256 };
  }

  async #append(event: Omit<NewEvent, 'at'>): Promise<void> {
    await appendEvent(this.dir, { at: this.#host.now(), ...event });
  }

  /**
   * Writes raw text evidence once, redacted. @throws ToolError E_ARTIFACT_EXISTS, E_PATH_OUTSIDE
   */
  async writeRaw(by: By, files: readonly { path: string; kind: string; text: string }[]): Promise<ArtifactRef[]> {
    return withLock(this.dir, async () => {
      const written: EventFile[] = [];
      for (const file of files) {
        const text = redactText(file.text);
        await writeAtomic(await admitWrite(this.dir, file.path), text, { exclusive: true });
        written.push({ path: file.path, kind: file.kind, schema: null, sha256: sha256(text), bytes: Buffer.byteLength(text) });
      }
      await this.#append({ kind: 'raw', tool: by.tool, input: this.#input(by), derive: null, files: written });
      return written.map((f) => this.#ref(f));
    });
  }

  #input(by: By): Record<string, unknown> {
    return Object.fromEntries(Object.entries(by.input).map(([k, v]) => [k, redactValue(v)]));
  }

  /**
   * Writes computed artifacts: every file is checked before the first is written, the raw files they rest on are hashed and
   * recorded, and how to compute them again stands in the ledger.
   * @throws ToolError E_ARTIFACT_INVALID (nothing written), E_PATH_OUTSIDE
   */
  async writeComputed(by: By, derivation: { by: string; params: Record<string, unknown> }, derived: Derived): Promise<ArtifactRef[]> {
    const source = await hashSources(this.dir, derived.sources, (path) => rememberedHash(this.#host.runsDir, path));
    const params = Object.fromEntries(Object.entries(derivation.params).map(([k, v]) => [k, redactValue(v)]));
    return withLock(this.dir, async () => {
      const before = await this.manifest();
      const stamp: Stamp = { createdAt: this.#host.now(), producer, simulated: derived.simulated || before.simulated, source };
      const texts = derived.files.map((file) => ({ file, text: derivedText(file, stamp) }));
      const known = await this.files();
      const raw: EventFile[] = [];
      for (const s of source) {
        if (known.get(s.path)?.sha256 === s.sha256) continue;
        raw.push({ path: s.path, kind: 'raw', schema: null, sha256: s.sha256, bytes: await fileSize(isAbsolute(s.path) ? s.path : join(this.dir, s.path)) });
      }
      if (raw.length > 0) await this.#append({ kind: 'raw', tool: by.tool, input: null, derive: null, files: raw });
      const written: EventFile[] = [];
      for (const { file, text } of texts) {
        await writeAtomic(await admitWrite(this.dir, file.path), text);
        written.push({ path: file.path, kind: file.kind, schema: file.schema, sha256: sha256(text), bytes: Buffer.byteLength(text) });
      }
      await this.#append({
        kind: 'computed',
        tool: by.tool,
        input: this.#input(by),
        derive: { by: derivation.by, params, created_at: stamp.createdAt, producer, simulated: before.simulated },
        files: written,
      });
      if (stamp.simulated && !before.simulated) await this.#writeManifest(patched(before, { simulated: true }, { how: 'captured', by: by.tool, at: stamp.createdAt }), by);
      return written.map((f) => this.#ref(f));
    });
  }

  /**
   * Records raw evidence that a program wrote into the run root itself: every file below `folder` (relative) that the ledger does
   * not know yet. Files the ledger knows are left to validation.
   */
  async recordRaw(by: By, folder: string): Promise<void> {
    await withLock(this.dir, async () => {
      const known = await this.files();
      const found: EventFile[] = [];
      for (const name of await walk(join(this.dir, folder))) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (known.has(path)) continue;
        const full = join(this.dir, path);
        found.push({ path, kind: 'raw', schema: null, sha256: await sha256File(full), bytes: await fileSize(full) });
      }
      if (found.length > 0) await this.#append({ kind: 'raw', tool: by.tool, input: this.#input(by), derive: null, files: found });
    });
  }

  /** Writes text made from the run's own artifacts, e.g. a report or a state; one that names its schema is checked. It may be written again. @throws ToolError E_ARTIFACT_INVALID */
  async writeReport(by: By, files: readonly { path: string; kind: string; text: string; schema?: SchemaName }[]): Promise<ArtifactRef[]> {
    return withLock(this.dir, async () => {
      const written: EventFile[] = [];
      for (const file of files) {
        const text = redactText(file.text);
        const schema = file.schema ?? null;
        const checked = schema === null ? null : check(schema, JSON.parse(text));
        if (checked?.ok === false) throw new ToolError('E_ARTIFACT_INVALID', `${file.path} against ${schema ?? ''}: ${checked.problems.slice(0, 5).join('; ')}`, 'nothing was written; report this as a defect of the server');
        await writeAtomic(await admitWrite(this.dir, file.path), text);
        written.push({ path: file.path, kind: file.kind, schema, sha256: sha256(text), bytes: Buffer.byteLength(text) });
      }
      await this.#append({ kind: 'report', tool: by.tool, input: this.#input(by), derive: null, files: written });
      return written.map((f) => this.#ref(f));
    });
  }

  /** Sets manifest fields, each marked captured or stated. @throws ToolError E_ARTIFACT_INVALID */
  async updateManifest(by: By, how: 'captured' | 'stated', patch: ManifestPatch): Promise<RunManifest> {
    return withLock(this.dir, async () => {
      const next = patched(await this.manifest(), patch, { how, by: by.tool, at: this.#host.now() });
      await this.#writeManifest(next, by);
      return next;
    });
  }

  async #writeManifest(manifest: RunManifest, by: By): Promise<void> {
    const clean = redactValue(manifest);
    const checked = check('run-manifest', clean);
    if (!checked.ok) throw new ToolError('E_ARTIFACT_INVALID', `the manifest: ${checked.problems.slice(0, 5).join('; ')}`, 'correct the named fields; nothing was written');
    const text = manifestText(checked.value);
    await writeAtomic(join(this.dir, manifestName), text);
    await this.#append({
      kind: 'manifest',
      tool: by.tool,
      input: this.#input(by),
      derive: null,
      files: [{ path: manifestName, kind: 'run-manifest', schema: 'run-manifest', sha256: sha256(text), bytes: Buffer.byteLength(text) }],
    });
  }

  /** The first manifest and the first line of the ledger; used by {@link Runs.create}. */
  async begin(manifest: RunManifest, by: By): Promise<void> {
    await withLock(this.dir, async () => {
      await this.#append({ kind: 'created', tool: by.tool, input: null, derive: null, files: [] });
      await this.#writeManifest(manifest, by);
    });
  }
}

/** The runs folder. */
export class Runs {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async create(spec: NewRun, by: By, patch: ManifestPatch = {}, how: 'captured' | 'stated' = 'stated'): Promise<Run> {
    const createdAt = this.#host.now();
    const id = makeRunId(createdAt, spec.purpose, this.#host.randomHex(2));
    const empty: RunManifest = {
      schema: 'run-manifest',
      schema_version: '1.0.0',
      producer,
      created_at: createdAt,
      simulated: this.#host.simulated,
      source: [],
      identity: {
        run: id,
        purpose: spec.purpose,
        level: spec.level,
        target_metric: spec.targetMetric ?? null,
        target_change_pct: spec.targetChangePct ?? null,
        sla: spec.sla ?? null,
      },
      code: {},
      environment: {},
      model: {},
      service: {},
      workload: {},
      artifacts: [],
      comparison: {},
      notes: [],
      provenance: {},
    };
    const manifest = patched(empty, patch, { how, by: by.tool, at: createdAt });
    const checked = check('run-manifest', manifest);
    if (!checked.ok) throw new ToolError('E_ARTIFACT_INVALID', `the manifest: ${checked.problems.slice(0, 5).join('; ')}`, 'correct the named fields; no run was created');
    const dir = join(this.#host.runsDir, id);
    await writeAtomic(join(dir, '.keep'), '');
    const run = new Run(id, dir, this.#host);
    await run.begin(manifest, by);
    return run;
  }

  /** @throws ToolError E_RUN_INVALID, E_RUN_MISSING */
  async open(id: string): Promise<Run> {
    if (!isRunId(id)) throw new ToolError('E_RUN_INVALID', `${foreign(id, 80)} is not a run id`, 'run_show without arguments lists the runs');
    const dir = join(this.#host.runsDir, id);
    if (!(await isFolder(dir))) throw new ToolError('E_RUN_MISSING', `no run ${id} under ${this.#host.runsDir}`, 'run_show without arguments lists the runs; another runs folder is chosen with --runs-dir');
    return new Run(id, dir, this.#host);
  }

  /** The run named, or a fresh ad-hoc one when none is. */
  async openOrCreate(id: string | undefined, purpose: string, by: By): Promise<Run> {
    return id === undefined ? this.create({ purpose, level: 'smoke' }, by) : this.open(id);
  }

  /** Run ids, newest first. */
  async list(): Promise<string[]> {
    const names = await listFolder(this.#host.runsDir);
    const found: string[] = [];
    for (const name of names) if (isRunId(name) && (await exists(join(this.#host.runsDir, name, manifestName)))) found.push(name);
    return found.reverse();
  }
}
