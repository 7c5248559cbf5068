import type { AicMetrics, CaptureConfig } from './capture.js';

/** Command line of the simulated msprof: the flags and refusals of the real one (CANN runtime, src/dfx/msprof/collector/dvvp). */

const onOff = ['on', 'off'] as const;
const metrics = ['PipeUtilization', 'ArithmeticUtilization', 'Memory', 'MemoryL0', 'MemoryUB', 'ResourceConflictRatio', 'L2Cache', 'MemoryAccess'] as const satisfies readonly AicMetrics[];

/** Values a flag may have; null: any text. What is not here is refused. */
const flags: Readonly<Record<string, readonly string[] | null>> = {
  output: null,
  type: ['text', 'db'],
  dynamic: onOff,
  pid: null,
  application: null,
  ascendcl: onOff,
  'model-execution': onOff,
  'runtime-api': onOff,
  hccl: onOff,
  'task-time': ['on', 'off', 'l0', 'l1', 'l2', 'l3'],
  'task-memory': onOff,
  'ge-api': ['off', 'l0', 'l1'],
  aicpu: onOff,
  'ai-core': onOff,
  'aic-mode': ['task-based', 'sample-based'],
  'aic-freq': null,
  'aic-metrics': metrics,
  'sys-hardware-mem': onOff,
  'sys-hardware-mem-freq': null,
  l2: onOff,
  'sys-io-profiling': onOff,
  'sys-interconnection-profiling': onOff,
  'host-sys': null,
  'storage-limit': null,
  msproftx: onOff,
  'mstx-domain-include': null,
  'mstx-domain-exclude': null,
  delay: null,
  duration: null,
  environment: null,
  'python-path': null,
  parse: onOff,
  export: onOff,
  query: onOff,
  analyze: onOff,
  rule: null,
  clear: onOff,
  reports: null,
  'model-id': null,
  'iteration-id': null,
  'summary-format': ['csv', 'json'],
};

export const usage = `Usage:
      ./msprof [--options]

Options:
${Object.entries(flags)
  .map(([name, values]) => `      --${name.padEnd(32)}${values === null ? '<value>' : values.join(' or ')}`)
  .join('\n')}
      --help                            Show this help message.
`;

export type Options = ReadonlyMap<string, string>;
export type Parsed = { readonly ok: true; readonly options: Options; readonly app: readonly string[] } | { readonly ok: false; readonly message: string };

/** `--name=value` and `--name value`; what follows the first other word is the application. */
export function parseOptions(argv: readonly string[]): Parsed {
  const options = new Map<string, string>();
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-')) return { ok: true, options, app: argv.slice(i) };
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(word);
    const name = match?.[1] ?? '';
    if (name === 'help' || word === '-h') return { ok: true, options: new Map([['help', '']]), app: [] };
    const allowed = flags[name];
    if (allowed === undefined) return { ok: false, message: `msprof: unrecognized option '${word.split('=')[0] ?? word}'\n${usage}` };
    let value = match?.[2];
    if (value === undefined) {
      i += 1;
      value = argv[i];
    }
    if (value === undefined || value === '') return { ok: false, message: `[ERROR] Argument --${name}: expected one argument\n` };
    if (allowed !== null && !allowed.includes(value)) return { ok: false, message: `[ERROR] Argument --${name}: invalid value: ${value}. Please input in the range of '${allowed.join('|')}'.\n` };
    options.set(name, value);
  }
  return { ok: true, options, app: [] };
}

const isMetrics = (text: string): text is AicMetrics => metrics.some((m) => m === text);

/** What a capture collects under these flags. */
export function captureConfig(options: Options): { readonly level: CaptureConfig['level']; readonly aicMetrics: AicMetrics | null; readonly flags: Record<string, string> } {
  const time = options.get('task-time') ?? 'on';
  const level = time === 'l0' || time === 'off' ? 'l0' : time === 'l2' || time === 'l3' ? 'l2' : 'l1';
  const core = options.get('ai-core') ?? (level === 'l0' ? 'off' : 'on');
  const asked = options.get('aic-metrics') ?? 'PipeUtilization';
  const aicMetrics = core === 'on' && level !== 'l0' && isMetrics(asked) ? asked : null;
  return { level, aicMetrics, flags: { ascendcl: 'on', ...Object.fromEntries([...options].filter(([name]) => !['output', 'pid', 'dynamic'].includes(name))) } };
}

/** Pids of `--pid`, or why there are none. */
export function pidsOf(options: Options): { readonly pids: readonly number[] } | { readonly message: string } {
  const pids: number[] = [];
  for (const word of (options.get('pid') ?? '').split(',').map((w) => w.trim()).filter((w) => w !== '')) {
    if (!/^\d{1,9}$/.test(word)) return { message: `[ERROR] Argument --pid: invalid non-numeric pid value: ${word}, stop profiling.\n` };
    if (!pids.includes(Number(word))) pids.push(Number(word));
  }
  return pids.length === 0 ? { message: '[ERROR] no valid pid values, stop profiling.\n' } : { pids };
}
