import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { sideBySide } from '../../server/host/sideBySide.js';
import { answerFor, isAnswer, type Answer, type Item } from '../../server/pipeline/captures/answer.js';
import { derived, judgedAnalysis, outcomeOf } from '../../server/pipeline/derive.js';
import { joined } from '../../server/pipeline/analyze/analyze.js';
import { discover } from '../../server/profiles/discover.js';
import { readProfile } from '../../server/profiles/read.js';
import { notesOf } from '../../server/profiles/several.js';
import { writeCapture } from '../../server/sim/write.js';
import { makeSkewCapture } from '../generate/skew.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { judge } from './make.js';

const dir = await tempFolder();
const host = testHost(dir);
const captures = ['slow', 'two', 'mixed'] as const;
const params = { paths: ['x'], folder: 'profiling/001/pipeline', boundary: null, ranks: null };

/** Ranks with clocks apart and one slow; two devices in a process; captures of two forms together. */
beforeAll(async () => {
  const { capture } = makeSkewCapture({ layers: 1, steps: 8, slow: { ranks: [2], factor: 1.4, from: 4 }, clockUs: [0, 2000, -2000, 750] });
  await writeCapture(`${dir}/slow`, capture, ['msprof-db']);
  await writeCapture(`${dir}/two`, makeSkewCapture({ layers: 1, steps: 8, devicesPerProcess: 2, slow: { ranks: [3], factor: 1.4, from: 4 } }).capture, ['msprof-db']);
  await writeCapture(`${dir}/mixed/a`, { ...capture, processes: capture.processes.slice(0, 2) }, ['msprof-csv']);
  await writeCapture(`${dir}/mixed/b`, { ...capture, processes: capture.processes.slice(2) }, ['msprof-timeline']);
});

describe('captures read one by one', () => {
  it.each(captures)('give the bytes that one reading of all gives: %s', async (name) => {
    const { outcome } = await outcomeOf([`${dir}/${name}`], params, host, (p) => p);
    const whole = judge(await readProfile([`${dir}/${name}`], host, { counters: 'none' }));
    const bytes = (of: typeof outcome): string => JSON.stringify(derived(of, params));
    expect(bytes(outcome)).toBe(bytes({ judged: whole, failure: null }));
    expect(outcome.judged?.analysis.devices).toHaveLength(4);
  });

  it('a rank is chosen by its number over all captures', async () => {
    const { outcome } = await outcomeOf([`${dir}/slow`], { boundary: null, ranks: [1, 2] }, host, (p) => p);
    expect(outcome.judged?.devices.map((d) => d.device)).toEqual([1, 2]);
    expect(outcome.judged?.analysis.skew.skew?.slowest_rank).toBe(2);
    await expect(outcomeOf([`${dir}/slow`], { boundary: null, ranks: [7] }, host, (p) => p)).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
  });

  it('progress tells how many are read', async () => {
    const said: string[] = [];
    await outcomeOf([`${dir}/slow`], params, host, (p) => p, { progress: (m) => void said.push(m) });
    expect(said.filter((m) => m.endsWith('of 4 captures read'))).toHaveLength(4);
  });
});

// The build makes it; without one there is no thread to try.
const module = new URL('../../dist/pipeline/captures/captureWorker.js', import.meta.url);

it.runIf(existsSync(module)).each(captures)('compiled threads answer what this one answers: %s', async (name) => {
  const found = await discover([`${dir}/${name}`], host);
  const items = found.captures.map((capture): Item => ({ capture, options: { boundary: null, compare: true } }));
  const answers: Answer[] = [];
  const here = (): Promise<Answer> => Promise.reject(new Error('the thread did not answer'));
  await sideBySide(items, 2, { module, isAnswer, here }, new AbortController().signal, (index, answer) => void (answers[index] = answer));
  expect(answers).toEqual(await Promise.all(items.map((item) => answerFor(item))));
  const results = answers.flatMap((a) => ('result' in a ? [a.result] : []));
  const told = judgedAnalysis(joined(results.map((r) => r.analysis), notesOf(results.map((r) => r.read), found.unexported), null));
  const { outcome } = await outcomeOf([`${dir}/${name}`], params, host, (p) => p);
  expect(JSON.stringify(derived({ judged: told, failure: null }, params))).toBe(JSON.stringify(derived(outcome, params)));
});
