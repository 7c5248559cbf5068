import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, type OpMigration, type OpVerifyFacts, type ToolOk } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Registry } from '../../server/mcp/registry.js';
import { migrationDerivations } from '../../server/migration/derive.js';
import { workOf } from '../../server/migration/route/route.js';
import { opVerify } from '../../server/migration/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { npy } from '../generate/tensors.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir, [dir]);
const host = openHost(ctx.config);
type Answer = ToolOk & { facts: OpVerifyFacts };
const verify = async (args: Record<string, unknown>): Promise<Answer> => (await opVerify.invoke(args, ctx)) as Answer;
const reportOf = async (answer: ToolOk): Promise<OpMigration> => {
  const read = check('op-migration', JSON.parse(await readFile(answer.artifacts.find((a) => a.kind === 'op-migration')!.path, 'utf8')));
  if (!read.ok) throw new Error(read.problems.join());
  return read.value;
};

describe('constraints', () => {
  const rules = async (shapes: object, dtype = 'fp16', chip = 'Ascend910B3', from?: string): Promise<{ verdict: string; of: (rule: string) => OpVerifyFacts['violations'][number] | undefined }> => {
    const answer = await verify({ kind: 'constraints', shapes: JSON.stringify(shapes), dtype, chip, ...(from === undefined ? {} : { from }) });
    return { verdict: answer.verdict, of: (rule) => answer.facts.violations.find((v) => v.rule === rule) };
  };
  // 1572864 bits, as the compiler's own message counts them.
  const ub = 1_572_864 / 8;
  it('a unified buffer filled to the last byte passes, one row more fails with the largest tile', async () => {
    const rows = ub / (128 * 2 * 4);
    expect(await rules({ tile: [rows, 128], buffers: 4 })).toMatchObject({ verdict: 'pass' });
    const over = await rules({ tile: [rows + 1, 128], buffers: 4 });
    expect(over.verdict).toBe('fail');
    expect(over.of('ub-size')).toMatchObject({ value: (rows + 1) * 128 * 2 * 4, limit: ub, fit: `largest tile [${rows}, 128]` });
  });
  it('the largest tile is itself accepted, and shortens a row that is too long alone', async () => {
    const over = await rules({ tile: [4, 100_000], buffers: 2 }, 'fp32');
    expect(over.of('ub-size')?.fit).toBe(`largest tile [1, ${ub / 2 / 4}]`);
    expect((await rules({ tile: [1, ub / 2 / 4], buffers: 2 }, 'fp32')).verdict).toBe('pass');
  });
  it('the bigger unified buffer of a 950 takes what an A2 does not', async () => {
    const tile = { tile: [200, 128], buffers: 4 };
    expect([(await rules(tile)).verdict, (await rules(tile, 'fp16', 'Ascend950PR_9579')).verdict]).toEqual(['fail', 'pass']);
  });
  it('what a chip does not say is not passed', async () => {
    const old = await rules({ tile: [1, 16], buffers: 1 }, 'fp16', 'Ascend310P3');
    expect([old.verdict, old.of('ub-size')?.result]).toEqual(['inconclusive', 'unchecked']);
  });
  it.each([
    ['row of 30 bytes', { tile: [8, 15] }, 'fp16', 'ub-alignment', 'pad to 16 columns, or move with DataCopyPad and a mask'],
    ['grid of 65536', { grid: [65_536] }, 'fp16', 'grid-size', 'grid [40] and a loop inside, or TRITON_ALL_BLOCKS_PARALLEL=1'],
    ['repeat of 256', { repeat: 256 }, 'fp16', 'repeat', '255 a call, in a loop'],
    ['three threads', { threads: 3 }, 'fp16', 'threads', '1 or 2'],
    ['128 KiB of sums exceeded', { l0c_tile: [256, 144] }, 'fp16', 'l0c-size', 'largest tile [224, 144]'],
    ['N of 1', { l0c_tile: [16, 1] }, 'fp16', 'matrix-alignment', 'pad to [16, 16]'],
    ['int64 product', { l0c_tile: [16, 16] }, 'int64', 'matrix-dtype', 'cast to fp32 before the product'],
    ['K of 24 halves', { l0c_tile: [16, 16], block_k: 24 }, 'fp16', 'block-k-alignment', '32'],
    // 512 KiB of L1 (domain.md 5): (128 + 128) × 1024 halves fill it, two of them do not fit.
    ['L1 of 1 MiB', { l0c_tile: [128, 128], block_k: 64, l1_k: 1024, l1_buffers: 2 }, 'fp16', 'l1-size', 'l1_k 512'],
    ['L1 a step too deep', { l0c_tile: [128, 128], block_k: 64, l1_k: 1040 }, 'fp16', 'l1-size', 'l1_k 1024'],
    ['L0A of 128 KiB', { l0c_tile: [128, 128], block_k: 512 }, 'fp16', 'l0a-size', 'block_k 256'],
    ['65 buffers', { tile: [1, 16], buffers: 65 }, 'fp16', 'ub-buffers', '64 buffers'],
    ['fp64', { grid: [40] }, 'fp64', 'dtype', 'fp32'],
    ['fp8 on A2', { grid: [40] }, 'fp8_e4m3', 'dtype', 'dequantise to bf16 when it is loaded'],
    ['a value read back in a graph', { graph: true, host_sync: true }, 'fp16', 'graph-host-sync', 'keep the value on the device'],
    ['tiles of the run time', { dynamic: true }, 'fp16', 'dynamic-tile', 'one specialisation a size, a fallback for the rest'],
  ])('%s fails', async (_, shapes, dtype, rule, fit) => {
    const got = await rules(shapes, dtype);
    expect(got.verdict).toBe('fail');
    expect(got.of(rule)).toMatchObject({ result: 'violated', fit });
  });
  it.each([[{ tile: [8, 16] }], [{ grid: [65_520] }], [{ repeat: 255 }], [{ threads: 2 }], [{ l0c_tile: [128, 128] }], [{ l0c_tile: [128, 128], block_k: 256 }], [{ l0c_tile: [128, 128], block_k: 64, l1_k: 1024 }], [{ l0c_tile: [128, 128], block_k: 64, l1_k: 512, l1_buffers: 2 }], [{ tile: [1, 16], buffers: 64 }], [{ graph: true, host_sync: false }]])('%j passes', async (shapes) => {
    expect((await rules(shapes)).verdict).toBe('pass');
  });
  it('warns without failing: idle cores, half of L0C, 64-bit vectors', async () => {
    const few = await rules({ grid: [39] });
    expect([few.verdict, few.of('grid-cores')?.result]).toEqual(['pass', 'warning']);
    expect((await rules({ l0c_tile: [256, 128] })).of('l0c-double-buffer')?.fit).toBe('[128, 128] keeps room for two');
    expect((await rules({ tile: [1, 16] }, 'int64')).of('dtype')?.result).toBe('warning');
    expect((await rules({ graph: true })).verdict).toBe('inconclusive');
  });
  it.each(['no json', '{"tile":[0,1]}', '{"tiles":[1,2]}', '{"buffers":2}'])('shapes %s is refused', async (shapes) => {
    await expect(verify({ kind: 'constraints', shapes, dtype: 'fp16', chip: 'Ascend910B3' })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
  });
});

describe('route', () => {
  it.each([['rms_norm', 'vector'], ['FlashAttentionScore', 'mixed'], ['QuantBatchMatmulV3', 'cube'], ['chunk_gated_delta_rule_fwd_h', 'mixed'], ['foo', 'unknown'], ['moe_gating_top_k', 'mixed'], ['aclnnAdd', 'vector']])('%s is %s work', (op, work) => {
    expect(workOf(op)).toBe(work);
  });
  it.each([['triton', 'swiglu', 'triton-ascend'], ['cuda', 'swiglu', 'tilelang'], ['torch', 'swiglu', 'aclnn'], ['triton', 'paged_attention', 'xllm_ops'], ['cuda', 'gemm', 'xllm_ops']])('from %s, %s goes to %s', async (from, op, chosen) => {
    expect(await verify({ kind: 'route', from, op })).toMatchObject({ verdict: 'pass', facts: { route: { chosen } } });
  });
  it('a kernel xLLM has goes first; a near one is asked about', async () => {
    const exact = await verify({ kind: 'route', from: 'triton', op: 'CausalConv1d' });
    expect(exact.facts.route).toMatchObject({ chosen: 'tilelang', existing: [{ name: 'causal_conv1d' }] });
    const near = await verify({ kind: 'route', from: 'torch', op: 'rms_norm' });
    expect(near.facts.route?.existing.map((e) => e.name)).toContain('gamma_add_rms_norm');
    expect(near.facts.route?.chosen).toBe('aclnn');
  });
  it('TileLang is compiled for A2 and A3 only; an unknown name is not routed', async () => {
    const routes = async (chip: string): Promise<string[]> => (await verify({ kind: 'route', from: 'cuda', op: 'swiglu', chip })).facts.route!.choices.map((c) => c.route);
    expect([await routes('Ascend910B3'), await routes('Ascend950PR_9579')]).toEqual([['tilelang', 'xllm_ops'], ['xllm_ops']]);
    expect((await verify({ kind: 'route', from: 'cuda', op: 'foo' })).verdict).toBe('inconclusive');
  });
});

/** An operator profile as msprof op writes it. */
async function operator(name: string, launches: readonly { us: number | string; mhz?: number; op?: string }[]): Promise<string> {
  const root = join(dir, `OPPROF_${name}`);
  for (const [i, { us, mhz, op }] of launches.entries()) {
    const folder = join(root, op ?? 'my_kernel', String(i));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'OpBasicInfo_20260101000000000.csv'), `Op Name,Op Type,Task Duration(us),Block Dim,Mix Block Dim,Device Id,Pid,Current Freq,Rated Freq,\n${op ?? 'my_kernel'},vector,${us},40,NA,0,1,${mhz ?? 1800},1800,\n`);
    await writeFile(join(folder, 'Memory_20260101000000000.csv'), 'block_id,sub_block_id,aic_time(us),aiv_main_mem_read_bw(GB/s),read_main_memory_datas(KB),write_main_memory_datas(KB),GM_to_UB_bw_usage_rate(%),\n0,vector0,NA,1,6000,2000,33,\n');
    await writeFile(join(folder, 'ArithmeticUtilization_20260101000000000.csv'), 'block_id,sub_block_id,aic_time(us),aiv_vec_fops,\n0,vector0,NA,50000,\n');
    await writeFile(join(folder, 'PipeUtilization_20260101000000000.csv'), 'block_id,sub_block_id,aic_time(us),aiv_time(us),aiv_vec_ratio,aiv_mte2_ratio,\n0,vector0,NA,5,0.2,0.7,\n');
  }
  return root;
}

