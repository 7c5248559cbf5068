import { check, type FailedCase } from '../../contract/index.js';
import type { Run } from '../../runs/runs.js';
import { probes, probesOf, type Probe, type Rule } from '../probe/prompts.js';
import { runProbes, type ProbeTarget } from '../probe/run.js';
import { readLines } from '../read/lines.js';
import { bisectLimits } from '../thresholds.js';
import type { Outcome } from './outcome.js';

/** A rule for an answer of any dataset: the number, the letter, or the text of the target. Null where only the dataset's own metric can tell. */
function ruleOf(target: string): Rule | null {
  if (/^[-−]?[\d,]+(?:\.\d+)?$/.test(target)) return { kind: 'number', value: Number(target.replace('−', '-').replaceAll(',', '')) };
  if (/^[A-J]$/.test(target)) return { kind: 'choice', letter: target, value: '' };
  return target.length <= bisectLimits.targetText.value && !target.startsWith('[') ? { kind: 'copy', text: target } : null;
}

function probeOf(row: FailedCase): Probe | null {
  const own = row.dataset === 'probe' ? probes.find((p) => p.id === row.id) : undefined;
  if (own !== undefined || row.prompt === null || row.target === null || row.target.trim() === '') return own ?? null;
  const rule = ruleOf(row.target.trim());
  return rule === null ? null : { id: row.id, subset: 'copy', level: 'L2', prompt: row.prompt, rule };
}

/** What is replayed at each commit: the newest failed cases of this run, or the built-in probes when it has none. */
export async function casesOf(run: Run): Promise<readonly Probe[]> {
  const path = (await run.artifacts()).filter((a) => a.kind === 'failed-cases').at(-1)?.path;
  const rows = path === undefined ? [] : ((await readLines(path).catch(() => null))?.rows ?? []);
  const found = new Map<string, Probe>();
  for (const row of rows) {
    const checked = check('failed-case', row);
    const probe = checked.ok ? probeOf(checked.value) : null;
    if (probe !== null && !found.has(probe.id)) found.set(probe.id, probe);
  }
  return found.size === 0 ? probesOf('L2') : [...found.values()].slice(0, bisectLimits.cases.value);
}

/** Good when every case is right, bad when one is wrong, not judged when a request is not answered. */
export async function replay(target: ProbeTarget, cases: readonly Probe[], signal: AbortSignal): Promise<Outcome> {
  const rows = await runProbes(target, cases, 1, signal, () => Promise.resolve()).catch(() => null);
  signal.throwIfAborted();
  if (rows === null || rows.some((r) => r.score === null)) return { verdict: 'skip', reason: 'service', exit: 0 };
  return { verdict: rows.every((r) => r.score === 1) ? 'good' : 'bad', reason: 'none', exit: 0 };
}
