import { check, isSchemaName, type EventFile, type RunEvent, type RunManifest, type SchemaName, type SchemaTypes } from '../contract/index.js';
import { readRecorded } from '../runs/recorded.js';
import type { Run } from '../runs/runs.js';

/** An artifact that is as it was written and keeps its schema. */
export interface Held<N extends SchemaName> {
  readonly path: string;
  readonly value: SchemaTypes[N];
}

/** One request as the built-in client wrote it down; times in ms. */
export interface RequestRow {
  readonly ttft_ms: number | null;
  readonly tpot_ms: number | null;
  readonly e2el_ms: number | null;
}

/** One pass of a benchmark: its exact command and, where the client left them, its requests. */
export interface Pass {
  /** Folder of the pass, relative to the run root. */
  readonly folder: string;
  readonly command: readonly string[] | null;
  readonly rows: readonly RequestRow[];
}

/** Everything a report is made of. A file that is not what was written is named in `broken` and says nothing else. */
export interface Evidence {
  readonly run: Run;
  readonly manifest: RunManifest;
  readonly events: readonly RunEvent[];
  readonly files: ReadonlyMap<string, EventFile>;
  readonly of: <N extends SchemaName>(schema: N) => readonly Held<N>[];
  readonly broken: readonly { path: string; why: 'changed' | 'missing' | 'invalid' }[];
  readonly passes: readonly Pass[];
  /** Commands of accuracy evaluations, as argv, with the file that recorded them. */
  readonly evaluations: readonly { path: string; command: readonly string[] }[];
}

const reportKinds = ['summary', 'report-html', 'pr-notes', 'replay'];

/** The files of a run without its reports: what a report may rest on. */
export function evidenceFiles(files: ReadonlyMap<string, EventFile>): EventFile[] {
  return [...files.values()].filter((f) => !reportKinds.includes(f.kind));
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const numeric = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** A line of requests.jsonl; null for a request that failed or a line that is not one. TPOT is (E2EL − TTFT) / (output tokens − 1). */
function requestRow(line: string): RequestRow | null {
  const row = json(line);
  if (!isRecord(row) || row['ok'] !== true) return null;
  const ttft = numeric(row['ttft_ms']);
  const e2el = numeric(row['e2el_ms']);
  const tokens = numeric(row['completion_tokens']);
  return { ttft_ms: ttft, e2el_ms: e2el, tpot_ms: ttft === null || e2el === null || tokens === null || tokens < 2 ? null : (e2el - ttft) / (tokens - 1) };
}

/** The command a raw record of a program holds under `command`; null: it holds none, or is not what was written. */
async function commandIn(run: Run, file: EventFile): Promise<string[] | null> {
  const { state, text } = await readRecorded(run.dir, file);
  const value = state === 'same' && text !== null ? json(text) : null;
  const command: unknown = isRecord(value) ? value['command'] : null;
  return Array.isArray(command) && command.every((c): c is string => typeof c === 'string') ? command : null;
}

async function passes(run: Run, files: ReadonlyMap<string, EventFile>): Promise<Pass[]> {
  const found: Pass[] = [];
  for (const file of files.values()) {
    const folder = /^(perf\/.+)\/raw\/pass\.json$/.exec(file.path)?.[1];
    if (folder === undefined) continue;
    const requests = files.get(`${folder}/raw/requests.jsonl`);
    const rows = requests === undefined ? null : await readRecorded(run.dir, requests);
    found.push({
      folder,
      command: await commandIn(run, file),
      rows: rows?.state === 'same' && rows.text !== null ? rows.text.split('\n').map(requestRow).filter((r) => r !== null) : [],
    });
  }
  return found;
}

/** Reads a run root once. @throws ToolError E_MANIFEST_EMPTY, E_MANIFEST_BROKEN */
export async function gather(run: Run): Promise<Evidence> {
  const [manifest, events, files] = await Promise.all([run.manifest(), run.events(), run.files()]);
  const held = new Map<SchemaName, { path: string; value: unknown }[]>();
  const broken: { path: string; why: 'changed' | 'missing' | 'invalid' }[] = [];
  for (const file of files.values()) {
    const schema = file.schema;
    if (schema === null || !isSchemaName(schema) || !file.path.endsWith('.json')) continue;
    const { state, text } = await readRecorded(run.dir, file);
    const value = text === null ? null : json(text);
    if (state !== 'same') broken.push({ path: file.path, why: state });
    else if (!check(schema, value).ok) broken.push({ path: file.path, why: 'invalid' });
    else held.set(schema, [...(held.get(schema) ?? []), { path: file.path, value }]);
  }
  const of = <N extends SchemaName>(schema: N): Held<N>[] =>
    (held.get(schema) ?? []).flatMap(({ path, value }) => {
      const checked = check(schema, value);
      return checked.ok ? [{ path, value: checked.value }] : [];
    });
  const evaluations: { path: string; command: readonly string[] }[] = [];
  for (const file of files.values()) {
    const command = file.kind === 'accuracy-config' ? await commandIn(run, file) : null;
    if (command !== null) evaluations.push({ path: file.path, command });
  }
  return { run, manifest, events, files, of, broken, passes: await passes(run, files), evaluations };
}
