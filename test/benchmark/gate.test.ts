import { readFile, writeFile, rm, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkFacts, isRunId } from '../../server/contract/index.js';
import { openHost, type Host } from '../../server/host/host.js';
import { comparisonDerivations } from '../../server/benchmark/compare/derive.js';
import type { Evidence, RootEvidence } from '../../server/benchmark/compare/evidence.js';
import { gather } from '../../server/benchmark/compare/gather.js';
import { compare, type Question } from '../../server/benchmark/compare/report.js';
import { blockers } from '../../server/benchmark/compare/codes.js';
import { benchCompare } from '../../server/benchmark/tools.js';
import { Registry } from '../../server/mcp/registry.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { cleanRun, codePlants, innocentPlants, instant, writePlant, type RunPlant } from '../generate/comparisons.js';
import { tempFolder, testConfig, testContext } from '../helpers/temp.js';

const question: Question = { metric: 'output_tps', direction: 'increase', threshold_pct: null, equivalence_pct: 1, sla_ttft_p99_ms: null, sla_tpot_p99_ms: null, confidence: 0.95 };
/** Spread of about 1 %, written down so that no test rests on a generator of randomness. */
const spread = [-0.012, 0.004, 0.009, -0.003, 0.006];
let dir: string;
let host: Host;
const ids: Record<'baseline' | 'candidate', string[]> = { baseline: [], candidate: [] };
const roots: Record<'baseline' | 'candidate', RootEvidence[]> = { baseline: [], candidate: [] };

function value(side: 'baseline' | 'candidate', i: number): number {
  return (side === 'candidate' ? 1100 : 1000) * (1 + (spread[side === 'candidate' ? 4 - i : i] ?? 0));
}
function plantOf(side: 'baseline' | 'candidate', i: number): RunPlant {
  return cleanRun(side, 2 * i + (side === 'candidate' ? 1 : 0), value(side, i));
}

beforeAll(async () => {
  dir = await tempFolder();
  host = openHost(testConfig(dir));
  for (const side of ['baseline', 'candidate'] as const) {
    for (let i = 0; i < 5; i += 1) {
      const id = await writePlant(host, plantOf(side, i), `${side} ${i}`);
      ids[side].push(id);
      roots[side].push(await gather(host, side, id));
    }
  }
});

const compareCodes = (reasons: unknown): string[] => (Array.isArray(reasons) ? reasons.map((r: { code: string }) => r.code) : []);

/** The clean campaign with its last candidate replaced. */
function withLast(last: RootEvidence): Evidence {
  return { roots: [...roots.baseline, ...roots.candidate.slice(0, 4), last], earlier: [], noise: [] };
}
function clean(): Evidence {
  return structuredClone({ roots: [...roots.baseline, ...roots.candidate], earlier: [], noise: [] });
}
const codes = (e: Evidence, q = question): string[] => compare(e, q).reasons.map((r) => r.code);
const points = (e: Evidence) => e.roots.flatMap((r) => r.metrics.flatMap((m) => m.artifact.points));

