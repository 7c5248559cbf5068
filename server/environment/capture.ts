import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { programPlaces } from '../host/programs.js';
import { parseInfo, type InfoTable } from '../programs/npu-smi/info.js';
import { captureName, simulatedName, type CaptureRecord } from './read/evidence.js';
import type { RawFile } from './read/pieces.js';
import { frameworkNames } from './read/versions.js';
import { limits } from './thresholds.js';

/** Version files of the driver, the firmware, CANN and the system, each with the name it is kept under. */
const versionFiles: readonly { keep: string; paths: readonly string[] }[] = [
  { keep: 'driver-version.info', paths: ['/usr/local/Ascend/driver/version.info'] },
  { keep: 'firmware-version.info', paths: ['/usr/local/Ascend/firmware/version.info'] },
  { keep: 'os-release', paths: ['/etc/os-release'] },
];
const arches = ['aarch64-linux', 'x86_64-linux'] as const;
const toolkit = 'ascend_toolkit_install.info';

/** The active CANN first (`ASCEND_HOME_PATH`), then the default places: `cann` since 8.5, `ascend-toolkit/latest` before. */
function toolkitPaths(env: Readonly<Record<string, string | undefined>>): string[] {
  const active = env['ASCEND_HOME_PATH'];
  const roots = [...(active?.startsWith('/') === true ? [active.replace(/\/+$/, '')] : []), '/usr/local/Ascend/cann', '/usr/local/Ascend/ascend-toolkit/latest'];
  return roots.flatMap((root) => arches.map((arch) => `${root}/${arch}/${toolkit}`));
}

const listPackages = `import importlib.metadata as m
for name in ${JSON.stringify(frameworkNames)}:
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass`;

/** One capture under way: files so far, how each command ended, and when it began. */
class Capture {
  readonly files: RawFile[] = [];
  readonly commands: CaptureRecord['commands'] = [];
  readonly notes: CaptureRecord['notes'] = [];
  readonly lookedFor: string[] = [];
  readonly #host: Host;
  readonly #signal: AbortSignal;
  readonly #startMs: number;

  constructor(host: Host, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    this.#startMs = Date.parse(host.now());
  }

  elapsedMs(): number {
    return Date.parse(this.#host.now()) - this.#startMs;
  }

  /** Time a command may take, so that the whole call ends in time; at least a moment, so that it is tried at all. */
  #timeout(wishedMs: number): number {
    return Math.max(limits.sampleGapMs, Math.min(wishedMs, limits.callMs - this.elapsedMs()));
  }

  keep(name: string, text: string): void {
    this.files.push({ name, text });
  }

