import type { StageRow } from '../../contract/index.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { percent, rowsOf, us } from '../../profiles/derived/numbers.js';
import { stageNames, type Stage, type TaskStages } from '../../profiles/derived/stages.js';
import type { Steps } from '../../profiles/derived/steps.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';

const order: readonly Stage[] = ['prefill', 'mixed', 'decode', 'sampling', 'communication', 'other', null];

/**
 * Device time by stage. Kernels and helpers by their summed time; communication is the union of collectives, for their kernels and
 * their operations are the same work told twice. Event waits are no work and do not count.
 */
export function stageRows(profile: Profile, window: DeviceWindow, stages: TaskStages, steps: Steps | null): Omit<StageRow, 'device' | 'rank'>[] {
  const { tasks, commOps } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, window.device);
  const sums = stageNames.map(() => ({ tasks: 0, ns: 0, steps: 0, last: -1 }));
  const of = (stage: Stage): { tasks: number; ns: number; steps: number; last: number } | undefined => sums[stageNames.indexOf(stage)];
  let step = -1;
  const starts = steps?.startNs ?? new Float64Array(0);
  for (let row = from; row < to; row += 1) {
    const at = tasks.startNs[row] ?? 0;
    while (step + 1 < starts.length && (starts[step + 1] ?? 0) <= at) step += 1;
    const sum = sums[stages.stage[row] ?? 0];
    if (tasks.class[row] === taskClass.eventWait || sum === undefined) continue;
    sum.tasks += 1;
    sum.ns += tasks.durationNs[row] ?? 0;
    if (step > sum.last) [sum.last, sum.steps] = [step, sum.steps + 1];
  }
  const communication = of('communication');
  if (communication !== undefined) {
    communication.ns = window.communicationNs;
    const [first, end] = commOps === null ? [0, 0] : rowsOf(commOps.device, commOps.length, window.device);
    if (end > first) {
      communication.tasks = end - first;
      [communication.steps, communication.last, step] = [0, -1, -1];
      for (let row = first; row < end; row += 1) {
        while (step + 1 < starts.length && (starts[step + 1] ?? 0) <= (commOps?.startNs[row] ?? 0)) step += 1;
        if (step > communication.last) [communication.last, communication.steps] = [step, communication.steps + 1];
      }
    }
  }
  const total = sums.reduce((a, s) => a + s.ns, 0);
  return order.flatMap((stage) => {
    const sum = of(stage);
    return sum === undefined || sum.tasks === 0 ? [] : [{ stage, steps: sum.steps, tasks: sum.tasks, total_us: us(sum.ns), share_pct: percent(sum.ns, total) ?? 0 }];
  });
}
