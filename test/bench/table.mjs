// Rows of the bench and the table of docs/performance.md.

/**
 * @typedef {{ what: string, ours: string, baseline: string, ratio: number | null, goal: string, met: boolean | null }} Row
 * ratio: as the goal means it; met: null for a row without a goal.
 */

const round = (x) => (x === 0 ? '0' : x.toFixed(x < 0.1 ? 3 : x < 1 ? 2 : 1));
/** A quantity with its unit. */
export const quantity = (value, unit) => `${round(value)} ${unit}`;

/** How many times less ours is than the baseline: at least `goal` times; null: no goal. @returns {Row} */
export function less(what, ours, baseline, unit, goal) {
  const ratio = baseline / ours;
  return { what, ours: quantity(ours, unit), baseline: quantity(baseline, unit), ratio, goal: goal === null ? '' : `baseline at least ${goal} times ours`, met: goal === null ? null : ratio >= goal };
}

/** Ours in parts of the baseline: at most `goal`. @returns {Row} */
export function atMost(what, ours, baseline, unit, goal) {
  const ratio = ours / baseline;
  return { what, ours: quantity(ours, unit), baseline: quantity(baseline, unit), ratio, goal: `at most ${goal} times the baseline`, met: ratio <= goal };
}

/** Ours in parts of the baseline: at least `goal`. @returns {Row} */
export function atLeast(what, ours, baseline, unit, goal) {
  const ratio = ours / baseline;
  return { what, ours: quantity(ours, unit), baseline: quantity(baseline, unit), ratio, goal: `at least ${goal} times the baseline`, met: ratio >= goal };
}

/** Ours against a fixed number; the baseline is what stands beside it. @returns {Row} */
export function within(what, ours, baseline, unit, goal) {
  return { what, ours: quantity(ours, unit), baseline: baseline === null ? '' : quantity(baseline, unit), ratio: baseline === null ? null : ours / baseline, goal: `at most ${goal} ${unit}`, met: ours <= goal };
}

const said = (met) => (met === null ? '' : met ? 'met' : '**missed**');
export const line = (row) => `| ${row.what} | ${row.ours} | ${row.baseline} | ${row.ratio === null ? '' : round(row.ratio)} | ${row.goal} | ${said(row.met)} |`;

/** The Markdown table to put into docs/performance.md. */
export const markdown = (rows) => ['| measure | ours | baseline | ratio | goal | |', '|---|---|---|---|---|---|', ...rows.map(line)].join('\n');
