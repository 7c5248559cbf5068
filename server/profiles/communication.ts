import { type Assembly } from './assembly.js';
import { type FoundFile } from './discover.js';
import { inside, isFacts, numberOf, readFacts, type Facts } from './facts.js';
import { type CommSummaryRow } from './profile.js';
import { asNumber, asText, Database } from './sqlite.js';

type Link = CommSummaryRow['links'][number];

/** `hcom_allReduce__428_0_1@group` → operation and group. */
function splitName(name: string): { op: string; group: string } {
  const at = name.indexOf('@');
  return at < 0 ? { op: name, group: '' } : { op: name.slice(0, at), group: name.slice(at + 1) };
}

function linksOf(bandwidth: Facts): Link[] {
  const links: Link[] = [];
  for (const [transport, cells] of Object.entries(bandwidth)) {
    const [sizeMb, timeMs, bandwidthGbps] = ['Transit Size(MB)', 'Transit Time(ms)', 'Bandwidth(GB/s)'].map((k) => numberOf(inside(cells)[k]));
    // A transport that was not used is written with zeros; it is no link.
    if (typeof sizeMb !== 'number' || typeof timeMs !== 'number' || (sizeMb === 0 && timeMs === 0)) continue;
    links.push({ transport, sizeMb, timeMs, bandwidthGbps: bandwidthGbps ?? NaN });
  }
  return links;
}

function push(assembly: Assembly, device: number, step: string, name: string, cells: unknown): boolean {
  const time = inside(cells, 'Communication Time Info');
  if (Object.keys(time).length === 0) return false;
  assembly.commSummary.push({
    device,
    step,
    ...splitName(name),
    elapseMs: numberOf(time['Elapse Time(ms)']),
    transitMs: numberOf(time['Transit Time(ms)']),
    waitMs: numberOf(time['Wait Time(ms)']),
    syncMs: numberOf(time['Synchronization Time(ms)']),
    links: linksOf(inside(cells, 'Communication Bandwidth Info')),
  });
  return true;
}

/** communication.json (facts §2.6). `Total Op Info` sums the others and is left out. @throws ToolError E_JSON_BROKEN */
export async function readCommunicationJson(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const device = assembly.device(capture, file.device);
  let rows = 0;
  for (const [step, kinds] of Object.entries(await readFacts(file.path))) {
    for (const ops of Object.values(inside(kinds))) {
      for (const [name, cells] of Object.entries(inside(ops))) if (name !== 'Total Op Info' && push(assembly, device, step, name, cells)) rows++;
    }
  }
  assembly.source(file.path, file.kind, rows, file.bytes);
}

/**
 * cluster_communication.json: by group of ranks, or by p2p and collective, then step, operation and rank; device ids are the ranks.
 * @throws ToolError E_JSON_BROKEN
 */
export async function readClusterCommunication(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  let rows = 0;
  for (const steps of Object.values(await readFacts(file.path))) {
    for (const [step, ops] of Object.entries(inside(steps))) {
      for (const [name, ranks] of Object.entries(inside(ops))) {
        if (name === 'Total Op Info') continue;
        for (const [rankText, cells] of Object.entries(inside(ranks))) {
          const rank = numberOf(rankText);
          if (rank === null || !isFacts(cells)) continue;
          const device = assembly.device(capture, rank);
          assembly.describe(device, { rank });
          if (push(assembly, device, step, name, cells)) rows++;
        }
      }
    }
  }
  assembly.source(file.path, file.kind, rows, file.bytes);
}

/**
 * analysis.db and communication_analyzer.db: times per collective (ms) and steps (µs; facts §4.2). What it gave, so the text forms
 * of the same tables are not read twice. @throws ToolError E_DB_BROKEN, E_FILE_EMPTY
 */
export async function readAnalysisDb(assembly: Assembly, capture: number, file: FoundFile): Promise<{ communication: boolean; steps: boolean }> {
  const db = await Database.open(file.path);
  try {
    let rows = 0;
    const unnamed = assembly.device(capture, file.device);
    if (db.has('CommAnalyzerTime', 'hccl_op_name')) {
      const t = 'CommAnalyzerTime';
      const links = linksByOp(db);
      const col = (name: string): string => db.column(t, name);
      for (const row of db.each(`SELECT hccl_op_name, ${col('group_name')}, ${col('step')}, ${col('elapse_time')}, ${col('transit_time')}, ${col('wait_time')}, ${col('synchronization_time')} FROM ${t}`, assembly.signal)) {
        const [op, group, step] = [asText(row[0]), asText(row[1]), asText(row[2])];
        if (op === 'Total Op Info') continue;
        const ms = (at: number): number | null => numberOf(asNumber(row[at]));
        assembly.commSummary.push({ device: unnamed, step, op, group, elapseMs: ms(3), transitMs: ms(4), waitMs: ms(5), syncMs: ms(6), links: links.get(`${op}\u0000${group}\u0000${step}`) ?? [] });
        rows++;
      }
    }
    const communication = rows > 0;
    let steps = 0;
    if (db.has('StepTraceTime', 'computing')) {
      const t = 'StepTraceTime';
      const col = (name: string): string => db.column(t, name);
      for (const row of db.each(`SELECT ${col('deviceId')}, ${col('step')}, computing, ${col('communication_not_overlapped')}, ${col('overlapped')}, ${col('communication')}, ${col('free')} FROM ${t}`, assembly.signal)) {
        const id = asNumber(row[0]);
        const us = (at: number): number | null => numberOf(asNumber(row[at]));
        assembly.stepTrace.push({ device: id >= 0 ? assembly.device(capture, id) : unnamed, step: asText(row[1]), computingUs: us(2), communicationNotOverlappedUs: us(3), overlappedUs: us(4), communicationUs: us(5), freeUs: us(6) });
        steps++;
      }
    }
    assembly.source(file.path, file.kind, rows + steps, file.bytes);
    return { communication, steps: steps > 0 };
  } finally {
    db.close();
  }
}

/** CommAnalyzerBandwidth has a row per packet size; size, time and bandwidth repeat in each. */
function linksByOp(db: Database): Map<string, Link[]> {
  const found = new Map<string, Link[]>();
  const t = 'CommAnalyzerBandwidth';
  if (!db.has(t, 'hccl_op_name', 'transport_type', 'transit_size', 'transit_time')) return found;
  for (const row of db.each(`SELECT hccl_op_name, ${db.column(t, 'group_name')}, ${db.column(t, 'step')}, transport_type, transit_size, transit_time, ${db.column(t, 'bandwidth')} FROM ${t}`, undefined)) {
    const key = `${asText(row[0])}\u0000${asText(row[1])}\u0000${asText(row[2])}`;
    const links = found.get(key) ?? [];
    const link = { transport: asText(row[3]), sizeMb: asNumber(row[4]), timeMs: asNumber(row[5]), bandwidthGbps: asNumber(row[6]) };
    if ((link.sizeMb > 0 || link.timeMs > 0) && !links.some((l) => l.transport === link.transport)) links.push(link);
    found.set(key, links);
  }
  return found;
}
