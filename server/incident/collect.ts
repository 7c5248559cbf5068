import { join } from 'node:path';
import { redactArgv, ToolError } from '../contract/index.js';
import { fileSize, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import type { Evidence } from './evidence.js';
import type { LogFile } from './gather.js';
import { limits } from './thresholds.js';

export interface Collected {
  readonly texts: readonly { readonly name: string; readonly text: string }[];
  readonly files: readonly LogFile[];
  readonly commands: Evidence['commands'];
}

/** Read-only queries of this host; nothing else is run. */
const queries = [
  ['npu-smi', ['info']],
  ['npu-smi', ['info', '-l']],
] as const;
const systemFiles = ['/proc/meminfo', '/proc/loadavg', '/proc/mounts', '/usr/local/Ascend/driver/version.info'] as const;

/** Processes in uninterruptible sleep, with their kernel stacks where they can be read. */
async function stuckProcesses(host: Host): Promise<string> {
  const out: string[] = [];
  for (const pid of await host.systemList('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await host.systemText(`/proc/${pid}/stat`);
    if (stat === null || !/\) D /.test(stat)) continue;
    const wait = (await host.systemText(`/proc/${pid}/wchan`)) ?? '';
    const stack = (await host.systemText(`/proc/${pid}/stack`)) ?? '';
    out.push(`pid ${pid} state D wchan ${wait}`, stack);
  }
  return out.join('\n');
}

/** What collect will run and read, in words, before it does. */
export function plannedCommands(): string[] {
  return [...queries.map(([program, args]) => [program, ...args].join(' ')), ...systemFiles.map((f) => `read ${f}`), 'read /proc/*/stat of processes in state D, with their stacks', 'read the newest plogs below $HOME/ascend/log'];
}

/** State of this host, bounded in time and size. Every command and file is in `commands` with its outcome. */
export async function collect(host: Host, home: string | undefined, signal: AbortSignal): Promise<Collected> {
  const texts: { name: string; text: string }[] = [];
  const commands: Evidence['commands'] = [];
  const took = (command: string, name: string, text: string | null): void => {
    commands.push({ command, outcome: text === null ? 'missing' : 'ok', bytes: text === null ? 0 : Buffer.byteLength(text) });
    if (text !== null && text !== '') texts.push({ name, text });
  };
  for (const [program, args] of queries) {
    const command = redactArgv([program, ...args]).join(' ');
    try {
      const result = await host.run(program, [...args], { timeoutMs: limits.commandMs.value, maxBytes: limits.commandBytes.value, signal });
      const text = `${result.stdout}\n${result.stderr}`;
      commands.push({ command, outcome: result.exitCode === 0 ? 'ok' : 'failed', bytes: Buffer.byteLength(text) });
      texts.push({ name: command.replaceAll(' ', '_'), text });
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      commands.push({ command, outcome: error.code === 'E_PROGRAM_MISSING' ? 'missing' : 'refused', bytes: 0 });
    }
  }
  for (const path of systemFiles) took(`read ${path}`, path.slice(1).replaceAll('/', '_'), await host.systemText(path));
  took('read /proc/*/stat, wchan, stack of processes in state D', 'processes_d_state', await stuckProcesses(host));
  const files = home === undefined ? [] : await plogs(host, join(home, 'ascend', 'log'), commands);
  return { texts, files, commands };
}

async function plogs(host: Host, folder: string, commands: Evidence['commands']): Promise<LogFile[]> {
  let real: string;
  try {
    real = await host.admit(folder);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    commands.push({ command: 'read plogs below $HOME/ascend/log', outcome: error.code === 'E_PATH_OUTSIDE' ? 'refused' : 'missing', bytes: 0 });
    return [];
  }
  // Plog names end in their time, so the order of that part is the order of age.
  const time = (name: string): string => /_(\d{14,17})\.log/.exec(name)?.[1] ?? '';
  const names = (await walk(real)).sort((a, b) => (time(b) < time(a) ? -1 : 1)).slice(0, limits.collectFiles.value).sort();
  const files = names.map((name) => ({ real: join(real, name), shown: join(real, name) }));
  let bytes = 0;
  for (const f of files) bytes += Math.min(await fileSize(f.real), limits.collectTailBytes.value);
  commands.push({ command: 'read plogs below $HOME/ascend/log', outcome: 'ok', bytes });
  return files;
}
