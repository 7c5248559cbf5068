#!/usr/bin/env node
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { makeConfig, type Config } from './config.js';
import { check, foreign, isRunId, isSchemaName, producer, ToolError } from './contract/index.js';
import { accuracyCompare, accuracyStart } from './accuracy/tools.js';
import { benchImport } from './benchmark/import/tools.js';
import type { RequestLatencies } from './benchmark/points/requests.js';
import { benchStart } from './benchmark/run/tools.js';
import { benchCompare } from './benchmark/tools.js';
import { capacityPlan } from './capacity/tools.js';
import { computeSimulate } from './compute/tools.js';
import { envProbe } from './environment/tools.js';
import { exists, isFolder, readText, sha256File, writeAtomic } from './host/files.js';
import { openHost } from './host/host.js';
import { incidentTriage } from './incident/tools.js';
import { jobCancel, jobWait } from './loop/job-tools.js';
import { historySearch, loopUpdate } from './loop/loop-tools.js';
import { runCreate, runShow, runTools } from './loop/tools.js';
import type { JobKinds } from './jobs/worker.js';
import type { Tool } from './mcp/define.js';
import { Registry } from './mcp/registry.js';
import { opVerify } from './migration/tools.js';
import { pipelineAnalyze } from './pipeline/tools.js';
import { profileStart } from './profiling/capture/tools.js';
import { profileAnalyze, profileQuery } from './profiling/tools.js';
import { reviewDiff } from './review/tools.js';
import { serviceStart, serviceStop } from './serving/tools.js';
import type { Derivations } from './runs/runs.js';

const exitCodes = { ok: 0, answeredError: 1, wrongUsage: 2 } as const;

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** How each room computes its artifacts again; loaded when a run is validated. */
async function derivations(): Promise<Derivations> {
  const rooms = await Promise.all([
    import('./environment/derive.js').then((m) => m.envDerivations),
    import('./serving/derive.js').then((m) => m.servingDerivations),
    import('./profiling/derive.js').then((m) => m.profilingDerivations),
    import('./benchmark/compare/derive.js').then((m) => m.comparisonDerivations),
    import('./benchmark/import/derive.js').then((m) => m.importDerivations),
    import('./benchmark/run/derive.js').then((m) => m.benchRunDerivations),
    import('./pipeline/derive.js').then((m) => m.pipelineDerivations),
    import('./accuracy/compare/derive.js').then((m) => m.comparisonDerivations),
    import('./accuracy/score/derive.js').then((m) => m.scoreDerivations),
    import('./incident/derive.js').then((m) => m.incidentDerivations),
    import('./capacity/derive.js').then((m) => m.capacityDerivations),
    import('./compute/derive.js').then((m) => m.computeDerivations),
    import('./migration/derive.js').then((m) => m.migrationDerivations),
    import('./review/derive.js').then((m) => m.reviewDerivations),
  ]);
  return Object.fromEntries(rooms.flatMap((room) => Object.entries(room)));
}

/** Per-request latencies in a benchmark client's raw file: the report may not know the clients. */
const readLatencies = async (path: string): Promise<RequestLatencies | null> => (await import('./benchmark/points/requests.js')).requestLatencies(path);

/** Tools by toolset; `--toolsets` serves a part. */
function toolsets(): Record<string, readonly Tool[]> {
  const [runValidate, runReport] = runTools({ derivations, report: async (run, wanted) => (await import('./report/write.js')).report(run, wanted, readLatencies) });
  return {
    environment: [envProbe],
    loop: [runCreate, runShow, ...(runValidate === undefined ? [] : [runValidate]), ...(runReport === undefined ? [] : [runReport]), loopUpdate, historySearch],
    serving: [serviceStart, serviceStop],
    profiling: [profileStart, profileAnalyze, profileQuery],
    pipeline: [pipelineAnalyze],
    benchmark: [benchStart, benchImport, benchCompare],
    accuracy: [accuracyStart, accuracyCompare],
    incident: [incidentTriage],
    capacity: [capacityPlan],
    compute: [computeSimulate],
    review: [reviewDiff],
    migration: [opVerify],
    jobs: [jobWait, jobCancel],
  };
}

function registry(wanted?: string): Registry {
  const sets = toolsets();
  const names = wanted === undefined ? Object.keys(sets) : wanted.split(',').map((n) => n.trim());
  const unknown = names.filter((n) => !Object.hasOwn(sets, n));
  if (unknown.length > 0) throw new ToolError('E_ARG_TYPE', `no toolset ${foreign(unknown.join(', '), 80)}`, `toolsets: ${Object.keys(sets).join(', ')}`);
  return new Registry(names.flatMap((n) => sets[n] ?? []), log);
}