  /** Runs npu-smi and keeps what it printed, on both streams. Gives stdout, or null when it could not be run. */
  async npuSmi(name: string, args: readonly string[], timeoutMs: number): Promise<string | null> {
    const file = `${name}.txt`;
    try {
      const result = await this.#host.run('npu-smi', ['info', ...args], { timeoutMs: this.#timeout(timeoutMs), signal: this.#signal });
      this.commands.push({ file, exit_code: result.exitCode, timed_out: result.timedOut, missing: false });
      this.keep(file, result.stdout);
      if (result.stderr.trim() !== '') this.keep(`${name}.stderr.txt`, result.stderr);
      return result.stdout;
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== 'E_PROGRAM_MISSING') throw error;
      this.commands.push({ file, exit_code: null, timed_out: false, missing: true });
      return null;
    }
  }

  async versions(env: Readonly<Record<string, string | undefined>>): Promise<void> {
    for (const { keep, paths } of [...versionFiles, { keep: toolkit, paths: toolkitPaths(env) }]) {
      let text: string | null = null;
      for (const path of paths) {
        if (text !== null) break;
        text = await this.#host.systemText(path);
        this.lookedFor.push(`${path}: ${text === null ? 'absent' : 'found'}`);
      }
      if (text !== null) this.keep(keep, text);
    }
  }

  async packages(): Promise<void> {
    try {
      const result = await this.#host.run('python3', ['-c', listPackages], { timeoutMs: this.#timeout(limits.pythonTimeoutMs), signal: this.#signal });
      this.lookedFor.push(`python3 in PATH: ${result.exitCode === 0 ? 'found' : 'found, did not answer'}`);
      if (result.exitCode === 0) this.keep('pip-list.txt', result.stdout);
    } catch (error) {
      if (!(error instanceof ToolError) || error.code !== 'E_PROGRAM_MISSING') throw error;
      this.lookedFor.push('python3 in PATH: absent');
    }
  }

  /** Device files show whether a driver is loaded where npu-smi does not answer. */
  async deviceFiles(): Promise<void> {
    const nodes = (await this.#host.systemList('/dev')).filter((n) => /^davinci(?:\d+|_manager)$/.test(n));
    this.lookedFor.push(`/dev/davinci*, /dev/davinci_manager: ${nodes.length === 0 ? 'absent' : `${nodes.length} found`}`);
  }

  /** pid, parent and name of every process, so that workers of a recorded service are recognised as its children. */
  async processes(): Promise<void> {
    const rows: string[] = ['PID PPID COMMAND'];
    for (const name of await this.#host.systemList('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = await this.#host.systemText(`/proc/${name}/stat`);
      const match = stat === null ? null : /^(\d+) \(([\s\S]*)\) \S (\d+) /.exec(stat);
      if (match !== null) rows.push(`${match[1] ?? ''} ${match[3] ?? ''} ${(match[2] ?? '').replace(/\s+/g, '_')}`);
    }
    if (rows.length > 1) this.keep('processes.txt', `${rows.join('\n')}\n`);
  }

  /** The `-t` queries: identity first, then load and faults, until the deadline. */
  async details(table: InfoTable | null, npus: readonly number[]): Promise<void> {
    const byChip = table?.layout !== '950';
    const queries: { kind: string; npu: number | null; chip: number | null }[] = [];
    for (const npu of npus.slice(0, 1)) queries.push({ kind: 'board', npu, chip: null });
    if (byChip) for (const npu of npus) queries.push({ kind: 'board', npu, chip: 0 });
    else for (const npu of npus.slice(1)) queries.push({ kind: 'board', npu, chip: null });
    for (const c of table?.chips ?? []) if (c.health !== null && c.health !== 'OK') queries.push({ kind: 'health', npu: c.npu, chip: byChip ? (c.chip ?? 0) : null });
    for (const kind of ['usages', 'proc-mem', 'ecc']) for (const npu of npus) queries.push({ kind, npu, chip: null });
    queries.push({ kind: 'topo', npu: null, chip: null });
    let skipped = 0;
    for (const { kind, npu, chip } of queries) {
      if (this.elapsedMs() > limits.detailDeadlineMs || this.#signal.aborted) {
        skipped += 1;
        continue;
      }
      const ids = [...(npu === null ? [] : ['-i', String(npu)]), ...(chip === null ? [] : ['-c', String(chip)])];
      await this.npuSmi(['npu-smi', kind, npu, chip].filter((p) => p !== null).join('.'), ['-t', kind, ...ids], limits.detailTimeoutMs);
    }
    if (skipped > 0) this.notes.push({ code: 'details-skipped', detail: `${skipped} of ${queries.length} queries were left out because time ran out` });
  }

  async samples(count: number): Promise<void> {
    for (let n = 2; n <= count; n += 1) {
      if (this.elapsedMs() > limits.sampleDeadlineMs || this.#signal.aborted) {
        this.notes.push({ code: 'samples-cut', detail: `${n - 1} of ${count} samples were taken because time ran out` });
        return;
      }
      await sleep(limits.sampleGapMs, undefined, { signal: this.#signal }).catch(() => undefined);
      await this.npuSmi(`sample-${n}/npu-smi.info`, [], limits.infoTimeoutMs);
    }
  }
}

/**
 * Asks this host: npu-smi in all its views, version files, Python packages, the process tree. Every output is kept as it was
 * printed; how each command ended stands in `capture.json`. Never throws for what the host lacks.
 * @param samples times the chip table is read, one second apart
 */
export async function captureHost(host: Host, env: Readonly<Record<string, string | undefined>>, samples: number, signal: AbortSignal, progress: (message: string) => void): Promise<RawFile[]> {
  const capture = new Capture(host, signal);
  progress('asking npu-smi');
  const found = await host.has('npu-smi');
  for (const place of programPlaces('npu-smi')) capture.lookedFor.push(`${place}: ${found === null ? 'absent' : found === place ? 'found' : 'not used'}`);
  await capture.deviceFiles();
  const info = await capture.npuSmi('npu-smi.info', [], limits.infoTimeoutMs);
  const table = info === null ? null : parseInfo(info);
  if (info !== null && table !== null) {
    await capture.npuSmi('npu-smi.m', ['-m'], limits.detailTimeoutMs);
    await capture.npuSmi('npu-smi.l', ['-l'], limits.detailTimeoutMs);
    await capture.processes();
    progress('sampling utilisation');
    await capture.samples(samples);
    progress('asking for details');
    await capture.details(table, [...new Set(table.chips.map((c) => c.npu))]);
  }
  await capture.versions(env);
  await capture.packages();
  const record: CaptureRecord = { hostname: host.hostname, looked_for: capture.lookedFor, commands: capture.commands, notes: capture.notes };
  capture.keep(captureName, `${JSON.stringify(record, null, 2)}\n`);
  if (host.simulated) capture.keep(simulatedName, 'Captured from the simulated NPU host.\n');
  return capture.files;
}