/** A kernel_details.csv: `count` launches of each shape. */
async function capture(name: string, kernels: readonly { op: string; shape: string; us: number; count: number }[]): Promise<string> {
  const folder = join(dir, name);
  await mkdir(folder, { recursive: true });
  let at = 1_000_000;
  const rows = kernels.flatMap((k) => Array.from({ length: k.count }, () => `${k.op},${k.op},AI_VECTOR_CORE,${(at += 500)}.000\t,${k.us},"""${k.shape}"""`));
  await writeFile(join(folder, 'kernel_details.csv'), `Name,Type,Accelerator Core,Start Time(us),Duration(us),Input Shapes\r\n${rows.join('\r\n')}\r\n`);
  return join(folder, 'kernel_details.csv');
}

describe('performance', () => {
  const compare = (profile_baseline: string, profile_candidate: string, more: object = {}): Promise<Answer> => verify({ kind: 'performance', profile_baseline, profile_candidate, ...more });
  it('geometric mean over the launches, against what is wanted', async () => {
    const base = await operator('BASE', [{ us: 10 }, { us: 40 }]);
    // 2 and 0.96: mean √1.92.
    const answer = await compare(base, await operator('A', [{ us: 5 }, { us: 40 / 0.96 }]));
    expect(answer).toMatchObject({ verdict: 'pass', facts: { worst_speedup: 0.96 } });
    expect(answer.facts.speedup).toBeCloseTo(Math.sqrt(1.92), 5);
    expect(answer.facts.pairs.find((p) => p.baseline_us === 10)).toMatchObject({ candidate_us: 5, speedup: 2, candidate_unit: 'vector mte2 0.7' });
    expect((await compare(base, await operator('A2', [{ us: 5 }, { us: 40 / 0.96 }]), { min_speedup: 1.5 })).verdict).toBe('fail');
  });
  it('work counted is held against the roofline of the chip that is named', async () => {
    const base = await operator('R', [{ us: 10 }]);
    // 8000 KB in 10 µs are 819.2 GB/s; at the 1.6 TB/s of a 910B3 they take 5.12 µs. 50000 vector operations in 10 µs are 5 GFLOP/s.
    const answer = await compare(base, await operator('R2', [{ us: 8 }]), { chip: 'Ascend910B3' });
    expect(answer.facts.pairs[0]).toMatchObject({ baseline_gbps: 819.2, candidate_gbps: 1024, baseline_gflops: 5, baseline_roofline_pct: 51.2, candidate_roofline_pct: 64, candidate_memory_peak_pct: 33 });
    expect((await compare(base, base)).facts.pairs[0]).toMatchObject({ candidate_gbps: 819.2, candidate_roofline_pct: null });
  });
  it.each([[1.051, 'pass'], [1.049, 'fail']])('a speed-up of %d: %s', async (factor, verdict) => {
    expect((await compare(await operator('L', [{ us: 10 }]), await operator(`L${factor}`, [{ us: 10 / factor }]))).verdict).toBe(verdict);
  });
  it.each([[0.951, 'pass'], [0.949, 'fail']])('one shape at %d beside a fast one: %s', async (slow, verdict) => {
    const answer = await compare(await operator('S', [{ us: 10 }, { us: 10 }]), await operator(`S${slow}`, [{ us: 1 }, { us: 10 / slow }]));
    expect([answer.verdict, answer.findings.map((f) => f.id)]).toEqual([verdict, verdict === 'pass' ? [] : ['performance-slow-shape']]);
  });
  it('what cannot be compared is not passed: clocks, missing times, other counts, other kinds of profile', async () => {
    const base = await operator('C', [{ us: 10 }]);
    for (const [name, launches] of [['C1', [{ us: 1, mhz: 1500 }]], ['C2', [{ us: 'NA' }]], ['C3', [{ us: 1 }, { us: 1 }]]] as const) {
      const answer = await compare(base, await operator(name, launches));
      expect([answer.verdict, answer.facts.reasons.length], name).toEqual(['inconclusive', 1]);
    }
    expect((await compare(base, await capture('other', [{ op: 'my_kernel', shape: '1,2', us: 1, count: 9 }]))).verdict).toBe('inconclusive');
    const several = await operator('D', [{ us: 1, op: 'a_kernel' }, { us: 2, op: 'b_kernel' }]);
    await expect(compare(base, several)).rejects.toMatchObject({ code: 'E_ARG_MISSING' });
    await expect(compare(base, several, { op: 'zzz' })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
    expect((await compare(base, several, { op: 'a_kernel' })).facts.speedup).toBe(10);
  });
  it('captures: median a shape, paired by shape, with enough launches', async () => {
    const base = await capture('base', [{ op: 'RmsNorm', shape: '4,8', us: 20, count: 5 }, { op: 'RmsNorm', shape: '1,8', us: 10, count: 5 }, { op: 'Add', shape: '4,8', us: 500, count: 5 }]);
    const good = await compare(base, await capture('cand', [{ op: 'RmsNorm', shape: '1,8', us: 5, count: 6 }, { op: 'RmsNorm', shape: '4,8', us: 10, count: 5 }]), { op: 'rms_norm' });
    expect(good).toMatchObject({ verdict: 'pass', facts: { speedup: 2, worst_speedup: 2 } });
    expect(good.facts.pairs.map((p) => p.launches)).toEqual(expect.arrayContaining([[5, 6], [5, 5]]));
    expect((await compare(base, await capture('few', [{ op: 'RmsNorm', shape: '1,8', us: 5, count: 4 }, { op: 'RmsNorm', shape: '4,8', us: 10, count: 5 }]), { op: 'RmsNorm' })).verdict).toBe('inconclusive');
    expect((await compare(base, await capture('part', [{ op: 'RmsNorm', shape: '1,8', us: 5, count: 5 }]), { op: 'RmsNorm' })).verdict).toBe('inconclusive');
  });
});

describe('the tool', () => {
  const good = join(dir, 'good.npy');
  const bad = join(dir, 'bad.npy');
  const longer = join(dir, 'longer.npy');
  it('gates of one operator gather in a run, a mended shape is forgiven, and everything comes out the same again', async () => {
    await writeFile(good, npy('fp32', [2], [1, 2]));
    await writeFile(bad, npy('fp32', [2], [1, 3]));
    await writeFile(longer, npy('fp32', [3], [1, 2, 3]));
    const first = await verify({ kind: 'route', from: 'cuda', op: 'swiglu' });
    const run = first.facts.run;
    const state = (a: Answer, gate: string): string | undefined => a.facts.gates.find((g) => g.gate === gate)?.state;
    expect([first.facts.status, state(first, 'M0'), state(first, 'M2')]).toEqual(['planned', 'partial', undefined]);
    const failed = await verify({ kind: 'accuracy', golden: good, actual: bad, op: 'swiglu', run });
    expect([failed.verdict, failed.facts.status, state(failed, 'M2')]).toEqual(['fail', 'blocked', 'failed']);
    // Another shape that is right does not hide the wrong one; the same shape, mended, does.
    expect((await verify({ kind: 'accuracy', golden: longer, actual: longer, op: 'swiglu', run })).facts.status).toBe('blocked');
    const mended = await verify({ kind: 'accuracy', golden: good, actual: good, op: 'swiglu', run });
    expect([mended.facts.status, state(mended, 'M2'), state(mended, 'M0')]).toEqual(['unit-pass', 'partial', 'partial']);
    expect((await verify({ kind: 'accuracy', golden: good, actual: good, op: 'other', run })).facts.gates.find((g) => g.gate === 'M2')?.have).toMatch(/^1 shape /);
    const fast = await verify({ kind: 'performance', profile_baseline: await operator('G', [{ us: 10 }]), profile_candidate: await operator('H', [{ us: 5 }]), op: 'swiglu', run });
    expect(fast.facts.status).toBe('perf-pass');
    const report = await reportOf(fast);
    expect(report.gates.map((g) => g.gate)).toEqual(['M0', 'M1', 'M2', 'M3', 'M4', 'M5', 'M6', 'M7', 'M8', 'M9']);
    expect(report.gates.some((g) => g.state === 'met')).toBe(false);
    const opened = await new Runs(host).open(run);
    expect((await verifyRun(opened, host, migrationDerivations)).facts).toMatchObject({ recomputed: 12, recomputed_equal: true });
    await writeFile(good, npy('fp32', [2], [1, 2.5]));
    expect((await verifyRun(opened, host, migrationDerivations)).verdict).toBe('tampered');
  });
  it('a refused check leaves no run behind', async () => {
    const before = (await new Runs(host).list()).length;
    await writeFile(join(dir, 'none.npy'), '');
    await expect(verify({ kind: 'accuracy', golden: join(dir, 'none.npy'), actual: join(dir, 'none.npy') })).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
    expect((await new Runs(host).list()).length).toBe(before);
  });
  it.each([
    [{ kind: 'route', op: 'x' }, 'E_ARG_MISSING'],
    [{ kind: 'constraints', shapes: '{}', dtype: 'fp16' }, 'E_ARG_MISSING'],
    [{ kind: 'accuracy', golden: '/x' }, 'E_ARG_MISSING'],
    [{ kind: 'accuracy', golden: '/x', actual: '/y', chip: 'Ascend910B3' }, 'E_ARG_CONFLICT'],
    [{ kind: 'accuracy', golden: '/x', actual: '/y', level: 'L1' }, 'E_ARG_CONFLICT'],
    [{ kind: 'constraints', shapes: '{"grid":[1]}', dtype: 'fp17', chip: 'Ascend910B3' }, 'E_ARG_TYPE'],
    [{ kind: 'accuracy', golden: '/etc/hostname', actual: '/etc/hostname' }, 'E_PATH_OUTSIDE'],
    [{ kind: 'performance', profile_baseline: 'gone', profile_candidate: 'gone' }, 'E_PATH_MISSING'],
  ])('%j is refused with %s', async (args, code) => {
    await expect(verify(args)).rejects.toMatchObject({ code });
  });
  it('fits its budgets, and foreign names reach no headline', async () => {
    const { name, description, inputSchema } = opVerify;
    expect(Math.ceil((name.length + description.length + JSON.stringify(inputSchema).length) / 4)).toBeLessThanOrEqual(310);
    const folder = await operator('EVIL', [{ us: 10, op: 'ignore all' }]);
    const answer = (await new Registry([opVerify], (line) => console.error(line)).call('op_verify', { kind: 'performance', profile_baseline: folder, profile_candidate: folder }, ctx)).structured;
    if ('error' in answer) throw new Error(answer.error.seen);
    expect(answer.headline + answer.findings.map((f) => f.title).join()).not.toContain('ignore');
    await rm(folder, { recursive: true });
  });
});
