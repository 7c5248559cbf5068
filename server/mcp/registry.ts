import { check, checkFacts, redactValue, ToolError, type ToolFailed, type ToolOk } from '../contract/index.js';
import type { Tool, ToolContext } from './define.js';
import { failureText, resultText } from './render.js';

/** Above this a client starts to cut results in the middle (Codex near 12 kB). */
const resultLimitBytes = 8000;

export type Answer = { readonly structured: ToolOk | ToolFailed; readonly text: string; readonly isError: boolean };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The lists inside a value with their places, longest in bytes first. */
function lists(value: unknown, at: string): { at: string; list: unknown[]; bytes: number }[] {
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return [{ at, list: items, bytes: JSON.stringify(items).length }, ...items.flatMap((v, i) => lists(v, `${at}[${i}]`))];
  }
  return isRecord(value) ? Object.entries(value).flatMap(([k, v]) => lists(v, at === '' ? k : `${at}.${k}`)) : [];
}

/** Cuts the longest lists until the result fits, and says how much was cut. */
function fit(result: ToolOk): ToolOk {
  const cut = new Map<string, { from: number; to: number }>();
  const copy = structuredClone(result);
  while (JSON.stringify(copy).length > resultLimitBytes - 80 * cut.size) {
    const candidates = [...lists(copy.facts, 'facts'), ...lists(copy.findings, 'findings'), ...lists(copy.artifacts, 'artifacts'), ...lists(copy.warnings, 'warnings')]
      .filter((l) => l.list.length > 1)
      .sort((a, b) => b.bytes / b.list.length - a.bytes / a.list.length || b.bytes - a.bytes)
      .sort((a, b) => b.bytes - a.bytes);
    const longest = candidates[0];
    if (longest === undefined) break;
    const from = cut.get(longest.at)?.from ?? longest.list.length;
    longest.list.length = Math.max(1, Math.floor(longest.list.length * 0.75));
    cut.set(longest.at, { from, to: longest.list.length });
  }
  for (const [at, { from, to }] of cut) copy.warnings.push({ code: 'W-CUT', detail: `${at} shows ${to} of ${from}; the artifact files hold all` });
  return copy;
}

export class Registry {
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #log: (line: string) => void;

  constructor(tools: readonly Tool[], log: (line: string) => void) {
    this.#tools = new Map(tools.map((t) => [t.name, t]));
    if (this.#tools.size !== tools.length) throw new Error('two tools share a name');
    this.#log = log;
  }

  list(): readonly Tool[] {
    return [...this.#tools.values()];
  }

  /** Never throws: what goes wrong is an answer with a code. */
  async call(name: string, args: unknown, ctx: ToolContext): Promise<Answer> {
    const tool = this.#tools.get(name);
    try {
      if (tool === undefined) throw new ToolError('E_TOOL_UNKNOWN', 'no tool of that name', `tools: ${[...this.#tools.keys()].join(', ')}`);
      const result = await tool.invoke(args, ctx);
      const structured = this.#checked(tool, fit(result));
      return { structured, text: resultText(structured, tool.text), isError: false };
    } catch (error) {
      const failed = this.#failed(error);
      return { structured: failed, text: failureText(failed), isError: true };
    }
  }

  #checked(tool: Tool, result: ToolOk): ToolOk {
    const clean = check('tool-result', redactValue(result));
    const problems = clean.ok ? checkFacts(tool.name, result.facts) : clean.problems;
    if (!tool.verdicts.includes(result.verdict)) problems.push(`verdict ${result.verdict} is not one of ${tool.verdicts.join(', ')}`);
    if (!clean.ok || !('verdict' in clean.value) || problems.length > 0) {
      this.#log(`${tool.name}: result breaks its schema: ${problems.join('; ')}`);
      throw new ToolError('E_RESULT_INVALID', `${tool.name} made a result that breaks its own schema`, 'report this as a defect of the server; stderr has the places');
    }
    return clean.value;
  }

  #failed(error: unknown): ToolFailed {
    const known = error instanceof ToolError ? error : new ToolError('E_INTERNAL', 'an error this server did not foresee', 'report this as a defect; stderr has the details');
    if (known !== error) this.#log(error instanceof Error ? (error.stack ?? error.message) : 'a value that is no error was thrown');
    const failed: unknown = redactValue({ error: known.failure() });
    const clean = check('tool-result', failed);
    return clean.ok && 'error' in clean.value ? clean.value : { error: known.failure() };
  }
}
