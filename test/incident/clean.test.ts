import { describe, expect, it } from 'vitest';
import { clean } from './clean-logs.js';
import { triageFiles } from './helpers.js';

describe('logs of services in which nothing failed', () => {
  it('240 of them, of 2 to 64 ranks: nothing is diagnosed and nothing suspected', async () => {
    const wrong = new Map<string, string>();
    let lines = 0;
    for (let seed = 1; seed <= 240; seed += 1) {
      const { body } = await triageFiles(clean(seed));
      lines += body.input.lines;
      for (const i of body.incidents) wrong.set(`${i.id}: ${i.evidence[0]?.text ?? i.why}`.slice(0, 160), `seed ${seed}`);
      // A corrected error is to be watched: shown, nothing said of it.
      for (const u of body.unmatched) if (!u.text.includes('severity=Corrected')) wrong.set(`unknown: ${u.text}`.replace(/\d+/g, '#').slice(0, 160), `seed ${seed}`);
    }
    expect([...wrong]).toEqual([]);
    expect(lines).toBeGreaterThan(100_000);
  });
});
