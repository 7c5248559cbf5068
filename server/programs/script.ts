import { shellJoin, shellQuote } from '../contract/index.js';

export interface ScriptParts {
  /** In words: which rank of which service. */
  readonly title: string;
  readonly argv: readonly string[];
  /** The whole environment; nothing else is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** command_rank_N.sh: starts this rank again with exactly its arguments, environment and folder, in any POSIX shell. */
export function commandScript(parts: ScriptParts): string {
  const env = Object.entries(parts.env)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `  ${shellQuote(`${name}=${value}`)} \\`);
  return [
    '#!/bin/sh',
    `# ${parts.title.replace(/[\r\n]+/g, ' ')}`,
    '# Values of secret-looking names are written as [redacted]; put them in before running this.',
    `cd ${shellQuote(parts.cwd)} || exit 1`,
    'exec env -i \\',
    ...env,
    `  ${shellJoin(parts.argv)}`,
    '',
  ].join('\n');
}
