import { appendFileSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * What the simulated processes leave on disk so that npu-smi can see them. An entry counts only while its process lives: same pid and same
 * start time. So HBM is released the moment a process ends, however it ends.
 */
const entry = z.object({
  pid: z.int(),
  start_ticks: z.int(),
  device: z.int(),
  name: z.string(),
  memory_mb: z.number(),
  /** Set while the process is stuck in a load that never ends. */
  stuck: z.string().optional(),
});
export type HeldMemory = z.infer<typeof entry>;

const load = z.object({ pid: z.int(), start_ticks: z.int(), until_ms: z.number(), aicore_pct: z.number() });

/** Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat); null when it is gone or dead and unreaped. */
export function startTicks(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19]);
  } catch {
    return null;
  }
}

function parse<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    const checked = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return checked.success ? checked.data : null;
  } catch {
    return null;
  }
}

/** Readers see the old file or the new one, never a part. */
function writeWhole(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(value));
  renameSync(temporary, path);
}

/** Memory held by living processes, by device then pid. Entries of ended processes are removed. */
export function heldMemory(stateDir: string): HeldMemory[] {
  const found: HeldMemory[] = [];
  for (const name of readdirSync(stateDir).filter((n) => /^proc-\d+-\d+\.json$/.test(n))) {
    const path = join(stateDir, name);
    const value = parse(path, entry);
    if (value !== null && startTicks(value.pid) === value.start_ticks) found.push(value);
    else rmSync(path, { force: true });
  }
  return found.sort((a, b) => a.device - b.device || a.pid - b.pid);
}

/** AICore load of a device in percent; 0 when nobody stepped lately. */
export function aicoreLoad(stateDir: string, device: number): number {
  const value = parse(join(stateDir, `load-${device}.json`), load);
  return value !== null && value.until_ms >= Date.now() && startTicks(value.pid) === value.start_ticks ? value.aicore_pct : 0;
}

/** Number of this service start on this host, from 1: gives each start its own noise, the same in every fresh state folder. */
export function nextStart(stateDir: string): number {
  const path = join(stateDir, 'starts');
  appendFileSync(path, '.');
  return statSync(path).size;
}

/** How long one heartbeat is believed. */
const beatMs = 1200;
/** How often one is written while steps run. */
const beatEveryMs = 300;

/** One process on one device. */
export class DeviceTenant {
  readonly device: number;
  readonly #stateDir: string;
  readonly #name: string;
  readonly #ticks = startTicks(process.pid) ?? 0;
  #heldMb = 0;
  #lastBeatMs = 0;

  constructor(stateDir: string, device: number, name: string) {
    this.#stateDir = stateDir;
    this.device = device;
    this.#name = name;
  }

  get #path(): string {
    return join(this.#stateDir, `proc-${process.pid}-${this.device}.json`);
  }

  /** Takes the device's memory up to `bytes` in total. */
  hold(bytes: number, stuck?: string): void {
    this.#heldMb = Math.ceil(bytes / (1024 * 1024));
    writeWhole(this.#path, { pid: process.pid, start_ticks: this.#ticks, device: this.device, name: this.#name, memory_mb: this.#heldMb, ...(stuck === undefined ? {} : { stuck }) });
  }

  /** Bytes that other processes hold on this device. */
  othersBytes(): number {
    return heldMemory(this.#stateDir).filter((h) => h.device === this.device && h.pid !== process.pid).reduce((sum, h) => sum + h.memory_mb * 1024 * 1024, 0);
  }

  /** Tells that the device is stepping. Writes at most a few times a second. */
  beat(aicorePct: number): void {
    const now = Date.now();
    if (now - this.#lastBeatMs < beatEveryMs) return;
    this.#lastBeatMs = now;
    writeWhole(join(this.#stateDir, `load-${this.device}.json`), { pid: process.pid, start_ticks: this.#ticks, until_ms: now + beatMs, aicore_pct: Math.round(aicorePct) });
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }
}
