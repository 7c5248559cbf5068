import { describe, expect, it } from 'vitest';
import { judgeProbe, numberIn } from '../../server/accuracy/probe/judge.js';
import { probes, probesOf } from '../../server/accuracy/probe/prompts.js';

const probe = (id: string): (typeof probes)[number] => {
  const found = probes.find((p) => p.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};
const score = (id: string, text: string): number => judgeProbe(probe(id), text, 'stop').score;

describe('the probe set', () => {
  it('has ids of its own, both languages, a prompt of more than 1,700 words, and a small first level', () => {
    expect(new Set(probes.map((p) => p.id)).size).toBe(probes.length);
    expect(probes.filter((p) => /\p{Script=Han}/u.test(p.prompt)).length).toBeGreaterThanOrEqual(3);
    // xLLM #2055 broke beyond about 1,700 tokens of prompt; a word is at least a token.
    expect(Math.max(...probes.map((p) => p.prompt.split(/\s+/).length))).toBeGreaterThan(1700);
    expect(probesOf('L1').length).toBeLessThan(probesOf('L2').length);
  });
  it('wants what arithmetic says', () => {
    const wanted: Record<string, number> = { 'number-product': 17 * 23, 'number-boxed': (12 + 8) * 3, 'number-zh': 36 / 4 + 7, 'number-negative': 7 - 12, 'number-sum': 128 + 256 - 64, 'long-prompt': 47 + 58 };
    for (const [id, value] of Object.entries(wanted)) {
      expect(probe(id).rule).toEqual({ kind: 'number', value });
      expect(score(id, String(value))).toBe(1);
      expect(score(id, String(value + 1))).toBe(0);
    }
  });
});

describe('rules', () => {
  it.each([['The answer is 1,234.5.', 1234.5], ['7 − 12 = −5', -5], ['first 3, then 60', 60], ['\\boxed{42} because 43 is more', 42], ['no number', null]])('%s', (text, value) => {
    expect(numberIn(text)).toBe(value);
  });
  it('copies are exact but for quotes and blanks', () => {
    const text = probe('copy-en').rule.kind === 'copy' ? (probe('copy-en').rule as { text: string }).text : '';
    expect(score('copy-en', `"${text}"`)).toBe(1);
    expect(score('copy-en', text.replace('slowest', 'slower'))).toBe(0);
  });
  it('a choice is its letter, or its value when no letter is given', () => {
    expect([score('choice-product', 'B'), score('choice-product', '**B**'), score('choice-product', '9 * 8 = 72.'), score('choice-product', 'C'), score('choice-product', '9 * 8 = 71')]).toEqual([1, 1, 1, 0, 0]);
  });
  it('JSON is read out of what surrounds it, and no field may be missing or more', () => {
    expect(score('copy-json', 'Here: {"chips":8, "name":"probe","dtype":"bfloat16","blocks":4096}')).toBe(1);
    expect(score('copy-json', '{"chips":8,"name":"probe","dtype":"bfloat16"}')).toBe(0);
    expect(score('copy-json', '{"chips":8,"name":"probe","dtype":"bfloat16","blocks":4096,"x":1}')).toBe(0);
    expect(score('copy-json', '{"chips":8,')).toBe(0);
  });
  it('a reasoning block is not the answer', () => {
    expect(score('number-product', '<think>17 * 23, maybe 392?</think>391')).toBe(1);
    expect(score('number-product', '<think>391</think>I do not know')).toBe(0);
  });
  it('a right answer inside broken text is not right', () => {
    expect(score('number-product', `391${'!'.repeat(60)}`)).toBe(0);
  });
});
