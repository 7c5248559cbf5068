/** A unit of the AI core by its counters; a ratio may stand under several names, by chip and msprof version, of which the first that has a value counts. */
export interface LimitRule {
  readonly stems: readonly string[];
  /** From this ratio on the unit limits. */
  readonly threshold: number;
  /** It limits only when no other unit has a higher ratio. */
  readonly highestOnly: boolean;
}

/** What decides which unit limits a kernel. Plain data: the reader applies it, in threads too, so that the counters need not be kept. */
export interface LimitRules {
  /** Shorter kernels are not judged. */
  readonly minimumNs: number;
  /** In the order of the decision. */
  readonly rules: readonly LimitRule[];
}

/** Ratios are kept as whole numbers of a ten thousandth: a CSV has three decimals. */
export const ratioSteps = 10_000;

/** What limits each task, by row: three bytes in the place of a hundred of counters. */
export interface TaskLimits {
  /** Any counter that a rule asks for has a value. */
  readonly counters: boolean;
  /** Index into the rules; {@link unlimited} or {@link unmeasured}. */
  readonly rule: Uint8Array;
  /** Ratio of the unit that limits, in {@link ratioSteps}; at most 6.5535. */
  readonly ratio: Uint16Array;
}

/** No rule's unit limits the task. */
export const unlimited = 254;
/** The task is too short, or has no counters. */
export const unmeasured = 255;

/** Columns of counters by rule, those that count first in front. */
export type RuleColumns = readonly (readonly Float64Array[])[];

const none = new Float64Array(0);
/** Rows looked at together, so that lists of them stay in the first-level cache. */
const blockRows = 1024;

/** One column of a rule: of several the first that has a value in a row. */
function merged(columns: readonly Float64Array[]): Float64Array {
  const [first = none, ...others] = columns;
  if (others.length === 0) return first;
  // A column may end before the rows do.
  const whole = new Float64Array(columns.reduce((most, column) => Math.max(most, column.length), 0)).fill(Number.NaN);
  whole.set(first);
  for (const column of others) for (let row = 0; row < whole.length; row += 1) if (Number.isNaN(whole[row])) whole[row] = column[row] ?? Number.NaN;
  return whole;
}

/** Whether another unit has a higher ratio in a row than the one of a rule. */
function isExceeded(units: readonly Float64Array[], row: number, rule: number): boolean {
  const ratio = units[rule]?.[row] ?? Number.NaN;
  for (const values of units) if ((values[row] ?? Number.NaN) > ratio) return true;
  return false;
}

/** Whether any of some rows has a value. @param rows which of the columns' rows; null: the first `count` */
function anyKnown(columns: RuleColumns, count: number, rows: Int32Array | null): boolean {
  const has = (column: Float64Array): boolean => {
    for (let i = 0; i < count && column.length > 0; i += 1) if (!Number.isNaN(column[rows === null ? i : (rows[i] ?? 0)] ?? Number.NaN)) return true;
    return false;
  };
  return columns.flat().some(has);
}

/** Applies the rules to rows of counters, a batch or all at a time. */
export class Limiter {
  readonly minimumNs: number;
  readonly #threshold: Float64Array;
  readonly #highestOnly: Uint8Array;
  /** Any counter had a value. */
  counters = false;
  /** Rows of a block that no rule decided yet: where they stand, and their rows of the columns. */
  readonly #index = new Int32Array(blockRows);
  readonly #row = new Int32Array(blockRows);

  constructor({ minimumNs, rules }: LimitRules) {
    this.minimumNs = minimumNs;
    this.#threshold = Float64Array.from(rules, (rule) => rule.threshold);
    this.#highestOnly = Uint8Array.from(rules, (rule) => (rule.highestOnly ? 1 : 0));
  }

  /**
   * Writes what limits each row that is long enough and has counters; others are left as they are.
   * @param rows which rows of the columns; null: the first `count` @param at where the first of them stands in the other arrays
   */
  judge(columns: RuleColumns, rows: Int32Array | null, count: number, durationNs: Float64Array, at: number, into: Pick<TaskLimits, 'rule' | 'ratio'>): void {
    this.counters ||= anyKnown(columns, count, rows);
    if (!this.counters) return;
    const units = columns.map(merged);
    for (let from = 0; from < count; from += blockRows) {
      let left = this.#judged(rows, from, Math.min(count, from + blockRows), durationNs, at);
      for (const [k, values] of units.entries()) left = this.#rule(k, values, units, left, at, into);
    }
  }

  /** Rows of a block that are long enough: into {@link #index} and {@link #row}. Gives how many. */
  #judged(rows: Int32Array | null, from: number, to: number, durationNs: Float64Array, at: number): number {
    const [index, row, minimumNs] = [this.#index, this.#row, this.minimumNs];
    let count = 0;
    for (let i = from; i < to; i += 1) {
      index[count] = i;
      row[count] = rows === null ? i : (rows[i] ?? 0);
      if ((durationNs[at + i] ?? Number.NaN) >= minimumNs) count += 1;
    }
    return count;
  }

  /** Takes the rows that a rule decides out of the list; the others move together. Rule by rule, for a loop over one column is several times as fast as one over columns. */
  #rule(k: number, values: Float64Array, units: readonly Float64Array[], count: number, at: number, { rule, ratio }: Pick<TaskLimits, 'rule' | 'ratio'>): number {
    const [index, row] = [this.#index, this.#row];
    const threshold = this.#threshold[k] ?? Infinity;
    const highestOnly = this.#highestOnly[k] === 1;
    let left = 0;
    for (let n = 0; n < count; n += 1) {
      const i = index[n] ?? 0;
      const r = row[n] ?? 0;
      const value = values[r] ?? Number.NaN;
      if (value >= threshold && !(highestOnly && isExceeded(units, r, k))) {
        rule[at + i] = k;
        ratio[at + i] = Math.min(0xffff, Math.round(value * ratioSteps));
        continue;
      }
      if (!Number.isNaN(value)) rule[at + i] = unlimited;
      index[left] = i;
      row[left] = r;
      left += 1;
    }
    return left;
  }
}

/**
 * What limits each task by its counters.
 * @param pmu counters by stem, aligned with the rows @param known answers of readers that judged rows themselves; rows with counters are judged anew
 */
export function limitsOf(rules: LimitRules, pmu: ReadonlyMap<string, Float64Array>, durationNs: Float64Array, known?: TaskLimits): TaskLimits {
  const { length } = durationNs;
  const { rule, ratio } = known ?? { rule: new Uint8Array(length).fill(unmeasured), ratio: new Uint16Array(length) };
  const limiter = new Limiter(rules);
  limiter.judge(rules.rules.map(({ stems }) => stems.map((stem) => pmu.get(stem)).filter((column) => column !== undefined)), null, length, durationNs, 0, { rule, ratio });
  return { counters: limiter.counters || known?.counters === true, rule, ratio };
}
