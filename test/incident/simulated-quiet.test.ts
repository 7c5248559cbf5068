import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { chat, ready } from '../sim-host/helpers.js';
import { collectOn, withFault } from './sim.js';

async function whileItWorks(name: string): Promise<void> {
  const host = await withFault({ name }, 1);
  await ready(host.service);
  void chat(host.service.url, 'Go on for a while.', { max_tokens: 2000, ignore_eos: true }).catch(() => undefined);
  await sleep(300);
  const { verdict, facts } = await collectOn(host.sim, host.service);
  expect(facts['incidents'], name).toEqual([]);
  expect(verdict, name).toBe('no-known-signature');
}

describe('faults that leave no crash: nothing is claimed', () => {
  it.each([
    ['slow-rank', 'host-bound'],
    ['garbled-output', 'accuracy-drop'],
  ])('%s, %s', async (...names) => {
    await Promise.all(names.map(whileItWorks));
  });
});
