/** Command-line flags as gflags reads them, and xLLM's grouped help. */

/** Name, type, default, description. */
export type FlagRow = readonly [name: string, type: string, fallback: string, description: string];

export interface FlagGroup {
  readonly name: string;
  readonly flags: readonly FlagRow[];
}

export type ParsedFlags = { readonly ok: true; readonly flags: Flags } | { readonly ok: false; readonly errors: readonly string[] };

const trueWords = new Set(['1', 't', 'true', 'y', 'yes']);
const falseWords = new Set(['0', 'f', 'false', 'n', 'no']);

function valid(type: string, value: string): boolean {
  switch (type) {
    case 'bool':
      return trueWords.has(value.toLowerCase()) || falseWords.has(value.toLowerCase());
    case 'int32':
    case 'int64':
      return /^-?(?:\d+|0x[0-9a-fA-F]+)$/.test(value);
    case 'uint32':
    case 'uint64':
      return /^(?:\d+|0x[0-9a-fA-F]+)$/.test(value);
    case 'double':
      return value.trim() !== '' && Number.isFinite(Number(value));
    default:
      return true;
  }
}

/** Values of all flags; asking for a flag that does not exist is a defect of the simulator. */
export class Flags {
  readonly #rows: ReadonlyMap<string, FlagRow>;
  readonly #given = new Map<string, string>();

  constructor(rows: ReadonlyMap<string, FlagRow>) {
    this.#rows = rows;
  }

  set(name: string, value: string): void {
    this.#given.set(name, value);
  }

  isDefault(name: string): boolean {
    return !this.#given.has(name);
  }

  text(name: string): string {
    const row = this.#rows.get(name);
    if (row === undefined) throw new Error(`no flag ${name}`);
    return this.#given.get(name) ?? row[2];
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  bool(name: string): boolean {
    return trueWords.has(this.text(name).toLowerCase());
  }

  rows(): FlagRow[] {
    return [...this.#rows.values()];
  }

  /** Non-default values, as `--enable_dump_config_json` writes them. */
  given(): ReadonlyMap<string, string> {
    return this.#given;
  }
}

/**
 * `--name=value`, `--name value`, `-name`, `--bool`, `--nobool`; the last one wins; everything that is not a flag is left alone, `--` ends the flags.
 * Unknown flags are collected and reported together, as gflags does before it exits with 1.
 */
export function parseFlags(argv: readonly string[], groups: readonly FlagGroup[], quiet: readonly FlagRow[] = []): ParsedFlags {
  const rows = new Map<string, FlagRow>([...groups.flatMap((g) => g.flags), ...quiet].map((row) => [row[0], row]));
  const flags = new Flags(rows);
  const errors: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i] ?? '';
    if (argument === '--') break;
    const match = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(argument);
    if (match === null || !argument.startsWith('-') || argument === '-') continue;
    const name = (match[1] ?? '').replaceAll('-', '_');
    let row = rows.get(name);
    let value = match[2];
    if (row === undefined && name.startsWith('no') && value === undefined && rows.get(name.slice(2))?.[1] === 'bool') {
      row = rows.get(name.slice(2));
      value = 'false';
    }
    if (row === undefined) {
      errors.push(`ERROR: unknown command line flag '${match[1] ?? ''}'`);
      continue;
    }
    if (value === undefined) {
      if (row[1] === 'bool') value = 'true';
      else if (i + 1 < argv.length) {
        i += 1;
        value = argv[i] ?? '';
      } else {
        errors.push(`ERROR: flag '${row[0]}' is missing its argument; flag description: ${row[3]}`);
        continue;
      }
    }
    if (valid(row[1], value)) flags.set(row[0], value);
    else errors.push(`ERROR: illegal value '${value}' specified for ${row[1]} flag '${row[0]}'`);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, flags };
}

/** What `xllm --help` prints: the required flag, then every group. */
export function helpText(groups: readonly FlagGroup[]): string {
  const out = ['USAGE: xllm --model <PATH> [OPTIONS]', '', 'REQUIRED OPTIONS:', '  --model <PATH>: Path to the model directory. This is the only required flag.', '', 'HELP OPTIONS:', '  -h, --help: Display this help message and exit.', ''];
  for (const group of groups) {
    out.push(`${group.name}:`);
    for (const [name, , , description] of group.flags) out.push(description === '' ? `  --${name}` : `  --${name}: ${description}`);
    out.push('');
  }
  return `${out.join('\n')}\n`;
}

/** glog's own flags: accepted, not in xLLM's help. */
export const glogFlags: readonly FlagRow[] = [
  ['log_dir', 'string', '', ''],
  ['logtostderr', 'bool', 'false', ''],
  ['alsologtostderr', 'bool', 'true', ''],
  ['stderrthreshold', 'int32', '2', ''],
  ['minloglevel', 'int32', '0', ''],
  ['max_log_size', 'int32', '1800', ''],
  ['v', 'int32', '0', ''],
  ['vmodule', 'string', '', ''],
  ['flagfile', 'string', '', ''],
];
