import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { OpErrors, OpVerifyFacts, ToolOk } from '../../server/contract/index.js';
import { coordinates, Errors } from '../../server/migration/accuracy/errors.js';
import { migrationDerivations, type Params } from '../../server/migration/derive.js';
import { computeInTime, migrationJobs } from '../../server/migration/job.js';
import { makeConfig } from '../../server/config.js';
import { openHost } from '../../server/host/host.js';
import { Jobs } from '../../server/jobs/jobs.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { fits } from '../../server/migration/tensors/dtypes.js';
import { opVerify } from '../../server/migration/tools.js';
import { brainBits, crcByBits, halfBits, npy, numbers, raw, safetensors, zip } from '../generate/tensors.js';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir, [dir]);
const file = async (name: string, bytes: Buffer): Promise<string> => {
  await writeFile(join(dir, name), bytes);
  return join(dir, name);
};
const verify = async (args: Record<string, unknown>): Promise<ToolOk & { facts: OpVerifyFacts }> => (await opVerify.invoke({ kind: 'accuracy', ...args }, ctx)) as ToolOk & { facts: OpVerifyFacts };
const roundHalf = (v: number): number => {
  const bits = halfBits(v);
  const [e, m] = [(bits >> 10) & 31, bits & 1023];
  return (bits & 0x8000 ? -1 : 1) * (e === 31 ? Infinity : e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15));
};

/** The formulas again, over whole arrays and without regard to streaming. */
function byHand(golden: number[], actual: number[]): Pick<OpErrors, 'mere' | 'mare' | 'cosine' | 'max_abs' | 'rmse'> {
  const diff = golden.map((g, i) => Math.abs(actual[i]! - g));
  const rel = diff.map((d, i) => d / (Math.abs(golden[i]!) + 1e-7));
  const sum = (list: number[]): number => list.reduce((a, v) => a + v, 0);
  const dot = (x: number[], y: number[]): number => sum(x.map((v, i) => v * y[i]!));
  return { mere: sum(rel) / rel.length, mare: Math.max(...rel), cosine: dot(golden, actual) / Math.sqrt(dot(golden, golden) * dot(actual, actual)), max_abs: Math.max(...diff), rmse: Math.sqrt(sum(diff.map((d) => d * d)) / diff.length) };
}

describe('checksums', () => {
  it('are those of the definition, also in pieces, and of the published check value', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
    const data = raw('fp32', numbers(1001));
    for (const cut of [0, 1, 7, 8, 9, 1000]) expect(crc32(data.subarray(cut), crc32(data.subarray(0, cut)))).toBe(crcByBits(data));
  });
});

describe('metrics', () => {
  it('agree with the formulas computed over whole arrays, whatever the chunks', () => {
    const golden = numbers(1000).map((v) => v + Math.sign(v));
    const actual = golden.map((g, i) => g * (1 + numbers(1000, 7)[i]! * 1e-3));
    const errors = new Errors({ region: 0, tolerance: 0, mode: 'single' });
    for (let at = 0; at < 1000; at += 300) errors.add(Float64Array.from(golden.slice(at, at + 300)), Float64Array.from(actual.slice(at, at + 300)), Math.min(300, 1000 - at));
    const own = errors.result();
    for (const [name, value] of Object.entries(byHand(golden, actual))) expect(own[name as 'mere'], name).toBeCloseTo(value!, 12);
    expect(own).toMatchObject({ elements: 1000, nan_inf: 0 });
  });
  it('coordinates count the last axis fastest in C, the first in Fortran order', () => {
    expect(coordinates(7, [2, 3, 4], 'C')).toEqual([0, 1, 3]);
    expect(coordinates(7, [2, 3, 4], 'F')).toEqual([1, 0, 1]);
  });
  it('a value fits a narrower type when its bits do', () => {
    for (const v of [1, 1 / 3, 2 ** -24, 2 ** -25, 65504, 65536, 2049, 1.0009765625, -0.1]) expect(fits('fp16', v), String(v)).toBe(Number.isFinite(roundHalf(v)) && roundHalf(v) === v);
    expect([fits('bf16', 1.0078125), fits('bf16', 1.00390625), fits('fp32', 0.1), fits('fp32', 0.5), fits('bf16', NaN)]).toEqual([true, false, false, true, true]);
  });
});

// One element of 1 among exact ones: its relative error is the planted one (but for the epsilon), the mean is that over the count.
const single: [string, 'fp32' | 'fp16' | 'bf16', number][] = [['fp32', 'fp32', 2 ** -13], ['fp16', 'fp16', 2 ** -10], ['bf16', 'bf16', 2 ** -7]];

