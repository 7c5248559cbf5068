import { taskClass, type Profile } from '../../profiles/profile.js';
import { rowsOf } from '../../profiles/derived/numbers.js';

/** Compute kernels of one device that have the same op type, core type and tensors, summed. Texts are the capture's own. */
export interface ShapeGroup {
  /** Index into `Profile.devices`. */
  readonly device: number;
  /** The operator's name where there is no type (task-time l0). */
  readonly opType: string;
  readonly taskType: string;
  /** e.g. `8,4096;4096,512`; empty when the capture does not say. */
  readonly inputShapes: string;
  readonly outputShapes: string;
  readonly inputTypes: string;
  readonly inputFormats: string;
  readonly count: number;
  readonly totalNs: number;
}

interface Sum {
  /** One row of the group: its texts are those of all. */
  readonly row: number;
  count: number;
  ns: number;
}

/** Groups by device, then in the order their first kernel started: no group depends on another device. */
export function shapeGroups(profile: Profile): ShapeGroup[] {
  const { tasks, strings } = profile;
  const { operators } = tasks;
  /** What stands in for the type; operators that differ in blocks or state only are of one group. */
  const typeOf = (row: number): number => operators.opType[tasks.operator[row] ?? 0] || (tasks.name[row] ?? 0);
  const keyOf = (row: number): string => {
    const at = tasks.operator[row] ?? 0;
    return [typeOf(row), operators.taskType[at], operators.inputShapes[at], operators.outputShapes[at], operators.inputTypes[at], operators.inputFormats[at]].join();
  };
  const groups: ShapeGroup[] = [];
  for (let device = 0; device < profile.devices.length; device += 1) {
    const [from, to] = rowsOf(tasks.device, tasks.length, device);
    const byKey = new Map<string, Sum>();
    // An operator with a type belongs to one group; without a type its name counts too.
    const byOperator = new Array<Sum | undefined>(operators.length);
    const byName = new Map<number, Sum>();
    for (let row = from; row < to; row += 1) {
      const ns = tasks.durationNs[row] ?? Number.NaN;
      if (tasks.class[row] !== taskClass.compute || !Number.isFinite(ns)) continue;
      const operator = tasks.operator[row] ?? 0;
      const typed = (operators.opType[operator] ?? 0) !== 0;
      const named = (tasks.name[row] ?? 0) * operators.length + operator;
      let found = typed ? byOperator[operator] : byName.get(named);
      if (found === undefined) {
        const key = keyOf(row);
        found = byKey.get(key);
        if (found === undefined) byKey.set(key, (found = { row, count: 0, ns: 0 }));
        if (typed) byOperator[operator] = found;
        else byName.set(named, found);
      }
      found.count += 1;
      found.ns += ns;
    }
    for (const { row, count, ns } of byKey.values()) {
      const text = (column: Int32Array): string => strings.get(column[tasks.operator[row] ?? 0] ?? 0);
      groups.push({
        device,
        opType: strings.get(typeOf(row)),
        taskType: text(operators.taskType),
        inputShapes: text(operators.inputShapes),
        outputShapes: text(operators.outputShapes),
        inputTypes: text(operators.inputTypes),
        inputFormats: text(operators.inputFormats),
        count,
        totalNs: ns,
      });
    }
  }
  return groups;
}

/** Texts of a list of tensors, quotes gone: `"8,4096;4096"` → `8,4096` and `4096`. Absent ones stay as empty texts; none for an unknown list. */
export function tensorTexts(text: string): string[] {
  const bare = text.replaceAll('"', '').trim();
  return bare === '' || bare === 'N/A' || bare === 'NA' ? [] : bare.split(';').map((t) => t.trim());
}

/** Dims of each tensor; an absent one and one with anything but positive integers is null. */
export function tensorDims(text: string): (readonly number[] | null)[] {
  return tensorTexts(text).map((t) => {
    const dims = t.split(/[,x ]+/).map(Number);
    return t !== '' && dims.every((d) => Number.isSafeInteger(d) && d > 0) ? dims : null;
  });
}
