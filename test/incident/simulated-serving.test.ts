import { describe, expect, it } from 'vitest';
import { ready } from '../sim-host/helpers.js';
import { allEnded, load, triage, withFault } from './sim.js';

describe('faults while the simulated service runs, by name', () => {
  it('hccl-timeout', async () => {
    const host = await withFault({ name: 'hccl-timeout', rank: 1, after: 5 }, 2);
    await ready(host.service);
    load(host.service);
    await allEnded(host.service, [0]);
    const body = await triage(host);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'silent-rank', class: 'hccl', origin: { rank: 1, file: null, line: null } } });
    expect(body.incidents).toHaveLength(1);
  });
  it('aicore-exception', async () => {
    const host = await withFault({ name: 'aicore-exception', rank: 1, after: 5 }, 2);
    await ready(host.service);
    load(host.service);
    await allEnded(host.service, [0, 1]);
    const body = await triage(host);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'aivector-exception', class: 'aicore', origin: { rank: 1, device: 1 } } });
    expect(body.cascades.map((c) => c.id)).toContain('remote-error');
    expect(body.incidents).toHaveLength(1);
  });
});
