import { dirname, join } from 'node:path';
import { redactArgv, ToolError } from '../contract/index.js';
import { readBytes } from '../host/bytes.js';
import { fileSize, linkTarget, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import type { ProgramName } from '../host/programs.js';
import { parseInfo } from '../programs/npu-smi/info.js';
import type { Evidence, HostState } from './evidence.js';
import type { LogFile } from './gather.js';
import { recentKernel } from './kernel.js';
import { livingPids, procTable } from './proc-table.js';
import { runEndpoints, watchServices } from './services.js';
import { limits } from './thresholds.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface CollectedText {
  readonly name: string;
  readonly text: string;
  /** Searched for signatures; a list of processes or variables is only kept. */
  readonly log: boolean;
}

export interface Collected {
  readonly texts: readonly CollectedText[];
  readonly files: readonly LogFile[];
  readonly commands: Evidence['commands'];
  readonly state: HostState;
}

const smiQueries = [['info'], ['info', '-l'], ['info', '-m'], ['info', '-t', 'topo']] as const;
/** Verbs of hccn_tool that only read (domain.md 1.3). */
const hccnVerbs = ['-link', '-net_health', '-link_stat', '-optical', '-ip'] as const;
/** Local file systems only: a dead network mount would hold df. */
const diskQuery = ['-Pl'] as const;
/** Of every level: Linux writes the stack of a task that hangs, and a segmentation fault, as information. */
const kernelQuery = ['-T'] as const;
const journalQuery = ['-k', '--no-pager', '-n', '20000', '--since', '-2d', '-o', 'short'] as const;
const kernelFiles = ['/var/log/kern.log', '/var/log/messages'] as const;
const systemFiles = [
  '/proc/meminfo', '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current', '/sys/fs/cgroup/memory.events', '/proc/loadavg', '/proc/mounts', '/proc/diskstats', '/proc/pressure/io', '/proc/pressure/memory',
  '/usr/local/Ascend/driver/version.info',
] as const;
/** The PID namespace of the host itself has this fixed inode (PROC_PID_INIT_INO of Linux). */
const hostNamespace = 'pid:[4026531836]';
const alarmed = /^(?:Alarm|Critical|Warning)$/i;

/** Everything that is asked of this host: made and listed first, carried out by {@link Collector.run}. Reads only; nothing else is ever run. */
export class Collector {
  readonly #host: Host;
  readonly #env: Environment;
  readonly #signal: AbortSignal;
  readonly #runDir: string | null;
  readonly #nodes: readonly number[];
  readonly #endpoints: readonly string[];
  readonly #commands: Evidence['commands'] = [];
  readonly #texts: CollectedText[] = [];
  readonly #hung = new Set<ProgramName>();

  private constructor(host: Host, env: Environment, runDir: string | null, nodes: readonly number[], endpoints: readonly string[], signal: AbortSignal) {
    this.#host = host;
    this.#env = env;
    this.#runDir = runDir;
    this.#nodes = nodes;
    this.#endpoints = endpoints;
    this.#signal = signal;
  }

  /** @param runDir folder of the run whose services' logs and counters are read; null: none */
  static async plan(host: Host, env: Environment, runDir: string | null, signal: AbortSignal): Promise<Collector> {
    const nodes = (await host.systemList('/dev')).flatMap((n) => /^davinci(\d+)$/.exec(n)?.[1] ?? []).map(Number).sort((a, b) => a - b);
    return new Collector(host, env, runDir, nodes, runDir === null ? [] : await runEndpoints(runDir), signal);
  }