interface Globals {
  readonly runsDir?: string;
  readonly allow?: string[];
  readonly sim?: string | boolean;
}

const program = new Command('xllm-npu');

/** The settings; with --sim the simulated NPU host is put in the place of this one. */
async function globals(change: Partial<Globals> = {}): Promise<Config> {
  const config = makeConfig({ ...program.opts<Globals>(), ...change }, producer.version);
  if (config.sim === null) return config;
  const { installSim } = await import('./sim/install.js');
  const path = config.env['PATH'];
  const { env } = installSim(join(config.runsDir, '.sim'), config.sim, path === undefined ? {} : { path });
  return Object.freeze({ ...config, env: Object.freeze({ ...config.env, ...env }) });
}

async function readStdin(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** One tool call from a shell: exactly one JSON object on stdout. */
async function callTool(name: string, json: string | undefined): Promise<number> {
  const config = await globals();
  const given = json === '-' ? await readStdin() : (json ?? '{}');
  let args: unknown;
  try {
    args = JSON.parse(given);
  } catch {
    log('the arguments are not valid JSON: give one object, or - to read it from stdin');
    return exitCodes.wrongUsage;
  }
  const answer = await registry().call(name, args, { config, signal: new AbortController().signal, progress: log });
  print(JSON.stringify(answer.structured));
  return answer.isError ? exitCodes.answeredError : exitCodes.ok;
}

/** A run root or a bundle through run_validate with recompute; any other file against the schema it names. */
async function validate(path: string, options: { sha256?: string }): Promise<number> {
  const real = await openHost(await globals()).admit(path);
  const id = basename(real);
  const [{ isGzip, names, temporaryFolder, unpack }, { bundleName }] = await Promise.all([import('./host/archive.js'), import('./runs/bundled.js')]);
  if (await isFolder(real)) {
    if (!isRunId(id)) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 200)} is a folder and no run root: its name is no run id`, 'give a run root, a bundle, or a JSON artifact');
    if (options.sha256 !== undefined) await expectHash(join(real, bundleName), options.sha256);
    return validateRun(real);
  }
  if (await isGzip(real)) {
    const hash = await expectHash(real, options.sha256);
    const folder = await temporaryFolder();
    try {
      await unpack(real, folder.path);
      const [run, more] = await names(folder.path);
      if (run === undefined || more !== undefined || !isRunId(run) || !(await exists(join(folder.path, run, bundleName)))) throw new ToolError('E_ARCHIVE_REFUSED', `${foreign(path, 200)} is not one run with its ${bundleName}`, 'give an archive that xllm-npu bundle made');
      const code = await validateRun(join(folder.path, run));
      print(`archive sha256 ${hash}: compare it with the one printed where the bundle was made`);
      return code;
    } finally {
      await folder.remove();
    }
  }
  const { readArtifact } = await import('./runs/runs.js');
  const value = await readArtifact(real);
  const schema = typeof value === 'object' && value !== null && 'schema' in value && typeof value.schema === 'string' ? value.schema : '';
  if (!isSchemaName(schema)) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 200)} is neither a run root nor a bundle nor an artifact that names its schema`, 'give a run root, a bundle, or a JSON artifact');
  const checked = check(schema, value);
  if (checked.ok) print(`valid: ${path} is a ${schema}`);
  else for (const problem of checked.problems) print(`violation: ${problem}`);
  return checked.ok ? exitCodes.ok : exitCodes.answeredError;
}

/** @param dir a run root, wherever it lies */
async function validateRun(dir: string): Promise<number> {
  const config = await globals({ runsDir: dirname(dir) });
  const answer = await registry().call('run_validate', { run: basename(dir), recompute: true }, { config, signal: new AbortController().signal, progress: log });
  print(answer.text);
  return 'verdict' in answer.structured && answer.structured.verdict === 'complete' ? exitCodes.ok : exitCodes.answeredError;
}

/** The hash of a file. @throws ToolError E_ARCHIVE_REFUSED when another was asked for */
async function expectHash(path: string, wanted?: string): Promise<string> {
  const hash = await sha256File(path);
  if (wanted !== undefined && wanted.toLowerCase() !== hash) throw new ToolError('E_ARCHIVE_REFUSED', `${foreign(path, 200)} has the sha256 ${hash}, not the one asked for`, 'ask for the bundle again; this one is not the one that was made');
  return hash;
}

