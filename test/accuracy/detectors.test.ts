import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detect, detectorNames } from '../../server/accuracy/detect/detectors.js';
import { entropy } from '../../server/accuracy/detect/text.js';
import { falseFriends, garbles, soundChinese, soundEnglish } from '../generate/accuracy.js';

const names = (text: string, prompt: string, finish: 'stop' | 'length' = 'stop'): string[] => detect(text, { prompt, finish }).map((h) => h.detector);

describe('planted garble', () => {
  it.each(garbles.map((g, i) => [g.detector, i, g] as const))('%s (%i)', (detector, _i, g) => {
    expect(names(g.text, g.prompt, g.finish)).toContain(detector);
  });
  it('plants one for every detector', () => {
    expect([...new Set(garbles.map((g) => g.detector))].sort()).toEqual([...detectorNames].sort());
  });
});

describe('sound text', () => {
  it.each(falseFriends.map((f) => [f.name, f] as const))('%s', (_name, f) => {
    expect(detect(f.text, { prompt: f.prompt, finish: 'stop' })).toEqual([]);
  });
  it('is sound in every sentence of it, wherever it is read to', () => {
    // Prefixes at sentence ends: an answer of any length that is sound stays sound.
    for (const text of [soundEnglish, soundChinese]) {
      for (const end of [...text.matchAll(/[.。]/g)].map((m) => m.index + 1)) expect(names(text.slice(0, end), 'Tell me.')).toEqual([]);
    }
  });
});

describe('values', () => {
  it('are what was planted', () => {
    const value = (text: string, detector: string): number | undefined => detect(text, { prompt: null, finish: 'stop' }).find((h) => h.detector === detector)?.value;
    expect(value(`ab${'x'.repeat(37)}cd`, 'character-run')).toBe(37);
    expect(value(`start ${'no '.repeat(11)}`, 'word-run')).toBe(11);
    // 9 periods of "abcdefghij " behind a text that does not fit the period.
    expect(value(`zz ${'abcdefghij '.repeat(9)}`, 'ngram-loop')).toBe(9 * 11 - 1 + 1);
    expect(value(`a${' '.repeat(63)}b`, 'whitespace-run')).toBe(63);
  });
  it('entropy of equally frequent signs is the logarithm of their number', () => {
    for (const k of [1, 2, 4, 16]) expect(entropy(Array.from({ length: 64 }, (_, i) => String(i % k)))).toBeCloseTo(Math.log2(k), 12);
  });
});

describe('any text at all', () => {
  it('gives finite values and the same answer twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.string({ maxLength: 80 }), (text, prompt) => {
        const hits = detect(text, { prompt, finish: null });
        expect(hits.every((h) => Number.isFinite(h.value))).toBe(true);
        expect(detect(text, { prompt, finish: null })).toEqual(hits);
      }),
      { numRuns: 100, seed: 8 },
    );
  });
});
