import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { profileAnalyze } from '../../server/profiling/tools.js';
import { summary } from '../../server/report/summary.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { tempFolder, testContext, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: {} };

async function newRun(): Promise<{ dir: string; run: Run }> {
  const dir = await tempFolder();
  return { dir, run: await new Runs(testHost(dir)).create({ purpose: 'why | slow?', level: 'quick', targetMetric: 'tpot_ms.mean' }, by, { code: { commit: 'abcdef1' } }) };
}

async function text(run: Run): Promise<string> {
  return (await summary(run))[0]?.text ?? '';
}

function snapshot(verdict: 'clean' | 'contaminated') {
  const body = { phase: 'before', verdict, host: 'node-1', chips: [], driver_version: '25.5.1', npu_smi_version: null, cann_version: null, frameworks: [], reasons: verdict === 'clean' ? [] : [{ code: 'foreign-process', detail: 'pid 7 `rm -rf` | x' }], looked_for: [] };
  return { files: [{ path: 'env/before.json', kind: 'env-snapshot', schema: 'env-snapshot' as const, body }], sources: [], simulated: false };
}

describe('summary.md', () => {
  it('of an empty run says that nothing is measured and what a claim lacks', async () => {
    const { run } = await newRun();
    const lines = (await text(run)).split('\n');
    expect(lines[2]).toMatch(/^\*\*Nothing measured yet/);
    expect(lines).toContain('- environment.chip');
    expect(lines).not.toContain('- code.commit');
    expect(lines.find((l) => l.includes('code.commit'))).toContain('| stated |');
    expect(lines.find((l) => l.startsWith('| why'))).toContain('why \\| slow?');
  });

  it('answers with the environment, text of others neutralised', async () => {
    const { run } = await newRun();
    await run.writeComputed(by, { by: 'x', params: {} }, snapshot('contaminated'));
    const out = await text(run);
    expect(out.split('\n')[2]).toBe('**contaminated**: Environment, before: 0 chips on node-1; CANN –; foreign-process.');
    expect(out).toContain('- foreign-process: pid 7 \\`rm -rf\\` \\| x');
  });

  it('answers with the profile once there is one, as the analysis has it, and marks what is generated', async () => {
    const { dir, run } = await newRun();
    await run.writeComputed(by, { by: 'x', params: {} }, snapshot('clean'));
    const { capture, truth } = makeDecodeCapture({ layers: 2, steps: 3 });
    await writeCapture(join(dir, 'capture'), capture, ['msprof-db']);
    await profileAnalyze.invoke({ path: join(dir, 'capture'), run: run.id }, testContext(dir));
    const out = await text(run);
    const window = truth.windows[0];
    expect(out.split('\n')[2]).toContain(`computing ${Number(((window?.computing_us ?? 0) / 1000).toFixed(3))} ms,`);
    expect(out).toContain('> Simulated');
    expect(out).toContain('## Environment: env/before.json');
    expect(out).toContain('| MatMulV3 | AI_CORE |');
  });
});
