import { ToolError } from './errors.js';

// An = at the start would be an expansion to some shells.
const plain = /^[A-Za-z0-9_./:,@%+-][A-Za-z0-9_./:,@%+=-]*$/;

/**
 * One argument as a POSIX shell reads it back, byte for byte. The only quoting in this project: for `ssh`, whose server hands one
 * string to the login shell, and for the command scripts people run again. Login shells that are not POSIX (csh, fish) are not served.
 * @throws ToolError E_ARG_TYPE for a NUL byte, which no argument can hold
 */
export function shellQuote(arg: string): string {
  if (arg.includes('\0')) throw new ToolError('E_ARG_TYPE', 'an argument with a NUL byte', 'leave the NUL byte out');
  return plain.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}

/** An argv list as one line for a POSIX shell. @throws ToolError E_ARG_TYPE for a NUL byte */
export function shellJoin(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ');
}
