import { open } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { type Assembly } from './assembly.js';
import { readCsv } from './csv.js';
import { type CsvRow } from './csvRow.js';
import { type FoundFile } from './discover.js';
import { inside, numberOf } from './facts.js';
import { type CommSummaryRow } from './profile.js';
import { columnOf, report } from './text.js';

/** Device or rank of the old MindSpore profiler's file names: `aicore_intermediate_1_type.csv`. */
function numberInName(name: string): number {
  const match = /_(\d+)(?:_\w+)?\.(?:csv|txt)$/.exec(name);
  return match === null ? -1 : Number(match[1]);
}

async function table(assembly: Assembly, file: FoundFile, needed: readonly string[], each: (row: CsvRow, at: readonly number[]) => boolean): Promise<void> {
  let dropped = 0;
  const seen = { header: false };
  const stats = await readCsv(
    file.path,
    (names) => {
      const at = needed.map((name) => columnOf(names, name));
      if (at.some((c) => c < 0)) return null;
      seen.header = true;
      return (row) => {
        if (!each(row, at)) dropped++;
      };
    },
    assembly.signal,
  );
  if (!seen.header) throw new ToolError('E_CSV_BROKEN', `${foreign(file.path, 300)} has no header with ${needed.join(', ')}`, 'export the profile again; the first line names the columns');
  report(assembly, file, stats, dropped);
}

/** aicore_intermediate_N_type.csv: total ms and count per operator type, averaged over the steps. */
async function opTypes(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const device = assembly.device(capture, numberInName(file.name));
  await table(assembly, file, ['kernel_type', 'total_time', 'execution_frequency'], (row, [type = -1, total = -1, count = -1]) => {
    const [ms, n] = [row.number(total), row.number(count)];
    if (Number.isNaN(ms) || Number.isNaN(n) || n <= 0) return false;
    assembly.opStatistic.push({ device, opType: row.text(type), coreType: 'AI_CORE', count: n, totalUs: ms * 1000, avgUs: (ms * 1000) / n, maxUs: null });
    return true;
  });
}

/** output_op_compute_time_N.txt: `name  compute_time(ms)  stream`; used when the table by type is missing. */
async function opTimes(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const device = assembly.device(capture, numberInName(file.name));
  const totals = new Map<string, { count: number; us: number; max: number }>();
  const handle = await open(file.path, 'r');
  let rows = 0;
  for await (const line of handle.readLines()) {
    const match = /^(\S+?)\s+(\d[\d.e+-]*)\s+\d+\s*$/.exec(line);
    const ms = numberOf(match?.[2]);
    if (match?.[1] === undefined || ms === null || match[1] === 'total') continue;
    const type = (match[1].split('/').at(-1) ?? '').replace(/-op\d+$/, '');
    const sum = totals.get(type) ?? { count: 0, us: 0, max: 0 };
    totals.set(type, { count: sum.count + 1, us: sum.us + ms * 1000, max: Math.max(sum.max, ms * 1000) });
    rows++;
  }
  for (const [opType, sum] of totals) assembly.opStatistic.push({ device, opType, coreType: '', count: sum.count, totalUs: sum.us, avgUs: sum.us / sum.count, maxUs: sum.max });
  assembly.source(file.path, file.kind, rows, file.bytes);
}

/** ns of one unit of step_trace_raw: its counter runs at 100 MHz, as the hwts_frequency of info.json says. */
const tickNs = 10;

/** step_trace_raw_N_detail_time.csv: steps in ticks of the device clock. */
async function steps(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  assembly.device(capture, numberInName(file.name));
  await table(assembly, file, ['step_num', 'start_point', 'end_point'], (row, [step = -1, start = -1, end = -1]) => {
    const [from, to] = [row.number(start), row.number(end)];
    const name = row.text(step);
    // The last rows are averages and have no step number.
    if (!/^\d+$/.test(name)) return true;
    if (Number.isNaN(from) || Number.isNaN(to)) return false;
    const us = Math.floor((from * tickNs) / 1000);
    const startNs = assembly.clock.offset(us, from * tickNs - us * 1000);
    assembly.markers.push({ name: `step ${name}`, startNs, endNs: startNs + (to - from) * tickNs, capture });
    return true;
  });
}

/** Transfers per transport; times ms, sizes kB of 1000 bytes. */
function linksOf(linkInfo: unknown): CommSummaryRow['links'] {
  const sums = new Map<string, { sizeMb: number; timeMs: number }>();
  for (const pair of Object.values(inside(linkInfo))) {
    for (const [transport, cells] of Object.entries(inside(pair))) {
      const list: unknown[] = Array.isArray(cells) ? cells : [];
      const [time, size] = [numberOf(list[0]), numberOf(list[1])];
      if (time === null || size === null) continue;
      const sum = sums.get(transport) ?? { sizeMb: 0, timeMs: 0 };
      sums.set(transport, { sizeMb: sum.sizeMb + size / 1000, timeMs: sum.timeMs + time });
    }
  }
  return [...sums].map(([transport, sum]) => ({ transport, ...sum, bandwidthGbps: sum.timeMs > 0 ? sum.sizeMb / sum.timeMs : NaN }));
}

/** hccl_raw_N.csv: per step, a JSON of operations with communication and waiting ms. */
async function collectives(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const device = assembly.device(capture, numberInName(file.name));
  await table(assembly, file, ['step_num', 'communication_operator_cost'], (row, [step = -1, cost = -1]) => {
    const name = row.text(step);
    if (!/^\d+$/.test(name)) return true;
    let ops: unknown;
    try {
      ops = JSON.parse(row.text(cost));
    } catch {
      return false;
    }
    for (const [op, cells] of Object.entries(inside(ops))) {
      const list: unknown[] = Array.isArray(cells) ? cells : [];
      assembly.commSummary.push({ device, step: name, op, group: '', elapseMs: null, transitMs: numberOf(list[1]), waitMs: numberOf(list[2]), syncMs: null, links: linksOf(list[3]) });
    }
    return true;
  });
}

/**
 * Files of the old MindSpore profiler: operator averages, steps, collectives. They hold no row per task.
 * @throws ToolError E_CSV_BROKEN, E_FILE_EMPTY
 */
export async function readLegacy(assembly: Assembly, capture: number, files: readonly FoundFile[]): Promise<void> {
  const of = (kind: FoundFile['kind']): FoundFile[] => files.filter((f) => f.kind === kind);
  if (!files.some((f) => f.kind.startsWith('ms-'))) return;
  assembly.note('legacy-mindspore', files.filter((f) => f.kind.startsWith('ms-')).map((f) => f.name).join(', '));
  for (const file of of('ms-op-types')) await opTypes(assembly, capture, file);
  if (of('ms-op-types').length === 0) for (const file of of('ms-op-times')) await opTimes(assembly, capture, file);
  for (const file of of('ms-steps')) await steps(assembly, capture, file);
  for (const file of of('ms-hccl')) await collectives(assembly, capture, file);
}
