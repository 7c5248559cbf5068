import { decimalNumber, healthWord, linesOf, meaningful, wholeNumber, type ListedProcess, type Pair } from './text.js';

/** One chip of the `npu-smi info` table; on A3 a chip is one die. */
export interface InfoChip {
  readonly npu: number;
  chip: number | null;
  phy: number | null;
  logic: number | null;
  readonly name: string | null;
  bus: string | null;
  /** Null for NA. */
  readonly health: string | null;
  readonly powerW: number | null;
  readonly tempC: number | null;
  aicorePct: number | null;
  npuUtilPct: number | null;
  /** MB; the `Memory-Usage` column. */
  memory: Pair | null;
  /** MB; the `HBM-Usage` column. */
  hbm: Pair | null;
}

export type InfoLayout = '910' | 'a3' | 'ddr' | '950';

export interface InfoTable {
  readonly npuSmiVersion: string | null;
  /** Null when neither header nor rows tell. */
  readonly layout: InfoLayout | null;
  readonly chips: readonly InfoChip[];
  /** True when the head of the process table was printed. */
  readonly hasProcessTable: boolean;
  readonly processes: readonly ListedProcess[];
  /** NPUs the tool calls free of processes. */
  readonly freeNpus: readonly number[];
}

interface Head {
  npuId: boolean;
  memoryInFirstRow: boolean;
  second: { phy: boolean; device: boolean; chip: boolean; util: boolean; hbm: boolean; memory: boolean } | null;
}

const busId = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$/i;

/** Words of a row; `used / total` becomes one word. */
function words(line: string): string[] {
  return line
    .replace(/(\d+)\s*\/\s*(\d+)/g, '$1/$2')
    .replaceAll('|', ' ')
    .split(/\s+/)
    .filter((w) => w !== '');
}

function pairOf(word: string | undefined): Pair | null {
  const match = /^(\d+)\/(\d+)$/.exec(word ?? '');
  return match === null ? null : { used: Number(match[1]), total: Number(match[2]) };
}

/** First row of a chip: NPU, name, health, power, temperature, hugepages (or memory where the head says so). */
function firstRow(row: readonly string[], head: Head): InfoChip | null {
  const npu = wholeNumber(row[0]);
  if (npu === null) return null;
  const at = row.findIndex((w, i) => i >= 2 && i <= 4 && (healthWord(w) !== null || /^na$/i.test(w)));
  const name = row.slice(1, at).join(' ');
  if (at < 0 || !/[a-z]/i.test(name)) return null;
  const rest = row.slice(at + 1);
  const pairs = rest.map(pairOf).filter((p) => p !== null);
  return {
    npu,
    chip: null,
    phy: null,
    logic: null,
    name: meaningful(name),
    bus: null,
    health: healthWord(row[at]),
    powerW: decimalNumber(rest[0]),
    tempC: decimalNumber(rest[1]),
    aicorePct: null,
    npuUtilPct: null,
    memory: head.memoryInFirstRow ? (pairs[0] ?? null) : null,
    hbm: null,
  };
}

/** Second row of a chip: chip, physical or device id, bus, utilisation, memory. Returns false when it is not one. */
function secondRow(row: readonly string[], chip: InfoChip, head: Head): boolean {
  let at = row.findIndex((w) => busId.test(w));
  if (at < 0) at = row.findIndex((w, i) => i <= 2 && /^na$/i.test(w));
  if (at < 0 || at > 2 || row.slice(0, at).some((w) => wholeNumber(w) === null)) return false;
  const ids = row.slice(0, at).map((w) => wholeNumber(w));
  const rest = row.slice(at + 1);
  const pairs = rest.map(pairOf).filter((p) => p !== null);
  const second = head.second;
  chip.bus = meaningful(row[at]);
  if (ids.length === 1 && second !== null && second.device && !second.chip) chip.logic = ids[0] ?? null;
  else chip.chip = ids[0] ?? null;
  if (ids.length === 2) {
    // Without a head: only the DDR layout prints one memory column, and there the second id is the device (logical) id.
    const device = second === null ? pairs.length === 1 : second.device && !second.phy;
    if (device) chip.logic = ids[1] ?? null;
    else chip.phy = ids[1] ?? null;
  }
  const load = decimalNumber(rest[0]);
  if (second?.util === true) chip.npuUtilPct = load;
  else chip.aicorePct = load;
  if (pairs.length >= 2) {
    chip.memory = pairs[0] ?? null;
    chip.hbm = pairs[1] ?? null;
  } else if (pairs.length === 1) {
    if (second?.hbm === true && !second.memory) chip.hbm = pairs[0] ?? null;
    else chip.memory = pairs[0] ?? null;
  }
  return true;
}

