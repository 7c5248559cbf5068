import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOperators } from '../../server/profiles/opprof.js';
import { judgeOperators } from '../../server/profiling/operators/judge.js';
import { operatorTables } from '../../server/profiling/operators/render.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const data = join(import.meta.dirname, '../../../shared/data/opprof');
const there = existsSync(data);
if (!there) console.warn('test/real/opprof: ../shared/data/opprof is not here, nothing to test');

const dir = await tempFolder();
const host = testHost(dir, [data]);
const folders = there ? readdirSync(data).map((name) => ({ name, tables: readdirSync(join(data, name)).filter((f) => f.endsWith('.csv')).length })) : [];

describe.skipIf(!there)('every real operator profile', () => {
  it.each(folders.filter((f) => f.tables > 0))('$name', async ({ name, tables }) => {
    const read = await readOperators([join(data, name)], host);
    expect(read.sources).toHaveLength(tables);
    expect(read.operators).toHaveLength(1);
    for (const op of read.operators) {
      expect(op.cores.length).toBeGreaterThan(0);
      for (const unit of op.units) expect(unit.ratio_mean >= 0 && unit.ratio_max <= 1).toBe(true);
      for (const core of op.cores) expect(core.time_us_max).toBeGreaterThanOrEqual(core.time_us_mean);
      for (const rate of [op.l2?.read_hit_pct, op.l2?.write_hit_pct, op.l2?.total_hit_pct]) expect(rate == null || (rate >= 0 && rate <= 100)).toBe(true);
    }
    const judged = judgeOperators(read);
    expect(['compute-bound', 'memory-bound', 'mixed', 'inconclusive']).toContain(judged.bottleneck.class);
    expect(operatorTables(judged, 20)).not.toMatch(/NaN|undefined|Infinity/);
  });

  it.each(folders.filter((f) => f.tables === 0))('$name holds a log only', async ({ name }) => {
    await expect(readOperators([join(data, name)], host)).rejects.toMatchObject({ code: 'E_PROFILE_OPERATOR' });
  });
});
