import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../../contract/index.js';
import { artifactOf, at, isRecord, list, text, type Answer } from './answer.js';
import type { DemoClient } from './client.js';

/** What the simulator wrote for a scenario; shape of sim/demo-build.ts. */
export interface Site {
  readonly modelFolder: string;
  readonly draftFolder: string;
  readonly repo: string;
  readonly builds: Readonly<Record<BuildName, { readonly commit: string; readonly program: string } | null>>;
  readonly check: string;
  readonly guilty: string | null;
}
export type BuildName = 'good' | 'bad' | 'fixed';

/** A service: which build, with which flags. */
export interface Setup {
  readonly build: BuildName;
  readonly flags: Readonly<Record<string, string | number | boolean>>;
}

/** What one service start gave. */
export interface Measured {
  readonly run: string;
  /** Result of the benchmark job. */
  readonly bench: unknown;
  /** Folder of the answers; empty where none were asked. */
  readonly answers: string;
}

/** The request that proved the service ready keeps the AI cores' reading up for a moment. */
export const settleMs = 1500;

/** Requests at once, and in all, of every measurement. */
export const load = { input_tokens: 64, output_tokens: 32, parallel: [4], number: [24], warmup: 4 } as const;

/** Thirteen probes cannot show less than about 23 points (Tango interval of no flips), so no more is claimed. */
export const marginPct = 25;

/** One scenario under way: the run of its loop, and the services it starts. */
export class Walk {
  readonly client: DemoClient;
  readonly site: Site;
  readonly #draft: boolean;
  readonly #phase: (name: string) => void;
  run = '';
  runDir = '';

  constructor(client: DemoClient, site: Site, draft: boolean, phase: (name: string) => void) {
    this.client = client;
    this.site = site;
    this.#draft = draft;
    this.#phase = phase;
  }

  phase(name: string): void {
    this.#phase(name);
  }

  build(name: BuildName): { readonly commit: string; readonly program: string } {
    const build = this.site.builds[name];
    if (build === null) throw new ToolError('E_INTERNAL', `the scenario has no build ${name}`, 'report this as a defect of the demo');
    return build;
  }

  get model(): string {
    return basename(this.site.modelFolder);
  }

  /** A folder of another run. */
  folder(run: string, name: string): string {
    return join(dirname(this.runDir), run, name);
  }

  /** A run of its own for one service start. */
  async open(purpose: string): Promise<string> {
    const created = await this.client.call('run_create', { purpose, level: 'quick', framework: 'xllm' });
    const run = text(created, 'facts', 'run');
    await this.client.call('env_probe', { run, phase: 'before' });
    return run;
  }

  /** Starts a service and waits until it serves or has failed. */
  async start(run: string, setup: Setup, profiling = false): Promise<{ readonly answer: Answer; readonly job: string; readonly endpoint: string; readonly ready: boolean }> {
    const args = { run, framework: 'xllm', model_path: this.site.modelFolder, program: this.build(setup.build).program, devices: [0, 1], args_json: JSON.stringify({ ...setup.flags, ...(this.#draft ? { draft_model: this.site.draftFolder } : {}) }), ready_timeout_s: 60, profiling };
    let answer = await this.client.call('service_start', args);
    const job = text(answer, 'facts', 'job');
    const endpoint = text(answer, 'facts', 'endpoint');
    let ready = text(answer, 'verdict') === 'ready';
    if (text(answer, 'verdict') === 'starting') {
      answer = await this.client.settled(job);
      ready = text(answer, 'facts', 'stage') === 'ready';
    }
    return { answer, job, endpoint, ready };
  }

  /** A start that has to serve. @throws ToolError E_INTERNAL when it does not */
  async serve(run: string, setup: Setup, profiling = false): Promise<{ readonly job: string; readonly endpoint: string }> {
    const started = await this.start(run, setup, profiling);
    if (!started.ready) throw new ToolError('E_INTERNAL', 'a service of the demo did not get ready', `incident_triage with run ${run} tells why`);
    await sleep(settleMs);
    return started;
  }

  /** The built-in probes of level L2; folder of the answers. */
  async ask(run: string, endpoint: string): Promise<string> {
    const job = await this.client.call('accuracy_start', { run, endpoint, model: this.model, level: 'L2', eval_batch_size: 4 });
    await this.client.settled(text(job, 'facts', 'job'));
    return text(job, 'facts', 'output');
  }

  /** One service start, clean before, idle and after, measured once; with its answers where asked. */
  async measure(purpose: string, setup: Setup, answers: boolean): Promise<Measured> {
    const run = await this.open(purpose);
    const { job, endpoint } = await this.serve(run, setup);
    await this.client.call('env_probe', { run, phase: 'idle', samples: 1 });
    // The built-in probe stands in for evalscope, which need not be installed; the grade says simulated in any case.
    const bench = await this.client.call('bench_start', { run, endpoint, model: this.model, client: 'probe', seed: 7, temperature: 0, ignore_eos: true, ...load, parallel: [...load.parallel], number: [...load.number] });
    const measured = await this.client.settled(text(bench, 'facts', 'job'));
    const folder = answers ? await this.ask(run, endpoint) : '';
    await this.client.call('service_stop', { job });
    await this.client.call('env_probe', { run, phase: 'after' });
    return { run, bench: at(measured, 'facts', 'result'), answers: folder };
  }

  /** A profiled start in a run of its own: capture under load, then both analyses. */
  async capture(purpose: string, setup: Setup, answers = false): Promise<{ readonly run: string; readonly analysis: Answer; readonly pipeline: Answer; readonly answers: string }> {
    const run = await this.open(purpose);
    const { job, endpoint } = await this.serve(run, setup, true);
    const folder = answers ? await this.ask(run, endpoint) : '';
    const started = await this.client.call('profile_start', { run, service_job: job, endpoint, backend: 'msprof', phase: 'decode', parallel: 4, output_tokens: 32, batches: 1 });
    const captured = await this.client.settled(text(started, 'facts', 'job'));
    await this.client.call('service_stop', { job });
    const path = text(captured, 'facts', 'result', 'path');
    const analysis = await this.client.call('profile_analyze', { run, path });
    const pipeline = await this.client.call('pipeline_analyze', { run, path });
    return { run, analysis, pipeline, answers: folder };
  }

  /**
   * Submits the present phase of the loop with the runs that carry its evidence.
   * @throws ToolError E_INTERNAL with the needs that do not hold when the gate is closed
   */
  async submit(phase: string, evidence: readonly string[] = []): Promise<Answer> {
    const answer = await this.client.call('loop_update', { run: this.run, action: 'submit', phase, evidence: [...evidence] });
    if (text(answer, 'verdict') === 'blocked') {
      const needs = list(answer, 'facts', 'gate').filter((g) => isRecord(g) && g['ok'] !== true).map((g) => text(g, 'need'));
      throw new ToolError('E_INTERNAL', `the gate of phase ${phase} is closed: ${needs.join('; ')}`, 'loop_update with action status names what is there');
    }
    return answer;
  }

  /** bench_compare over all starts of both sides; path of its report with the answer. */
  async compare(baseline: readonly string[], candidate: readonly string[], claim: Answer): Promise<{ readonly answer: Answer; readonly report: string }> {
    const answer = await this.client.call('bench_compare', { run: this.run, baseline: [...baseline], candidate: [...candidate], ...claim });
    return { answer, report: artifactOf(answer, 'report.json') };
  }
}
