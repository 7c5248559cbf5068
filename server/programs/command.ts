import { foreign, ToolError } from '../contract/index.js';
import { commonEnv, type Launch, type LaunchRequest } from './launch.js';
import type { PortNeed } from './ports.js';

/** Programs a free command may name; anything else is an absolute path the server may read. Shells are not among them. */
export const commandPrograms = ['xllm', 'vllm', 'python3'] as const;
export type CommandProgram = (typeof commandPrograms)[number];

const maxArguments = 400;
const maxLength = 8192;

/**
 * The argv of `framework: command`. A name must be one of {@link commandPrograms}; Python runs a module or a script, never code
 * from the arguments. @throws ToolError E_ARG_TYPE, E_PROGRAM_UNKNOWN
 */
export function parseCommand(value: unknown): string[] {
  const texts: unknown[] = Array.isArray(value) ? value : [];
  const argv = texts.filter((v): v is string => typeof v === 'string' && v.length <= maxLength && !/[\0\r\n]/.test(v));
  if (argv.length === 0 || argv.length !== texts.length || argv.length > maxArguments) throw new ToolError('E_ARG_TYPE', 'args_json of framework command is not a list of texts of one line', 'give the whole argv, e.g. ["/path/to/server","--port","8010"]');
  const program = argv[0] ?? '';
  if (!program.startsWith('/') && !isCommandProgram(program)) {
    throw new ToolError('E_PROGRAM_UNKNOWN', `${foreign(program, 80)} is not a program a service may be`, `give an absolute path inside an allowed folder, or one of ${commandPrograms.join(', ')}`);
  }
  if (/^(?:.*\/)?python[0-9.]*$/.test(program)) {
    const [first = '', second = ''] = argv.slice(1);
    const module = first === '-m' && /^[A-Za-z_][\w.]*$/.test(second);
    if (!module && !first.startsWith('/')) throw new ToolError('E_ARG_TYPE', 'python3 with something else than -m MODULE or the absolute path of a script', 'name the module with -m, or give the script inside an allowed folder');
  }
  return argv;
}

export function isCommandProgram(name: string): name is CommandProgram {
  return commandPrograms.some((p) => p === name);
}

/** One HTTP port: the command's own, where `--port` or `--port=` names it. */
export function commandPorts(argv: readonly string[], httpFirst: number | null): PortNeed {
  return { httpPorts: 1, httpFirst: httpFirst ?? namedPort(argv), masterWindow: 0, hccl: true };
}

function namedPort(argv: readonly string[]): number | null {
  const at = argv.indexOf('--port');
  const text = at >= 0 ? argv[at + 1] : argv.find((a) => a.startsWith('--port='))?.slice(7);
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : null;
}

/** One process, its argv exactly as given; the planned port is told by the variable PORT. */
export function commandLaunch(request: LaunchRequest): Launch {
  const port = request.ports.http[0];
  return {
    ranks: [{ rank: 0, devices: request.devices ?? [], port, argv: [request.program, ...request.argv.slice(1)] }],
    env: { ...commonEnv(request), PORT: String(port) },
    host: null,
    port,
    prefixCache: null,
  };
}
