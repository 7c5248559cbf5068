import { describe, expect, it } from 'vitest';
import { chat, ready } from '../sim-host/helpers.js';
import { allEnded, load, triage, withFault } from './sim.js';

describe('faults that end the simulated service, by name', () => {
  it('oom-at-runtime', async () => {
    const host = await withFault({ name: 'oom-at-runtime', after: 4 }, 1);
    await ready(host.service);
    load(host.service);
    await allEnded(host.service, [0]);
    expect(await triage(host)).toMatchObject({ verdict: 'diagnosed', primary: { id: 'npu-oom', origin: { rank: 0 } } });
  });
  it('crash-after-n', async () => {
    const host = await withFault({ name: 'crash-after-n', after: 1 }, 1);
    await ready(host.service);
    await chat(host.service.url, 'What is 1 + 1?');
    await allEnded(host.service, [0]);
    expect(await triage(host)).toMatchObject({ verdict: 'diagnosed', primary: { id: 'segfault', class: 'host-os' } });
  });
});
