import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { planted } from '../generate/captures.js';
import { tempFolder } from '../helpers/temp.js';
import { query, sheet } from '../sim/reader.js';

const data = join(import.meta.dirname, '../../../shared/data');
const here = existsSync(data);
if (!here) console.warn('real artifacts are not on this machine: the simulator is not held against them');

type Event = Record<string, unknown> & { args?: Record<string, unknown> };

/** What our simulated captures share with those of real devices: names, order of columns, keys, units. Values are never compared. */
describe.skipIf(!here)('simulated captures have the form of real ones', () => {
  let torch: string;
  beforeAll(async () => {
    const folder = await tempFolder();
    const made = await planted(join(folder, 'sim'), { ranks: 2, marks: 'step' }, ['torch-text', 'torch-db']);
    torch = join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT');
  });
  const real = (path: string): string => join(data, path);

  test('kernel_details has the columns of a 2026 capture, its start cells and its double quotes', () => {
    const theirs = sheet(real('torchprof-text/lukaivanic-910b-embedding/kernel_details.csv'));
    const ours = sheet(join(torch, 'kernel_details.csv'));
    expect(ours.header.slice(1)).toEqual(theirs.header);
    const form = (row: string[]): string[] =>
      row.map((cell) => cell.replace(/\d+/g, '9').replace(/"""[9,;]+"""/, 'SHAPE'));
    const at = (name: string): number => theirs.header.indexOf(name);
    for (const name of [
      'Start Time(us)',
      'Duration(us)',
      'Input Shapes',
      'aicore_time(us)',
      'aic_total_cycles',
      'cube_utilization(%)',
    ])
      expect(form(ours.rows[0]!.slice(1))[at(name)]).toBe(form(theirs.rows[0]!)[at(name)]);
  });

  test.each(['op_statistic.csv', 'api_statistic.csv', 'npu_module_mem.csv', 'step_trace_time.csv'])(
    '%s has the columns of a 2025 capture',
    (name) => {
      expect(sheet(join(torch, name)).header).toEqual(
        sheet(real(`torchprof-text/msinsight-st-rank0/ASCEND_PROFILER_OUTPUT/${name}`)).header,
      );
    },
  );

  test('memory_record has columns and TABs of a real one', () => {
    const theirs = sheet(real('torchprof-text/msinsight-st-rank0/ASCEND_PROFILER_OUTPUT/memory_record.csv'));
    const ours = sheet(join(torch, 'memory_record.csv'));
    expect(ours.header).toEqual(theirs.header);
    expect(ours.rows[0]!.map((cell) => cell.endsWith('\t'))).toEqual(
      theirs.rows[0]!.map((cell) => cell.endsWith('\t')),
    );
  });

  test('communication.json and the matrix have the same keys all the way down', () => {
    const shape = (value: unknown): unknown =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([key]) => !/^\d/.test(key))
              .map(([key, item]) => [key, shape(item)]),
          )
        : null;
    const read = (path: string): Record<string, Record<string, Record<string, unknown>>> =>
      JSON.parse(readFileSync(path, 'utf8'));
    const theirs = Object.values(
      read(real('torchprof-text/msinsight-st-rank0/ASCEND_PROFILER_OUTPUT/communication.json')),
    )[0]!['collective']!;
    const ours = Object.values(read(join(torch, 'communication.json')))[0]!['collective']!;
    expect(shape(Object.values(ours)[0])).toEqual(shape(Object.values(theirs)[0]));
    expect(shape(ours['Total Op Info'])).toEqual(shape(theirs['Total Op Info']));
  });

  test('timeline events carry the keys of real ones, track by track', () => {
    const keys = (path: string): Map<string, string[]> => {
      const events = JSON.parse(readFileSync(path, 'utf8')) as Event[];
      const names = new Map(
        events
          .filter((event) => event['name'] === 'process_name')
          .map((event) => [event['pid'], String(event.args?.['name']).replace('HCCL', 'Communication')]),
      );
      const found = new Map<string, string[]>();
      for (const event of events) {
        const cat = typeof event['cat'] === 'string' ? event['cat'] : '';
        const kind = `${names.get(event['pid'])} ${event['ph']} ${cat} ${event['ph'] === 'X' && typeof event.args?.['notify_id'] === 'string' ? 'plane' : ''}`;
        if (!found.has(kind))
          found.set(kind, [...Object.keys(event).sort(), '|', ...Object.keys(event.args ?? {}).sort()]);
      }
      return found;
    };
    const theirs = keys(real('torchprof-text/msinsight-level1-rank0/ASCEND_PROFILER_OUTPUT/trace_view.json'));
    const ours = keys(join(torch, 'trace_view.json'));
    for (const kind of [
      'CANN X  ',
      'CANN s HostToDevice ',
      'Ascend Hardware f HostToDevice ',
      'Communication X  plane',
      'Python X enqueue ',
      'Python s async_task_queue ',
      'Python s async_npu ',
      'AI Core Freq C  ',
      'NPU MEM C  ',
    ])
      expect([kind, ours.get(kind)]).toEqual([kind, theirs.get(kind)]);
  });

  test('PMU names and units in the database are those of a real one', async () => {
    const sql = 'SELECT DISTINCT s.value FROM TASK_PMU_INFO p JOIN STRING_IDS s ON s.id = p.name ORDER BY 1';
    const theirs = await query(
      real('torchprof-db/msinsight-level1-rank0/ASCEND_PROFILER_OUTPUT/ascend_pytorch_profiler_0.db'),
      sql,
    );
    const ours = join(torch, 'ascend_pytorch_profiler_0.db');
    expect(await query(ours, sql)).toEqual(theirs);
    // Core time is nanoseconds on both sides: summed, it is near the tasks' own duration, not a thousandth of it.
    const share =
      "SELECT sum(p.value) * 1.0 / sum(CASE WHEN p.value > 0 THEN t.endNs - t.startNs END) FROM TASK_PMU_INFO p JOIN TASK t USING (globalTaskId) JOIN STRING_IDS s ON s.id = p.name WHERE s.value IN ('aic_total_time', 'aiv_total_time')";
    for (const path of [
      ours,
      real('torchprof-db/msinsight-level1-rank0/ASCEND_PROFILER_OUTPUT/ascend_pytorch_profiler_0.db'),
    ]) {
      const value = Number((await query(path, share))[0]![0]);
      expect(value).toBeGreaterThan(0.5);
      expect(value).toBeLessThan(1.2);
    }
  });

  test('tables of analysis.db are those of a real one, with the device id of newer versions', async () => {
    const sql =
      "SELECT name, replace(sql, 'deviceId INTEGER, ', '') FROM sqlite_master WHERE type = 'table' ORDER BY name";
    const theirs = await query(real('torchprof-db/msinsight-level1-rank0/ASCEND_PROFILER_OUTPUT/analysis.db'), sql);
    const ours = (await query(join(torch, 'analysis.db'), sql)).map(([name, text]) => [
      name,
      String(text).replaceAll(',', ', ').replace('deviceId INTEGER, ', ''),
    ]);
    expect(ours).toEqual(theirs);
  });
});
