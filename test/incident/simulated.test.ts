import { describe, expect, it } from 'vitest';
import { until } from '../sim-host/helpers.js';
import { allEnded, triage, withFault } from './sim.js';

describe('faults at the start of the simulated service, by name', () => {
  it('oom-at-load', async () => {
    const host = await withFault({ name: 'oom-at-load', rank: 1 }, 2);
    await allEnded(host.service, [0, 1]);
    const body = await triage(host);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'npu-oom', class: 'hbm-oom', origin: { rank: 1 } } });
    expect(body.incidents).toHaveLength(1);
  });
  it('port-in-use', async () => {
    const host = await withFault({ name: 'port-in-use' }, 1);
    await allEnded(host.service, [0]);
    expect(await triage(host)).toMatchObject({ verdict: 'diagnosed', primary: { id: 'port-busy', class: 'port', origin: { rank: 0 } } });
  });
  it('missing-rank', async () => {
    const host = await withFault({ name: 'missing-rank' }, 2);
    const log = (rank: number): string => host.service.ranks[rank]?.log() ?? '';
    await until(() => /Worker#\d connect to \S+ success/.test(log(0)));
    expect((await triage(host)).primary).toMatchObject({ id: 'silent-rank', class: 'framework', origin: { rank: 1 } });
  });
  it('d-state-load is suspected: a log that ends while it loads', async () => {
    const host = await withFault({ name: 'd-state-load' }, 1);
    await until(() => host.service.ranks[0]?.log().includes('Loading model weights from') === true);
    expect(await triage(host)).toMatchObject({ verdict: 'suspected', primary: { id: 'stalled-start', origin: { rank: 0 } } });
  });
});
