import type { RunManifest } from '../../contract/index.js';
import { ownPrompts } from '../../programs/bench-client.js';
import type { BenchRequest } from './request.js';

/** One pass to make: a load, sent once. */
export interface Pass {
  /** Name of the load, as comparisons name it. */
  readonly id: string;
  readonly repeat: number;
  readonly parallel: number | null;
  readonly rate: number | null;
  readonly number: number;
  /** Requests sent to this service by earlier passes; their prompts are not sent again. */
  readonly offset: number;
}

export function loadId(load: Pick<Pass, 'parallel' | 'rate' | 'number'>): string {
  return [...(load.parallel === null ? [] : [`parallel_${load.parallel}`]), ...(load.rate === null ? [] : [`rate_${load.rate}`]), `number_${load.number}`].join('_');
}

/** Folder of a pass, relative to the run root. */
export function passDir(job: string, pass: Pick<Pass, 'id' | 'repeat'>): string {
  return `perf/${job}/${pass.id}${pass.repeat === 1 ? '' : `_r${pass.repeat}`}`;
}

/**
 * Passes in the order they are made: every load once, then every load again, so that a drift of the host falls on all loads alike.
 * @param sent requests that earlier jobs sent
 */
export function passesOf(request: BenchRequest, sent: number): Pass[] {
  const passes: Pass[] = [];
  let offset = sent;
  for (let repeat = 1; repeat <= request.repeats; repeat += 1) {
    request.parallel.forEach((parallel, i) => {
      const load = { parallel, rate: request.rate, number: request.number[i] ?? 1 };
      passes.push({ id: loadId(load), repeat, ...load, offset });
      offset += load.number + request.warmup;
    });
  }
  return passes;
}

/** What the manifest says of the load; the commands come as they are run. */
export function workloadOf(request: BenchRequest, version: string | null, commands: readonly (readonly string[])[]): RunManifest['workload'] {
  return {
    client: request.client,
    ...(version === null ? {} : { client_version: version }),
    ...(commands.length === 0 ? {} : { command: commands.map((argv) => [...argv]) }),
    dataset: request.dataset_path ?? request.dataset,
    ...(request.input_tokens === null ? {} : { input_tokens: request.input_tokens }),
    output_tokens: request.output_tokens,
    parallel: request.parallel.filter((p): p is number => p !== null),
    number: [...request.number],
    ...(request.rate === null ? {} : { rate: request.rate }),
    warmup: request.warmup,
    stream: request.stream,
    temperature: request.temperature,
    ...(request.top_p === null ? {} : { top_p: request.top_p }),
    ...(request.top_k === null ? {} : { top_k: request.top_k }),
    ...(request.seed === null ? {} : { seed: request.seed }),
    ignore_eos: request.ignore_eos,
  };
}

/** Whether prompts of a pass had been sent to the service before; null where the client decides. */
export function repeatedPrompts(request: BenchRequest, freshPrompts: boolean): boolean | null {
  if (request.dataset === ownPrompts) return false;
  return request.dataset === 'random' && freshPrompts ? false : null;
}
