import { linesOf, meaningful, wholeNumber, type ListedProcess } from '../../programs/npu-smi/text.js';

/** One block of `key : value` lines of `npu-smi info -t …`, for one chip, or for a whole NPU when `chip` is null. */
export interface KeyedRecord {
  readonly npu: number | null;
  readonly chip: number | null;
  /** By key in lower case, blanks collapsed, none before a parenthesis. */
  readonly fields: ReadonlyMap<string, string>;
  readonly processes: readonly ListedProcess[];
  /** True when `-t proc-mem` said there is no process. */
  readonly noProcess: boolean;
}

export interface Ids {
  readonly npu: number | null;
  readonly chip: number | null;
}

const processLine = /^Process id:\s*(\d+)\s+Process name:(.*?)\s*Process memory\(MB\):\s*(\d+)/i;

function keyOf(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/g, ' ').replace(/ \(/g, '(');
}

/**
 * Reads the output of `-t usages|proc-mem|board|health|common|memory|ecc|temp|power`, tab-indented or not.
 * The tool prints `NPU ID` first; `Chip ID` stands before the fields when one chip was asked (`-c`), after them when all were.
 * @param hint ids from the command line or the file name, used where the text has none
 */
export function parseKeyed(text: string, hint: Ids): KeyedRecord[] {
  const records: KeyedRecord[] = [];
  let npu = hint.npu;
  let chip = hint.chip;
  let fields = new Map<string, string>();
  let processes: ListedProcess[] = [];
  let noProcess = false;
  const close = (chipId: number | null): void => {
    if (fields.size > 0 || processes.length > 0 || noProcess) records.push({ npu, chip: chipId, fields, processes: processes.map((p) => ({ ...p, npu, chip: chipId })), noProcess });
    fields = new Map();
    processes = [];
    noProcess = false;
  };
  for (const raw of linesOf(text)) {
    const line = raw.trim();
    if (/^No process in device/i.test(line)) {
      noProcess = true;
      continue;
    }
    const process = processLine.exec(line);
    if (process !== null) {
      processes.push({ npu, chip, pid: Number(process[1]), name: meaningful(process[2]), memoryMb: Number(process[3]), containerPid: null });
      continue;
    }
    const match = /^([A-Za-z][^:=|]{0,60}?)\s*:\s*(.*)$/.exec(line);
    if (match === null) continue;
    const key = keyOf(match[1] ?? '');
    const value = (match[2] ?? '').trim();
    if (key === 'npu id') {
      close(chip);
      npu = wholeNumber(value);
      chip = hint.npu === npu ? hint.chip : null;
    } else if (key === 'chip id') {
      const id = wholeNumber(value);
      if (fields.size > 0 || processes.length > 0 || noProcess) {
        close(id);
        chip = null;
      } else chip = id;
    } else if (key !== 'chip count' && !fields.has(key)) fields.set(key, value);
  }
  close(chip);
  return records;
}

/** `npu-smi info -l`: how many NPUs, and their ids. Null when the text is not that. */
export function parseList(text: string): { total: number; npuIds: number[] } | null {
  let total: number | null = null;
  const npuIds: number[] = [];
  for (const line of linesOf(text)) {
    const count = /^\s*(?:Total|Card) Count\s*:\s*(\d+)/i.exec(line);
    const id = /^\s*NPU ID\s*:\s*(\d+)/i.exec(line);
    if (count !== null) total ??= Number(count[1]);
    if (id !== null) npuIds.push(Number(id[1]));
  }
  return total === null ? null : { total, npuIds };
}
