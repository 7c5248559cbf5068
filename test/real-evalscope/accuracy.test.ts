import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparisonDerivations } from '../../server/accuracy/compare/derive.js';
import { scoreDerivations } from '../../server/accuracy/score/derive.js';
import { accuracyJobs } from '../../server/accuracy/start/job.js';
import { readRequest } from '../../server/accuracy/start/request.js';
import { accuracyCompare, accuracyStart } from '../../server/accuracy/tools.js';
import { check, checkFacts } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Jobs } from '../../server/jobs/jobs.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { Bed } from '../benchmark-run/helpers.js';
import { plantDatasets, type PlantedDatasets } from '../generate/accuracy-datasets.js';
import { tempFolder } from '../helpers/temp.js';

// The real `evalscope eval` against the simulated service, through the tool and its detached job. `npm run test:real` runs it.
const bin = process.env['XLLM_NPU_TEST_EVALSCOPE'];

const lines = async (path: string): Promise<any[]> => (await readFile(path, 'utf8')).trim().split('\n').filter((l) => l !== '').map((l) => JSON.parse(l));

describe.runIf(bin !== undefined)('the real evalscope eval', { timeout: 200_000 }, () => {
  let bed: Bed;
  let run = '';
  let endpoint = '';
  let planted: PlantedDatasets;
  let folder = '';
  beforeAll(async () => {
    const dir = await tempFolder();
    planted = plantDatasets(join(dir, 'datasets'), 14, [2, 5, 7]);
    bed = await Bed.open(dir, { path: bin ?? '', speed: 200 });
    run = await bed.run('real evalscope eval');
    endpoint = await bed.service(run);
  }, 200_000);
  afterAll(() => bed.close(), 60_000);

  const start = async (more: object) => {
    const answer = await bed.call(accuracyStart, { run, endpoint, model: 'Qwen3-8B', level: 'L3', dataset_dir: planted.dir, max_tokens: 64, ...more });
    expect(checkFacts('accuracy_start', answer.facts)).toEqual([]);
    return answer;
  };

  /** Every file of the evaluations is in the ledger, and what was computed comes out again. The service still writes its log. */
  const verified = async (root: Run): Promise<void> => {
    const { facts } = await verifyRun(root, openHost(bed.config), { ...scoreDerivations, ...comparisonDerivations });
    expect(facts).toMatchObject({ recomputed_equal: true, violations: [] });
    expect((facts.unrecorded ?? []).filter((f) => f.startsWith('accuracy/'))).toEqual([]);
  };

  it('L3: every item of the first twelve, the three planted ones and no other failed, progress followed, all of it valid', async () => {
    const answer = await start({ datasets: ['gsm8k'], limit: 12, eval_batch_size: 2 });
    expect(answer).toMatchObject({ verdict: 'started', facts: { method: 'evalscope', level: 'L3', scope: 'bad-cases' } });
    const host = openHost(bed.config);
    const root = await new Runs(host).open(run);
    const seen: { done: number; total: number | null }[] = [];
    const ended = await new Jobs(host).wait(root, String(answer.facts['job']).split('/')[1] ?? '', { signal: new AbortController().signal, progress: () => undefined, waitMs: 120_000, until: (s) => { if (s.progress !== null) seen.push({ ...s.progress }); return false; } });
    expect([ended.state, ended.error]).toEqual(['completed', null]);
    expect(ended.result).toMatchObject({ verdict: 'measured', items: 12, samples: 12, errored: 0, failed_cases: 3, score_pct: 75 });
    // Its own count, followed to the end: 12 of 12.
    expect(seen.at(-1)).toEqual({ done: 12, total: 12 });

    folder = String(answer.facts['output']);
    const score = JSON.parse(await readFile(join(folder, 'score.json'), 'utf8'));
    expect(check('accuracy-score', score)).toMatchObject({ ok: true });
    expect(score).toMatchObject({ level: 'L3', scope: 'bad-cases', method: 'evalscope', requested: 12, errored: 0, right: 9, simulated: true, datasets: [{ dataset: 'gsm8k', subset: 'main', n: 12, score_pct: 75 }], endings: { truncated: 0, garbled: 0, empty: 0 } });
    const failed = await lines(join(folder, 'failed_cases.jsonl'));
    for (const row of failed) expect(check('failed-case', row)).toMatchObject({ ok: true });
    expect(failed.map((f) => f.id).sort()).toEqual(planted.wrong.map((i) => `gsm8k/main/${i}`));
    for (const f of failed) {
      // The service computes right; the reference was planted one too high.
      const [, a, b] = /What is (\d+) \+ (\d+)\?(?![\s\S]*What is)/.exec(f.prompt) ?? [];
      expect([f.extracted, f.target, f.cause, f.finish_reason]).toEqual([String(Number(a) + Number(b)), String(Number(a) + Number(b) + 1), 'wrong', 'stop']);
      expect(f.output_tokens).toBeGreaterThan(3);
    }
    const rows = await lines(join(folder, 'raw_predictions.jsonl'));
    // In the order the answers came.
    expect(new Set(rows.map((r) => r.id))).toEqual(new Set(Array.from({ length: 12 }, (_, i) => `gsm8k/main/${i}`)));
    expect(rows).toHaveLength(12);
    expect(rows.every((r) => r.prediction.includes(`\\boxed{${r.extracted}}`))).toBe(true);
    const config = JSON.parse(await readFile(join(folder, 'request_config.json'), 'utf8'));
    expect(config).toMatchObject({ method: 'evalscope', simulated: true, settings: { limit: '12', temperature: '0', evalscope_version: config.client_version } });
    expect(config.client_version).toMatch(/^\d+\.\d+\.\d+/);
    await verified(root);
  });

  it('two datasets, every question twice: repeats are one item, and each dataset has its score', async () => {
    const kind = accuracyJobs['accuracy'];
    const args = readRequest({ run, endpoint, model: 'Qwen3-8B', level: 'L3', datasets: ['gsm8k', 'general_mcq'], limit: 4, repeats: 2, max_tokens: 64, eval_batch_size: 4 }, planted.dir);
    const result = await kind?.({ ...args }, await bed.context(run, 'accuracy-002'));
    expect(result).toMatchObject({ verdict: 'measured', items: 8, samples: 16, errored: 0, unstable: 0 });
    const root = await new Runs(openHost(bed.config)).open(run);
    const score = JSON.parse(await readFile(join(root.dir, 'accuracy/accuracy-002/score.json'), 'utf8'));
    expect(score.datasets).toMatchObject([{ dataset: 'general_mcq', subset: 'default', n: 4 }, { dataset: 'gsm8k', subset: 'main', n: 4, score_pct: 75 }]);
    // The service gives one letter per question; what evalscope calls right is what it said.
    const rows = (await lines(join(root.dir, 'accuracy/accuracy-002/raw_predictions.jsonl'))).filter((r) => r.dataset === 'general_mcq');
    expect(rows).toHaveLength(8);
    for (const r of rows) expect([r.target, r.score]).toEqual(['B', r.prediction === '答案：B' ? 1 : 0]);
    await verified(root);
    // A part of the first run, compared from evalscope's own folders: the four questions both asked, none of which changed.
    const compared = await bed.call(accuracyCompare, { run, baseline: join(folder, 'raw'), candidate: join(root.dir, 'accuracy/accuracy-002/raw') });
    expect(compared).toMatchObject({ verdict: 'inconclusive', facts: { cause: 'too-few-items', n: 4, both_right: 3, both_wrong: 1, baseline_only: 0, candidate_only: 0 } });
    expect(compared.facts['unmatched']).toMatchObject({ baseline: 8, candidate: 4, prompts_differ: 0 });
  });
});
