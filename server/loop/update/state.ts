import { join } from 'node:path';
import { check, producer, ToolError, type AllSchemas } from '../../contract/index.js';
import { readArtifact, type By, type Run } from '../../runs/runs.js';

export type LoopState = AllSchemas['LoopState'];
export type Phase = LoopState['phase'];
export type Attempt = LoopState['attempts'][number];
export type Outcome = NonNullable<Attempt['outcome']>;

export const phases: readonly Phase[] = ['target', 'environment', 'history', 'baseline', 'gap', 'evidence', 'plan', 'patch', 'review', 'accuracy', 'performance', 'record'];
/** Where an attempt begins: what comes before is done once. */
export const firstOfAttempt: Phase = 'evidence';

export const outcomes: readonly Outcome[] = ['gain', 'no-gain', 'regression', 'failed', 'abandoned'];

/** loop.json of a run; null when the loop has not been started. @throws ToolError E_RUN_TAMPERED for a file of another shape */
export async function readState(run: Run): Promise<LoopState | null> {
  const value = await readArtifact(join(run.dir, 'loop.json'));
  if (value === null) return null;
  const checked = check('loop-state', value);
  if (!checked.ok) throw new ToolError('E_RUN_TAMPERED', 'loop.json is not what loop_update writes', 'restore it from a copy, or start the loop in a new run');
  return checked.value;
}

export function freshState(run: string, at: string, simulated: boolean): LoopState {
  return { schema: 'loop-state', schema_version: '1.0.0', producer, created_at: at, simulated, source: [], run, updated_at: at, phase: 'target', passed: [], attempts: [], related_runs: [], gap_pct: null, stop_reason: null, stop_detail: null };
}

/** @throws ToolError E_ARTIFACT_INVALID */
export async function writeState(run: Run, by: By, state: LoopState): Promise<Awaited<ReturnType<Run['writeReport']>>> {
  return run.writeReport(by, [{ path: 'loop.json', kind: 'loop-state', schema: 'loop-state', text: `${JSON.stringify(state, null, 2)}\n` }]);
}

export const openAttempt = (state: LoopState): Attempt | null => state.attempts.find((a) => a.closed_at === null) ?? null;

/** Evidence counts for an attempt when it is younger than the attempt; before the first one when it is younger than the loop's last closed attempt. */
export function since(state: LoopState): string {
  return openAttempt(state)?.opened_at ?? state.attempts.at(-1)?.closed_at ?? state.created_at;
}