function processRow(line: string): ListedProcess | null {
  const cells = line.split('|').map((c) => c.trim());
  if (cells[0] === '') cells.shift();
  if (cells.at(-1) === '') cells.pop();
  if (cells.length < 4) {
    // Rows pasted without their inner bars: npu, chip, pid, name, memory.
    const row = words(line);
    const memory = wholeNumber(row.at(-1));
    const pid = wholeNumber(row[2]);
    if (pid === null || memory === null || row.length < 4) return null;
    return { npu: wholeNumber(row[0]), chip: wholeNumber(row[1]), pid, name: meaningful(row.slice(3, -1).join(' ')), memoryMb: memory, containerPid: null };
  }
  const [ids = '', pidText, name, memory, container] = cells;
  const pid = wholeNumber(pidText);
  const [npu, chip] = ids.split(/\s+/);
  if (pid === null || wholeNumber(npu) === null) return null;
  return { npu: wholeNumber(npu), chip: wholeNumber(chip), pid, name: meaningful(name), memoryMb: wholeNumber(memory), containerPid: wholeNumber(container) };
}

/**
 * Reads the table of `npu-smi info` in every layout known to us: A2 and 910A (`Chip`), A3 (`Chip Phy-ID`, `-` for the power of
 * the second die, the wide 26.x form), 310P (`Chip Device`, DDR only), 950 (`NPU ID | Name`, `NPU Util(%)`), without its head, cut
 * off anywhere, and behind a shell prompt. Memory in MB, power in W, temperature in °C.
 * @returns null when the text holds neither a chip row nor the process table.
 */
export function parseInfo(text: string): InfoTable | null {
  const head: Head = { npuId: false, memoryInFirstRow: false, second: null };
  const chips: InfoChip[] = [];
  const processes: ListedProcess[] = [];
  const freeNpus: number[] = [];
  let npuSmiVersion: string | null = null;
  let inProcesses = false;
  let open: InfoChip | null = null;
  for (const line of linesOf(text)) {
    const version = /\bnpu-smi\s+\S+\s+Version:\s*([^\s|]+)/i.exec(line);
    if (version !== null) {
      npuSmiVersion = meaningful(version[1]);
      continue;
    }
    // A row without its closing bar was cut: its last number may be half a number.
    const cut = line.trimStart().startsWith('|') && !line.endsWith('|');
    const free = /No running processes found in NPU\s+(\d+)/i.exec(line);
    if (free !== null) {
      inProcesses = true;
      if (!cut) freeNpus.push(Number(free[1]));
      continue;
    }
    if (!line.trimStart().startsWith('|')) continue;
    if (/Process id\b/i.test(line)) {
      inProcesses = true;
      continue;
    }
    if (inProcesses) {
      const found = cut ? null : processRow(line);
      if (found !== null) processes.push(found);
      continue;
    }
    if (/Power\(W\)/i.test(line) && /\bNPU\b/.test(line)) {
      head.npuId = /\bNPU ID\b/.test(line);
      head.memoryInFirstRow = /Memory-Usage/i.test(line);
      continue;
    }
    if (/Bus-Id/i.test(line)) {
      head.second = {
        phy: /Phy-ID/i.test(line),
        device: /\bDevice\b/.test(line),
        chip: /\bChip\b/.test(line),
        util: /NPU Util/i.test(line),
        hbm: /HBM-Usage/i.test(line),
        memory: /Memory-Usage/i.test(line),
      };
      continue;
    }
    if (cut) continue;
    const row = words(line);
    if (open !== null && secondRow(row, open, head)) {
      open = null;
      continue;
    }
    const chip = firstRow(row, head);
    if (chip !== null) {
      chips.push(chip);
      open = chip;
    }
  }
  if (chips.length === 0 && !inProcesses) return null;
  return { npuSmiVersion, layout: layoutOf(head, chips), chips, hasProcessTable: inProcesses, processes, freeNpus };
}

function layoutOf(head: Head, chips: readonly InfoChip[]): InfoLayout | null {
  if (head.npuId || head.second?.util === true) return '950';
  if (head.second?.phy === true || chips.some((c) => c.phy !== null)) return 'a3';
  if (head.second?.device === true || chips.some((c) => c.logic !== null)) return 'ddr';
  return chips.some((c) => c.hbm !== null) ? '910' : null;
}
