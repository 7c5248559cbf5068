/** What the benchmark clients have in common: one measured pass, and how a program is told to make it. Pure. */

export const benchClients = ['evalscope', 'vllm', 'sglang', 'aisbench', 'probe'] as const;
export type BenchClient = (typeof benchClients)[number];

/** Prompts written by ourselves: words that are about a token each. */
export const ownPrompts = 'words';

/** One pass: one load, sent once. */
export interface ClientRun {
  /** Base URL without /v1. */
  readonly endpoint: string;
  /** Model id as the service serves it. */
  readonly model: string;
  /** Folder of the tokenizer. */
  readonly tokenizer: string | null;
  /** Name of a data set the client knows, or {@link ownPrompts}. */
  readonly dataset: string;
  /** File of prompts where the data set is one. */
  readonly datasetPath: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number;
  /** Requests in flight at most; null in an open loop. */
  readonly parallel: number | null;
  /** Requests per second; null as fast as `parallel` allows. */
  readonly rate: number | null;
  readonly number: number;
  /** Requests before the window, to be sent by the client itself; 0 when it cannot. */
  readonly warmup: number;
  readonly stream: boolean;
  readonly temperature: number;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly seed: number | null;
  readonly ignoreEos: boolean;
  readonly durationS: number | null;
  /** Prompts of earlier passes to be passed over. */
  readonly offset: number;
  /** Absolute folder for its output files. */
  readonly out: string;
}

/** How a client makes a pass. */
export interface ClientCommand {
  readonly program: 'evalscope' | 'vllm' | 'python3' | 'ais_bench';
  readonly args: readonly string[];
}

/** What a client of one version can do. */
export interface ClientAbilities {
  /** It sends warm-up requests itself, outside of its numbers; else a discarded run goes before. */
  readonly warmup: boolean;
  /** It can send by a schedule of arrivals, without a limit of requests in flight. */
  readonly openLoop: boolean;
  /** It can end by time. */
  readonly duration: boolean;
  /** Each pass can be given prompts the service has not seen. */
  readonly freshPrompts: boolean;
}

/** Numbers of a version, `1.10.0` as [1, 10, 0]; null when the text has none. */
export function versionOf(text: string): readonly [number, number, number] | null {
  const m = /(?:^|[^\d.])v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?/.exec(text);
  return m === null ? null : [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)];
}

/** Whether a version is at least another; an unknown one is the oldest. */
export function atLeast(version: string | null, wanted: string): boolean {
  const [have, need] = [version === null ? null : versionOf(version), versionOf(wanted)];
  if (have === null || need === null) return false;
  for (let i = 0; i < 3; i += 1) {
    const d = (have[i] ?? 0) - (need[i] ?? 0);
    if (d !== 0) return d > 0;
  }
  return true;
}

/** `--name value` pairs; a null value leaves the flag out. */
export function pairs(list: readonly (readonly [string, string | number | null])[]): string[] {
  return list.flatMap(([name, value]) => (value === null ? [] : [name, String(value)]));
}

const bar = /([A-Za-z][\w ]{0,40}(?:\[[\w.]{1,80}\])?)?:?\s*\d{1,3}%\|[^|]{0,300}\|\s*(\d+)\/(\d+)/g;

/** The newest progress bar (tqdm) in a piece of output: its name, done and total. Text of another program: for people only. */
export function lastBar(text: string): { readonly name: string; readonly done: number; readonly total: number } | null {
  let found: { name: string; done: number; total: number } | null = null;
  for (const m of text.matchAll(bar)) found = { name: (m[1] ?? '').trim(), done: Number(m[2]), total: Number(m[3]) };
  return found;
}
