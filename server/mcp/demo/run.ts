import { ToolError } from '../../contract/index.js';
import { list, numberAt, text, type Answer } from './answer.js';
import { DemoClient, type ServerParts } from './client.js';
import type { Scenario } from './scenarios.js';
import { load, marginPct, Walk, type Measured, type Site } from './walk.js';

export interface ScenarioParts extends ServerParts {
  readonly site: Site;
  /** False when the site was written without the fault: then nothing may be found. */
  readonly planted: boolean;
  readonly print: (line: string) => void;
}

/** What one walk came to. */
export interface Outcome {
  /** False when the tools did not come to the planted cause, or did not prove the fix. */
  readonly ok: boolean;
  /** In the words of the tools; empty: nothing. */
  readonly found: string;
}

/** Service starts of each side: the fewest that give an interval of use at the simulated spread. */
const startsASide = 3;

/** A commit as people write it; anything else as it is. */
const short = (words: string): string => words.replace(/\b([0-9a-f]{12})[0-9a-f]{28}\b/g, '$1');
const percent = (value: number | null): string => (value === null ? 'unknown' : `${value > 0 ? '+' : ''}${value.toFixed(1)} %`);

/** What the comparison says of its metric. */
function effectOf(answer: Answer, metric: string): { readonly words: string; readonly row: unknown } {
  const row = list(answer, 'facts', 'metrics').find((m) => text(m, 'metric') === metric);
  const interval = `${percent(numberAt(row, 'ci_low_pct'))} to ${percent(numberAt(row, 'ci_high_pct'))}`;
  return { row, words: `${metric} ${percent(numberAt(row, 'delta_pct'))}, interval ${interval}, ${String(numberAt(row, 'n_baseline') ?? 0)} + ${String(numberAt(row, 'n_candidate') ?? 0)} starts` };
}

function lessonOf(scenario: Scenario, change: string, note: string, row: unknown, report: string): string {
  return JSON.stringify({
    title: `${scenario.lesson.title} (simulated)`, framework: 'xllm', model_family: 'Qwen3', scenario: scenario.about, change,
    effect: [{ metric: scenario.claim.metric, before: numberAt(row, 'baseline'), after: numberAt(row, 'candidate'), delta_pct: numberAt(row, 'delta_pct'), conditions: `simulated host, ${String(load.parallel[0])} requests at once, tensor parallel 2` }],
    evidence: [{ path: report, note }],
    touched_paths: [], risks: [scenario.lesson.risk], next_checks: [scenario.lesson.next], status: 'suspected', confidence: 'low',
    id: `demo-${scenario.name}-${Math.round(performance.timeOrigin).toString(36)}`,
  });
}

/**
 * One scenario through the whole loop, by tool calls alone: the tools have to find what was planted, and to prove the fix.
 * @throws ToolError with the code a tool answered, E_INTERNAL for a gate of the loop that stayed closed
 */
export async function runScenario(scenario: Scenario, parts: ScenarioParts): Promise<Outcome> {
  const { print, site } = parts;
  const began = performance.now();
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  let phase = 'target';
  const client = await DemoClient.connect(parts, (tool, verdict, headline, took) => print(`${phase.padEnd(11)} ${tool}: ${verdict}: ${headline} (${took.toFixed(1)} s)`));
  try {
    const walk = new Walk(client, site, scenario.draft === true, (name) => (phase = name));
    print(`scenario ${scenario.name}: ${scenario.about}`);
    return await through(scenario, walk, parts.planted ? scenario.planted(site) : null, print, seconds);
  } finally {
    await client.close();
  }
}