describe('the gate', () => {
  it('has nothing against a faultless campaign, and says formal', () => {
    const report = compare(clean(), question);
    expect(report.reasons).toEqual([]);
    expect([report.verdict, report.grade]).toEqual(['supported', 'formal']);
    expect(report.order).toEqual({ sequence: 'BCBCBCBCBC', interleaved: true, pairs: 5 });
    const row = report.metrics[0];
    // 1100 against 1000, planted.
    expect(row?.delta_pct).toBeCloseTo(10, 0);
    expect([row?.n_baseline, row?.n_candidate, row?.method]).toEqual([5, 5, 'welch']);
  });

  it.each(codePlants.map((p) => [p.code, p.name, p] as const))('%s alone: %s', async (code, name, plant) => {
    const spec = plantOf('candidate', 4);
    plant.change(spec);
    const unknownStart = spec.serviceStartedAt === '';
    if (unknownStart) spec.serviceStartedAt = instant(90);
    const last = await gather(host, 'candidate', await writePlant(host, spec, name));
    if (unknownStart) for (const m of last.metrics) m.artifact.service_started_at = null;
    const report = compare(withLast(last), question);
    expect(report.reasons.map((r) => r.code)).toEqual([code]);
    const blocker = Object.hasOwn(blockers, code);
    expect(report.reasons[0]?.severity).toBe(blocker ? 'blocker' : 'caution');
    expect(report.verdict).toBe(blocker ? 'inadmissible' : 'supported');
    expect(report.grade).toBe(code === 'F-SIMULATED' ? 'simulated' : blocker ? 'smoke' : 'indicative');
    // Numbers are shown even where no claim may be made.
    expect(report.metrics.length).toBeGreaterThan(0);
    expect(report.metrics[0]?.baseline).toBeCloseTo(1000.8, 1);
  });

  it.each(innocentPlants.map((p) => [p.name, p] as const))('nothing against: %s', async (name, plant) => {
    const spec = plantOf('candidate', 4);
    plant.change(spec);
    const report = compare(withLast(await gather(host, 'candidate', await writePlant(host, spec, name))), question);
    expect(report.reasons).toEqual([]);
    expect(report.grade).toBe('formal');
  });

  it('the built-in probe and runs of level smoke are smoke, never a claim', () => {
    const probed = clean();
    for (const point of points(probed)) point.client.name = 'probe';
    expect(compare(probed, question).grade).toBe('smoke');
    const smoke = clean();
    for (const root of smoke.roots) if (root.manifest !== null) root.manifest.identity.level = 'smoke';
    expect(compare(smoke, question).grade).toBe('smoke');
  });
  it('remembered noise plans when it rests on more starts than the comparison itself', () => {
    const own = compare(clean(), question).plan;
    const metric = compare(clean(), question).metrics[0]?.metric ?? '';
    const more = { ...clean(), noise: [{ metric, cv_pct: 5, starts: 41, df: 40 }] };
    const fewer = { ...clean(), noise: [{ metric, cv_pct: 5, starts: 4, df: 3 }] };
    expect(compare(more, question).plan).toMatchObject({ noise_cv_pct: 5, noise_from: expect.stringContaining('41 service starts') as string });
    expect(compare(fewer, question).plan).toEqual(own);
    // Two-sample t at 5 % noise: n = 2 (cv / effect)^2 (z.975 + z.8)^2 is 16 for an effect of 5 %; the t correction adds one.
    expect(compare(more, question).plan?.effects.find((e) => e.effect_pct === 5)?.starts_per_side).toBe(17);
    expect(compare({ ...more, roots: clean().roots.filter((_, i) => i === 0 || i === 5) }, question).plan?.noise_cv_pct).toBe(5);
  });
  it('F-REPLICATES below 5 + 5, when a start is shared, and smoke with one', () => {
    const four = clean();
    four.roots.pop();
    expect(codes(four)).toEqual(['F-REPLICATES']);
    const one: Evidence = { roots: clean().roots.filter((_, i) => i === 0 || i === 5), earlier: [], noise: [] };
    expect(compare(one, question).grade).toBe('smoke');
    expect(compare(one, question).verdict).toBe('inconclusive');
    expect(compare(one, question).metrics[0]?.ci_low_pct).toBeNull();
    const shared = clean();
    const from = shared.roots[0]?.metrics[0]?.artifact.service_started_at ?? null;
    for (const m of shared.roots[5]?.metrics ?? []) m.artifact.service_started_at = from;
    expect(codes(shared)).toEqual(['F-REPLICATES']);
  });

  it('repeats against one service start are averaged, not counted', () => {
    const repeated = clean();
    for (const r of repeated.roots) for (const m of r.metrics) m.artifact.service_started_at = instant(r.side === 'baseline' ? 0 : 10);
    const row = compare(repeated, question).metrics[0];
    expect([row?.n_baseline, row?.n_candidate]).toEqual([1, 1]);
    expect(row?.baseline).toBeCloseTo(1000.8, 1);
  });

  it('F-TAIL only where a p99 is judged', () => {
    const few = clean();
    for (const p of points(few)) Object.assign(p, { number: 100, success: 100 });
    expect(codes(few)).toEqual([]);
    expect(codes(few, { ...question, metric: 'ttft_ms.p99', direction: 'decrease' })).toEqual(['F-TAIL']);
    expect(codes(few, { ...question, sla_ttft_p99_ms: 500 })).toEqual(['F-TAIL']);
    expect(codes(clean(), { ...question, metric: 'ttft_ms.p99', direction: 'decrease' })).toEqual([]);
    for (const p of points(few)) Object.assign(p, { number: 299, success: 299 });
    expect(codes(few, { ...question, metric: 'ttft_ms.p99', direction: 'decrease' })).toEqual([]);
  });

  it('F-ORDER for one side after the other and for unknown times', () => {
    const blocked = clean();
    for (const [i, p] of points(blocked).entries()) p.started_at = instant(i * 10);
    expect(codes(blocked)).toEqual(['F-ORDER']);
    const unknown = clean();
    for (const p of points(unknown).slice(0, 1)) p.started_at = null;
    expect(codes(unknown)).toEqual(['F-ORDER']);
  });

  it('F-CONCURRENCY below ten requests a slot, in a closed loop only', () => {
    const busy = clean();
    for (const p of points(busy)) p.parallel = 64;
    expect(codes(busy)).toEqual(['F-CONCURRENCY']);
    for (const p of points(busy)) p.rate = 5;
    expect(codes(busy)).toEqual([]);
  });

  it('a level below formal caps the grade', () => {
    const quick = clean();
    for (const r of quick.roots) if (r.manifest !== null) r.manifest.identity.level = 'quick';
    expect(compare(quick, question).grade).toBe('indicative');
  });

  it('names the change under test and not the port', () => {
    expect(compare(clean(), question).differences).toEqual([
      { field: 'code.commit', baseline: 'aaaaaaa', candidate: 'bbbbbbb' },
      { field: 'service.command', baseline: null, candidate: '--enable_graph true' },
    ]);
  });

  it('six pairs are compared as pairs', async () => {
    const six = clean();
    for (const side of ['baseline', 'candidate'] as const) {
      const plant = cleanRun(side, side === 'baseline' ? 10 : 11, side === 'baseline' ? 1000 : 1100);
      six.roots.push(await gather(host, side, await writePlant(host, plant, `${side} sixth`)));
    }
    const report = compare(six, question);
    expect([report.order.pairs, report.metrics[0]?.method, report.grade]).toEqual([6, 'paired', 'formal']);
    // 6 sign flips all the same way: 2 of 64.
    expect(report.metrics[0]?.p_exact).toBeCloseTo(2 / 64, 10);
  });

  it('ranks by service level first', () => {
    const slow = clean();
    for (const r of slow.roots) if (r.side === 'candidate') for (const m of r.metrics) for (const p of m.artifact.points) p.ttft_ms.p99 = 5000;
    const [first, second] = compare(slow, { ...question, sla_ttft_p99_ms: 1000 }).ranking;
    expect([first?.side, first?.sla_met, second?.side, second?.sla_met]).toEqual(['baseline', true, 'candidate', false]);
    expect(compare(clean(), question).ranking[0]?.side).toBe('candidate');
  });
});

