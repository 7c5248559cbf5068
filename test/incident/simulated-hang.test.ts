import { describe, expect, it } from 'vitest';
import { ready, until, vars } from '../sim-host/helpers.js';
import { collectOn, load, withFault } from './sim.js';

describe('a service of the simulated host that stands still', () => {
  it('hang: health says 200, requests run and no token comes', async () => {
    const host = await withFault({ name: 'hang', after: 6 }, 1);
    await ready(host.service);
    load(host.service);
    await until(async () => ((await vars(host.service.url))['num_processing_tokens_total_generated'] ?? 0) >= 6);
    const { verdict, facts } = await collectOn(host.sim, host.service);
    expect(verdict).toBe('diagnosed');
    expect(facts['incidents']).toMatchObject([{ id: 'hang', class: 'framework', layer: 'framework' }]);
  });
});
