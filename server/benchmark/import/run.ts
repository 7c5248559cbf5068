import { basename } from 'node:path';
import { foreign, ToolError, type ArtifactRef, type BenchImportFacts, type Incomplete, type PerfPoint, type ToolOk } from '../../contract/index.js';
import { readBytes } from '../../host/bytes.js';
import { fileSize, readText, writeAtomic } from '../../host/files.js';
import { openHost } from '../../host/host.js';
import { admitWrite } from '../../host/paths.js';
import type { ToolContext } from '../../mcp/define.js';
import type { ManifestPatch } from '../../runs/manifest.js';
import { freeFolder } from '../../runs/places.js';
import { Runs, type By, type Run } from '../../runs/runs.js';
import { clientFiles, readClientOutput, splitOutput } from '../points/read.js';
import { limits } from '../points/thresholds.js';
import type { ClientFile, ClientName } from '../points/types.js';
import { argvOf } from './command.js';
import { computeImport, importDerivation, type ImportParams } from './derive.js';

export interface ImportArgs {
  readonly path: string;
  readonly client?: ClientName | undefined;
  readonly run?: string | undefined;
  readonly framework?: 'xllm' | 'vllm-ascend' | 'sglang' | undefined;
  readonly label?: string | undefined;
  readonly client_version?: string | undefined;
  readonly command?: string | undefined;
  readonly service_command?: string | undefined;
}

/** Points shown in a result, which stays under 8 kB; metrics.json has all. */
const shownPoints = 3;

/** Copies the files of one load below its raw folder; texts are redacted. Returns the names kept. */
async function keepRaw(run: Run, by: By, folder: string, files: readonly ClientFile[]): Promise<string[]> {
  const kept: string[] = [];
  const texts: { path: string; kind: string; text: string }[] = [];
  for (const file of files) {
    const name = basename(file.name);
    const size = await fileSize(file.path);
    if (name.endsWith('.db')) {
      if (size > limits.dbBytes.value) continue;
      await writeAtomic(await admitWrite(run.dir, `${folder}/raw/${name}`), await readBytes(file.path, 0, size), { exclusive: true });
    } else texts.push({ path: `${folder}/raw/${name}`, kind: 'raw', text: (await readText(file.path, limits.textBytes.value)) ?? '' });
    kept.push(name);
  }
  await run.writeRaw(by, texts);
  await run.recordRaw(by, `${folder}/raw`);
  return kept;
}

/** Values all points share; undefined when they differ or none has one. */
function same<T>(points: readonly PerfPoint[], of: (p: PerfPoint) => T | null): T | undefined {
  const values = new Set(points.map(of));
  const [value] = values;
  return values.size === 1 && value !== null ? value : undefined;
}

/** What is stated of the run. A field the run has already is left as it is: our own tools saw it. */
async function state(run: Run, by: By, args: ImportArgs, client: ClientName, version: string | null, points: readonly PerfPoint[]): Promise<void> {
  const { workload, service } = await run.manifest();
  const numbers = (values: readonly (number | null)[]): number[] | undefined => {
    const known = values.filter((v): v is number => v !== null && v > 0);
    return known.length === values.length && known.length > 0 ? known : undefined;
  };
  const wanted: Pick<Required<ManifestPatch>, 'workload' | 'service'> = {
    workload: {
      client,
      client_version: version,
      command: args.command === undefined ? null : [argvOf(args.command)],
      parallel: numbers(points.map((p) => p.parallel)) ?? null,
      number: numbers(points.map((p) => p.number)) ?? null,
      rate: same(points, (p) => p.rate) ?? null,
      warmup: same(points, (p) => p.warmup) ?? null,
      stream: same(points, (p) => p.stream) ?? null,
      temperature: same(points, (p) => p.sampling.temperature) ?? null,
      top_p: same(points, (p) => p.sampling.top_p) ?? null,
      top_k: same(points, (p) => p.sampling.top_k) ?? null,
      seed: same(points, (p) => p.sampling.seed) ?? null,
      ignore_eos: same(points, (p) => p.sampling.ignore_eos) ?? null,
    },
    service: { framework: args.framework ?? null, command: args.service_command === undefined ? null : [argvOf(args.service_command)] },
  };
  const fresh = (values: object, already: object): Record<string, unknown> => Object.fromEntries(Object.entries(values).filter(([k, v]) => v !== null && (new Map(Object.entries(already)).get(k) ?? null) === null));
  const patch: ManifestPatch = { workload: fresh(wanted.workload, workload), service: fresh(wanted.service, service) };
  await run.updateManifest(by, 'stated', { ...patch, notes: [`imported result of ${client}${args.label === undefined ? '' : `: ${foreign(args.label, 80)}`}`] });
}

