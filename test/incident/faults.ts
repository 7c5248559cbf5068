import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultNames } from '../../server/sim/host-file.js';
import { tempFolder } from '../helpers/temp.js';
import { table, triageOf } from './fault-table.js';

/** Tests of one group of the table, two faults at a time. */
export function faultsOf(group: (typeof table)[keyof typeof table]['group']): void {
  describe(`faults of the simulated host from their files alone: ${group}`, async () => {
    const dir = await tempFolder();
    const names = faultNames.filter((n) => table[n].group === group);
    const pairs = names.flatMap((n, i) => (i % 2 === 0 ? [names.slice(i, i + 2)] : []));
    it.each(pairs.map((p) => [p.join(', '), p] as const))('%s', async (_, pair) => {
      await Promise.all(
        pair.map(async (name) => {
          const { verdict, facts, headline } = await triageOf(name, join(dir, name));
          const { expected } = table[name];
          expect({ verdict, incidents: facts['incidents'] }, `${name}: ${headline}`).toMatchObject(expected === null ? { verdict: 'no-known-signature', incidents: [] } : { verdict: expected.verdict, incidents: [{ id: expected.id, class: expected.class, origin: expected.origin }] });
        }),
      );
    });
  });
}