/** One redacted archive of a run, for another machine. The first line is the answer. */
async function bundle(id: string, options: { out?: string }): Promise<number> {
  const config = await globals();
  const host = openHost(config);
  const [{ bundleLines, bundleRun }, { Runs }] = await Promise.all([import('./runs/bundle.js'), import('./runs/runs.js')]);
  const run = await new Runs(host).open(id);
  const made = await bundleRun(run, host, await derivations(), resolve(config.cwd, options.out ?? `${run.id}.bundle.tar.gz`));
  for (const line of bundleLines(made)) print(line);
  return exitCodes.ok;
}

interface ReportOptions {
  readonly format?: string;
  readonly language?: string;
  readonly serve?: string | boolean;
}

async function writeReport(run: string | undefined, options: ReportOptions): Promise<number> {
  if (options.serve !== undefined) return showReports(options);
  if (run === undefined) {
    log('report takes a run id, or --serve');
    return exitCodes.wrongUsage;
  }
  const answer = await registry().call('run_report', { run, ...(options.format === undefined ? {} : { format: options.format }), ...(options.language === undefined ? {} : { language: options.language }) }, { config: await globals(), signal: new AbortController().signal, progress: log });
  print(answer.text);
  return answer.isError ? exitCodes.answeredError : exitCodes.ok;
}

/** All runs on loopback until a signal ends it. */
async function showReports({ serve, language = 'en' }: ReportOptions): Promise<number> {
  const port = portOf(serve === true || serve === undefined ? '0' : String(serve));
  if (port === null || (language !== 'en' && language !== 'zh')) {
    log('--serve takes a port, 0 for a free one; --language en or zh');
    return exitCodes.wrongUsage;
  }
  const [{ serveReports }, { Runs }] = await Promise.all([import('./report/serve.js'), import('./runs/runs.js')]);
  const server = await serveReports(new Runs(openHost(await globals())), port, language, readLatencies);
  log(server.url);
  await ended();
  await server.close();
  return exitCodes.ok;
}

const portOf = (text: string): number | null => (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null);

async function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

interface DemoOptions {
  readonly scenario?: string;
  readonly list?: boolean;
  readonly plant: boolean;
}

/** Always on the simulated host: it shows the way, on any machine. */
async function demo(options: DemoOptions): Promise<number> {
  if (options.list === true || options.scenario !== undefined) return demoScenarios(options.list === true ? null : (options.scenario ?? ''), options.plant);
  const config = await globals();
  const [{ runDemo }, { writeDemoFiles }] = await Promise.all([import('./mcp/demo.js'), import('./sim/demo.js')]);
  const { hostFile, modelFolder } = writeDemoFiles(join(config.runsDir, '.demo'));
  const env = Object.fromEntries(Object.entries(config.env).filter((e): e is [string, string] => e[1] !== undefined));
  await runDemo({ command: process.execPath, args: [fileURLToPath(import.meta.url), '--sim', hostFile, '--runs-dir', config.runsDir, 'mcp'], env, modelFolder, readText, print });
  return exitCodes.ok;
}

/** The whole loop of one scenario, of `all` one after the other, or (null) their names. Exit 1 when one is not proven. */
async function demoScenarios(wanted: string | null, planted: boolean): Promise<number> {
  const { scenarios } = await import('./mcp/demo/scenarios.js');
  const chosen = scenarios.filter((s) => wanted === null || wanted === 'all' || s.name === wanted);
  if (wanted === null) for (const s of chosen) print(`${s.name}  ${s.about}`);
  if (wanted === null) return exitCodes.ok;
  if (chosen.length === 0) {
    log(`no scenario of this name; there are ${scenarios.map((s) => s.name).join(', ')}, and all`);
    return exitCodes.wrongUsage;
  }
  const config = await globals();
  const [{ runScenario }, { writeDemoSite }] = await Promise.all([import('./mcp/demo/run.js'), import('./sim/demo-build.js')]);
  const env = Object.fromEntries(Object.entries(config.env).filter((e): e is [string, string] => e[1] !== undefined));
  let code: number = exitCodes.ok;
  for (const scenario of chosen) {
    const site = writeDemoSite(join(config.runsDir, '.demo', scenario.name), scenario.name, planted);
    const { ok } = await runScenario(scenario, { command: process.execPath, args: [fileURLToPath(import.meta.url), '--sim', site.hostFile, '--runs-dir', config.runsDir, 'mcp'], env, cwd: site.repo, site, planted, print });
    if (!ok) code = exitCodes.answeredError;
  }
  return code;
}

