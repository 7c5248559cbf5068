import type { ComparisonClaim, ComparisonReport } from '../../contract/index.js';
import type { Better } from './metrics.js';

export type RowVerdict = 'supported' | 'refuted' | 'equivalent' | 'inconclusive';
export type Grade = ComparisonReport['grade'];

/** Change of a metric in percent with its interval; an end without bound is null. */
export interface Change {
  readonly deltaPct: number | null;
  readonly lowPct: number | null;
  readonly highPct: number | null;
  /** False where there are too few starts for an interval at all. */
  readonly tested: boolean;
}

export interface Rule {
  readonly direction: ComparisonClaim['direction'];
  readonly thresholdPct: number | null;
  readonly equivalencePct: number;
}

/**
 * The verdict on one change (contract, "When may a performance claim be made"). `decrease`/`increase`: equivalence goes first, then the
 * claimed side of zero with the estimate reaching the threshold, then the other side or wholly short of the threshold.
 * `no-regression`: bad is up for what should be low, down for what should be high.
 */
export function rowVerdict(change: Change, rule: Rule, better: Better): RowVerdict {
  if (!change.tested || change.deltaPct === null) return 'inconclusive';
  const low = change.lowPct ?? -Infinity;
  const high = change.highPct ?? Infinity;
  if (rule.direction === 'no-regression') {
    const limit = rule.thresholdPct ?? 0;
    const [badLow, badHigh] = better === 'higher' ? [-high, -low] : [low, high];
    return badHigh < limit ? 'supported' : badLow > limit ? 'refuted' : 'inconclusive';
  }
  if (low > -rule.equivalencePct && high < rule.equivalencePct) return 'equivalent';
  const [gainLow, gainHigh, gain] = rule.direction === 'increase' ? [low, high, change.deltaPct] : [-high, -low, -change.deltaPct];
  const threshold = rule.thresholdPct === null ? null : Math.abs(rule.thresholdPct);
  if (gainLow > 0 && (threshold === null || gain >= threshold)) return 'supported';
  if (gainHigh < 0 || (threshold !== null && gainHigh < threshold)) return 'refuted';
  return 'inconclusive';
}

/**
 * The verdict over the loads of a claim. It holds when it holds at every load (each tested at the full level: an intersection-union
 * test); it falls when one load refutes it at the level divided by the number of loads (Bonferroni), so that many loads do not add up
 * to a false answer.
 */
export function claimVerdict(rows: readonly { verdict: RowVerdict; strict: RowVerdict }[]): RowVerdict {
  if (rows.length === 0) return 'inconclusive';
  if (rows.some((r) => r.strict === 'refuted')) return 'refuted';
  if (rows.every((r) => r.verdict === 'equivalent')) return 'equivalent';
  // A load without a difference does not carry the claim, and the others may still.
  return rows.every((r) => r.verdict === 'supported') ? 'supported' : 'inconclusive';
}

export interface GradeInput {
  readonly inadmissible: boolean;
  readonly codes: ReadonlySet<string>;
  readonly cautions: number;
  readonly starts: readonly number[];
  readonly levels: readonly (string | null)[];
  readonly confirms: boolean;
}

/** The grade of a comparison: how much weight its verdict can carry. */
export function gradeOf(g: GradeInput): Grade {
  if (g.codes.has('F-SIMULATED')) return 'simulated';
  // A run that was opened to see whether it works proves no more than that, however often it is repeated.
  if (g.inadmissible || g.starts.some((n) => n < 2) || g.levels.includes('smoke')) return 'smoke';
  if (g.cautions > 0 || g.levels.some((l) => l !== 'formal')) return 'indicative';
  return g.confirms ? 'reproduced' : 'formal';
}
