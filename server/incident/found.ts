import type { IncidentClass, IncidentLayer } from '../contract/index.js';
import type { Signature } from '../programs/signatures.js';
import type { EvidenceEvent, EvidenceProcess } from './evidence.js';

/** The rank that the others waited for. */
export interface Silent {
  /** Procedural id; silent-rank without it. */
  readonly id?: 'absent-ranks' | 'diverged-ranks' | 'wait-chain';
  readonly rank: number | null;
  /** All of them, where several are named. */
  readonly ranks?: readonly number[];
  readonly process: EvidenceProcess | null;
  readonly device: number | null;
  /** How that shows, in our own words. */
  readonly why: string;
  readonly proven: boolean;
}

/** A line a signature matched, its time on the common clock. */
export interface Hit {
  readonly event: EvidenceEvent;
  readonly signature: Signature;
  readonly ms: number | null;
  readonly host: string;
}

export interface Found {
  id: string;
  class: IncidentClass;
  layer: IncidentLayer;
  /** The line it began with; null when the origin is a rank that said nothing. */
  origin: Hit | null;
  silent: Silent | null;
  /** When it began, on the common clock. */
  ms: number | null;
  proven: boolean;
  why: string;
  /** Lines of the same kind. */
  own: Hit[];
  cascades: Hit[];
}
