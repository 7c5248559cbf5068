import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findChip, roofOf } from '../../server/hardware/lookup.js';
import { cacheCost } from '../../server/models/memory.js';
import { countParameters } from '../../server/models/parameters.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { stepTimeUs } from '../../server/models/roofline.js';
import type { ModelSpec } from '../../server/models/spec.js';
import { weightsPerRank } from '../../server/models/weights.js';
import { decode, failure, off, plan } from '../models/helpers.js';
import { published } from '../models/published.js';

const folder = join(process.cwd(), '..', 'shared', 'data', 'model-config');
const present = existsSync(folder);
const cases = present ? readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)).map((file): [string, string] => [name, join(folder, name, file)])) : [];
const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
/** DeepSeek-V4 is not understood: compressed pools, grouped low-rank outputs and hyper-connections. */
const refused = /DeepSeek-V4/;
const known = cases.filter(([name]) => !refused.test(name));
const spec = (name: string): ModelSpec => parseModelConfig(read(known.find(([n]) => n.includes(name))?.[1] ?? name));

describe.runIf(present)('real configurations (needs ../shared/data/model-config)', () => {
  it.each(known)('%s: total within 1 % of the card, active within 3 %', (name, path) => {
    const p = countParameters(parseModelConfig(read(path)));
    const card = published.find(([pattern]) => pattern.test(name))?.[1];
    expect(card).toBeDefined();
    expect(off(p.params_total / 1e9, card?.total_b ?? NaN)).toBeLessThan(card?.rounding ?? 0.01);
    const counted = [p.params_active, p.params_active_without_embeddings, p.params_active - p.by_component.embed];
    if (card?.active_b != null) expect(Math.min(...counted.map((a) => off(a / 1e9, card.active_b ?? NaN)))).toBeLessThan(0.03);
  });

  it.each(cases.filter(([name]) => refused.test(name)))('%s is refused by name', (_, path) => {
    const error = failure(() => parseModelConfig(read(path)));
    expect(error.code).toBe('E_MODEL_UNKNOWN');
    expect(error.seen).toContain('model_type');
  });

  it('Hub totals with every part counted: GLM-5 753.9, DeepSeek-V3 684.5, Qwen3-VL-8B 8.77, Kimi tower about 0.47', () => {
    const whole = (name: string): number => {
      const p = countParameters(spec(name));
      return (p.params_total + (p.params_mtp ?? 0) + (p.params_vision ?? 0)) / 1e9;
    };
    expect(whole('GLM-5.1')).toBeCloseTo(753.86, 1);
    expect(whole('Qwen3-VL-8B')).toBeCloseTo(8.767, 3);
    const deepseek = countParameters(spec('DeepSeek-V3'));
    expect(deepseek.params_total + (deepseek.params_mtp ?? 0) + deepseek.params_mtp_duplicates).toBe(684_489_845_504);
  });

  it('copies of one model in different repositories count the same', () => {
    const totals = (pattern: RegExp): Set<number> => new Set(known.filter(([n]) => pattern.test(n)).map(([, path]) => countParameters(parseModelConfig(read(path))).params_total));
    expect(totals(/deepseek[-_](?:v3|r1|671b)/i).size).toBe(1);
    expect(totals(/qwen3-32b/i).size).toBe(1);
    expect(totals(/minimax/i).size).toBe(1);
  });

  it('GLM-5.2 shares indices: 21 of 78 layers have an indexer, xLLM on NPU still caches all', () => {
    const five2 = spec('GLM-5.2');
    expect(five2.layers.filter((l) => l.attention.kind === 'mla' && l.attention.sparse?.own === true)).toHaveLength(21);
    expect(cacheCost(five2, plan()).kv_bytes_per_token).toBe(109_824);
    expect(cacheCost(five2, plan(), { index_layers: 'own' }).kv_bytes_per_token).toBe(78 * 1152 + 21 * 256);
  });

  it('Kimi-K2.5: only its routed experts are in 4 bits, about 594 GB', () => {
    const kimi = spec('Kimi-K2.5');
    const experts = countParameters(kimi).by_component.experts;
    expect(weightsPerRank(kimi, plan()).weights_bytes).toBe(2 * (countParameters(kimi).params_total - experts) + experts * 0.5625);
  });

  it('every one gives a finite step on an A3 die', () => {
    const die = roofOf(findChip('Ascend910_9392'));
    for (const [name, path] of known) {
      const t = stepTimeUs(parseModelConfig(read(path)), die, plan(2, 1, 1), decode(8, 2000));
      expect(Number.isFinite(t.time_lower_bound_us) && t.time_lower_bound_us > 0, name).toBe(true);
    }
  });
});

if (!present) {
  describe('real configurations', () => {
    it('are absent: ../shared/data/model-config is not there, nothing was checked', () => {
      expect(cases).toEqual([]);
    });
  });
}