/** @param planted the cause to come to; null when none was planted */
async function through(scenario: Scenario, walk: Walk, planted: string | null, print: (line: string) => void, seconds: () => string): Promise<Outcome> {
  const { client, site } = walk;
  const created = await client.call('run_create', { purpose: `demo ${scenario.name}`, level: 'quick', framework: 'xllm', ...scenario.target });
  walk.run = text(created, 'facts', 'run');
  walk.runDir = text(created, 'facts', 'run_dir');
  await client.call('loop_update', { run: walk.run, action: 'start' });
  await walk.submit('target');
  walk.phase('environment');
  await client.call('env_probe', { run: walk.run, phase: 'before' });
  await walk.submit('environment');
  walk.phase('history');
  await client.call('history_search', { query: scenario.query, framework: 'xllm' });
  await walk.submit('history');

  walk.phase('baseline');
  const baseline = [await walk.measure('baseline 1', scenario.baseline, true)];
  await walk.submit('baseline', baseline.map((b) => b.run));
  walk.phase('gap');
  await client.call('compute_simulate', { run: walk.run, model: site.modelFolder, chip: 'Ascend910B3', tp: 2, phase: 'decode', batch: load.parallel[0], context_tokens: load.input_tokens + load.output_tokens });
  await walk.submit('gap');

  walk.phase('evidence');
  const found = await scenario.diagnose(walk, first(baseline));
  if (found.cause === '' || found.cause !== planted) {
    const what = found.cause === '' ? 'nothing was found' : `found ${short(found.cause)}`;
    print(`\n${what}; planted in this scenario: ${short(planted ?? 'none')}`);
    print(found.words);
    print(`run root: ${walk.runDir}; ${seconds()}`);
    return { ok: false, found: found.cause };
  }
  await walk.submit('evidence', found.runs);
  walk.phase('plan');
  const change = scenario.change(walk, found);
  await client.call('loop_update', { run: walk.run, action: 'attempt', hypothesis: scenario.hypothesis, change });
  await walk.submit('plan');

  walk.phase('patch');
  const setup = scenario.candidate(found);
  const candidate = [await walk.measure('candidate 1', setup, true)];
  await walk.submit('patch', candidate.map((c) => c.run));
  walk.phase('review');
  if (setup.build === 'fixed') await client.call('review_diff', { run: walk.run, repo: site.repo, base: `${change}~1`, head: change });
  await walk.submit('review');
  walk.phase('accuracy');
  await client.call('accuracy_compare', { run: walk.run, baseline: first(baseline).answers, candidate: first(candidate).answers, margin_pct: marginPct });
  await walk.submit('accuracy');

  walk.phase('performance');
  for (let n = 2; n <= startsASide; n += 1) {
    baseline.push(await walk.measure(`baseline ${String(n)}`, scenario.baseline, false));
    candidate.push(await walk.measure(`candidate ${String(n)}`, setup, false));
  }
  const { answer, report } = await walk.compare(baseline.map((b) => b.run), candidate.map((c) => c.run), scenario.claim);
  await walk.submit('performance', [...baseline, ...candidate].map((m) => m.run));
  const { row, words } = effectOf(answer, scenario.claim.metric);
  const grade = text(answer, 'facts', 'grade');
  const proof = await scenario.prove(walk, { found, baseline, candidate, compared: answer, change: words });

  walk.phase('record');
  const card = await client.call('history_search', { record_json: lessonOf(scenario, change, `cause ${found.cause}; ${proof.words}; grade ${grade}`, row, report) });
  let ended = await walk.submit('record');
  // Where nothing was to become faster, an undecided comparison leaves the attempt open: it is closed as what it is.
  if (text(ended, 'verdict') !== 'target-met') ended = await client.call('loop_update', { run: walk.run, action: 'attempt', outcome: 'no-gain', reason: proof.words.slice(0, 1900) });
  await client.call('run_report', { run: walk.run });
  print(`\n${proof.ok ? 'proven' : 'not proven'}: ${short(found.cause)} mended by ${short(change)}: ${proof.words}; grade ${grade}`);
  print(`cause found: ${found.words}`);
  print(`fix: ${change}`);
  print(`effect: ${proof.words}; grade ${grade} (shows the method, proves nothing of real hardware)`);
  print(`loop: ${text(ended, 'verdict') === 'target-met' ? text(ended, 'headline') : `open, its attempt closed as no-gain: bench_compare was ${text(answer, 'verdict')}`}`);
  print(`lesson: ${text(card, 'facts', 'cards', 0, 'id')}`);
  print(`report: ${walk.runDir}/report.html`);
  print(`total: ${seconds()}`);
  return { ok: proof.ok, found: found.cause };
}

function first(measured: readonly Measured[]): Measured {
  const [one] = measured;
  if (one === undefined) throw new ToolError('E_INTERNAL', 'nothing was measured', 'report this as a defect of the demo');
  return one;
}
