import type { LinkCost } from './costs.js';

/** Links of one device, one direction, bytes per second. */
export interface Links {
  /** full-mesh: a group of g uses g − 1 links. switched: one uplink. */
  readonly topology: 'full-mesh' | 'switched';
  readonly domain_devices: number;
  readonly link_bytes_per_s: number;
  /** To devices outside the domain; null: unknown. */
  readonly network_bytes_per_s: number | null;
}

/** One direction, bytes per second, a group of g devices of one domain has for a collective. Source: A2 is a full mesh, so two cards share one of seven links (msmodeling applies the same factor). */
export function groupBandwidth(links: Links, group: number): number {
  return links.topology === 'full-mesh' ? links.link_bytes_per_s * Math.max(1, group - 1) : links.link_bytes_per_s;
}

/** Bytes a rank sends inside its domain and beyond it, for a group that fills whole domains; the two-level forms of the usual libraries. */
function levels(cost: LinkCost, domain: number): { readonly inside: number; readonly beyond: number } {
  const domains = cost.group / domain;
  const total = cost.calls * cost.message_bytes;
  switch (cost.collective) {
    case 'all_reduce':
      return { inside: (2 * (domain - 1) * total) / domain, beyond: (2 * (domains - 1) * total) / domains / domain };
    case 'all_gather':
      return { inside: total * domains * (domain - 1), beyond: total * (domains - 1) };
    case 'all_to_all':
      return { inside: (total * (domain - 1)) / cost.group, beyond: (total * (cost.group - domain)) / cost.group };
    case 'p2p':
      return { inside: 0, beyond: total };
  }
}

/**
 * Time of a collective in µs: bytes over the bandwidth of the level they cross, both levels at once. Latency is not counted.
 * @param efficiency share of the link that is reached
 * @returns null when the links, or the network a large group needs, are not known
 */
export function linkTimeUs(cost: LinkCost, links: Links | null, efficiency: number): number | null {
  if (cost.bytes_sent === 0) return 0;
  if (links === null) return null;
  const us = (bytes: number, perSecond: number): number => (bytes / (perSecond * efficiency)) * 1e6;
  if (cost.group <= links.domain_devices) {
    const bandwidth = cost.collective === 'p2p' ? links.link_bytes_per_s : groupBandwidth(links, cost.group);
    return us(cost.bytes_sent, bandwidth);
  }
  if (links.network_bytes_per_s === null) return null;
  const { inside, beyond } = levels(cost, links.domain_devices);
  return Math.max(us(inside, groupBandwidth(links, links.domain_devices)), us(beyond, links.network_bytes_per_s));
}
