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
  const groups: ShapeGroup[] = [];
  for (let device = 0; device < profile.devices.length; device += 1) {
    const [from, to] = rowsOf(tasks.device, tasks.length, device);
    // Pairs of string ids make one number, so a group costs two map look-ups and no text.
    const byOp = new Map<number, Map<number, Sum[]>>();
    const order: Sum[] = [];
    for (let row = from; row < to; row += 1) {
      const ns = tasks.durationNs[row] ?? Number.NaN;
      if (tasks.class[row] !== taskClass.compute || !Number.isFinite(ns)) continue;
      const type = tasks.opType[row] ?? 0;
      const op = (type === 0 ? (tasks.name[row] ?? 0) : type) * strings.size + (tasks.taskType[row] ?? 0);
      const tensors = (tasks.inputShapes[row] ?? 0) * strings.size + (tasks.outputShapes[row] ?? 0);
      let ofOp = byOp.get(op);
      if (ofOp === undefined) {
        ofOp = new Map<number, Sum[]>();
        byOp.set(op, ofOp);
      }
      let same = ofOp.get(tensors);
      if (same === undefined) {
        same = [];
        ofOp.set(tensors, same);
      }
      let found = same.find((g) => tasks.inputTypes[g.row] === tasks.inputTypes[row] && tasks.inputFormats[g.row] === tasks.inputFormats[row]);
      if (found === undefined) {
        found = { row, count: 0, ns: 0 };
        same.push(found);
        order.push(found);
      }
      found.count += 1;
      found.ns += ns;
    }
    for (const { row, count, ns } of order) {
      const type = tasks.opType[row] ?? 0;
      groups.push({
        device,
        opType: strings.get(type === 0 ? (tasks.name[row] ?? 0) : type),
        taskType: strings.get(tasks.taskType[row] ?? 0),
        inputShapes: strings.get(tasks.inputShapes[row] ?? 0),
        outputShapes: strings.get(tasks.outputShapes[row] ?? 0),
        inputTypes: strings.get(tasks.inputTypes[row] ?? 0),
        inputFormats: strings.get(tasks.inputFormats[row] ?? 0),
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
