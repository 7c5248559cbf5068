import { describe, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { skewOf } from '../../server/pipeline/skew/skew.js';
import { skewColumns, skewNotes, skewRows } from '../../server/pipeline/skew/tables.js';
import type { SkewResult } from '../../server/pipeline/skew/types.js';
import { writeCapture, type CaptureForm } from '../../server/sim/write.js';
import { makeSkewCapture, type SkewPlant } from '../generate/skew.js';
import { extractOf, profileOf, rankSkew } from '../generate/skew-profile.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const compare = (plant: Partial<SkewPlant>): SkewResult => rankSkew(profileOf(makeSkewCapture({ layers: 2, steps: 12, ...plant }).capture));
const codes = (result: SkewResult): string[] => result.reasons.map((r) => r.code);
const clocks = [0, 2000, -2000, 750];

describe('a slow rank', () => {
  it.each<CaptureForm>(['msprof-db', 'msprof-csv', 'msprof-timeline', 'torch-db', 'torch-text'])('read from %s: named, since when, why, and the clocks apart', async (form) => {
    const dir = await tempFolder();
    const { capture } = makeSkewCapture({ layers: 2, steps: 10, slow: { ranks: [2], factor: 1.4, from: 6 }, clockUs: clocks });
    await writeCapture(dir, capture, [form]);
    const { skew } = rankSkew(await readProfile([dir], testHost(dir)));
    expect(skew).toMatchObject({ pattern: 'slow-rank', slowest_rank: 2, slow_ranks: [2], spell: { since_step: 6, until_step: null, cause: 'kernels', stage: null } });
    // Kernels take 40 % longer; the gaps between them do not.
    expect(skew?.skew_pct).toBeGreaterThan(25);
    expect(skew?.skew_pct).toBeLessThan(41);
    for (const row of skew?.per_rank ?? []) expect(Math.abs((row.clock_offset_us ?? Number.NaN) - (clocks[row.rank] ?? 0))).toBeLessThan(20);
    // The slow rank waits least: the others wait for it.
    const waits = skew?.per_rank.map((r) => r.comm_wait_us ?? Number.NaN) ?? [];
    expect(waits.indexOf(Math.min(...waits))).toBe(2);
  });

  it('is told in time on the clock of the reference rank', () => {
    const made = makeSkewCapture({ layers: 2, slow: { ranks: [1], factor: 1.3, from: 9 }, clockUs: [0, 900, 0, 0] });
    const { skew } = rankSkew(profileOf(made.capture));
    const step = (made.stepStartUs[10] ?? 0) - (made.stepStartUs[9] ?? 0);
    const since = (made.stepStartUs[9] ?? 0) - (made.stepStartUs[0] ?? 0);
    expect(Math.abs((skew?.spell?.since_us ?? Number.NaN) - since)).toBeLessThan(step);
  });

  it('in some op types: these are named, with their excess as planted', () => {
    const { skew } = compare({ slow: { ranks: [3], factor: 2, from: 4, ops: ['MatMulV3'] } });
    expect(skew).toMatchObject({ slowest_rank: 3, spell: { since_step: 4, cause: 'kernels' } });
    expect(skew?.slow_ops.map((o) => o.op_type)).toEqual(['MatMulV3']);
    expect(skew?.slow_ops[0]?.slower_pct).toBeGreaterThan(97);
    expect(skew?.slow_ops[0]?.slower_pct).toBeLessThan(103);
  });

  it.each(['prefill', 'decode'] as const)('only in %s steps', (kind) => {
    const { skew } = compare({ prefillEvery: 3, steps: 24, slow: { ranks: [0], factor: 1.4, from: 0, kind } });
    expect(skew).toMatchObject({ slowest_rank: 0, spell: { stage: kind } });
  });

  it('whose host launches late: the cause is idle time, not kernels', () => {
    const { skew } = compare({ slowHost: { rank: 3, launchUs: 25, from: 4 } });
    expect(skew).toMatchObject({ slowest_rank: 3, spell: { since_step: 4, cause: 'idle' }, slow_ops: [] });
  });

  it('for a part of the capture: until when', () => {
    const { skew } = compare({ steps: 30, layers: 2, slow: { ranks: [2], factor: 1.2, from: 8, to: 16 } });
    expect(skew).toMatchObject({ slowest_rank: 2, spell: { since_step: 8, until_step: 16 } });
  });

  it('two of them are both named', () => {
    expect(compare({ slow: { ranks: [1, 2], factor: 1.3, from: 0 } }).skew?.slow_ranks.toSorted()).toEqual([1, 2]);
  });

  it('of eight, beside one that was not captured, with tasks lost', () => {
    const result = compare({ tp: 8, steps: 14, missing: [5], dropTasks: 0.02, dropCollectives: 0.02, slow: { ranks: [1], factor: 1.3, from: 9 } });
    expect(result.skew).toMatchObject({ slowest_rank: 1, spell: { since_step: 9 } });
    expect(codes(result)).toEqual(expect.arrayContaining(['rank-missing', 'collectives-lost']));
    expect(result.reasons.find((r) => r.code === 'rank-missing')?.detail).toContain('not there: 5');
    expect(result.skew?.per_rank.map((r) => r.rank)).toEqual([0, 1, 2, 3, 4, 6, 7]);
  });

  it('a fifth of the collectives lost on one rank do not make it slow', () => {
    const { skew } = compare({ dropCollectives: 0.2, dropTasks: 0.1 });
    expect(skew?.slowest_rank).toBeNull();
    for (const row of skew?.per_rank ?? []) expect(Math.abs(row.skew_pct ?? Number.NaN)).toBeLessThan(5);
  });

  it('captures that began and ended apart are compared where they meet', () => {
    const { skew } = compare({ steps: 20, seen: [[0, 1], [0.2, 1], [0, 0.8], [0.1, 0.9]], clockUs: clocks, slow: { ranks: [1], factor: 1.3, from: 9 } });
    expect(skew).toMatchObject({ slowest_rank: 1, spell: { since_step: 9 } });
  });
});

describe('what is no slow rank', () => {
  it('a slow link: named by its ends, with the bandwidth as planted', () => {
    const { skew } = compare({ tp: 4, slowLink: { src: 0, dst: 3, factor: 4 }, clockUs: clocks });
    expect(skew).toMatchObject({ pattern: 'slow-link', slowest_rank: null });
    expect(skew?.slow_links.map((l) => [l.src_rank, l.dst_rank, l.link, l.op])).toEqual([[0, 3, 'HCCS', 'hcom_allReduce_']]);
    const [link] = skew?.slow_links ?? [];
    expect((link?.peers_gbps ?? 0) / (link?.bandwidth_gbps ?? 1)).toBeCloseTo(4, 1);
  });

  it('a slow link in one of four groups of two: compared with those of the other groups', () => {
    const { skew } = compare({ tp: 2, dp: 4, layers: 2, slowLink: { src: 0, dst: 1, factor: 3 } });
    expect(skew?.slow_links).toHaveLength(1);
    expect(skew?.slow_links[0]?.group).toContain('192.0.2.10%');
  });

  it('without the transfers a slow link cannot be told, and that is said', async () => {
    const dir = await tempFolder();
    await writeCapture(dir, makeSkewCapture({ layers: 2, slowLink: { src: 0, dst: 1, factor: 4 } }).capture, ['msprof-csv']);
    const result = rankSkew(await readProfile([dir], testHost(dir)));
    expect(result.skew?.slowest_rank).toBeNull();
    expect(codes(result)).toContain('links-unknown');
  });

  it.each([
    { tp: 2, loaded: [4, 5] },
    { tp: 1, loaded: [2] },
  ])('uneven load of data-parallel replicas ($tp ranks each)', ({ tp, loaded }) => {
    const { skew } = compare({ tp, dp: 4, coupled: true, layers: 2, batch: [16, 16, 48, 16] });
    expect(skew).toMatchObject({ pattern: 'uneven-load', slowest_rank: null, slow_ranks: loaded, spell: { cause: 'work' } });
  });

  it('a whole group slower at the same work is said of the group', () => {
    const { skew } = compare({ tp: 2, dp: 3, coupled: true, layers: 2, slow: { ranks: [2, 3], factor: 1.4, from: 0 } });
    expect(skew).toMatchObject({ pattern: 'slow-group', slowest_rank: null, slow_ranks: [2, 3] });
  });

  it('a slow rank inside a replica is found beside the others that wait for it', () => {
    const { skew } = compare({ tp: 4, dp: 2, coupled: true, layers: 2, slow: { ranks: [6], factor: 1.3, from: 6 } });
    expect(skew).toMatchObject({ pattern: 'slow-rank', slowest_rank: 6, spell: { since_step: 6 } });
  });

  it('attention alone slower where contexts may differ is load', () => {
    const { skew } = compare({ tp: 1, dp: 4, coupled: true, slow: { ranks: [1], factor: 2, from: 0, ops: ['FusedInferAttentionScore'] } });
    expect(skew).toMatchObject({ pattern: 'uneven-load', slowest_rank: null, slow_ranks: [1] });
  });

  it('a skew below 5 %', () => {
    expect(compare({ slow: { ranks: [2], factor: 1.04, from: 0 } }).skew?.slowest_rank).toBeNull();
  });

  it('clocks that differ and drift: only clock skew', () => {
    const { skew } = compare({ steps: 24, clockUs: clocks, driftPpm: [0, 80, -40, 120] });
    expect(skew).toMatchObject({ pattern: 'clock-skew', slowest_rank: null });
    for (const row of skew?.per_rank ?? []) expect(Math.abs((row.clock_drift_ppm ?? Number.NaN) - ([0, 80, -40, 120][row.rank] ?? 0))).toBeLessThan(2);
  });
});

describe('folders and clocks', () => {
  it.each([2, 4])('%i devices in a PROF folder say what one each does', async (devicesPerProcess) => {
    const dir = await tempFolder();
    await writeCapture(dir, makeSkewCapture({ layers: 2, steps: 10, devicesPerProcess, slow: { ranks: [3], factor: 1.3, from: 5 } }).capture, ['msprof-db']);
    const { skew } = rankSkew(await readProfile([dir], testHost(dir)));
    expect(skew).toMatchObject({ pattern: 'slow-rank', slowest_rank: 3, spell: { since_step: 5 } });
  });

  it('extracts read folder by folder, each with a time base of its own, give what one read of all gives', async () => {
    const dir = await tempFolder();
    const { processes } = await writeCapture(dir, makeSkewCapture({ layers: 2, steps: 10, clockUs: clocks, slow: { ranks: [1], factor: 1.3, from: 5 } }).capture, ['msprof-db']);
    const whole = rankSkew(await readProfile([dir], testHost(dir)));
    const extracts = [];
    for (const { prof } of processes) extracts.push(extractOf(await readProfile([prof ?? ''], testHost(dir)), 0));
    expect(new Set(extracts.map((e) => e.baseNs)).size).toBeGreaterThan(1);
    expect(skewOf(extracts)).toEqual(whole);
  });

  it('recomputes to the same bytes', () => {
    const profile = profileOf(makeSkewCapture({ tp: 2, dp: 2, coupled: true, layers: 2, slow: { ranks: [1], factor: 1.3, from: 3 } }).capture);
    expect(JSON.stringify(rankSkew(profile))).toBe(JSON.stringify(rankSkew(profile)));
  });

  it('replicas that share no collectives are compared inside', () => {
    const result = compare({ tp: 2, dp: 2, layers: 2, slow: { ranks: [3], factor: 1.3, from: 5 } });
    expect(result.skew).toMatchObject({ slowest_rank: 3, spell: { since_step: 5 } });
    expect(codes(result)).toContain('separate-groups');
  });

  it('names repeated by replayed graphs are matched by time', () => {
    const { skew } = compare({ layers: 5, replayed: true, clockUs: clocks, driftPpm: [0, 50, -50, 20] });
    for (const row of skew?.per_rank ?? []) expect(Math.abs((row.clock_offset_us ?? Number.NaN) - (clocks[row.rank] ?? 0))).toBeLessThan(20);
  });
});

describe('when ranks cannot be compared', () => {
  it('one rank', () => {
    expect(compare({ tp: 2, missing: [1] })).toMatchObject({ skew: null, reasons: [{ code: 'single-rank' }] });
  });

  it('no collectives, as at level l0', () => {
    const profile = profileOf(makeSkewCapture({ tp: 2, layers: 2, steps: 3 }).capture);
    expect(rankSkew({ ...profile, commOps: null, commTasks: null })).toMatchObject({ skew: null, reasons: [{ code: 'no-collectives' }] });
  });

  it.each([false, true])('captures of two different runs (replayed graphs: %s)', (replayed) => {
    const [one, two] = [1, 2].map((seed) => makeSkewCapture({ tp: 2, seed, layers: 4, steps: 12, stepNoise: 0.1, replayed }).capture);
    if (one === undefined || two === undefined) throw new Error('no captures');
    const group = Object.keys(one.config.groups)[0] ?? '';
    const [first, second] = [one.processes[0], two.processes[1]];
    if (first === undefined || second === undefined) throw new Error('no processes');
    const strange = { ...second, commOps: [...second.commOps].map((o) => ({ ...o, group })) };
    const result = rankSkew(profileOf({ ...one, processes: [first, strange] }));
    expect(result.skew).toBeNull();
    expect(codes(result)).toContain('not-matched');
  });
});

describe('tables and notes', () => {
  const result = compare({ slow: { ranks: [2], factor: 1.4, from: 7 } });
  it('one row per rank with the declared columns', () => {
    const rows = result.skew === null ? [] : skewRows(result.skew);
    expect(rows.map((r) => [r.rank, r.slow, r.since_step])).toEqual([
      [0, 'no', null],
      [1, 'no', null],
      [2, 'yes', 7],
      [3, 'no', null],
    ]);
    for (const row of rows) expect(Object.keys(row).toSorted()).toEqual([...skewColumns].toSorted());
  });

  it('say who, since when and why', () => {
    const text = skewNotes(result).join('\n');
    expect(text).toContain('Rank 2 stays behind');
    expect(text).toContain('Since step 7');
    expect(text).toContain('its kernels take longer');
    expect(skewNotes({ skew: null, reasons: [{ code: 'single-rank', detail: 'one rank' }] })).toEqual(['The ranks could not be compared.', 'single-rank: one rank.']);
  });
});
