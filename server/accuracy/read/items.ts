/** One judged item of an evaluation, its repeats together. */
export interface Item {
  /** `dataset/subset/index`, or the id a row gives. */
  readonly id: string;
  readonly dataset: string;
  readonly subset: string;
  readonly target: string | null;
  /** Last user message; null when the rows do not hold it. */
  readonly prompt: string | null;
  readonly answers: readonly ItemAnswer[];
}

export interface ItemAnswer {
  /** 0..1; null: not scored. */
  readonly score: number | null;
  readonly text: string | null;
  readonly extracted: string | null;
  readonly finish: 'stop' | 'length' | 'other' | null;
  readonly outputTokens: number | null;
}

/** One side of a comparison, as its files say. */
export interface Side {
  readonly format: 'evalscope' | 'rows';
  readonly items: readonly Item[];
  /** Settings that must be equal, by name; absent ones are not known. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the reports say: samples asked for, per dataset; null where they do not. */
  readonly requested: number | null;
  readonly simulated: boolean;
  readonly notes: readonly { readonly code: string; readonly detail: string }[];
  /** Absolute paths of what was read. */
  readonly sources: readonly string[];
}

/** Mean score of an item over its scored repeats; null when none is. */
export function scoreOf(item: Item): number | null {
  const scores = item.answers.map((a) => a.score).filter((s): s is number => s !== null);
  return scores.length === 0 ? null : scores.reduce((s, v) => s + v, 0) / scores.length;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text of a message: a string, or the text parts of a list. */
export function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const parts: unknown[] = content;
  return parts.map((p) => (isRecord(p) && typeof p['text'] === 'string' ? p['text'] : '')).join('');
}

export function finishOf(reason: unknown): ItemAnswer['finish'] {
  if (reason === 'stop' || reason === 'eos' || reason === 'end_turn') return 'stop';
  if (reason === 'length' || reason === 'max_tokens') return 'length';
  return typeof reason === 'string' && reason !== '' && reason !== 'unknown' ? 'other' : null;
}

export function numberOf(value: unknown): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