function headline(client: ClientName, points: readonly PerfPoint[], conclusive: boolean): string {
  const [best] = [...points].sort((a, b) => (b.output_tps ?? 0) - (a.output_tps ?? 0));
  if (!conclusive || best === undefined) return `A result of ${client} was kept, but no request succeeded or it holds no latency: there is nothing to compare.`;
  const rate = best.output_tps === null ? '' : `, up to ${best.output_tps.toFixed(1)} output tokens/s`;
  const failed = points.reduce((s, p) => s + (p.failed ?? 0), 0);
  return `${points.length} ${points.length === 1 ? 'load' : 'loads'} of ${client} imported${rate}${failed > 0 ? `; ${failed} requests failed` : ''}. What was stated, not captured, keeps claims from it indicative.`;
}

/** A point that says something: a success with a time or a throughput. */
function says(p: PerfPoint): boolean {
  return p.success !== 0 && [p.e2el_ms.mean, p.ttft_ms.mean, p.tpot_ms.mean, p.output_tps, p.request_tps].some((v) => v !== null);
}

/** bench_import: reads a client's output, keeps its files by load, writes perf-metrics beside each. */
export async function importBench(args: ImportArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const by: By = { tool: 'bench_import', input: { ...args } };
  const path = await host.admit(args.path);
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const stated = args.client_version ?? null;
  ctx.progress('reading the output');
  const found = await clientFiles(path);
  const { client, groups } = await splitOutput(found, args.client ?? null);
  // Read once before a run is opened: what can not be read leaves no empty run behind.
  const whole = await readClientOutput(found, client, stated);
  if (whole.points.length === 0) throw new ToolError('E_FORMAT_UNKNOWN', `the output of ${client} holds no load`, 'give the output of a client that ran to its end');
  const plans: { name: string; files: readonly ClientFile[]; id: string }[] = [];
  const used = new Map<string, number>();
  for (const files of groups) {
    const id = (await readClientOutput(files, client, stated)).points[0]?.id ?? client;
    const nth = (used.get(id) ?? 0) + 1;
    used.set(id, nth);
    plans.push({ id, files, name: nth === 1 ? id : `${id}_${nth}` });
  }
  const run = known ?? (await runs.create({ purpose: args.label === undefined ? `import ${client}` : `import ${foreign(args.label, 80)}`, level: 'smoke' }, by));
  const base = await freeFolder(run, 'perf');
  const points: PerfPoint[] = [];
  const incomplete: Incomplete[] = [];
  const artifacts: ArtifactRef[] = [];
  const passes = new Map<string, number>();
  for (const { name, files, id } of plans) {
    ctx.signal.throwIfAborted();
    const folder = `${base}/${name}`;
    const pass = (passes.get(id) ?? 0) + 1;
    passes.set(id, pass);
    const params: ImportParams = { folder, files: await keepRaw(run, by, folder, files), client, client_version: stated, repeat: (used.get(id) ?? 1) > 1 ? pass : null };
    const { body, derived } = await computeImport(params, host, run.dir);
    artifacts.push(...(await run.writeComputed(by, { by: importDerivation, params }, derived)));
    points.push(...body.points);
    incomplete.push(...body.incomplete.map((n) => (plans.length === 1 ? n : { code: n.code, detail: `${name}: ${n.detail}` })));
  }
  await state(run, by, args, client, whole.version, points);
  const conclusive = points.some(says);
  const facts: BenchImportFacts = { run: run.id, client, client_version: whole.version, output_generation: whole.generation, loads: points.length, points: points.slice(0, shownPoints), incomplete: incomplete.slice(0, 10) };
  const warnings = points.length > shownPoints || incomplete.length > 10 ? [{ code: 'W-CUT', detail: `points shows ${Math.min(shownPoints, points.length)} of ${points.length}, incomplete ${Math.min(10, incomplete.length)} of ${incomplete.length}; each metrics.json has its own` }] : [];
  return {
    verdict: conclusive ? 'imported' : 'inconclusive',
    headline: headline(client, points, conclusive),
    facts: { ...facts },
    findings: [],
    artifacts,
    warnings,
    next: conclusive ? [{ tool: 'bench_compare', why: 'name this run as a side; what the gate still lacks is stated there' }] : [{ tool: 'run_show', why: 'what the run holds; find out from the logs why its requests failed, then measure again' }],
  };
}