describe('tampering', () => {
  const touch = async (file: string, change: (text: string) => string): Promise<string> => {
    const id = await writePlant(host, plantOf('candidate', 4), 'tampered');
    const path = join(dir, 'runs', id, file);
    await writeFile(path, change(await readFile(path, 'utf8')));
    return id;
  };
  it.each([
    ['metrics.json edited', 'perf/b/p1/metrics.json', (t: string) => t.replace(/"output_tps": [\d.]+/, '"output_tps": 5000')],
    ['raw swapped', 'perf/b/p1/raw/out.json', () => '{"output_tps":5000}'],
    ['manifest edited', 'manifest.yaml', (t: string) => t.replace('Ascend910B3', 'Ascend910B3 ')],
    ['environment edited', 'env/after.json', (t: string) => t.replace('"clean"', '"clean" ')],
    ['ledger edited', 'events.jsonl', (t: string) => t.replace('"bench_start"', '"bench_Start"')],
  ])('F-HASH: %s', async (_, file, change) => {
    const report = compare(withLast(await gather(host, 'candidate', await touch(file, change))), question);
    expect(report.verdict).toBe('inadmissible');
    expect(report.reasons.map((r) => r.code)).toContain('F-HASH');
  });

  it('F-RAW: raw output removed', async () => {
    const id = await writePlant(host, plantOf('candidate', 4), 'removed');
    await rm(join(dir, 'runs', id, 'perf/b/p1/raw/out.json'));
    expect(codes(withLast(await gather(host, 'candidate', id)))).toEqual(['F-RAW']);
  });

  it('a copied measurement is not a second one', async () => {
    const ctx = testContext(dir);
    await expect(benchCompare.invoke({ baseline: [ids.baseline[0], ids.baseline[0]], candidate: ids.candidate }, ctx)).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    const copy = `${(ids.candidate[0] ?? '').slice(0, -4)}0000`;
    expect(isRunId(copy)).toBe(true);
    await cp(join(dir, 'runs', ids.candidate[0] ?? ''), join(dir, 'runs', copy), { recursive: true });
    await expect(benchCompare.invoke({ baseline: ids.baseline, candidate: [...ids.candidate, copy] }, ctx)).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await rm(join(dir, 'runs', copy), { recursive: true });
  });
});

