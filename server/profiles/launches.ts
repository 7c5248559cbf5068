import { type Assembly } from './assembly.js';
import { ByStart, range } from './byStart.js';
import { Float64Column } from './columns.js';
import { taskClass } from './profile.js';
import { limits } from './thresholds.js';

/** Flows from a framework call to the task it launched: where and when they begin, and when the task starts. */
export class Launches {
  readonly thread = new Float64Column();
  readonly fromNs = new Float64Column();
  readonly taskNs = new Float64Column();

  push(thread: number, fromNs: number, taskNs: number): void {
    this.thread.push(thread);
    this.fromNs.push(fromNs);
    this.taskNs.push(taskNs);
  }
}

/**
 * Gives the innermost framework call around the begin of each flow the connection of the task the flow ends at. torch_npu writes the
 * start of the task, in ns, as the id of the flow (facts §3.3).
 * @param firstApi first host call of the capture @param firstTask first device task of it
 */
export function linkLaunches(assembly: Assembly, launches: Launches, firstApi: number, firstTask: number, firstOp: number): void {
  const { apis, tasks, commOps, strings } = assembly;
  if (launches.thread.length === 0) return;
  const bySource = [
    { rows: new ByStart(range(firstTask, tasks.length), (row) => tasks.startNs.get(row)), start: tasks.startNs, connection: tasks.connection },
    { rows: new ByStart(range(firstOp, commOps.length), (row) => commOps.startNs.get(row)), start: commOps.startNs, connection: commOps.connection },
  ];
  const kernels = new Set<number>();
  for (let row = firstTask; row < tasks.length; row++) if (tasks.class.get(row) === taskClass.compute) kernels.add(tasks.connection.get(row));
  const used = new Set<number>();
  /**
   * The nearest start, for a short kernel may begin within the tolerance of a collective. Of several that start together the first
   * that no flow took: connections are numbered in the order of the launches, as flows are met in it.
   */
  const connectionAt = (timeNs: number): number => {
    let found: number[] = [];
    let distance = Infinity;
    for (const { rows, start, connection } of bySource) {
      for (const row of rows.within(timeNs - limits.sameTaskNs, timeNs + limits.sameTaskNs)) {
        const away = Math.abs(start.get(row) - timeNs);
        if (connection.get(row) < 0 || away > distance) continue;
        if (away < distance) found = [];
        found.push(connection.get(row));
        distance = away;
      }
    }
    found.sort((a, b) => a - b);
    const best = found.find((c) => !used.has(c)) ?? found[0] ?? -1;
    used.add(best);
    return best;
  };
  const op = strings.find('op');
  const calls = new Map<number, number[]>();
  for (let row = firstApi; row < apis.length; row++) {
    if (apis.level.get(row) !== op) continue;
    const list = calls.get(apis.thread.get(row)) ?? [];
    list.push(row);
    calls.set(apis.thread.get(row), list);
  }
  const flows = new Map<number, number[]>();
  for (let i = 0; i < launches.thread.length; i++) {
    const list = flows.get(launches.thread.get(i)) ?? [];
    list.push(i);
    flows.set(launches.thread.get(i), list);
  }
  for (const [thread, list] of flows) {
    const rows = (calls.get(thread) ?? []).sort((a, b) => apis.startNs.get(a) - apis.startNs.get(b) || apis.durationNs.get(b) - apis.durationNs.get(a));
    list.sort((a, b) => launches.fromNs.get(a) - launches.fromNs.get(b));
    const open: number[] = [];
    let next = 0;
    for (const flow of list) {
      const at = launches.fromNs.get(flow);
      const ended = (row: number): boolean => apis.startNs.get(row) + apis.durationNs.get(row) < at;
      for (let row = rows[next]; row !== undefined && apis.startNs.get(row) <= at; row = rows[++next]) {
        while (open.length > 0 && apis.startNs.get(open.at(-1) ?? 0) + apis.durationNs.get(open.at(-1) ?? 0) < apis.startNs.get(row)) open.pop();
        open.push(row);
      }
      while (open.length > 0 && ended(open.at(-1) ?? 0)) open.pop();
      const call = open.at(-1);
      if (call === undefined) continue;
      const connection = connectionAt(launches.taskNs.get(flow));
      // A call that copies and computes is known by its kernel, as in the database.
      if (apis.connection.get(call) < 0 || (kernels.has(connection) && !kernels.has(apis.connection.get(call)))) apis.connection.set(call, connection);
    }
  }
}
