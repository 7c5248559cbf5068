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

/** One column of a rule: of several the first that has a value in a row. */
function merged(columns: readonly Float64Array[]): Float64Array {
  const [first = none, ...others] = columns;
  if (others.length === 0) return first;
  const whole = first.slice();
  for (const column of others) for (let row = 0; row < whole.length; row += 1) if (Number.isNaN(whole[row])) whole[row] = column[row] ?? Number.NaN;
  return whole;
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
    const [minimumNs, threshold, highestOnly] = [this.minimumNs, this.#threshold, this.#highestOnly];
    const { rule, ratio } = into;
    const units = columns.map(merged);
    // Without calls: a ratio that a function takes or gives becomes an object, and there are millions.
    for (let i = 0; i < count; i += 1) {
      if (!((durationNs[at + i] ?? Number.NaN) >= minimumNs)) continue;
      const row = rows === null ? i : (rows[i] ?? 0);
      let found = unmeasured;
      for (let k = 0; k < units.length; k += 1) {
        const value = units[k]?.[row] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        found = unlimited;
        if (value < (threshold[k] ?? Infinity)) continue;
        let highest = true;
        for (let j = 0; highest && highestOnly[k] === 1 && j < units.length; j += 1) highest = !((units[j]?.[row] ?? Number.NaN) > value);
        if (!highest) continue;
        found = k;
        ratio[at + i] = Math.min(0xffff, Math.round(value * ratioSteps));
        break;
      }
      if (found !== unmeasured) rule[at + i] = found;
    }
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
