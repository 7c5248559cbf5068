import type { Evidence } from './evidence.js';

export interface Clocks {
  /** ms to subtract from a host's times, by host; hosts without a shared moment are not in it. */
  readonly offsets: ReadonlyMap<string, number>;
  /** True when the times of all hosts compare: one host, or every host shares a moment with another. */
  readonly aligned: boolean;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;

/**
 * Clock offsets between hosts, from moments that all ranks of a communicator share: the end of its initialisation, which every rank
 * logs within milliseconds of the others (HcclCommInitRootInfo success). Pure.
 */
export function alignClocks(evidence: Evidence): Clocks {
  const hosts = [...new Set(evidence.processes.map((p) => p.host ?? ''))].sort();
  if (hosts.length < 2) return { offsets: new Map(), aligned: true };
  const moments = new Map<string, Map<string, number[]>>();
  for (const p of evidence.processes) {
    for (const s of p.sync) {
      const of = moments.get(s.id) ?? new Map<string, number[]>();
      of.set(p.host ?? '', [...(of.get(p.host ?? '') ?? []), s.ms]);
      moments.set(s.id, of);
    }
  }
  const offsets = new Map<string, number>();
  const first = hosts[0] ?? '';
  offsets.set(first, 0);
  // Hosts are reached over communicators they share, one after another.
  for (let grown = true; grown; ) {
    grown = false;
    for (const of of moments.values()) {
      const known = [...of.keys()].find((h) => offsets.has(h));
      if (known === undefined) continue;
      const base = median(of.get(known) ?? []) - (offsets.get(known) ?? 0);
      for (const [host, times] of of) {
        if (offsets.has(host)) continue;
        offsets.set(host, median(times) - base);
        grown = true;
      }
    }
  }
  return { offsets, aligned: hosts.every((h) => offsets.has(h)) };
}