async function tools(options: { json?: boolean; markdown?: boolean }): Promise<number> {
  const list = registry().list();
  if (options.json === true) print(JSON.stringify(list.map(({ name, title, description, inputSchema, annotations }) => ({ name, title, description, inputSchema, annotations })), null, 2));
  else if (options.markdown === true) process.stdout.write((await import('./mcp/reference.js')).reference(list));
  else for (const tool of list) print(`${tool.name}\n  ${tool.description}\n  ${JSON.stringify(tool.inputSchema)}`);
  return exitCodes.ok;
}

async function mcp(options: { toolsets?: string; http?: string }): Promise<number> {
  if (options.http !== undefined) return http(options.toolsets, options.http);
  const { serveStdio } = await import('./mcp/stdio.js');
  const [config, { offersOf }] = await Promise.all([globals(), import('./loop/offers.js')]);
  await serveStdio(registry(options.toolsets), config, offersOf(openHost(config)));
  return exitCodes.ok;
}

/** Streamable HTTP on loopback until a signal ends it. The token stands in a file only this user reads. */
async function http(toolsets: string | undefined, given: string): Promise<number> {
  const port = portOf(given);
  if (port === null) {
    log('--http takes a port, 0 for a free one');
    return exitCodes.wrongUsage;
  }
  const [config, { offersOf }, { serveHttp }] = await Promise.all([globals(), import('./loop/offers.js'), import('./mcp/http.js')]);
  const server = await serveHttp(registry(toolsets), config, offersOf(openHost(config)), port);
  const file = join(config.runsDir, '.http-token');
  await writeAtomic(file, `${server.token}\n`, { mode: 0o600 });
  log(`MCP on ${server.url}; bearer token in ${file}`);
  await ended();
  await server.close();
  return exitCodes.ok;
}

/** What this host has and lacks; first line the answer. */
async function doctor(): Promise<number> {
  const { examine, line, summary } = await import('./environment/doctor.js');
  const checks = await examine(openHost(await globals()), process.version);
  print(summary(checks));
  for (const check of checks) print(line(check));
  return checks.some((c) => c.state === 'lacks') ? exitCodes.answeredError : exitCodes.ok;
}

async function installClient(client: string, options: { scope: string; print?: boolean; remove?: boolean }): Promise<number> {
  const { clients, install } = await import('./environment/install.js');
  const wanted = clients.find((c) => c === client);
  const { scope } = options;
  if (wanted === undefined || (scope !== 'user' && scope !== 'project')) {
    log(`install takes one of ${clients.join(', ')}, and --scope user or project`);
    return exitCodes.wrongUsage;
  }
  const config = await globals();
  const home = config.env['HOME'];
  if (home === undefined) throw new ToolError('E_ARG_MISSING', 'HOME is not set', 'set HOME to the folder the client keeps its settings under');
  const entry = fileURLToPath(import.meta.url);
  const server = [process.execPath, entry, ...(config.sim === null ? [] : ['--sim']), 'mcp'];
  const request = { client: wanted, scope, remove: options.remove === true, home, project: config.cwd, packageRoot: dirname(dirname(entry)), server } as const;
  await install(request, openHost(config), options.print === true, print);
  return exitCodes.ok;
}

const commands = ['mcp', 'call', 'tools', 'demo', 'doctor', 'install', 'validate', 'report', 'bundle', 'worker'];

/** `--sim mcp` means the embedded host, not a file called mcp. */
function bareSim(arg: string, at: number, argv: readonly string[]): string {
  const next = argv[at + 1];
  return arg === '--sim' && (next === undefined || next.startsWith('-') || commands.includes(next)) ? '--sim=1' : arg;
}

