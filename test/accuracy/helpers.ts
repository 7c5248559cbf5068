import { openHost, type Host } from '../../server/host/host.js';
import type { JobContext, JobKind } from '../../server/jobs/worker.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { testConfig } from '../helpers/temp.js';

/** A host over `dir`, with `path` in front of PATH. */
export function hostOf(dir: string, path?: string): Host {
  return openHost(testConfig(dir, [], { PATH: path === undefined ? process.env['PATH'] : `${path}:${process.env['PATH'] ?? ''}`, HOME: dir }));
}

export async function newRun(host: Host): Promise<Run> {
  return new Runs(host).create({ purpose: 'accuracy', level: 'smoke' }, { tool: 'test', input: {} });
}

export interface Told {
  readonly stages: string[];
  readonly progress: { done: number; total: number | null }[];
}

/** Runs a job's work here, without its process. */
export async function work(kind: JobKind | undefined, request: Record<string, unknown>, host: Host, run: Run, job: string, signal = new AbortController().signal): Promise<{ result: any; told: Told }> {
  const told: Told = { stages: [], progress: [] };
  const ctx: JobContext = {
    host,
    run,
    job,
    signal,
    log: () => undefined,
    report: (stage, progress) => {
      told.stages.push(stage);
      if (progress !== null && progress !== undefined) told.progress.push({ ...progress });
      return Promise.resolve();
    },
  };
  if (kind === undefined) throw new Error('no such job kind');
  return { result: await kind(request, ctx), told };
}
