import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeConfig, type Config } from '../../server/config.js';
import type { ToolOk } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import type { JobContext } from '../../server/jobs/worker.js';
import { runCreate } from '../../server/loop/tools.js';
import type { Tool } from '../../server/mcp/define.js';
import { Runs } from '../../server/runs/runs.js';
import { serviceStart, serviceStop } from '../../server/serving/tools.js';
import { installSim } from '../../server/sim/install.js';
import { writeDemoFiles } from '../../server/sim/demo.js';

const dist = join(import.meta.dirname, '../../dist');

/** A simulated host in a folder of its own, its services started by the real tool; the benchmark job runs inside of the test. */
export class Bed {
  readonly config: Config;
  readonly model: string;
  readonly #started: string[] = [];

  private constructor(config: Config, model: string) {
    this.config = config;
    this.model = model;
  }

  static async open(dir: string, options: { faults?: readonly object[]; speed?: number; path?: string; seed?: number } = {}): Promise<Bed> {
    const hostFile = join(dir, 'host.json');
    const home = join(dir, 'home');
    await mkdir(home, { recursive: true });
    await writeFile(hostFile, JSON.stringify({ chip: 'Ascend910B3', count: 2, seed: options.seed ?? 3, faults: options.faults ?? [] }));
    const path = `${options.path === undefined ? '' : `${options.path}:`}${process.env['PATH'] ?? ''}`;
    const env = { PATH: path, HOME: home, XLLM_NPU_SIM_SPEED: String(options.speed ?? 20) };
    const runsDir = join(dir, 'runs');
    const base = makeConfig({ runsDir, allow: [dir], sim: hostFile, entry: join(dist, 'main.js') }, '0', env, home);
    const installed = installSim(join(runsDir, '.sim'), hostFile, { entry: join(dist, 'sim/main.js'), path });
    return new Bed({ ...base, env: { ...env, ...installed.env } }, writeDemoFiles(join(dir, 'model')).modelFolder);
  }

  call(tool: Tool, args: object): Promise<ToolOk> {
    return tool.invoke(args, { config: this.config, signal: new AbortController().signal, progress: () => undefined });
  }

  async run(purpose: string, level: 'smoke' | 'quick' | 'formal' = 'quick'): Promise<string> {
    return String((await this.call(runCreate, { purpose, level })).facts['run']);
  }

  /** Starts a service and gives its endpoint. */
  async service(run: string, more: object = {}): Promise<string> {
    const answer = await this.call(serviceStart, { run, framework: 'xllm', model_path: this.model, device_count: 1, ready_timeout_s: 40, ...more });
    if (answer.verdict !== 'ready') throw new Error(`${answer.verdict}: ${answer.headline}`);
    this.#started.push(run);
    return String(answer.facts['endpoint']);
  }

  /** What a job gets, with the report it would write to disk kept here. */
  async context(run: string, job: string): Promise<JobContext & { readonly stages: string[] }> {
    const host = openHost(this.config);
    const stages: string[] = [];
    return {
      host,
      run: await new Runs(host).open(run),
      job,
      signal: new AbortController().signal,
      report: (stage) => {
        stages.push(stage);
        return Promise.resolve();
      },
      log: () => undefined,
      stages,
    };
  }

  async stop(run: string): Promise<void> {
    await this.call(serviceStop, { run, grace_s: 1 });
  }

  async close(): Promise<void> {
    for (const run of new Set(this.#started)) await this.stop(run);
  }
}