  get #hccn(): string[][] {
    return this.#nodes.slice(0, limits.devices.value).flatMap((n) => hccnVerbs.map((verb) => ['-i', String(n), verb, '-g']));
  }

  /** What will be run and read, in words, in its order. */
  planned(): string[] {
    return [
      ...smiQueries.map((args) => ['npu-smi', ...args].join(' ')),
      'npu-smi info -t health -i N and -t ecc -i N of every card that is not OK',
      ...this.#hccn.map((args) => ['hccn_tool', ...args].join(' ')),
      ['dmesg', ...kernelQuery].join(' '),
      ['df', ...diskQuery].join(' '),
      ['journalctl', ...journalQuery].join(' '),
      ...kernelFiles.map((f) => `read the end of ${f}, when both are refused`),
      ...systemFiles.map((f) => `read ${f}`),
      'read names of ASCEND_* and HCCL_* variables, values redacted',
      'read /proc/*/stat and cmdline; wchan and stack of processes in state D',
      ...this.#endpoints.flatMap((e) => [`GET ${e}/health`, `GET ${e}/vars or /metrics`]),
      ...(this.#runDir === null ? [] : ["read logs of the run's services"]),
      'read the newest plogs',
    ];
  }

  /** State of this host, bounded in time and size. Every command and file stands in `commands` with its outcome. */
  async run(): Promise<Collected> {
    const before = await livingPids(this.#host);
    const info = await this.#npuSmi();
    for (const args of this.#hccn) await this.#program('hccn_tool', args, true);
    await this.#kernel();
    await this.#program('df', diskQuery, false);
    for (const path of systemFiles) this.#took(`read ${path}`, path.slice(1).replaceAll('/', '_'), await this.#host.systemText(path), false);
    const names = Object.keys(this.#env).filter((n) => /^(?:ASCEND|HCCL)_/.test(n)).sort();
    this.#took('read names of ASCEND_* and HCCL_* variables, values redacted', 'environment', names.map((n) => `${n}=[redacted]\n`).join(''), false);
    const processes = await procTable(this.#host, this.#signal);
    this.#took('read /proc/*/stat and cmdline', 'processes', processes.table, false);
    this.#took('read /proc/*/wchan and stack of processes in state D', 'processes_d_state', processes.stuck, true);
    const services = await watchServices(this.#endpoints, this.#signal, this.#commands);
    const files = [...(await this.#serviceLogs()), ...(await this.#plogs())];
    const alive = new Set([...before, ...processes.pids]);
    const sees = this.#host.simulated || (await linkTarget('/proc/self/ns/pid')) === hostNamespace;
    return { texts: this.#texts, files, commands: this.#commands, state: { sees_all_processes: sees, cards: cardsOf(info, alive), nodes: [...this.#nodes], stuck: processes.waiting, services } };
  }

  #took(command: string, name: string, text: string | null, log: boolean): void {
    this.#commands.push({ command, outcome: text === null ? 'missing' : 'ok', bytes: text === null ? 0 : Buffer.byteLength(text) });
    if (text !== null && text !== '') this.#texts.push({ name, text, log });
  }

  /** Output of a program and how it went; null when it did not run. One that did not end in time is not called again. */
  async #ask(program: ProgramName, args: readonly string[], maxBytes: number = limits.commandBytes.value): Promise<{ text: string; ok: boolean } | null> {
    const command = redactArgv([program, ...args]).join(' ');
    const note = (outcome: Evidence['commands'][number]['outcome'], bytes: number): void => void this.#commands.push({ command, outcome, bytes });
    if (this.#hung.has(program)) {
      note('refused', 0);
      return null;
    }
    try {
      const result = await this.#host.run(program, [...args], { timeoutMs: limits.commandMs.value, maxBytes, signal: this.#signal });
      this.#signal.throwIfAborted();
      if (result.timedOut) this.#hung.add(program);
      const text = [result.stdout, result.stderr].filter((t) => t !== '').join('\n');
      const refused = result.exitCode !== 0 && /not permitted|permission denied/i.test(result.stderr);
      note(refused ? 'refused' : result.exitCode === 0 ? 'ok' : 'failed', Buffer.byteLength(text));
      return { text, ok: result.exitCode === 0 };
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      note(error.code === 'E_PROGRAM_MISSING' ? 'missing' : 'refused', 0);
      return null;
    }
  }

  async #program(program: ProgramName, args: readonly string[], log: boolean): Promise<string | null> {
    const answer = await this.#ask(program, args);
    if (answer !== null && answer.text.trim() !== '') this.#texts.push({ name: [program, ...args].join('_'), text: answer.text, log });
    return answer?.text ?? null;
  }

  async #npuSmi(): Promise<string | null> {
    const [first, ...others] = smiQueries;
    const info = await this.#program('npu-smi', first, true);
    for (const args of others) await this.#program('npu-smi', args, true);
    const ill = new Set((parseInfo(info ?? '')?.chips ?? []).filter((c) => alarmed.test(c.health ?? '')).map((c) => c.npu));
    for (const npu of [...ill].slice(0, limits.devices.value)) for (const kind of ['health', 'ecc']) await this.#program('npu-smi', ['info', '-t', kind, '-i', String(npu)], true);
    return info;
  }

  /** Kernel messages of the last days: of dmesg, or where that is refused of the journal, or the end of the kernel's log file. */
  async #kernel(): Promise<void> {
    // The kernel of a simulated host is the stand-in beside its npu-smi, never the real one.
    if (this.#host.simulated && dirname((await this.#host.has('dmesg')) ?? '') !== dirname((await this.#host.has('npu-smi')) ?? '/')) {
      this.#commands.push({ command: ['dmesg', ...kernelQuery].join(' '), outcome: 'missing', bytes: 0 });
      return;
    }
    const answer = await this.#ask('dmesg', kernelQuery, limits.ringBytes.value);
    if (answer?.ok === true) {
      this.#texts.push({ name: 'dmesg.log', text: newest(recentKernel(answer.text, this.#host.now(), false)), log: true });
      return;
    }
    if (this.#host.simulated) return;
    const journal = await this.#ask('journalctl', journalQuery, limits.ringBytes.value);
    // `-- No entries --` is what a journal without kernel messages prints.
    if (journal?.ok === true && journal.text.split('\n').some((line) => line !== '' && !line.startsWith('-- '))) {
      this.#texts.push({ name: 'journal.log', text: newest(recentKernel(journal.text, this.#host.now(), true)), log: true });
      return;
    }
    for (const path of kernelFiles) {
      const size = await fileSize(path).catch(() => null);
      const bytes = size === null ? null : await readBytes(path, Math.max(0, size - limits.kernelBytes.value), limits.kernelBytes.value);
      const empty = bytes === null || bytes.length === 0;
      this.#commands.push({ command: `read the end of ${path}`, outcome: size === null ? 'missing' : empty && size > 0 ? 'refused' : 'ok', bytes: bytes?.length ?? 0 });
      if (bytes !== null && !empty) this.#texts.push({ name: path.slice(1).replaceAll('/', '_'), text: recentKernel(new TextDecoder().decode(bytes), this.#host.now(), true), log: true });
    }
  }

  async #serviceLogs(): Promise<LogFile[]> {
    if (this.#runDir === null) return [];
    const folder = join(this.#runDir, 'service');
    // The copy of a start repeats the log it was taken from.
    const names = (await walk(folder)).filter((n) => n.endsWith('.log') && !n.endsWith('.startup.log')).slice(-limits.collectFiles.value);
    const files = names.map((name) => ({ real: join(folder, name), shown: join(folder, name) }));
    this.#commands.push({ command: "read logs of the run's services", outcome: files.length === 0 ? 'missing' : 'ok', bytes: await tailBytes(files) });
    return files;
  }

  async #plogs(): Promise<LogFile[]> {
    const home = this.#env['HOME'];
    const told = this.#env['ASCEND_PROCESS_LOG_PATH'];
    const folder = told ?? (home === undefined ? null : join(home, 'ascend', 'log'));
    const command = `read plogs below ${told === undefined ? '$HOME/ascend/log' : '$ASCEND_PROCESS_LOG_PATH'}`;
    if (folder === null) return [];
    let real: string;
    try {
      real = await this.#host.admit(folder);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      this.#commands.push({ command, outcome: error.code === 'E_PATH_OUTSIDE' ? 'refused' : 'missing', bytes: 0 });
      return [];
    }
    // Plog names end in their time, so the order of that part is the order of age.
    const time = (name: string): string => /_(\d{14,17})\.log/.exec(name)?.[1] ?? '';
    const names = (await walk(real)).sort((a, b) => (time(b) < time(a) ? -1 : 1)).slice(0, limits.collectFiles.value).sort();
    const files = names.map((name) => ({ real: join(real, name), shown: join(real, name) }));
    this.#commands.push({ command, outcome: 'ok', bytes: await tailBytes(files) });
    return files;
  }
}

/** The end of a kernel log, whole lines. */
function newest(text: string): string {
  return text.length <= limits.kernelBytes.value ? text : text.slice(text.indexOf('\n', text.length - limits.kernelBytes.value) + 1);
}

async function tailBytes(files: readonly LogFile[]): Promise<number> {
  let bytes = 0;
  for (const f of files) bytes += Math.min(await fileSize(f.real).catch(() => 0), limits.collectTailBytes.value);
  return bytes;
}

function cardsOf(info: string | null, alive: ReadonlySet<number>): HostState['cards'] {
  const table = info === null ? null : parseInfo(info);
  if (table === null) return null;
  return table.chips.map((c) => {
    const memory = c.hbm !== null && c.hbm.total > 0 ? c.hbm : c.memory;
    const own = table.processes.filter((p) => p.npu === c.npu && (p.chip === null || c.chip === null || p.chip === c.chip));
    return { card: c.phy ?? c.logic ?? c.npu, used_mb: memory?.used ?? null, total_mb: memory?.total ?? null, listed: own.map((p) => ({ pid: p.pid, memory_mb: p.memoryMb, alive: alive.has(p.pid) || (p.containerPid !== null && alive.has(p.containerPid)) })) };
  });
}
