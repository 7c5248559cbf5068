import type { SimCommOp, SimCommTask, SimProcess } from './capture.js';

/** Bytes, time and packets that went over one kind of link, all planes. MB are 1e6 bytes, as the exporters count them. */
export interface LinkSum {
  sizeMb: number;
  timeMs: number;
  /** Packet size in MB → count and summed time in ms. */
  readonly packets: Map<number, { count: number; timeMs: number }>;
  large: number;
  count: number;
}

export type LinkName = 'RDMA' | 'HCCS' | 'PCIE' | 'SDMA' | 'SIO';
export const linkNames: readonly LinkName[] = ['RDMA', 'HCCS', 'PCIE', 'SDMA', 'SIO'];

/** Times of one collective as msprof's communication analysis computes them: master plane only. */
export interface CommSummary {
  readonly op: SimCommOp;
  readonly kind: 'p2p' | 'collective';
  readonly startUs: number;
  readonly elapseMs: number;
  readonly transitMs: number;
  readonly waitMs: number;
  readonly syncMs: number;
  readonly idleMs: number;
  readonly links: Readonly<Record<LinkName, LinkSum>>;
}

const largePacketMb: Record<LinkName, number> = { RDMA: 0.5, HCCS: 32, PCIE: 32, SDMA: Infinity, SIO: 32 };

export function emptyLinks(): Record<LinkName, LinkSum> {
  const one = (): LinkSum => ({ sizeMb: 0, timeMs: 0, packets: new Map(), large: 0, count: 0 });
  return { RDMA: one(), HCCS: one(), PCIE: one(), SDMA: one(), SIO: one() };
}

export function isPayload(task: SimCommTask): boolean {
  return task.bytes > 0 && task.link !== 'ON_CHIP' && task.rdmaType !== 'RDMA_SEND_NOTIFY';
}

function linkOf(task: SimCommTask): LinkName {
  if (task.transport === 'RDMA') return 'RDMA';
  return task.link === 'PCIE' || task.link === 'SIO' ? task.link : 'HCCS';
}

export function addTo(sum: LinkSum, name: LinkName, sizeMb: number, timeMs: number): void {
  sum.sizeMb += sizeMb;
  sum.timeMs += timeMs;
  if (name === 'SDMA') return;
  const packet = sum.packets.get(sizeMb) ?? { count: 0, timeMs: 0 };
  sum.packets.set(sizeMb, { count: packet.count + 1, timeMs: packet.timeMs + timeMs });
  sum.count += 1;
  if (sizeMb > largePacketMb[name]) sum.large += 1;
}

export function summarize(op: SimCommOp): CommSummary {
  const ms = (ns: number): number => ns / 1e6;
  let transit = 0;
  let wait = 0;
  let sync = 0;
  const links = emptyLinks();
  for (const task of op.tasks) {
    if (isPayload(task)) {
      const name = linkOf(task);
      addTo(links[name], name, task.bytes / 1e6, ms(task.durationNs));
      if (name !== 'RDMA') addTo(links.SDMA, 'SDMA', task.bytes / 1e6, ms(task.durationNs));
    }
    if (!task.master) continue;
    if (isPayload(task)) transit += task.durationNs;
    else if (task.name === 'Notify_Wait') {
      wait += task.durationNs;
      // Synchronisation is what was waited before anything moved.
      if (transit === 0) sync += task.durationNs;
    }
  }
  const p2p = /^hcom_(send|receive|batchSendRecv)/.test(op.opType);
  return {
    op,
    kind: p2p ? 'p2p' : 'collective',
    startUs: Number(op.startNs) / 1000,
    elapseMs: ms(op.durationNs),
    transitMs: ms(transit),
    waitMs: ms(wait),
    syncMs: ms(sync),
    idleMs: Math.max(0, ms(op.durationNs - transit - wait)),
    links,
  };
}

/** Groups are hashed in the exporters' analysis: FNV-1a over the name, 64 bit. */
export function groupHash(group: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(group, 'utf8')) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return String(hash);
}

export interface MatrixCell {
  readonly pair: string;
  readonly transport: string;
  sizeMb: number;
  timeMs: number;
  readonly op: string;
}

export interface MatrixRow {
  readonly kind: 'p2p' | 'collective';
  /** e.g. `allreduce-top1`. */
  readonly name: string;
  readonly group: string;
  readonly cells: readonly MatrixCell[];
}

/** Per kind of operation, the fastest, middle and slowest transfers of every pair of ranks, and their total. */
export function commMatrix(process: SimProcess): MatrixRow[] {
  const kinds = new Map<string, { kind: 'p2p' | 'collective'; group: string; pairs: Map<string, MatrixCell[]> }>();
  for (const op of process.commOps) {
    const summary = summarize(op);
    const name = op.opType
      .replace(/^hcom_/, '')
      .replace(/_$/, '')
      .toLowerCase();
    const key = `${name}@${op.group}`;
    const entry = kinds.get(key) ?? { kind: summary.kind, group: op.group, pairs: new Map<string, MatrixCell[]>() };
    kinds.set(key, entry);
    const cells = new Map<string, MatrixCell>();
    for (const task of op.tasks) {
      if (task.bytes === 0 || task.rdmaType === 'RDMA_SEND_NOTIFY') continue;
      const pair = `${task.srcRank}-${task.dstRank}`;
      const transport = task.link === 'ON_CHIP' ? 'LOCAL' : linkOf(task);
      const cell = cells.get(pair) ?? { pair, transport, sizeMb: 0, timeMs: 0, op: op.name };
      cell.sizeMb += task.bytes / 1e6;
      cell.timeMs += task.durationNs / 1e6;
      cells.set(pair, cell);
    }
    for (const cell of cells.values()) {
      const list = entry.pairs.get(cell.pair) ?? [];
      list.push(cell);
      entry.pairs.set(cell.pair, list);
    }
  }
  const rows: MatrixRow[] = [];
  for (const [key, entry] of kinds) {
    const name = key.slice(0, key.indexOf('@'));
    const sorted = [...entry.pairs.values()].map((list) =>
      [...list].sort((a, b) => b.sizeMb / b.timeMs - a.sizeMb / a.timeMs),
    );
    const pick = (suffix: string, at: (list: readonly MatrixCell[]) => MatrixCell | undefined): void => {
      const cells = sorted.flatMap((list) => at(list) ?? []);
      if (cells.length > 0) rows.push({ kind: entry.kind, name: `${name}-${suffix}`, group: entry.group, cells });
    };
    pick('top1', (list) => list[0]);
    pick('middle', (list) => list[Math.floor(list.length / 2)]);
    pick('bottom1', (list) => list.at(-1));
    pick('total', (list) =>
      list[0] === undefined
        ? undefined
        : {
            ...list[0],
            sizeMb: list.reduce((sum, cell) => sum + cell.sizeMb, 0),
            timeMs: list.reduce((sum, cell) => sum + cell.timeMs, 0),
            op: '',
          },
    );
    pick('bottom2', (list) => list.at(-2));
    pick('bottom3', (list) => list.at(-3));
  }
  return rows;
}