describe('single benchmark', () => {
  it.each(single)('%s: the largest relative error just under 10 T passes, just over fails', async (name, kind, t) => {
    // The error stands in the golden, so that actual keeps its own grid: |1 − g| / g.
    const at = (rel: number): number => 1 / (1 + rel);
    for (const [factor, verdict] of [[9.99, 'pass'], [10.01, 'fail']] as const) {
      const golden = await file(`g-${name}-${factor}.npy`, npy('fp64', [64, 64], numbers(4096).map((_, i) => (i === 777 ? at(factor * t) : 1))));
      const actual = await file(`a-${name}-${factor}.safetensors`, safetensors({ out: { kind, shape: [64, 64], values: numbers(4096).map(() => 1) } }));
      const answer = await verify({ golden, actual });
      expect([answer.verdict, answer.facts.standard, answer.facts.dtype]).toEqual([verdict, 'single', kind]);
      expect(answer.facts.worst[0]).toMatchObject({ index: [12, 9], actual: 1 });
      expect(answer.facts.limits.find((l) => l.metric === 'mare')).toMatchObject({ ok: verdict === 'pass', limit: 10 * t });
    }
  });
  it.each(single)('%s: the mean just under T passes, just over fails', async (name, kind, t) => {
    for (const [factor, verdict] of [[0.999, 'pass'], [1.001, 'fail']] as const) {
      const golden = await file(`gm-${name}-${factor}.npy`, npy('fp64', [100], numbers(100).map(() => 1 / (1 + factor * t))));
      const actual = await file(`am-${name}.safetensors`, safetensors({ out: { kind, shape: [100], values: numbers(100).map(() => 1) } }));
      const answer = await verify({ golden, actual });
      expect([answer.verdict, answer.facts.limits.find((l) => l.metric === 'mere')?.ok, answer.facts.limits.find((l) => l.metric === 'mare')?.ok]).toEqual([verdict, verdict === 'pass', true]);
    }
  });
  it('a small value within the absolute tolerance is right whatever its ratio, one beyond it is not', async () => {
    // Region 2⁻¹¹, tolerance 2⁻¹⁶, both powers of two on the grid of fp16.
    const actual = await file('small-a.npy', npy('fp16', [4], [2 ** -16, 1, 1, 1]));
    expect(await verify({ golden: await file('small-g0.npy', npy('fp64', [4], [0, 1, 1, 1])), actual })).toMatchObject({ verdict: 'pass', facts: { errors: { small_elements: 1, small_errors: 0, mare: 0 } } });
    const off = await verify({ golden: await file('small-g1.npy', npy('fp64', [4], [-(2 ** -30), 1, 1, 1])), actual });
    expect(off).toMatchObject({ verdict: 'fail', facts: { errors: { small_errors: 1 }, worst: [{ index: [0] }] } });
    // Outside the region the tolerance does not help.
    const outside = await verify({ golden: await file('small-g2.npy', npy('fp64', [1], [2 ** -11])), actual: await file('small-a2.npy', npy('fp16', [1], [2 ** -11 + 2 ** -16])) });
    expect(outside).toMatchObject({ verdict: 'fail', facts: { errors: { small_elements: 0 } } });
  });
  it('NaN and infinities must stand where the golden has them', async () => {
    const golden = await file('nan-g.npy', npy('fp32', [4], [NaN, Infinity, 1, 2]));
    expect((await verify({ golden, actual: await file('nan-a.npy', npy('fp32', [4], [NaN, Infinity, 1, 2])) })).verdict).toBe('pass');
    for (const wrong of [[NaN, -Infinity, 1, 2], [1, Infinity, 1, 2], [NaN, Infinity, NaN, 2]]) {
      expect(await verify({ golden, actual: await file('nan-b.npy', npy('fp32', [4], wrong)) })).toMatchObject({ verdict: 'fail', facts: { errors: { nan_inf: 1 } }, findings: [{ id: 'accuracy-nan-inf' }] });
    }
    const none = await file('nan-c.npy', npy('fp32', [2], [NaN, NaN]));
    expect((await verify({ golden: none, actual: none })).verdict).toBe('inconclusive');
  });
  it('integers are equal or wrong, also where doubles cannot tell', async () => {
    const golden = await file('int-g.npy', npy('int64', [2], [2n ** 53n, 5n]));
    expect((await verify({ golden, actual: golden })).facts).toMatchObject({ standard: 'exact', errors: { mismatches: 0 } });
    const off = await verify({ golden, actual: await file('int-a.npy', npy('int64', [2], [2n ** 53n + 1n, 5n])) });
    expect(off).toMatchObject({ verdict: 'fail', facts: { errors: { mismatches: 1, max_abs: 1 } } });
  });
  it('what cannot be judged is not passed', async () => {
    const wide = await file('f64.npy', npy('fp64', [2], [1, 2]));
    expect(await verify({ golden: wide, actual: wide })).toMatchObject({ verdict: 'inconclusive', facts: { standard: 'none' } });
    expect((await verify({ golden: wide, actual: await file('f64-3.npy', npy('fp32', [3], [1, 2, 3])) })).verdict).toBe('fail');
    const empty = await file('empty.npy', npy('fp32', [0, 4], []));
    expect((await verify({ golden: empty, actual: empty })).verdict).toBe('inconclusive');
    const [c, f] = [await file('c.npy', npy('fp32', [2, 2], [1, 2, 3, 4])), await file('f.npy', npy('fp32', [2, 2], [1, 3, 2, 4], { fortran: true }))];
    expect((await verify({ golden: c, actual: f })).verdict).toBe('inconclusive');
  });
});