describe('bench_compare', () => {
  it('keeps its evidence, computes the same bytes again, and confirms a later campaign', async () => {
    const ctx = testContext(dir);
    const target = await new Runs(host).create({ purpose: 'claim', level: 'formal' }, { tool: 'run_create', input: {} });
    const first = await benchCompare.invoke({ ...ids, run: target.id, metric: 'output_tps' }, ctx);
    expect([first.verdict, first.facts['grade']]).toEqual(['supported', 'formal']);
    expect(checkFacts('bench_compare', first.facts)).toEqual([]);
    expect(first.artifacts.map((a) => a.kind)).toEqual(['comparison-report', 'comparison-table', 'comparison-evidence']);
    expect(JSON.stringify(first).length).toBeLessThan(8000);

    const later: Record<'baseline' | 'candidate', string[]> = { baseline: [], candidate: [] };
    for (const side of ['baseline', 'candidate'] as const) {
      for (let i = 0; i < 5; i += 1) later[side].push(await writePlant(host, cleanRun(side, 100 + 2 * i + (side === 'candidate' ? 1 : 0), value(side, i) * 1.001), `later ${side} ${i}`));
    }
    const second = await benchCompare.invoke({ ...later, run: target.id, metric: 'output_tps' }, ctx);
    expect([second.verdict, second.facts['grade'], second.facts['confirms']]).toEqual(['supported', 'reproduced', 'comparison/001/report.json']);
    // The runs live on: a later change through the tools does not touch the verdict.
    await (await new Runs(host).open(ids.candidate[0] ?? '')).updateManifest({ tool: 'run_create', input: {} }, 'stated', { notes: ['later'] });
    const verified = await verifyRun(target, host, comparisonDerivations);
    expect(verified.facts).toMatchObject({ recomputed_equal: true, recomputed: 4, violations: [], hash_mismatches: [] });
    const table = await readFile(join(target.dir, 'comparison/001/table.md'), 'utf8');
    expect(table).toContain('| output_tps | parallel_4_number_400 |');
  });

  it('takes paths, and refuses what is not a measurement', async () => {
    const ctx = testContext(dir);
    const path = (id: string): string => join(dir, 'runs', id, 'perf/b/p1/metrics.json');
    const answer = await benchCompare.invoke({ baseline: ids.baseline.map(path), candidate: ids.candidate.map(path) }, ctx);
    expect([answer.verdict, answer.facts['grade']]).toEqual(['supported', 'formal']);
    await writeFile(join(dir, 'other.json'), '{}');
    await expect(benchCompare.invoke({ baseline: ids.baseline, candidate: join(dir, 'other.json') }, ctx)).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(benchCompare.invoke({ ...ids, metric: 'speed' }, ctx)).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
    await expect(benchCompare.invoke({ ...ids, metric: 'output_tokens.mean' }, ctx)).rejects.toMatchObject({ code: 'E_ARG_MISSING' });
    await writeFile(join(dir, 'bare.json'), await readFile(path(ids.candidate[0] ?? ''), 'utf8'));
    const bare = await benchCompare.invoke({ baseline: ids.baseline, candidate: join(dir, 'bare.json') }, ctx);
    expect(bare.verdict).toBe('inadmissible');
    expect(bare.headline).toMatch(/^inadmissible/);
    // A file outside of every run root has nothing but numbers; all that is lacking is named, and the answer still fits.
    expect(compareCodes(bare.facts['reasons'])).toEqual(expect.arrayContaining(['F-MODEL', 'F-NPU', 'F-ENV', 'F-COMMIT', 'F-COMMAND', 'F-RAW', 'F-STATED']));
    const answered = await new Registry([benchCompare], () => undefined).call('bench_compare', { baseline: ids.baseline, candidate: join(dir, 'bare.json') }, ctx);
    expect(answered.isError).toBe(false);
    expect(JSON.stringify(answered.structured).length).toBeLessThanOrEqual(8000);
    expect(answered.structured).toMatchObject({ verdict: 'inadmissible', facts: { grade: 'smoke' } });
  });
});
