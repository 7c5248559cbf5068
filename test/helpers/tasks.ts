import type { Operators, Tasks } from '../../server/profiles/profile.js';

type Key = Exclude<keyof Operators, 'length'>;

/** What is said of the operator of a task; NaN beyond the last. */
export function ofTask(tasks: Tasks, key: Key, row: number): number {
  return tasks.operators[key][tasks.operator[row] ?? -1] ?? NaN;
}

/** The same of every task. */
export function byTask(tasks: Tasks, key: Key): number[] {
  return Array.from(tasks.operator, (_, row) => ofTask(tasks, key, row));
}