describe('double benchmark', () => {
  const ones = numbers(100).map(() => 1);
  /** Values off by `size`, in turns up and down. */
  const off = (size: number): number[] => ones.map((v, i) => v + (i % 2 === 0 ? size : -size));
  // Power-of-two errors are exact in fp32, so the three ratios are exactly own / reference.
  const run = async (own: number[], reference: number[], level?: string, op?: string): Promise<ToolOk & { facts: OpVerifyFacts }> =>
    verify({ golden: await file('d-g.npy', npy('fp64', [100], ones)), actual: await file('d-a.npy', npy('fp32', [100], own)), benchmark: await file('d-b.npy', npy('fp32', [100], reference)), ...(level === undefined ? {} : { level }), ...(op === undefined ? {} : { op }) });
  const worstOne = (factor: number): number[] => off(2 ** -12).map((v, i) => (i === 0 ? 1 + factor * 2 ** -12 : v));
  it.each([['L0', 2, 10], ['L1', 1.5, 5], ['L2', 1.2, 2]])('%s: ratios up to the limit pass, above it fail', async (level, mean, most) => {
    expect((await run(off(mean * 2 ** -12 * 0.999), off(2 ** -12), level)).verdict).toBe('pass');
    const mere = await run(off(mean * 2 ** -12 * 1.001), off(2 ** -12), level);
    expect(mere.facts.limits.filter((l) => !l.ok).map((l) => l.metric)).toEqual(expect.arrayContaining(['mere_ratio', 'rmse_ratio']));
    for (const [factor, ok] of [[most * 0.999, true], [most * 1.001, false]] as const) {
      const limit = (await run(worstOne(factor), off(2 ** -12), level)).facts.limits.find((l) => l.metric === 'mare_ratio');
      expect(limit, `${level} ${factor}`).toMatchObject({ ok, limit: most });
    }
  });
  it('the level comes from the operator where it is guarded, and an exact benchmark allows no error', async () => {
    expect((await run(ones, ones, undefined, 'addmm')).facts.level).toBe('L2');
    expect((await run(ones, ones, undefined, 'my_op')).facts.level).toBe('L0');
    expect((await run(off(2 ** -20), ones)).verdict).toBe('fail');
  });
  it('small values are judged by their share of errors, not by ratios', async () => {
    const golden = await file('ds-g.npy', npy('fp64', [8], [0, 0, 0, 0, 1, 1, 1, 1]));
    const small = (wrong: number): number[] => [0, 1, 2, 3].map((i) => (i < wrong ? 2 ** -20 : 0)).concat([1, 1, 1, 1]);
    const make = async (n: number, name: string): Promise<string> => file(name, npy('fp32', [8], small(n)));
    const limitOf = async (own: number, reference: number): Promise<boolean | undefined> =>
      (await verify({ golden, actual: await make(own, 'ds-a.npy'), benchmark: await make(reference, 'ds-b.npy'), level: 'L0' })).facts.limits.find((l) => l.metric === 'small_error_ratio')?.ok;
    expect([await limitOf(2, 1), await limitOf(3, 1), await limitOf(1, 0), await limitOf(0, 0)]).toEqual([true, false, false, true]);
  });
});

