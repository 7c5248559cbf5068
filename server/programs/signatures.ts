import { check, ToolError, type SchemaTypes } from '../contract/index.js';

export type SignatureEntry = SchemaTypes['signature'];
export interface Signature extends SignatureEntry {
  /** Place in the catalogue: of several matches of one line the first root wins, else the first. */
  readonly order: number;
  readonly test: (line: string) => boolean;
}
export interface Catalogue {
  readonly signatures: readonly Signature[];
  readonly byId: ReadonlyMap<string, Signature>;
  readonly harmless: RegExp;
}

/** The order of the files is the order of priority: specific before general. */
const files = ['host', 'device', 'memory', 'aicore', 'graph', 'hccl', 'framework', 'build', 'runtime'];

/** Regexes of an entry: its own, its codes where a line calls them a code or result, its CANN codes where they head a block. */
function patterns(entry: SignatureEntry): RegExp[] {
  const made: RegExp[] = [];
  if (entry.cann !== undefined) made.push(new RegExp(`(?<![A-Za-z0-9])(?:${entry.cann.join('|')})(?:[:)\\[]|\\s*\\()`));
  if (entry.codes !== undefined) made.push(new RegExp(`(?:[Cc]ode|[Rr]esult|[Rr]et\\w{0,6}|[Ff]ailed|[Ee]rror|[Nn]o\\.?)(?: is)?[\\s:=\\[('"]{0,4}(?:${entry.codes.join('|')})(?!\\d)`));
  if (entry.regex !== undefined) made.push(new RegExp(entry.regex));
  return made;
}

/**
 * The lines of failures that every room knows, compiled. An entry needs a regex, codes or cann to match anything. Pure.
 * @param lists the YAML of server/incident/catalogue by file, as the build packs it @throws ToolError E_INTERNAL when an entry breaks its schema
 */
export function compileSignatures(lists: Readonly<Record<string, readonly unknown[]>>): Catalogue {
  const signatures: Signature[] = [];
  for (const name of files) {
    for (const value of lists[name] ?? []) {
      const checked = check('signature', value);
      if (!checked.ok) throw new ToolError('E_INTERNAL', `an entry of ${name}.yaml breaks its schema: ${checked.problems.slice(0, 3).join('; ')}`, 'correct the entry');
      const made = patterns(checked.value);
      if (made.length === 0) throw new ToolError('E_INTERNAL', `the entry ${checked.value.id} has neither regex, codes nor cann`, 'correct the entry');
      signatures.push({ ...checked.value, order: signatures.length, test: (line) => made.some((p) => p.test(line)) });
    }
  }
  return { signatures, byId: new Map(signatures.map((s) => [s.id, s])), harmless: new RegExp((lists['harmless'] ?? []).map((h) => `(?:${String(h)})`).join('|')) };
}
