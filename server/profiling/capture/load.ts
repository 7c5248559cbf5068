import { ToolError } from '../../contract/index.js';
import type { JobContext } from '../../jobs/worker.js';
import { BlockWatch, metricsFile } from './blocks.js';
import type { Progress } from './record.js';
import { limits } from './thresholds.js';
import { addCounts, Batch, modelOf, type Load } from './workload.js';

/** How a profiler is switched on and off around the load. False: it did not start, so there is no window. */
export interface Window {
  readonly open: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** The load of one capture: warm-up in front, then what the window shows. */
export class LoadPlan {
  readonly #ctx: JobContext;
  readonly #progress: Progress;
  readonly #load: Load;
  #next = 0;

  private constructor(ctx: JobContext, progress: Progress, load: Load) {
    this.#ctx = ctx;
    this.#progress = progress;
    this.#load = load;
  }

  /** @throws ToolError E_SERVICE_FAILED when the endpoint does not serve */
  static async prepare(ctx: JobContext, progress: Progress): Promise<LoadPlan> {
    const { request, service } = progress;
    progress.model = await modelOf(service.endpoint);
    return new LoadPlan(ctx, progress, { endpoint: service.endpoint, model: progress.model, seed: progress.seed, parallel: request.parallel, inputTokens: request.input_tokens, outputTokens: request.output_tokens });
  }

  #batch(load: Load = this.#load): Batch {
    const batch = new Batch(load, this.#next, this.#ctx.signal);
    this.#next += load.parallel;
    return batch;
  }

  /**
   * Requests of the same shape before the profiler comes: compiled operators and captured graphs stay out of the window.
   * @throws ToolError E_SERVICE_FAILED when a whole batch fails
   */
  async warmUp(): Promise<void> {
    const { request } = this.#progress;
    const load = request.phase === 'decode' ? { ...this.#load, outputTokens: Math.min(request.output_tokens, limits.warmupDecodeTokens.value) } : this.#load;
    for (let i = 0; i < request.warmup_batches && !this.#ctx.signal.aborted; i += 1) {
      await this.#ctx.report('warming up', { done: i, total: request.warmup_batches });
      const batch = this.#batch(load);
      await batch.done;
      const counts = batch.counts();
      this.#progress.warmup = addCounts(this.#progress.warmup, counts);
      if (counts.ok === 0 && counts.failed > 0) {
        const status = batch.failedStatus;
        throw new ToolError('E_SERVICE_FAILED', `every warm-up request failed${status === null ? ' without an answer' : ` with HTTP ${status}`}`, 'check the endpoint, and that input_tokens and output_tokens fit the model\'s longest context');
      }
    }
  }

  /** Opens the window, runs the load of the phase in it, closes it. */
  async run(window: Window): Promise<void> {
    await this.#ctx.report('capturing', { done: 0, total: this.#progress.request.batches });
    const watch = new BlockWatch(this.#load.endpoint);
    const watched: Window = {
      open: async () => {
        const opened = await window.open();
        if (opened) watch.start();
        return opened;
      },
      close: async () => {
        await watch.stop();
        await window.close();
      },
    };
    try {
      if (this.#progress.request.phase === 'decode') await this.#decode(watched);
      else await this.#batches(watched);
    } finally {
      await watch.stop();
    }
    if (watch.page !== '') this.#progress.logs.set(metricsFile, watch.page);
    const { during } = this.#progress;
    if (during.failed > 0) this.#progress.because('workload-failed', `${during.failed} of ${during.requests} requests failed while the collection ran`);
  }

  async #batches(window: Window): Promise<void> {
    const { request } = this.#progress;
    if (!(await window.open())) return;
    for (let i = 0; i < request.batches && !this.#ctx.signal.aborted; i += 1) {
      const batch = this.#batch();
      batch.openWindow();
      await batch.done;
      this.#progress.during = addCounts(this.#progress.during, batch.counts());
      await this.#ctx.report('capturing', { done: i + 1, total: request.batches });
    }
    await window.close();
  }

  /** The window opens behind the first tokens, so that it holds no prompt, and closes before the answers end. */
  async #decode(window: Window): Promise<void> {
    const { request } = this.#progress;
    const batch = this.#batch();
    try {
      if (!(await batch.firstTokens())) {
        if (!this.#ctx.signal.aborted) this.#progress.because('workload-failed', 'a request ended, or did not answer, before its first token was followed by another; the collection was not started');
        return;
      }
      if (!(await window.open())) return;
      batch.openWindow();
      await batch.filled(Math.min(limits.decodeWindowTokens.value, request.output_tokens));
      batch.closeWindow();
      await window.close();
      if (!this.#ctx.signal.aborted && batch.leastInWindow < limits.leastWindowEvents.value) this.#progress.because('workload-too-short', `a request had ${batch.leastInWindow} answers left when the collection had started, fewer than ${limits.leastWindowEvents.value}; raise output_tokens above ${request.output_tokens}`);
    } finally {
      await batch.cut();
      this.#progress.during = addCounts(this.#progress.during, batch.counts());
    }
  }
}