describe('files', () => {
  const values = numbers(600, 3);
  it('every format and packing gives the same errors', async () => {
    const golden = await file('f-g.npy', npy('fp64', [20, 30], values));
    const answers = await Promise.all([
      verify({ golden, actual: await file('f.npy', npy('fp16', [20, 30], values)) }),
      verify({ golden, actual: await file('f.npz', zip({ 'out.npy': npy('fp16', [20, 30], values) })) }),
      verify({ golden, actual: `${await file('f-two.npz', zip({ 'x.npy': npy('fp32', [1], [0]), 'out.npy': npy('fp16', [20, 30], values) }, { deflate: true }))}#out` }),
      verify({ golden, actual: await file('f-64.npz', zip({ 'out.npy': npy('fp16', [20, 30], values) }, { zip64: true })) }),
      verify({ golden, actual: await file('f.safetensors', safetensors({ out: { kind: 'fp16', shape: [20, 30], values } })) }),
      verify({ golden, actual: await file('f.bin', raw('fp16', values)), dtype: 'fp16', shapes: '20,30' }),
      verify({ golden, actual: await file('f-be.npy', npy('fp16', [20, 30], raw('fp16', values).swap16(), { descr: '>f2' })) }),
    ]);
    const expected = byHand(values, values.map(roundHalf));
    for (const a of answers) {
      expect(a.facts.errors).toEqual(answers[0].facts.errors);
      expect(a.facts.errors?.max_abs).toBeCloseTo(expected.max_abs!, 15);
      expect(a.facts.errors?.rmse).toBeCloseTo(expected.rmse!, 15);
    }
    expect(answers[0].verdict).toBe('pass');
  });
  it('bf16 is read as two raw bytes when it is said, and a golden .bin may be wider', async () => {
    const golden = await file('b-g.bin', raw('fp32', values));
    const said = await verify({ golden, actual: await file('b.npy', npy('bf16', [600], values)), dtype: 'bf16', shapes: '600' });
    const tensor = await verify({ golden, actual: await file('b.bin', raw('bf16', values)), dtype: 'bf16', shapes: '600' });
    expect(said.facts.errors).toEqual(tensor.facts.errors);
    const wide = Buffer.alloc(4);
    const rounded = values.map((v) => (wide.writeUInt32BE(brainBits(v) * 65536), wide.readFloatBE()));
    expect(said.facts.errors?.max_abs).toBeCloseTo(byHand(values.map(Math.fround), rounded).max_abs!, 15);
  });
  it('a wider container is judged by the dtype that is said, when it holds only such numbers', async () => {
    const golden = await file('w-g.npy', npy('fp64', [2], [1 + 2 ** -8, 2]));
    const actual = await file('w-a.npy', npy('fp32', [2], [1, 2]));
    expect([(await verify({ golden, actual })).verdict, (await verify({ golden, actual, dtype: 'bf16' })).verdict]).toEqual(['fail', 'pass']);
    await expect(verify({ golden, actual: await file('w-b.npy', npy('fp32', [2], [1 + 2 ** -20, 2])), dtype: 'bf16' })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await expect(verify({ golden, actual: await file('w-c.npy', npy('fp16', [2], [1, 2])), dtype: 'fp32' })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
  });
  it.each([
    ['cut.npy', () => npy('fp32', [4], [1, 2, 3, 4]).subarray(0, -1), 'E_FORMAT_UNKNOWN'],
    ['other.npy', () => Buffer.from('not numpy at all'), 'E_FORMAT_UNKNOWN'],
    ['empty0.npy', () => Buffer.alloc(0), 'E_FILE_EMPTY'],
    ['raw.npy', () => npy('bf16', [1], [1]), 'E_FORMAT_UNKNOWN'],
    ['object.npy', () => npy('fp32', [1], [1], { descr: '|O' }), 'E_FORMAT_UNKNOWN'],
    ['cut.npz', () => zip({ 'a.npy': npy('fp32', [1], [1]) }).subarray(0, -20), 'E_FORMAT_UNKNOWN'],
    ['damaged.npz', () => { const z = zip({ 'a.npy': npy('fp32', [400], numbers(400)) }, { deflate: true }); z.fill(0xff, 80, 400); return z; }, 'E_FORMAT_UNKNOWN'],
    // One bit of a stored value: nothing but the checksum shows it.
    ['flipped.npz', () => { const z = zip({ 'a.npy': npy('fp32', [1], [1]) }); z.writeUInt8(z.readUInt8(30 + 5 + 128) ^ 1, 30 + 5 + 128); return z; }, 'E_FORMAT_UNKNOWN'],
    ['two.npz', () => zip({ 'a.npy': npy('fp32', [1], [1]), 'b.npy': npy('fp32', [1], [1]) }), 'E_ARG_MISSING'],
    ['cut.safetensors', () => safetensors({ a: { kind: 'fp32', shape: [9], values: numbers(9) } }).subarray(0, -4), 'E_FORMAT_UNKNOWN'],
    ['no.safetensors', () => Buffer.alloc(64, 0xff), 'E_FORMAT_UNKNOWN'],
    ['model.pt', () => Buffer.from('PK'), 'E_FORMAT_UNKNOWN'],
    ['bare.bin', () => Buffer.alloc(8), 'E_ARG_MISSING'],
  ] as const)('%s is refused', async (name, bytes, code) => {
    const good = await file('good.npy', npy('fp32', [1], [1]));
    await expect(verify({ golden: good, actual: await file(name, bytes()) })).rejects.toMatchObject({ code });
  });
  it('a name that is not in the archive, and a .bin of another size', async () => {
    const good = await file('good.npy', npy('fp32', [1], [1]));
    await expect(verify({ golden: good, actual: `${await file('one.npz', zip({ 'a.npy': npy('fp32', [1], [1]) }))}#b` })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
    await expect(verify({ golden: good, actual: await file('x.bin', Buffer.alloc(7)), dtype: 'fp32', shapes: '2' })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(verify({ golden: good, actual: good, shapes: '2,x' })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
  });
  it('chunks do not show: an error in the second chunk has its own index', async () => {
    const count = (1 << 19) + 3;
    const data = new Int8Array(count);
    const golden = await file('long-g.npy', npy('int8', [count], Buffer.from(data.buffer)));
    const changed = Int8Array.from(data);
    changed[count - 2] = 1;
    const answer = await verify({ golden, actual: await file('long.npz', zip({ 'a.npy': npy('int8', [count], Buffer.from(changed.buffer)) }, { deflate: true })) });
    expect(answer.facts).toMatchObject({ errors: { mismatches: 1, elements: count }, worst: [{ index: [count - 2] }] });
  });
});

describe('tensors that one call cannot compare', () => {
  const host = openHost(ctx.config);
  const params = async (count: number): Promise<Params> => {
    const path = await file(`job-${count}.npy`, npy('int8', [count], Buffer.alloc(count)));
    return { folder: 'migration/001', op: 'softmax', chip: null, earlier: [], work: { kind: 'accuracy', golden: { path, name: null }, actual: { path, name: null }, benchmark: null, dtype: null, shape: null, level: null } };
  };
  it('are given up in time, and a stop of the caller is not taken for that', async () => {
    const large = await params(24 << 20);
    const watch = { signal: ctx.signal, progress: () => undefined };
    expect(await computeInTime(large, host, dir, watch, 1)).toBeNull();
    expect((await computeInTime(large, host, dir, watch, 60_000))?.body.verdict).toBe('pass');
    await expect(computeInTime(large, host, dir, { ...watch, signal: AbortSignal.abort() }, 1)).rejects.toThrow();
  });
  it('the compiled worker carries out the job', async () => {
    const detached = openHost(makeConfig({ runsDir: join(dir, 'runs-worker'), allow: [dir], entry: mainJs }, '0', { PATH: process.env['PATH'] ?? '', HOME: dir }, dir));
    const run = await new Runs(detached).create({ purpose: 'operator migration', level: 'smoke' }, { tool: 'op_verify', input: {} });
    const jobs = new Jobs(detached);
    const { job } = await jobs.start(run, 'op-verify', { params: await params(2000) });
    expect(await jobs.wait(run, job.job, { waitMs: 30_000, signal: ctx.signal, progress: () => undefined })).toMatchObject({ state: 'completed', left: [], result: { verdict: 'pass', report: 'migration/001/report.json' } });
    expect(JSON.parse(await readFile(join(run.dir, 'migration/001/report.json'), 'utf8'))).toMatchObject({ accuracy: { errors: { elements: 2000 } } });
  });
  it('the job writes the whole report into the run, and it comes out the same again', async () => {
    const run = await new Runs(host).create({ purpose: 'operator migration', level: 'smoke' }, { tool: 'op_verify', input: {} });
    const result = await migrationJobs['op-verify']?.({ params: await params(1000) }, { host, run, job: 'op-verify-001', signal: ctx.signal, report: () => Promise.resolve(), log: () => undefined });
    expect(result).toMatchObject({ verdict: 'pass', report: 'migration/001/report.json' });
    expect(JSON.parse(await readFile(join(run.dir, 'migration/001/report.json'), 'utf8'))).toMatchObject({ schema: 'op-migration', verdict: 'pass', accuracy: { errors: { elements: 1000, mismatches: 0 } } });
    expect((await verifyRun(run, host, migrationDerivations)).facts.recomputed_equal).toBe(true);
    await expect(migrationJobs['op-verify']?.({ params: {} }, { host, run, job: 'x', signal: ctx.signal, report: () => Promise.resolve(), log: () => undefined })).rejects.toThrow();
  });
});
