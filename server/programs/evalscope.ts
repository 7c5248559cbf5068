import { atLeast, ownPrompts, pairs, type ClientAbilities, type ClientCommand, type ClientRun } from './bench-client.js';

/**
 * `evalscope perf`. Flags by the version that brought them: a difference of its argument parser over the tags 1.0 to 1.10; none was
 * renamed. Oldest supported: 1.6.0.
 */
const since = {
  noTestConnection: '1.3.0',
  noTimestamp: '1.4.0',
  progress: '1.5.0',
  offset: '1.7.0',
  openLoop: '1.7.0',
  warmup: '1.7.1',
  duration: '1.8.0',
} as const;

/** Seconds a single request may take; its own default of six hours would hold a job on a service that hangs. */
const requestTimeoutS = 3600;

export function evalscopeAbilities(version: string | null): ClientAbilities {
  return { warmup: atLeast(version, since.warmup), openLoop: atLeast(version, since.openLoop), duration: atLeast(version, since.duration), freshPrompts: atLeast(version, since.offset) };
}

/** Version out of what `evalscope --version` prints. */
export function evalscopeVersion(stdout: string): string | null {
  return /evalscope[, ]+(?:version )?v?(\d+\.\d+\.\d+\S*)/i.exec(stdout)?.[1] ?? /^v?(\d+\.\d+\.\d+\S*)\s*$/m.exec(stdout)?.[1] ?? null;
}

/** File its progress tracker keeps, below the output folder. */
export const evalscopeProgress = 'progress.json';

/** Output from which on the measured window is open: the warm-up's bar is full. Both bars are there from the start. */
export function evalscopeWindow(warmup: number): RegExp {
  return warmup > 0 ? /Warmup\[[^\]]{1,120}\]:\s*100%/ : /Processing\[/;
}

export function evalscopeCommand(run: ClientRun, version: string | null): ClientCommand {
  const can = evalscopeAbilities(version);
  const open = run.parallel === null && run.rate !== null;
  const random = run.dataset === 'random' && run.inputTokens !== null;
  return {
    program: 'evalscope',
    args: [
      'perf',
      ...pairs([
        ['--url', `${run.endpoint}/v1/chat/completions`],
        ['--api', 'openai'],
        ['--model', run.model],
        ['--tokenizer-path', run.tokenizer],
        ['--parallel', open ? null : run.parallel],
        ['--number', run.number],
        ['--rate', run.rate],
        ['--dataset', run.dataset === ownPrompts ? 'line_by_line' : run.dataset],
        ['--dataset-path', run.datasetPath],
        ['--dataset-offset', can.freshPrompts && run.dataset !== ownPrompts ? run.offset : null],
        ['--min-prompt-length', random ? run.inputTokens : null],
        ['--max-prompt-length', random ? run.inputTokens : null],
        ['--max-tokens', run.outputTokens],
        ['--min-tokens', run.ignoreEos ? run.outputTokens : null],
        ['--temperature', run.temperature],
        ['--top-p', run.topP],
        ['--top-k', run.topK],
        ['--seed', run.seed],
        ['--extra-args', run.ignoreEos ? '{"ignore_eos": true}' : null],
        ['--warmup-num', can.warmup && run.warmup > 0 ? run.warmup : null],
        ['--duration', can.duration ? run.durationS : null],
        ['--total-timeout', requestTimeoutS],
        ['--outputs-dir', run.out],
      ]),
      ...(open && can.openLoop ? ['--open-loop'] : []),
      run.stream ? '--stream' : '--no-stream',
      ...(atLeast(version, since.noTestConnection) ? ['--no-test-connection'] : []),
      ...(atLeast(version, since.noTimestamp) ? ['--no-timestamp'] : []),
      ...(atLeast(version, since.progress) ? ['--enable-progress-tracker'] : []),
    ],
  };
}

/** Done and total of its progress file; null when it is not one. */
export function readEvalscopeProgress(text: string): { readonly done: number; readonly total: number } | null {
  const done = /"processed_count"\s*:\s*(\d+)/.exec(text)?.[1];
  const total = /"total_count"\s*:\s*(\d+)/.exec(text)?.[1];
  return done === undefined || total === undefined ? null : { done: Number(done), total: Number(total) };
}
