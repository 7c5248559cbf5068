import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeConfig, type Config } from '../../server/config.js';
import { openHost, type Host } from '../../server/host/host.js';
import { jobDir, Jobs, readJob } from '../../server/jobs/jobs.js';
import type { JobState } from '../../server/contract/index.js';
import { profileStart } from '../../server/profiling/capture/tools.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { script } from './service-host.js';

const helpers = import.meta.dirname;
const simMain = join(helpers, '../../dist/sim/main.js');

export interface Seen {
  readonly event: string;
  readonly steps?: number;
  readonly words?: number;
  readonly max?: number;
  readonly prompt?: string;
  readonly port?: number;
}

/** A host with the simulated msprof in PATH, and tiny services to attach it to. */
export class ProfiledHost {
  readonly dir: string;
  readonly home: string;
  readonly env: Record<string, string>;
  readonly config: Config;
  readonly host: Host;
  readonly children: ChildProcess[] = [];
  #services = 0;

  private constructor(dir: string) {
    this.dir = dir;
    this.home = join(dir, 'home');
    this.env = { PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: this.home, XLLM_NPU_SIM_STATE: join(dir, 'state') };
    this.config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir], entry: join(helpers, 'profile-entry.mjs') }, '0', this.env, dir);
    this.host = openHost(this.config);
  }

  static async make(dir: string): Promise<ProfiledHost> {
    for (const name of ['bin', 'home', 'state']) await mkdir(join(dir, name), { recursive: true });
    const made = new ProfiledHost(dir);
    await made.msprof(`exec '${process.execPath}' '${simMain}' msprof "$@"`);
    return made;
  }

  /** What `msprof` is on this host, as a shell script; `$SIM` starts the simulated one. */
  async msprof(body: string): Promise<void> {
    await script(join(this.dir, 'bin/msprof'), `SIM="'${process.execPath}' '${simMain}' msprof"\n${body}`);
  }

  /** Starts a service and waits until it listens. */
  async service(options: object = {}, env: Record<string, string> = { PROFILING_MODE: 'dynamic' }, argv: readonly string[] = []): Promise<{ pid: number; endpoint: string; seen: () => Promise<Seen[]>; child: ChildProcess }> {
    this.#services += 1;
    const log = join(this.dir, `service-${this.#services}.log`);
    await writeFile(log, '');
    const child = spawn(process.execPath, [join(helpers, 'stand-in-profiled.mjs'), JSON.stringify({ home: this.home, log, ...options }), ...argv], { env: { ...this.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'], cwd: this.dir });
    this.children.push(child);
    const seen = async (): Promise<Seen[]> => (await readFile(log, 'utf8')).split('\n').filter((l) => l !== '').map((l) => JSON.parse(l) as Seen);
    for (;;) {
      const port = (await seen()).find((e) => e.event === 'listening')?.port;
      if (port !== undefined) return { pid: child.pid ?? 0, endpoint: `http://127.0.0.1:${port}`, seen, child };
      if (child.exitCode !== null) throw new Error('the stand-in ended');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async run(): Promise<Run> {
    return new Runs(this.host).create({ purpose: 'capture', level: 'smoke' }, { tool: 'test', input: {} });
  }

  async start(run: Run, args: object): Promise<{ verdict: string; headline: string; facts: any }> {
    return profileStart.invoke({ run: run.id, ...args }, { config: this.config, signal: new AbortController().signal, progress: () => undefined });
  }

  jobs(): Jobs {
    return new Jobs(this.host);
  }

  wait(run: Run, job: string, until?: (state: JobState) => boolean): Promise<JobState> {
    return this.jobs().wait(run, job, { waitMs: 60_000, signal: new AbortController().signal, progress: () => undefined, ...(until === undefined ? {} : { until }) });
  }

  /** Starts a capture and waits for its end. */
  async capture(run: Run, args: object): Promise<{ state: JobState; record: any }> {
    const { facts } = await this.start(run, args);
    const job = String(facts.job).split('/')[1] ?? '';
    const state = await this.wait(run, job);
    const text = await readFile(join(run.dir, `profiling/${job}/capture.json`), 'utf8').catch(() => 'null');
    return { state, record: JSON.parse(text) };
  }

  async worker(run: Run, job: string): Promise<number> {
    return (await readJob(jobDir(run, job))).worker?.pid ?? 0;
  }

  end(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}
