/**
 * What one shared log is, read from its own text and from the issue, manual or test it comes from, before the program was asked.
 * Several classes, lines or ranks stand where the text does not decide between them.
 */
export interface Label {
  readonly path: string;
  readonly verdict: 'diagnosed' | 'suspected' | 'no-known-signature';
  /** Empty: nothing to diagnose. */
  readonly classes: readonly string[];
  /** Lines that may be called the origin; null: a rank or card that is named and said nothing itself. */
  readonly lines: readonly (number | null)[];
  readonly ranks: readonly (number | null)[];
  /** Line with which the trouble begins: everything above is healthy. */
  readonly begins: number;
  readonly device: number | null | undefined;
  /** All ranks that are named as origin. */
  readonly named: readonly number[] | undefined;
  readonly incidents: number;
  /** Error lines whose meaning nobody cited knows: they must be shown. */
  readonly shown: readonly number[];
}

export interface More {
  readonly rank?: number | null | readonly (number | null)[];
  readonly begins?: number;
  readonly device?: number | null;
  readonly named?: readonly number[];
  readonly incidents?: number;
}

const list = (x: number | null | readonly (number | null)[] | undefined): readonly (number | null)[] => (x === undefined ? [null] : typeof x === 'number' || x === null ? [x] : x);

function label(verdict: Label['verdict'], path: string, classes: string, lines: readonly (number | null)[], more: More): Label {
  const first = Math.min(...lines.flatMap((l) => l ?? []), Infinity);
  return { path, verdict, classes: classes === '' ? [] : classes.split('|'), lines, ranks: list(more.rank), begins: more.begins ?? (first === Infinity ? 1 : first), device: more.device, named: more.named, incidents: more.incidents ?? 1, shown: [] };
}

/** The text names a failure that nothing else in it explains. */
export const root = (path: string, classes: string, lines: readonly number[], more: More = {}): Label => label('diagnosed', path, classes, lines, more);
/** The text names a rank or card that kept others waiting, and proves it. */
export const silent = (path: string, more: More = {}): Label => label('diagnosed', path, 'hccl', [null], more);
/** Only consequences or waits are seen. */
export const effect = (path: string, classes: string, lines: readonly (number | null)[], more: More = {}): Label => label('suspected', path, classes, lines, more);
/** Nothing failed, or nothing that this text or the sources cited call a failure. */
export const clean = (path: string): Label => ({ ...label('no-known-signature', path, '', [], {}), incidents: 0, begins: Infinity });
/** Something failed, and neither the text nor a source cited tells what it means. */
export const unexplained = (path: string, lines: readonly number[]): Label => ({ ...label('no-known-signature', path, '', lines, {}), incidents: 0, shown: lines });
