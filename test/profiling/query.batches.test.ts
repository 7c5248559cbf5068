import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildDatabase } from '../../server/profiling/query/build.js';
import { runQuery } from '../../server/profiling/query/query.js';
import { tempFolder } from '../helpers/temp.js';
import { makeProfile } from './make.js';

const dir = await tempFolder();
const file = join(dir, 'p.duckdb');
const rows = async (sql: string) => (await runQuery(file, sql, { rows: 50, timeoutMs: 20_000, bytes: 6000, signal: new AbortController().signal })).rows;

/** More than the engine's row group, and no multiple of its vector. */
const count = 130_001;
const baseNs = 1_772_420_645_006_000_123n;
/** Names of one, two and four bytes of a dictionary; texts, ids, numbers and counters that come and go. */
const profile = makeProfile({
  baseNs,
  tasks: Array.from({ length: count }, (_, i) => ({
    start: i * 1000 - 50_000_000, dur: 500 + (i % 11), name: `kernel ${i}`, stream: i % 5 === 0 ? -1 : i % 5,
    ...(i % 4 === 0 ? {} : { op: `Op${i % 7}` }), in: `${i % 300},1`,
    ...(i % 3 === 0 ? { connection: i } : {}), ...(i % 2 === 0 ? {} : { pmu: { aic_mac_ratio: i / count, ...(i % 6 === 1 ? { aiv_vec_ratio: 0 } : {}) } }),
  })),
  apis: [
    { start: 0, dur: 1, name: 'a\0b' }, { start: 1, dur: 1, name: 'a\0c' }, { start: 2, dur: 1, name: 'bad \ud800 half' }, { start: 3, dur: 1, name: 'bad \ud801 half' }, { start: 4, dur: 1, name: '\0' },
    { start: 5, dur: 1, name: '内核 Ω' }, { start: 6, dur: 1, name: "it's; DROP TABLE apis --" }, { start: 2 ** 55 + 1000, dur: 1, name: 'late' }, { start: -(2 ** 55) - 1000, dur: 1, name: 'early' }, { start: Number.NaN, dur: Number.POSITIVE_INFINITY, name: 'timeless' },
  ],
});
beforeAll(() => buildDatabase(profile, file));

describe('a table of many batches', () => {
  it('has every cell as it was planted, over every change of batch and dictionary', async () => {
    const wrong = `name IS DISTINCT FROM 'kernel ' || task_id OR start_ns IS DISTINCT FROM ${baseNs} + task_id * 1000 - 50000000 OR abs(duration_us - (500 + task_id % 11) / 1000) > 1e-12
      OR stream IS DISTINCT FROM nullif(task_id % 5, 0) OR op_type IS DISTINCT FROM CASE WHEN task_id % 4 <> 0 THEN 'Op' || (task_id % 7) END OR input_shapes IS DISTINCT FROM (task_id % 300) || ',1'
      OR connection_id IS DISTINCT FROM CASE WHEN task_id % 3 = 0 THEN task_id END OR task_type IS DISTINCT FROM 'AI_CORE' OR op_state IS NOT NULL OR rank IS NOT NULL OR device IS DISTINCT FROM 0`;
    expect(await rows(`SELECT count(*), sum(task_id)::BIGINT, max(abs(task_id - rowid)), count(*) FILTER (${wrong}) FROM tasks`)).toEqual([[count, (count * (count - 1)) / 2, 0, 0]]);
  });

  it('has a counter where it was taken, and zero is a value', async () => {
    expect(await rows(`SELECT count(*), count(*) FILTER (aic_mac_ratio IS DISTINCT FROM task_id / ${count}), count(aiv_vec_ratio), max(aiv_vec_ratio) FROM pmu`)).toEqual([[65_000, 0, Math.ceil(65_000 / 3), 0]]);
  });

  it('shows text as text: types, functions and comparison', async () => {
    expect(await rows("SELECT column_name FROM (DESCRIBE tasks) WHERE column_type NOT IN ('BIGINT', 'DOUBLE', 'VARCHAR')")).toEqual([]);
    expect(await rows("SELECT upper(op_type), count(*) FROM tasks WHERE op_type LIKE 'Op%' AND op_type > 'Op4' GROUP BY 1 ORDER BY 1")).toEqual([
      ['OP5', [...Array(count).keys()].filter((i) => i % 4 !== 0 && i % 7 === 5).length],
      ['OP6', [...Array(count).keys()].filter((i) => i % 4 !== 0 && i % 7 === 6).length],
    ]);
  });
});

describe('odd cells', () => {
  it('text that differs only behind a NUL or in half a character is stored, not refused', async () => {
    expect((await rows("SELECT name FROM apis WHERE name <> 'early' ORDER BY rowid")).flat()).toEqual(['a', 'a', 'bad � half', 'bad � half', '', '内核 Ω', "it's; DROP TABLE apis --", 'late', 'timeless']);
  });

  it('integers stay exact far from the base; what is no number is null', async () => {
    expect(await rows(`SELECT (start_ns - ${baseNs})::VARCHAR, duration_us FROM apis WHERE name IN ('early', 'late', 'timeless') ORDER BY name`)).toEqual([[String(-(2n ** 55n) - 1000n), 0.001], [String(2n ** 55n + 1000n), 0.001], [null, null]]);
  });
});