/** The detached worker enters here; job kinds are registered by their rooms. */
async function worker(dir: string): Promise<number> {
  const { runWorker } = await import('./jobs/worker.js');
  // A worker does one job: only the room of its kind is loaded.
  const of = (name: string, load: () => Promise<JobKinds>): JobKinds => ({
    [name]: async (request, ctx) => {
      const kind = (await load())[name];
      if (kind === undefined) throw new ToolError('E_INTERNAL', `no job kind ${name}`, 'report this as a defect of the server');
      return kind(request, ctx);
    },
  });
  const profiling = async (): Promise<JobKinds> => (await import('./profiling/capture/job.js')).profilingJobs;
  const accuracy = async (): Promise<JobKinds> => (await import('./accuracy/start/job.js')).accuracyJobs;
  const kinds: JobKinds = {
    ...of('service', async () => (await import('./serving/job.js')).servingJobs),
    ...of('profile', profiling),
    ...of('profile-analyze', profiling),
    ...of('bench', async () => (await import('./benchmark/run/job.js')).benchJobs),
    ...of('accuracy', accuracy),
    ...of('bisect', accuracy),
    ...of('op-verify', async () => (await import('./migration/job.js')).migrationJobs),
  };
  return runWorker(dir, kinds, openHost(await globals()));
}

async function main(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let code: number = exitCodes.ok;
  const collect = (value: string, before: string[]): string[] => [...before, value];
  program
    .version(producer.version)
    .description('Evidence for LLM serving on Ascend NPUs: MCP server and command line')
    .option('--runs-dir <dir>', 'folder of run roots (XLLM_NPU_RUNS, default ./runs)')
    .option('--allow <dir>', 'folder that tools may read; repeatable (XLLM_NPU_ALLOW)', collect, [])
    .option('--sim [file]', 'the simulated NPU host in the place of this one (XLLM_NPU_SIM)')
    .exitOverride();
  program
    .command('mcp')
    .description('MCP server on stdio, or on loopback HTTP')
    .option('--toolsets <a,b>', 'serve a part of the tools')
    .option('--http <port>', 'Streamable HTTP on loopback in the place of stdio')
    .action(async (options: { toolsets?: string; http?: string }) => {
      code = await mcp(options);
    });
  program
    .command('call <tool> [json]')
    .description('call one tool; the JSON may be - for stdin')
    .action(async (tool: string, json: string | undefined) => {
      code = await callTool(tool, json);
    });
  program
    .command('tools')
    .description('every tool with its input schema, as served')
    .option('--json')
    .option('--markdown')
    .action(async (options: { json?: boolean; markdown?: boolean }) => {
      code = await tools(options);
    });
  program
    .command('demo')
    .description('on the simulated NPU host: start a service, profile it under load, stop it, analyse, report')
    .option('--scenario <name>', 'the whole loop instead: find a planted cause, mend it, prove it; all runs every one')
    .option('--no-plant', 'leave the fault of the scenario out: nothing may be found then')
    .option('--list', 'names of the scenarios')
    .action(async (options: DemoOptions) => {
      code = await demo(options);
    });
  program
    .command('doctor')
    .description('what this host has and lacks for the work, one line each, with the mend')
    .action(async () => {
      code = await doctor();
    });
  program
    .command('install <client>')
    .description("register server and skills with claude, codex or opencode through the client's own commands and files")
    .option('--scope <scope>', 'user or project', 'user')
    .option('--print', 'only print what would be done')
    .option('--remove', 'take it out again')
    .action(async (client: string, options: { scope: string; print?: boolean; remove?: boolean }) => {
      code = await installClient(client, options);
    });
  program
    .command('validate <path>')
    .description('check an artifact, a whole run root or a bundle; exit 1 with every violation')
    .option('--sha256 <hex>', 'the sha256 printed when the bundle was made; for an unpacked one that of its bundle.json')
    .action(async (path: string, options: { sha256?: string }) => {
      code = await validate(path, options);
    });
  program
    .command('bundle <run>')
    .description('pack a run, redacted, into one .tar.gz that validate accepts on another machine')
    .option('--out <file>', 'where to; default <run>.bundle.tar.gz here')
    .action(async (run: string, options: { out?: string }) => {
      code = await bundle(run, options);
    });
  program
    .command('report [run]')
    .description('write summary.md, report.html, pr_notes.md and replay.sh of a run; --serve shows all runs on loopback')
    .option('--format <format>', 'md, html or pr')
    .option('--language <language>', 'en or zh')
    .option('--serve [port]', 'a page of all runs on loopback')
    .action(async (run: string | undefined, options: ReportOptions) => {
      code = await writeReport(run, options);
    });
  program.command('worker <dir>', { hidden: true }).action(async (dir: string) => {
    code = await worker(dir);
  });
  try {
    await program.parseAsync(argv.map(bareSim), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.wrongUsage;
    if (error instanceof ToolError) {
      log(`${error.code}: ${error.seen}\nnext: ${error.next}`);
      return exitCodes.answeredError;
    }
    throw error;
  }
}

process.exitCode = await main(process.argv.slice(2));
