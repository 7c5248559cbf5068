import { join } from 'node:path';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ready, startXllm, until } from '../sim-host/helpers.js';
import { collectOn, simulateHost } from './sim.js';

describe('faults that the state of the simulated host shows, by name', () => {
  it('device-alarm', async () => {
    const { verdict, facts } = await collectOn(simulateHost([{ name: 'device-alarm', rank: 2 }]));
    expect(verdict).toBe('diagnosed');
    expect(facts['incidents']).toHaveLength(1);
    expect(facts['primary']).toMatchObject({ id: 'device-alarm', class: 'device', layer: 'driver', origin: { device: 2 } });
    expect(facts['commands']).toEqual(expect.arrayContaining([expect.objectContaining({ command: 'npu-smi info -t ecc -i 2', outcome: 'ok' })]));
    // Four cards, five verbs, each a get; the simulated host has no such program, which is said.
    const hccn = JSON.stringify(facts['commands']).match(/"hccn_tool [^"]*","outcome":"\w+"/g) ?? [];
    expect(hccn).toHaveLength(20);
    for (const c of hccn) expect(c).toMatch(/^"hccn_tool -i \d -(?:link|net_health|link_stat|optical|ip) -g","outcome":"missing"$/);
  });
  it('device-missing, and the process that asked for the card is its consequence', async () => {
    const sim = simulateHost(['device-missing']);
    const alone = await collectOn(sim);
    // Its kernel log has lost the card, npu-smi does not list it: one failure.
    expect(alone.facts['incidents']).toMatchObject([{ id: 'device-heartbeat', class: 'device', origin: { device: 3, file: 'collected/dmesg.log' }, why: expect.stringContaining('4 device nodes are there and npu-smi lists 3 cards; card 3 is not among them') }]);
    const log = join(sim.dir, 'plog-9_20260805030000000.log');
    writeFileSync(log, '[ERROR] RUNTIME(9,python3):2026-08-05-03:00:00.000.000 [runtime.cc:4780]9 GetVisibleDevices:set ASCEND_RT_VISIBLE_DEVICES:[3] error, input data rang[0-4)\n');
    const { facts } = await collectOn(sim, null, [log]);
    expect(facts['incidents']).toHaveLength(1);
    expect(facts['primary']).toMatchObject({ id: 'device-heartbeat', origin: { device: 3 } });
    expect(facts['cascades']).toMatchObject([{ id: 'device-id', under: 0 }]);
  });
  it('d-state-load: the stack in the kernel log names the copy, and the log of the service its rank', async () => {
    const sim = simulateHost(['d-state-load'], 2);
    const service = await startXllm(sim, 1);
    try {
      await until(() => existsSync(join(sim.dir, 'sim/state/kernel.log')));
      const { verdict, facts } = await collectOn(sim, service);
      expect(verdict).toBe('diagnosed');
      expect(facts['incidents']).toMatchObject([{ id: 'd-state-copy', class: 'host-os', origin: { rank: 0, pid: service.ranks[0]?.pid, file: 'collected/dmesg.log' } }]);
      expect(facts['commands']).toEqual(expect.arrayContaining([expect.objectContaining({ command: 'dmesg -T', outcome: 'ok' })]));
    } finally {
      for (const r of service.ranks) r.kill('SIGKILL');
    }
  });
  it('stale-process, listed or not', async () => {
    const { verdict, facts } = await collectOn(simulateHost([{ name: 'stale-process', rank: 1 }, { name: 'stale-process', rank: 2, listed: false }]));
    expect(verdict).toBe('diagnosed');
    expect(facts['incidents']).toMatchObject([{ id: 'stale-process', class: 'device', origin: { device: 1 } }, { id: 'stale-process', origin: { device: 2 } }]);
  });
  it('a healthy host whose cards are used by living processes', async () => {
    const sim = simulateHost([], 2);
    const service = await startXllm(sim, 1);
    try {
      await ready(service);
      const { facts } = await collectOn(sim, service);
      expect(facts['incidents']).toEqual([]);
      expect(facts['commands']).toEqual(expect.arrayContaining([{ command: `GET ${service.url}/health`, outcome: 'ok', bytes: expect.any(Number) }, expect.objectContaining({ command: "read logs of the run's services", outcome: 'ok' })]));
    } finally {
      for (const r of service.ranks) r.kill('SIGKILL');
    }
  });
});
