import { z } from 'zod';
import { foreign, ToolError } from '../contract/index.js';
import { limits } from './thresholds.js';

const whole = (least: number): z.ZodNumber => z.number().int().min(least).max(1e9);
const size = z.number().int().min(1).max(65_536);

/** What can be asked of one step, and varied by `what_if_json`. */
export const pointShape = {
  chip: z.string().min(1).max(200),
  tp: size,
  dp: size,
  ep: size,
  pp: size,
  dtype: z.enum(['bf16', 'fp16']),
  quant: z.string().min(1).max(40),
  batch: whole(1),
  input_tokens: whole(1),
  context_tokens: whole(0),
  num_speculative_tokens: z.number().int().min(0).max(64),
  acceptance_rate: z.number().min(0).max(1),
  draft_layers: z.number().int().min(0).max(64),
} as const;

/** One step of one deployment. Null: not given. */
export const pointSchema = z.object({
  phase: z.enum(['prefill', 'decode']),
  ...pointShape,
  chip: pointShape.chip.nullable(),
  dtype: pointShape.dtype.nullable(),
  quant: pointShape.quant.nullable(),
  /** Prefill: new prompt tokens per sequence. Decode: null. */
  input_tokens: pointShape.input_tokens.nullable(),
  /** Prefill: tokens in the cache before. Decode: tokens the first query sees, itself included. */
  acceptance_rate: pointShape.acceptance_rate.nullable(),
  draft_layers: pointShape.draft_layers.nullable(),
});
export type Point = z.output<typeof pointSchema>;

export const changeSchema = z.strictObject(pointShape).partial();
export type Change = z.output<typeof changeSchema>;
type Key = keyof typeof pointShape;
const keys = Object.keys(pointShape);
const isKey = (name: string): name is Key => Object.hasOwn(pointShape, name);

type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
export type PointArgs = Optional<{ [K in Key]: z.output<(typeof pointShape)[K]> }> & { readonly phase: 'prefill' | 'decode'; readonly batch: number };

/**
 * The step the arguments describe; decode takes `input_tokens` as its context when no context is given.
 * @throws ToolError E_ARG_MISSING without the length the phase needs, E_ARG_TYPE for a value outside its range
 */
export function pointOf(args: PointArgs): Point {
  const decode = args.phase === 'decode';
  const context = args.context_tokens ?? (decode ? args.input_tokens : 0);
  if (context === undefined) throw new ToolError('E_ARG_MISSING', 'decode needs context_tokens', 'give context_tokens: the tokens a query sees, itself included');
  if (decode && context < 1) throw new ToolError('E_ARG_TYPE', 'context_tokens is 0 in decode', 'a query sees at least itself: give context_tokens from 1');
  if (!decode && args.input_tokens === undefined) throw new ToolError('E_ARG_MISSING', 'prefill needs input_tokens', 'give input_tokens: the new prompt tokens of each sequence');
  const checked = pointSchema.safeParse({
    phase: args.phase,
    chip: args.chip ?? null,
    tp: args.tp ?? 1,
    dp: args.dp ?? 1,
    ep: args.ep ?? 1,
    pp: args.pp ?? 1,
    dtype: args.dtype ?? null,
    quant: args.quant ?? null,
    batch: args.batch,
    input_tokens: decode ? null : (args.input_tokens ?? null),
    context_tokens: context,
    num_speculative_tokens: args.num_speculative_tokens ?? 0,
    acceptance_rate: args.acceptance_rate ?? null,
    draft_layers: args.draft_layers ?? null,
  });
  if (!checked.success) throw new ToolError('E_ARG_TYPE', checked.error.issues.slice(0, 3).map((i) => `${foreign(i.path.join('.'), 40)}: ${foreign(i.message, 80)}`).join('; '), 'give whole numbers from 1 (counts of drafts, layers and cached tokens from 0), and an acceptance_rate from 0 to 1');
  return checked.data;
}

/** The step after a change. @throws ToolError E_ARG_CONFLICT for a change that means nothing in the phase */
export function changed(point: Point, change: Change): Point {
  if (point.phase === 'decode' && change.input_tokens !== undefined) throw new ToolError('E_ARG_CONFLICT', 'input_tokens is varied in decode, where only context_tokens counts', 'vary context_tokens, or ask for prefill');
  return pointSchema.parse({ ...point, ...change });
}

function oneChange(value: unknown): Change {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ToolError('E_ARG_TYPE', 'what_if_json holds a row that is no object', 'give {"batch":[1,4,16]}, or a list of objects such as [{"tp":8,"ep":8}]');
  const unknown = Object.keys(value).find((name) => !isKey(name));
  if (unknown !== undefined) throw new ToolError('E_ARG_UNKNOWN', `what_if_json varies ${foreign(unknown, 40)}`, `it may vary ${keys.join(', ')}`);
  const checked = changeSchema.safeParse(value);
  if (!checked.success) throw new ToolError('E_ARG_TYPE', `what_if_json: ${checked.error.issues.slice(0, 3).map((i) => `${foreign(i.path.join('.'), 40)}: ${foreign(i.message, 80)}`).join('; ')}`, 'give values as in the arguments of the same name');
  return checked.data;
}

/**
 * The rows of `what_if_json`: an object of lists gives one row per value, everything else as in the base; a list of objects gives one row per object.
 * @throws ToolError E_JSON_BROKEN, E_ARG_UNKNOWN, E_ARG_TYPE
 */
export function parseWhatIf(text: string | undefined): Change[] {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', 'what_if_json is not JSON', 'give {"batch":[1,4,16]}', { cause });
  }
  const list: unknown[] = Array.isArray(value) ? value : [];
  if (!Array.isArray(value)) {
    if (typeof value !== 'object' || value === null) throw new ToolError('E_ARG_TYPE', 'what_if_json is neither an object nor a list', 'give {"batch":[1,4,16]}');
    for (const [name, values] of Object.entries(value)) {
      const given: unknown[] = Array.isArray(values) ? values : [values];
      for (const one of given) list.push({ [name]: one });
    }
  }
  if (list.length > limits.whatIf.value) throw new ToolError('E_ARG_TYPE', `what_if_json has ${String(list.length)} rows, more than ${String(limits.whatIf.value)}`, 'ask for fewer values');
  return list.map(oneChange);
}
