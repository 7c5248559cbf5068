import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, readText, writeAtomic } from '../../host/files.js';
import { jobDir } from '../../jobs/jobs.js';
import type { Run } from '../../runs/runs.js';
import { decide, type Decision, type Tally } from './search.js';

const stepShape = z.object({ n: z.number(), commit: z.string(), run: z.number(), verdict: z.enum(['good', 'bad', 'skip']), reason: z.string(), exit: z.number().nullable(), by: z.enum(['command', 'cases']), log: z.string().nullable(), at: z.string() });
export type Step = z.output<typeof stepShape>;

const stateShape = z.object({ question: z.string(), repo: z.string(), origin: z.string(), done: z.boolean(), steps: z.array(stepShape) });
export type BisectState = z.output<typeof stateShape>;

const stateFile = 'bisect.json';

async function read(dir: string): Promise<BisectState | null> {
  const text = await readText(join(dir, stateFile)).catch(() => null);
  if (text === null) return null;
  try {
    const parsed = stateShape.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** On disk after every step: a worker that is killed loses at most the run it was in. */
export async function save(run: Run, job: string, state: BisectState): Promise<void> {
  await writeAtomic(join(jobDir(run, job), stateFile), `${JSON.stringify(state, null, 1)}\n`);
}

/** The newest unfinished bisection of the same question in this run, left by a worker that was killed; null when there is none. */
export async function unfinished(run: Run, job: string, question: string): Promise<{ readonly job: string; readonly state: BisectState } | null> {
  for (const name of (await listFolder(join(run.dir, 'jobs'))).reverse()) {
    if (name === job || !name.startsWith('bisect-')) continue;
    const state = await read(jobDir(run, name));
    if (state !== null && !state.done && state.question === question) return { job: name, state };
  }
  return null;
}

/** Runs of a commit added up; skipped when the last word on it was not to judge it. */
export function tallyOf(steps: readonly Step[], commit: string): Tally {
  const own = steps.filter((s) => s.commit === commit);
  return { good: own.filter((s) => s.verdict === 'good').length, bad: own.filter((s) => s.verdict === 'bad').length, skipped: own.at(-1)?.verdict === 'skip' };
}

export function decisionsOf(steps: readonly Step[], commits: readonly string[], repeats: number): Map<number, Decision> {
  const found = new Map<number, Decision>();
  for (const [i, commit] of commits.entries()) {
    const tally = tallyOf(steps, commit);
    const decision = decide(tally, repeats);
    if (decision !== 'open') found.set(i, decision);
  }
  return found;
}
