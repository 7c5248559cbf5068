import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, ToolError } from '../../server/contract/index.js';
import { readProfile } from '../../server/profiles/read.js';
import { body, judged } from '../../server/profiling/derive.js';
import { fiveTables, timelineNotes, type Judged } from '../../server/profiling/render.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const data = join(import.meta.dirname, '../../../shared/data');
const there = existsSync(data);
if (!there) console.warn('test/real/profiling: ../shared/data is not here, nothing to test');

const dir = await tempFolder();
const host = testHost(dir, [data]);
const groups = ['torchprof-text', 'torchprof-db', 'msprof-csv', 'msprof-db', 'msprof-json', 'mindspore-prof', 'trace', 'cluster'];
const cases = there ? groups.flatMap((g) => readdirSync(join(data, g)).map((n) => `${g}/${n}`)) : [];

const read = async (name: string): Promise<Judged> => judged(await readProfile([join(data, name)], host));

/** Folders that hold no profile, by the README beside them. */
const none = new Set(['msprof-db/msinsight-memscope', 'trace/msmodeling-trace', 'cluster/msinsight-group']);

/** Trimmed by hand for tests elsewhere: rows are missing, so the exporter's sums belong to another set of tasks. */
const trimmed = /msinsight-ut-rank|msinsight-kernelparse|mstt-advisor-compute|msinsight-fulldb/;

describe.skipIf(!there)('every real capture', () => {
  it.each(cases)('%s: a valid artifact or an error with a code', async (name) => {
    let j: Judged;
    try {
      j = await read(name);
    } catch (error) {
      expect(none.has(name)).toBe(true);
      expect(error).toBeInstanceOf(ToolError);
      return;
    }
    const { analysis } = j;
    const whole = { schema: 'profiling-analysis', schema_version: '1.0.0', producer: { name: 'x', version: '0.0.0' }, created_at: '2026-01-01T00:00:00Z', simulated: false, source: [], ...body(j) };
    expect(check('profiling-analysis', whole)).toMatchObject({ ok: true });
    for (const page of [fiveTables(j, { top: 20, minSharePct: 1 }), timelineNotes(j)]) expect(page).not.toMatch(/NaN|undefined|Infinity/);
    for (const w of analysis.windows) {
      expect(w.computing_us + w.communication_not_overlapped_us + w.free_us).toBeCloseTo(w.span_us, 3);
      if (w.idle_us !== null) expect((w.memcpy_us ?? 0) + (w.event_wait_us ?? 0) + (w.aicpu_us ?? 0) + w.idle_us).toBeCloseTo(w.free_us, 3);
    }
    // A missing table has its reason.
    for (const table of ['kernel', 'communication', 'fusion', 'dispatch', 'memory'] as const) if (analysis[table] === null) expect(analysis.incomplete.map((n) => n.code)).toContain(`${table}-null`);
    if (/level0/i.test(name)) expect(j.bottleneck.class).toBe('inconclusive');
    if (trimmed.test(name)) expect(['high', 'medium']).not.toContain(j.bottleneck.class === 'inconclusive' ? 'none' : j.bottleneck.class === 'host-bound' ? j.bottleneck.confidence : 'none');
  });

  // StepTraceTime and step_trace_time.csv are the exporter's own numbers: another program, the same capture.
  const exported = cases.filter((n) => /^torchprof-(?:text|db)\/msinsight-(?:level|st)/.test(n));
  it.each(exported)('%s: the window is the exporter\'s', async (name) => {
    const { analysis } = await read(name);
    const [step] = (await readProfile([join(data, name)], host)).stepTrace;
    const w = analysis.windows[0];
    expect(analysis.profile.stepTrace).toBe(1);
    expect(w).toBeDefined();
    // The databases agree to the nanosecond; a CSV prints durations of three decimals, rounded one by one.
    const digits = name.startsWith('torchprof-db') ? 3 : 1;
    const near = (value: number | undefined, told: number | null | undefined): void => expect(value ?? Number.NaN).toBeCloseTo(told ?? Number.NaN, digits - 0.5);
    near(w?.computing_us, step?.computingUs);
    near(w?.communication_us, step?.communicationUs);
    near(w?.communication_not_overlapped_us, step?.communicationNotOverlappedUs);
    near(w?.free_us, step?.freeUs);
  });

  it('one program as text and as database: the same class and kernels', async () => {
    for (const rank of [0, 1]) {
      const [text, db] = [await read(`torchprof-text/msinsight-level1-rank${rank}`), await read(`torchprof-db/msinsight-level1-rank${rank}`)];
      expect(db.bottleneck.class).toBe(text.bottleneck.class);
      const counts = (j: Judged): unknown => (j.analysis.kernel ?? []).map((r) => `${r.op_type} ${r.task_type} ${r.count}`).sort();
      expect(counts(db)).toEqual(counts(text));
    }
  });

  it('two cards of one training step wait for each other: exposed communication, most of it for a late rank', async () => {
    const j = await read('torchprof-db/msinsight-level1-rank0');
    expect(j.bottleneck.class).toBe('communication-bound');
    expect(j.findings[0]).toMatchObject({ id: 'comm-exposed', severity: 'high' });
    const row = j.analysis.communication?.[0];
    // Read out of the database by hand: of 102.1 ms, plane 6 alone waits 97.6 ms while nothing moves; the exporter's CommAnalyzerTime says 3.69 ms.
    expect(row?.total_us).toBeCloseTo(102_108.1, 1);
    expect(row?.wait_us).toBeCloseTo(3689.6, 0);
    expect(row?.transit_us).toBeCloseTo(3985.7, 0);
    expect(row?.peer_wait_us ?? 0).toBeGreaterThan(97_000);
  });
});
