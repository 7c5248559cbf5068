import { foreign, ToolError } from '../contract/index.js';

/** A flag's value: text, a number, on, off, or null for the bare flag. */
export type FlagValue = string | number | boolean | null;
export type Flags = Readonly<Record<string, FlagValue>>;

/** Never a leading `-`: what is built from it can not become another option. */
const flagName = /^[a-z][a-z0-9_-]{0,80}$/;
/** Characters of one value; JSON values such as vLLM's compilation config are a few hundred. */
const maxValueLength = 4096;

/** One value of a flag. @throws ToolError E_ARG_TYPE */
function flagValue(name: string, value: unknown): FlagValue {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
  } else if (typeof value === 'string' && value.length <= maxValueLength && !/[\0\r\n]/.test(value)) return value;
  throw new ToolError('E_ARG_TYPE', `args_json.${name} is not a text of one line, a number, true, false or null`, 'give {"flag": value}; nested settings as JSON text, e.g. "{\\"a\\":1}"');
}

/**
 * The flags of `args_json`: `{flag: value | true | false | null}`, null being the bare flag. Names count as they are written.
 * @throws ToolError E_ARG_TYPE
 */
export function parseFlags(value: unknown): Flags {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ToolError('E_ARG_TYPE', 'args_json is not a JSON object', 'give {"flag": value}');
  const flags: Record<string, FlagValue> = {};
  for (const [name, v] of Object.entries(value)) {
    if (!flagName.test(name)) throw new ToolError('E_ARG_TYPE', `args_json has a name that no flag can have: ${foreign(name, 60)}`, 'flag names are lower-case letters, digits, _ and -, without leading dashes');
    flags[name] = flagValue(name, v);
  }
  return flags;
}

/** The same flag whichever of `_` and `-` it is written with. */
export function plainName(name: string): string {
  return name.replaceAll('-', '_');
}

/** The value of a flag under either spelling; undefined when it was not given. */
export function flagOf(flags: Flags, name: string): FlagValue | undefined {
  const wanted = plainName(name);
  for (const [key, value] of Object.entries(flags)) if (plainName(key) === wanted) return value;
  return undefined;
}

/** A whole number given for a flag, or `otherwise` when it was not given as one. */
export function countOf(flags: Flags, name: string, otherwise: number): number {
  const value = flagOf(flags, name);
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : otherwise;
}

/** On or off as given (`true`, `"true"`, `1`, bare), or `otherwise` when the flag was not given. */
export function switchOf(flags: Flags, name: string, otherwise: boolean): boolean {
  const value = flagOf(flags, name);
  if (value === undefined) return otherwise;
  if (value === null || value === true || value === 1) return true;
  return typeof value === 'string' && /^(?:true|t|yes|y|1)$/i.test(value);
}

/** Refuses flags the tool sets itself. @throws ToolError E_ARG_CONFLICT */
export function refuseOwned(flags: Flags, owned: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(flags)) {
    const instead = owned[plainName(name)];
    if (instead !== undefined) throw new ToolError('E_ARG_CONFLICT', `args_json.${name} is set by service_start itself`, instead);
  }
}
