import { beforeAll, describe, expect, it } from 'vitest';
import { casesOf } from '../../server/accuracy/bisect/cases.js';
import { judgeProbe } from '../../server/accuracy/probe/judge.js';
import { probesOf, type Probe } from '../../server/accuracy/probe/prompts.js';
import { tempFolder } from '../helpers/temp.js';
import { hostOf, newRun } from './helpers.js';

let dir: string;
beforeAll(async () => {
  dir = await tempFolder();
});

async function cases(targets: readonly string[]): Promise<readonly Probe[]> {
  const run = await newRun(hostOf(dir));
  const rows = targets.map((target, i) => ({ id: `d/s/${i}`, dataset: 'd', subset: 's', repeat: 0, prompt: `Question ${i}?`, target, prediction: 'no', extracted: 'no', score: 0, finish_reason: 'stop', output_tokens: 1, cause: 'wrong', detectors: [] }));
  await run.writeRaw({ tool: 'test', input: {} }, [{ path: 'accuracy/accuracy-001/failed_cases.jsonl', kind: 'failed-cases', text: rows.map((r) => `${JSON.stringify(r)}\n`).join('') }]);
  return casesOf(run);
}

describe('failed cases that judge a commit', () => {
  it('a number, a letter up to J and a short text decide; narratives and lists of answers do not', async () => {
    const found = await cases(['1,234', 'F', '\\frac{1}{2}', 'A long reference answer that tells in many words what the passage said about the harbour and its ships.', '["Paris","paris, France"]', ' ']);
    expect(found.map((p) => p.rule)).toEqual([{ kind: 'number', value: 1234 }, { kind: 'choice', letter: 'F', value: '' }, { kind: 'copy', text: '\\frac{1}{2}' }]);
  });
  it('with none that decides the built-in probes are asked', async () => {
    expect(await cases(['["a","b"]'])).toEqual(probesOf('L2'));
  });
  it.each([['ANSWER: F', 1], ['I looked at A and B. The answer is F.', 1], ['答案：F', 1], ['The answer is (F)', 1], ['F', 1], ['ANSWER: A', 0], ['0', 0], ['It is E, I think', 0], ['', 0]] as const)('for F, %s scores %i', async (text, score) => {
    const [letter] = await cases(['F']);
    expect(letter === undefined ? null : judgeProbe(letter, text, 'stop').score).toBe(score);
  });
});
