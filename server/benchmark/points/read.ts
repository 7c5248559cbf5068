import { basename, dirname, join } from 'node:path';
import { foreign, ToolError, type Incomplete, type PerfPoint } from '../../contract/index.js';
import { isFolder, listFolder, walk } from '../../host/files.js';
import { findOutputs, type Output } from './find.js';
import { limits } from './thresholds.js';
import type { ClientFile, ClientName, ClientOutput } from './types.js';

/**
 * The files of a client's output. Of a single file, its companions in the folder too (evalscope, AISBench write several for one load).
 * @param path admitted @throws ToolError E_FORMAT_UNKNOWN a folder of far too many files
 */
export async function clientFiles(path: string): Promise<ClientFile[]> {
  if (await isFolder(path)) {
    const names = await walk(path);
    if (names.length > limits.files.value) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} holds ${names.length} files; at most ${limits.files.value} are looked at`, "give the client's own output folder");
    return names.map((name) => ({ path: join(path, name), name }));
  }
  const own = basename(path);
  const stem = own.replace(/\.(?:json|csv)$/, '');
  const wanted = own === 'benchmark_summary.json' ? /^benchmark_(?:percentile\.json|args\.json|data\.db)$/ : null;
  const siblings = (await listFolder(dirname(path))).filter((n) => n !== own && (wanted === null ? n === `${stem}.json` || n === `${stem}.csv` : wanted.test(n)));
  const files: ClientFile[] = [{ path, name: own }];
  for (const name of siblings) if (!(await isFolder(join(dirname(path), name)))) files.push({ path: join(dirname(path), name), name });
  return files;
}

/** Other tools' outputs that people try. */
const others: readonly (readonly [RegExp, string])[] = [
  [/NVIDIA GenAI-Perf/, 'GenAI-Perf, whose successor aiperf is read'],
  [/"aggregated_metrics"/, 'genai-bench'],
  [/^(?:load_summary|benchmark_time_seconds):/m, 'inference-perf'],
];

/** Outputs of one client among the files. @throws ToolError E_FORMAT_UNKNOWN, E_ARG_CONFLICT, E_JSON_BROKEN, E_FILE_EMPTY */
async function outputsOf(files: readonly ClientFile[], client: ClientName | null, peek: (file: ClientFile) => Promise<string>): Promise<{ client: ClientName; outputs: Output[]; failures: readonly ToolError[] }> {
  const { outputs, failures } = await findOutputs(files);
  const clients = [...new Set(outputs.map((o) => o.client))].sort();
  const [only] = clients;
  if (only === undefined) {
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    const [file] = files;
    const text = files.length === 1 && file !== undefined ? await peek(file) : '';
    const other = others.find(([pattern]) => pattern.test(text))?.[1];
    throw new ToolError('E_FORMAT_UNKNOWN', other === undefined ? `no benchmark result in ${files.length} files` : `this is a result of ${other}`, 'give the output of evalscope perf, vllm bench serve, sglang.bench_serving, AISBench, guidellm (version 2) or aiperf');
  }
  const chosen = client ?? (clients.length === 1 ? only : null);
  if (chosen === null) throw new ToolError('E_ARG_CONFLICT', `results of several clients: ${clients.join(', ')}`, 'name one with client');
  const own = outputs.filter((o) => o.client === chosen);
  if (own.length === 0) throw new ToolError('E_ARG_CONFLICT', `client ${chosen} was named, the files are of ${clients.join(', ')}`, 'leave client out');
  return { client: chosen, outputs: own, failures };
}

async function peekText(file: ClientFile): Promise<string> {
  const { readBytes } = await import('../../host/bytes.js');
  return Buffer.from(await readBytes(file.path, 0, 64 * 1024)).toString('utf8');
}

/** Passes of one load count from 1. */
function numbered(points: readonly PerfPoint[]): PerfPoint[] {
  const seen = new Map<string, number>();
  const twice = new Set(points.map((p) => p.id).filter((id, i, all) => all.indexOf(id) !== i));
  return points.map((p) => {
    if (!twice.has(p.id)) return p;
    const repeat = (seen.get(p.id) ?? 0) + 1;
    seen.set(p.id, repeat);
    return { ...p, repeat };
  });
}

/**
 * What a client's files say. A function of names and contents alone.
 * @param client null: told by content @param version of the client, where it is known from elsewhere; some definitions depend on it
 * @throws ToolError E_FORMAT_UNKNOWN (nothing known, unknown keys or units), E_ARG_CONFLICT, E_JSON_BROKEN, E_FILE_EMPTY, E_DB_BROKEN
 */
export async function readClientOutput(files: readonly ClientFile[], client: ClientName | null, version: string | null): Promise<ClientOutput> {
  const found = await outputsOf(files, client, peekText);
  const points: PerfPoint[] = [];
  const incomplete: Incomplete[] = found.failures.map((f) => ({ code: 'file-unread', detail: f.seen }));
  let [seen, generation]: [string | null, string | null] = [version, null];
  for (const output of found.outputs) {
    const read = await output.read(version);
    seen = read.version ?? seen;
    generation = read.generation ?? generation;
    for (const load of read.loads) {
      points.push(load.point);
      incomplete.push(...load.incomplete.map((n) => (found.outputs.length + read.loads.length > 2 ? { code: n.code, detail: `${load.point.id}: ${n.detail}` } : n)));
    }
  }
  return { client: found.client, version: seen, generation, points: numbered(points), incomplete };
}

/** The files of each load apart, so that each can be kept with its own raw folder. @throws ToolError as {@link readClientOutput} */
export async function splitOutput(files: readonly ClientFile[], client: ClientName | null): Promise<{ client: ClientName; groups: ClientFile[][] }> {
  const found = await outputsOf(files, client, peekText);
  return { client: found.client, groups: found.outputs.map((o) => [...o.files]) };
}
