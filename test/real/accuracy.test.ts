import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detect } from '../../server/accuracy/detect/detectors.js';
import { scoreOf } from '../../server/accuracy/read/items.js';
import { readSide } from '../../server/accuracy/read/side.js';

const root = resolve(import.meta.dirname, '../../../shared/data/evalscope/viz-qwen-plus');
const there = existsSync(root);

describe.skipIf(!there)('a real evalscope output (../shared/data)', () => {
  it('every item with score, text, prompt and finish reason; the scores are those of its reports', async () => {
    const side = await readSide(root);
    expect(side.items).toHaveLength(50);
    expect(side.items.every((i) => i.prompt !== null && i.answers.every((a) => a.text !== null && a.finish === 'stop' && a.outputTokens !== null))).toBe(true);
    expect([...new Set(side.items.map((i) => `${i.dataset}/${i.subset}`))].sort()).toEqual(['gpqa_diamond/default', 'gsm8k/main', 'ifeval/default', 'iquiz/EQ', 'iquiz/IQ']);
    const folder = join(root, 'reports/qwen-plus');
    for (const name of readdirSync(folder)) {
      const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { dataset_name: string; score: number; num?: number };
      const scores = side.items.filter((i) => i.dataset === report.dataset_name).map((i) => scoreOf(i) ?? NaN);
      expect(scores.reduce((s, v) => s + v, 0) / scores.length).toBeCloseTo(report.score, 4);
    }
  });

  it('the detectors point at none of its answers', async () => {
    const side = await readSide(root);
    const hits = side.items.flatMap((i) => i.answers.flatMap((a) => detect(a.text ?? '', { prompt: i.prompt, finish: a.finish }).map((h) => `${i.id} ${h.detector} ${h.value}`)));
    expect(hits).toEqual([]);
  });

  it('nor at its questions, read as answers', async () => {
    const side = await readSide(root);
    const hits = side.items.flatMap((i) => detect(i.prompt ?? '', { prompt: null, finish: 'stop' }).map((h) => `${i.id} ${h.detector} ${h.value}`));
    expect(hits).toEqual([]);
  });

  it('settings that bind are known', async () => {
    const { settings } = await readSide(root);
    expect(settings['generation_config.temperature']).toBe('0.7');
    expect(settings['gsm8k.few_shot_num']).toBe('4');
  });
});
