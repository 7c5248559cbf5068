import { z } from 'zod';
import type { Config } from '../config.js';
import { foreign, ToolError, type ToolOk } from '../contract/index.js';

/** What a tool's `run` gets besides its arguments. */
export interface ToolContext {
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Tells the client how far the work is; does nothing when it did not ask. */
  readonly progress: (message: string) => void;
}

/** All four hints, always: clients decide by them whether to ask the user. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

interface Definition<Shape extends z.ZodRawShape, Name extends string> {
  /** snake_case, without the server's name. */
  readonly name: Name;
  readonly title: string;
  /** What it answers and when to use it; part of the token budget. */
  readonly description: string;
  /** Flat zod fields. */
  readonly input: Shape;
  /** Schema of the facts. */
  readonly output: `tool-facts.schema.json#/$defs/${Name}`;
  /** The words `verdict` may be. */
  readonly verdicts: readonly string[];
  readonly annotations: ToolAnnotations;
  readonly run: (args: z.output<z.ZodObject<Shape>>, ctx: ToolContext) => Promise<ToolOk>;
  /** Markdown for the facts; by default every fact as lists and tables. */
  readonly text?: (result: ToolOk) => string;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly verdicts: readonly string[];
  readonly annotations: ToolAnnotations;
  readonly inputSchema: Record<string, unknown>;
  readonly text: ((result: ToolOk) => string) | undefined;
  /** Checks the arguments and runs. @throws ToolError */
  readonly invoke: (args: unknown, ctx: ToolContext) => Promise<ToolOk>;
}

/** A tool that only writes into the run root. */
export const writesRun: ToolAnnotations = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false };
/** A tool that changes nothing. */
export const readsOnly: ToolAnnotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };

/** `path` inputs take a string or a list of strings. */
export const pathInput = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(256)]);

export function pathList(path: string | readonly string[]): string[] {
  return typeof path === 'string' ? [path] : [...path];
}

/** The id of an existing run. */
export const runInput = z.string().min(1).max(80);

export function defineTool<Shape extends z.ZodRawShape, Name extends string>(definition: Definition<Shape, Name>): Tool {
  const schema = z.object(definition.input);
  const names = Object.keys(definition.input);
  const inputSchema: Record<string, unknown> = { ...z.toJSONSchema(schema, { io: 'input' }) };
  delete inputSchema['$schema'];
  inputSchema['additionalProperties'] = false;
  const required = new Set(Array.isArray(inputSchema['required']) ? inputSchema['required'] : []);
  const expected = names.map((n) => (required.has(n) ? n : `${n}?`)).join(', ');

  const parse = (args: unknown): z.output<z.ZodObject<Shape>> => {
    const given = args ?? {};
    if (typeof given !== 'object' || Array.isArray(given)) throw new ToolError('E_ARG_TYPE', `arguments of type ${Array.isArray(given) ? 'list' : typeof given}`, `give one object; expected names: ${expected}`);
    const unknown = Object.keys(given).filter((key) => !names.includes(key));
    if (unknown.length > 0) {
      const list = unknown.slice(0, 5).map((k) => foreign(k, 40)).join(', ');
      throw new ToolError('E_ARG_UNKNOWN', `${definition.name} has no argument ${list}`, `expected names: ${expected}`);
    }
    const result = schema.safeParse(given);
    if (result.success) return result.data;
    const issues = result.error.issues.map((issue) => ({ name: String(issue.path[0] ?? ''), message: issue.message }));
    const absent = issues.find((issue) => !Object.hasOwn(given, issue.name));
    if (absent !== undefined) throw new ToolError('E_ARG_MISSING', `${definition.name} needs ${absent.name}`, `expected names: ${expected}`);
    throw new ToolError('E_ARG_TYPE', issues.slice(0, 5).map((i) => `${i.name}: ${foreign(i.message, 120)}`).join('; '), `correct the named arguments; expected names: ${expected}`);
  };

  return {
    name: definition.name,
    title: definition.title,
    description: definition.description,
    verdicts: definition.verdicts,
    annotations: definition.annotations,
    inputSchema,
    text: definition.text,
    invoke: async (args, ctx) => definition.run(parse(args), ctx),
  };
}

/** A copy-ready task in one or two languages, served as an MCP prompt. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
  /** The text with its arguments filled in. @throws ToolError E_ARG_MISSING, E_ARG_UNKNOWN, E_ARG_TYPE */
  readonly render: (given: Readonly<Record<string, string>>) => string;
}

export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
}

/** What the server offers beside tools; nothing rests on it, for not every client reads it. */
export interface Offers {
  readonly prompts: () => Promise<readonly Prompt[]>;
  readonly resources: () => Promise<readonly Resource[]>;
  readonly templates: readonly { readonly uriTemplate: string; readonly name: string; readonly description: string }[];
  /** Text of a resource. @throws ToolError E_PATH_*, E_RUN_* */
  readonly read: (uri: string) => Promise<{ readonly mimeType: string; readonly text: string }>;
}
