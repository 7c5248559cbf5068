import { check, isSchemaName, type EventFile, type RunEvent, type RunManifest, type SchemaName, type SchemaTypes } from '../contract/index.js';
import { readRecorded, recordedPath } from '../runs/recorded.js';
import type { Run } from '../runs/runs.js';

/** An artifact that is as it was written and keeps its schema. */
export interface Held<N extends SchemaName> {
  readonly path: string;
  readonly value: SchemaTypes[N];
}

/** Latencies of the successful requests of one pass, ms; a request of one token has no TPOT. */
export interface Latencies {
  readonly ttft_ms: readonly number[];
  readonly tpot_ms: readonly number[];
}

/** Reads the requests out of a raw file of a benchmark client; null: it holds none. The room that knows the clients has it; the composition root hands it in. */
export type ReadLatencies = (path: string) => Promise<Latencies | null>;

/** One pass of a benchmark: its exact command and, where the built-in client left them, its requests. */
export interface Pass {
  /** Folder of the pass, relative to the run root. */
  readonly folder: string;
  readonly command: readonly string[] | null;
  readonly requests: Latencies;
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
  /** The requests behind a point of a perf-metrics file; null: only the client's own percentiles are known. */
  readonly latencies: (path: string, point: number) => Latencies | null;
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

/** The lines of requests.jsonl, without failed requests and lines that are none. TPOT is (E2EL − TTFT) / (output tokens − 1). */
function requestLines(text: string): Latencies {
  const found: { ttft_ms: number[]; tpot_ms: number[] } = { ttft_ms: [], tpot_ms: [] };
  for (const line of text.split('\n')) {
    const row = json(line);
    if (!isRecord(row) || row['ok'] !== true) continue;
    const ttft = numeric(row['ttft_ms']);
    const e2el = numeric(row['e2el_ms']);
    const tokens = numeric(row['completion_tokens']);
    if (ttft !== null) found.ttft_ms.push(ttft);
    if (ttft !== null && e2el !== null && tokens !== null && tokens > 1) found.tpot_ms.push((e2el - ttft) / (tokens - 1));
  }
  return found;
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
      requests: rows?.state === 'same' && rows.text !== null ? requestLines(rows.text) : { ttft_ms: [], tpot_ms: [] },
    });
  }
  return found;
}

/** More requests than this in one report are not read: the client's percentiles have to do. */
const mostFiles = 200;

/** The requests behind every point, by `path` and number of the point: those of the built-in client, else of the client's own raw file. */
async function latencies(run: Run, files: ReadonlyMap<string, EventFile>, metrics: readonly Held<'perf-metrics'>[], made: readonly Pass[], read: ReadLatencies): Promise<Map<string, Latencies>> {
  const own = new Map(made.map((p) => [p.folder, p.requests]));
  const found = new Map<string, Latencies>();
  let left = mostFiles;
  for (const { path, value } of metrics) {
    for (const [i, point] of value.points.entries()) {
      const builtIn = own.get(path.replace(/\/[^/]*$/, ''));
      if (builtIn !== undefined && builtIn.ttft_ms.length > 1) found.set(`${path}\n${i}`, builtIn);
      // Without streaming there is no first token; what the client wrote as one is not.
      if (found.has(`${path}\n${i}`) || point.stream === false) continue;
      for (const source of value.source) {
        const file = files.get(source.path);
        // Of several points, a file belongs to the one whose folder it lies in.
        if (file === undefined || left === 0 || (value.points.length > 1 && !source.path.split('/').includes(point.id))) continue;
        if (!/benchmark_data\.db$|\.jsonl?$/.test(source.path) || /\/(?:pass|plan)\.json$/.test(source.path)) continue;
        left -= 1;
        const real = await recordedPath(run.dir, file);
        const rows = real === null ? null : await read(real);
        if (rows === null || rows.ttft_ms.length < 2) continue;
        found.set(`${path}\n${i}`, rows);
        break;
      }
    }
  }
  return found;
}

/** Reads a run root once. @param read how the requests of benchmark clients are read; without it only those of the built-in one are. @throws ToolError E_MANIFEST_EMPTY, E_MANIFEST_BROKEN */
export async function gather(run: Run, read: ReadLatencies = () => Promise.resolve(null)): Promise<Evidence> {
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
  const made = await passes(run, files);
  const known = await latencies(run, files, of('perf-metrics'), made, read);
  return { run, manifest, events, files, of, broken, passes: made, latencies: (path, point) => known.get(`${path}\n${point}`) ?? null, evaluations };
}
