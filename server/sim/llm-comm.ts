import type { SimCommTask } from './capture.js';
import type { DecodeOptions } from './llm-options.js';
import { collectivePace as pace } from './llm-pace.js';

/** Offsets in ns from the capture's true start; durations in ns. */
export interface PlannedCommTask extends Omit<SimCommTask, 'startNs' | 'stream' | 'taskId'> {
  readonly start: number;
}

/** Every rank's notify has an id of its own. */
const notifyOf = (rank: number): number => 64 + rank * 4;

export interface PlannedCollective {
  readonly start: number;
  readonly end: number;
  readonly tasks: readonly PlannedCommTask[];
  /** On the master plane. */
  readonly waitNs: number;
  readonly transitNs: number;
}

/** Achieved bytes per ns of one link: HCCS 28 and RoCE 25 GB/s as msprof expects on 910B, at 80 %. */
const linkBytesPerNs = { SDMA: 22.4, RDMA: 20 } as const;
/**
 * One mesh all-reduce over all ranks: everybody waits for the last to arrive, then reduce-scatter and all-gather on one plane per
 * peer; plane 0 is the master. All ranks end together, as collectives do.
 * @param arrivals when each rank's stream reaches it, true time
 */
export function planAllReduce(options: DecodeOptions, arrivals: readonly number[], bytes: number): PlannedCollective[] {
  const ranks = arrivals.length;
  const { transport, slowLink, commUs } = options;
  const link = transport === 'RDMA' ? 'ROCE' : 'HCCS';
  const part = Math.max(1, Math.floor(bytes / ranks));
  const plain = Math.round(commUs === null ? pace.setup + part / linkBytesPerNs[transport] : (commUs * 1000) / 2);
  const payload = (a: number, b: number): number => {
    const slow =
      slowLink !== null && ((slowLink.src === a && slowLink.dst === b) || (slowLink.src === b && slowLink.dst === a));
    return slow ? Math.round(plain * slowLink.factor) : plain;
  };
  let longest = 0;
  for (let a = 0; a < ranks; a += 1)
    for (let b = 0; b < ranks; b += 1) if (a !== b) longest = Math.max(longest, payload(a, b));

  const ready = Math.max(...arrivals) + pace.ready;
  const secondPhase = ready + longest + pace.betweenPhases;
  const end = secondPhase + longest + pace.tail;

  return arrivals.map((start, rank) => {
    const tasks: PlannedCommTask[] = [];
    let waitNs = 0;
    let transitNs = 0;
    const common = { srcRank: rank, notifyId: null, rdmaType: null, bytes: 0 } as const;
    // The local copy into the communication buffer: on chip, never counted as transit.
    tasks.push({
      ...common,
      name: 'Memcpy',
      plane: 0,
      start,
      durationNs: pace.localCopy,
      bytes: part,
      transport: 'SDMA',
      link: 'ON_CHIP',
      dstRank: rank,
      master: true,
    });
    for (let plane = 0; plane < ranks - 1; plane += 1) {
      const peer = (rank + plane + 1) % ranks;
      const master = plane === 0;
      const wait = (from: number, until: number): void => {
        const durationNs = Math.max(pace.shortestWait, until - from);
        tasks.push({
          ...common,
          name: 'Notify_Wait',
          plane,
          start: from,
          durationNs,
          transport: 'LOCAL',
          link: 'ON_CHIP',
          dstRank: peer,
          notifyId: notifyOf(peer),
          master,
        });
        if (master) waitNs += durationNs;
      };
      const record = (at: number): void =>
        void tasks.push({
          ...common,
          name: 'Notify_Record',
          plane,
          start: at,
          durationNs: pace.record,
          transport: 'SDMA',
          link,
          dstRank: peer,
          notifyId: notifyOf(rank),
          master,
        });
      const send = (at: number, name: 'Reduce_Inline' | 'Memcpy'): void => {
        const durationNs = payload(rank, peer);
        if (transport === 'RDMA') {
          tasks.push({
            ...common,
            name: 'RDMASend',
            plane,
            start: at,
            durationNs,
            bytes: part,
            transport,
            link,
            dstRank: peer,
            rdmaType: 'RDMA_SEND_PAYLOAD',
            master,
          });
        } else
          tasks.push({
            ...common,
            name,
            plane,
            start: at,
            durationNs,
            bytes: part,
            transport,
            link,
            dstRank: peer,
            master,
          });
        if (master) transitNs += durationNs;
      };
      const firstRecord = start + pace.localCopy + pace.gap;
      record(firstRecord);
      wait(firstRecord + pace.record + pace.gap, ready);
      send(ready, 'Reduce_Inline');
      wait(ready + payload(rank, peer) + pace.gap, secondPhase - pace.gap);
      send(secondPhase, 'Memcpy');
      const lastRecord = secondPhase + payload(rank, peer) + pace.gap;
      record(lastRecord);
      wait(lastRecord + pace.record + pace.gap, end - pace.gap);
    }
    tasks.sort((a, b) => a.start - b.start || a.plane - b.plane);
    return { start, end, tasks, waitNs, transitNs };
  });
}
