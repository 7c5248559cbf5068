import { describe, expect, it } from 'vitest';
import { analyze } from '../../server/profiling/analyze/analyze.js';
import { collectiveType } from '../../server/profiling/analyze/communication.js';
import { plainOp } from '../../server/profiling/analyze/fusion.js';
import { linkSums, slowLinks } from '../../server/profiling/analyze/losses.js';
import { nearestRank } from '../../server/profiles/derived/numbers.js';
import { makeProfile, type Task } from './make.js';

const us = 1000;

describe('kernel table', () => {
  it('groups by device, op type and core, with shares of kernel time', () => {
    const { kernel } = analyze(
      makeProfile({
        devices: [{ id: 4, rank: 12 }, { id: 4, rank: 13 }],
        tasks: [
          { start: 0, dur: 30 * us, op: 'MatMulV2' },
          { start: 40 * us, dur: 10 * us, op: 'MatMulV2' },
          { start: 50 * us, dur: 10 * us, op: 'MatMulV2', core: 'MIX_AIC' },
          { start: 0, dur: 50 * us, op: 'Copy', class: 'memcpy' },
          { start: 0, dur: 70 * us, op: 'hcom', class: 'communication' },
          { device: 1, start: 0, dur: 5 * us, op: 'RmsNorm', core: 'AI_VECTOR_CORE' },
        ],
      }),
    );
    expect(kernel).toEqual([
      { device: 4, rank: 12, op_type: 'MatMulV2', task_type: 'AI_CORE', count: 2, total_us: 40, avg_us: 20, max_us: 30, share_pct: 80, bound: null, flops: null, mfu_pct: null, stage: null },
      { device: 4, rank: 12, op_type: 'MatMulV2', task_type: 'MIX_AIC', count: 1, total_us: 10, avg_us: 10, max_us: 10, share_pct: 20, bound: null, flops: null, mfu_pct: null, stage: null },
      { device: 4, rank: 13, op_type: 'RmsNorm', task_type: 'AI_VECTOR_CORE', count: 1, total_us: 5, avg_us: 5, max_us: 5, share_pct: 100, bound: null, flops: null, mfu_pct: null, stage: null },
    ]);
  });

  const bound = (tasks: Task[]): unknown => analyze(makeProfile({ tasks })).kernel?.[0]?.bound;
  const one = (pmu: Record<string, number>, dur = 50): unknown => bound([{ start: 0, dur: dur * us, op: 'X', pmu }]);

  it('names the unit of the highest rule that holds', () => {
    expect(one({ aic_mac_ratio: 0.91, aic_mte2_ratio: 0.6 })).toBe('cube');
    expect(one({ aic_mac_ratio: 0.13, aic_mte2_ratio: 0.94 })).toBe('mte2');
    expect(one({ aic_mac_ratio: 0.85, aic_mte2_ratio: 0.94 })).toBe('cube');
    expect(one({ aic_mac_ratio: 0.2, aic_mte2_ratio: 0.3, aic_fixpipe_ratio: 0.76 })).toBe('fixpipe');
    expect(one({ aiv_vec_ratio: 0.72, aiv_mte2_ratio: 0.3 })).toBe('vector');
    expect(one({ aiv_vec_ratio: 0.3, aiv_mte2_ratio: 0.75 })).toBe('mte2');
    expect(one({ aiv_vec_ratio: 0.3, aiv_mte2_ratio: 0.2, aiv_mte3_ratio: 0.75 })).toBe('mte3');
    expect(one({ aic_mac_ratio: 0.1, aic_scalar_ratio: 0.6, aic_mte2_ratio: 0.3 })).toBe('scalar');
    expect(one({ aic_mac_ratio: 0.1, aic_scalar_ratio: 0.6, aic_mte2_ratio: 0.7 })).toBeNull();
    expect(one({ aic_mac_ratio: 0.5, aic_mte2_ratio: 0.5 })).toBeNull();
    expect(one({ mac_ratio: 0.9, vec_ratio: 0.1 })).toBe('cube');
  });

  it('weighs ratios by duration and leaves short kernels out', () => {
    const long = { start: 0, dur: 90 * us, op: 'X', pmu: { aic_mac_ratio: 0.9, aic_mte2_ratio: 0.1 } };
    const other = (n: number): Task[] => Array.from({ length: n }, (_, i) => ({ start: (i + 1) * 100 * us, dur: 25 * us, op: 'X', pmu: { aic_mac_ratio: 0.2, aic_mte2_ratio: 0.9 } }));
    // One kernel of 90 us against 3 × 25 us, then 4 × 25 us.
    expect(bound([long, ...other(3)])).toBe('cube');
    expect(bound([long, ...other(4)])).toBe('mte2');
    // Neither has half: 90 us cube, 50 us read-bound, 50 us of neither.
    expect(bound([long, ...other(2), ...other(2).map((t) => ({ ...t, start: t.start + 50 * us, pmu: { aic_mac_ratio: 0.3, aic_mte2_ratio: 0.3 } }))])).toBeNull();
    expect(bound([long, { start: 100 * us, dur: 19 * us, op: 'X', pmu: { aic_mac_ratio: 0, aic_mte2_ratio: 0 } }])).toBe('cube');
    expect(one({ aic_mac_ratio: 0.99 }, 19)).toBeNull();
  });

  it('uses exported statistics when there are no tasks', () => {
    const analysis = analyze(makeProfile({ ops: null, sources: [], opStatistic: [{ device: 0, opType: 'MatMul', coreType: 'AI_CORE', count: 4, totalUs: 100.5, avgUs: 25.125, maxUs: null }] }));
    expect(analysis.kernel).toEqual([{ device: 0, rank: null, op_type: 'MatMul', task_type: 'AI_CORE', count: 4, total_us: 100.5, avg_us: 25.125, max_us: null, share_pct: 100, bound: null, flops: null, mfu_pct: null, stage: null }]);
    expect(analysis.incomplete.map((n) => n.code)).toEqual(['window-null', 'bound-null', 'communication-null', 'dispatch-null', 'fusion-null', 'memory-null']);
  });
});

describe('communication table', () => {
  const subs = [
    { op: 0, start: 0, dur: 40, name: 'Notify_Wait', transport: 'LOCAL' },
    { op: 0, start: 40, dur: 50, name: 'Memcpy', bytes: 1000 },
    { op: 0, start: 90, dur: 10, name: 'Memcpy', bytes: 7777, link: 'ON_CHIP' },
    { op: 0, start: 0, dur: 99, name: 'Memcpy', bytes: 99_999, master: false },
    { op: 0, start: 90, dur: 3, name: 'Notify_Record', link: 'INVALID' },
  ];

  it('splits wait and transit on the master plane, payload that leaves the chip only', () => {
    const row = analyze(makeProfile({ tasks: [{ start: 60, dur: 100 }], ops: [{ start: 0, dur: 100 }], subs })).communication?.[0];
    expect(row).toEqual({ device: 0, rank: null, op: 'hcom_allReduce_', group: 'g', count: 1, total_us: 0.1, transit_us: 0.05, wait_us: 0.04, peer_wait_us: 0, not_overlapped_us: 0.06, share_pct: 62.5, bandwidth_gbps: 20, overlap_opportunity_us: 0.06 });
  });

  it('counts the wait for a late rank on whatever plane it shows', () => {
    // Plane 0 is done at 20 and idle; plane 1 waits 10–90 and copies 90–100. Payload 0–20 and 90–100 → 70 lost.
    const late = [
      { op: 0, start: 0, dur: 20, name: 'Memcpy', bytes: 10 },
      { op: 0, start: 10, dur: 80, name: 'Notify_Wait', transport: 'LOCAL', master: false },
      { op: 0, start: 90, dur: 10, name: 'Memcpy', bytes: 10, master: false },
    ];
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 1 }], ops: [{ start: 0, dur: 100 }], subs: late })).communication?.[0]).toMatchObject({ transit_us: 0.02, wait_us: 0, peer_wait_us: 0.07 });
  });

  it('hides no more than the compute that runs without communication', () => {
    const row = analyze(makeProfile({ tasks: [{ start: 60, dur: 45 }], ops: [{ start: 0, dur: 100 }], subs })).communication?.[0];
    expect(row).toMatchObject({ not_overlapped_us: 0.06, overlap_opportunity_us: 0.005 });
  });

  it('takes the exporter\'s summary for RDMA, and null when it does not cover the same operations', () => {
    const rdma = [{ op: 0, start: 0, dur: 40, name: 'RDMASend', transport: 'RDMA', link: 'ROCE', bytes: 10 }];
    // The same name in two steps, and a group under another name than the operation's.
    const summary = (step: string) => ({ device: 0, step, op: 'hcom_allReduce__1_0_1', group: '1748', elapseMs: 0.1, transitMs: 0.06, waitMs: 0.03, syncMs: 0, links: [{ transport: 'RDMA', sizeMb: 1.5, timeMs: 0.06, bandwidthGbps: 25 }] });
    const base = { tasks: [{ start: 0, dur: 10 }], ops: [{ start: 0, dur: 100_000 }], subs: rdma };
    expect(analyze(makeProfile({ ...base, commSummary: [summary('step1')] })).communication?.[0]).toMatchObject({ transit_us: 60, wait_us: 30, bandwidth_gbps: 25 });
    expect(analyze(makeProfile({ ...base, commSummary: [summary('step1'), summary('step2')] })).communication?.[0]).toMatchObject({ transit_us: null, wait_us: null, bandwidth_gbps: null });
    const aiv = { ...summary('step1'), transitMs: 0, waitMs: 0, links: [] };
    expect(analyze(makeProfile({ ...base, commSummary: [aiv] })).communication?.[0]).toMatchObject({ transit_us: null, wait_us: null });
    const without = analyze(makeProfile(base));
    expect(without.communication?.[0]).toMatchObject({ transit_us: null, wait_us: null });
    expect(without.incomplete.map((n) => n.code)).toContain('transit-null');
  });

  it('counts SDMA once beside the links it sums, and leaves totals out', () => {
    const links = [
      { transport: 'SDMA', sizeMb: 2, timeMs: 0.1, bandwidthGbps: 20 },
      { transport: 'HCCS', sizeMb: 1.5, timeMs: 0.05, bandwidthGbps: 30 },
      { transport: 'SIO', sizeMb: 0.5, timeMs: 0.05, bandwidthGbps: 10 },
    ];
    const row = { device: 0, step: 's', group: 'g', elapseMs: 0.2, transitMs: 0.1, waitMs: 0.05, syncMs: 0, links };
    const { communication } = analyze(makeProfile({ tasks: [{ start: 0, dur: 10 }], ops: null, commSummary: [{ ...row, op: 'hcom_allGather__7_2_1@g' }, { ...row, op: 'Total Op Info' }] }));
    expect(communication).toEqual([expect.objectContaining({ op: 'hcom_allGather_', count: 1, total_us: 200, transit_us: 100, wait_us: 50, bandwidth_gbps: 20, not_overlapped_us: null })]);
  });

  it('a summary without times gives null, not zero', () => {
    const row = { device: 0, step: 's', group: 'g', op: 'hcom_send__1_0_1', elapseMs: null, transitMs: null, waitMs: 3, syncMs: null, links: [] };
    expect(analyze(makeProfile({ ops: null, commSummary: [row] })).communication).toEqual([expect.objectContaining({ total_us: null, transit_us: null, wait_us: null, bandwidth_gbps: null })]);
  });

  it('is null for captures that cannot hold it, empty for those that could', () => {
    for (const level of ['Level0', 'l0', null]) expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 1 }], ops: null, level })).communication).toBeNull();
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 1 }], ops: null, level: 'l1' })).communication).toEqual([]);
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 1 }], ops: [] })).communication).toEqual([]);
  });

  it('reads the type out of a name', () => {
    expect(collectiveType('hcom_allReduce__428_0_1@10.0.0.1%eth0_60000_0_17')).toBe('hcom_allReduce_');
    expect(collectiveType('hcom_send')).toBe('hcom_send');
    expect(collectiveType('Default/AllReduce-op534')).toBe('AllReduce');
    expect(collectiveType('stream_36_0_AllReduce-op4542')).toBe('AllReduce');
  });
});

describe('dispatch table', () => {
  it('keeps a running end per stream, and takes waits as neither busy nor gap', () => {
    const { dispatch } = analyze(
      makeProfile({
        tasks: [
          { start: 0, dur: 100, connection: 1 },
          { start: 10, dur: 20, connection: 2 },
          { start: 120, dur: 30, connection: 3 },
          { start: 150, dur: 50, class: 'eventWait' },
          { start: 210, dur: 790, connection: 3 },
          { start: 5, dur: 1, stream: 9 },
        ],
      }),
    );
    expect(dispatch).toEqual([
      { device: 0, rank: null, stream: 1, tasks: 5, busy_us: 0.92, gap_us: 0.03, gaps: 2, max_gap_us: 0.02, launches_per_ms: 3000, launch_latency_us: null },
      { device: 0, rank: null, stream: 9, tasks: 1, busy_us: 0.001, gap_us: 0, gaps: 0, max_gap_us: 0, launches_per_ms: null, launch_latency_us: null },
    ]);
  });

  it('measures launch latency from the node launch to the first task of a connection', () => {
    const tasks = Array.from({ length: 100 }, (_, i) => ({ start: i * 1000 + (i + 1) * us, dur: 10, connection: i }));
    const apis = Array.from({ length: 100 }, (_, i) => ({ start: i * 1000, dur: 5, name: 'launch', connection: i }));
    const { dispatch } = analyze(
      makeProfile({
        // A second task of connection 0 (graph replay), a runtime call of the same connection, a task before its launch.
        tasks: [...tasks, { start: 10_000_000, dur: 10, connection: 0 }, { start: 5, dur: 1, connection: 500, stream: 8 }],
        apis: [...apis, { start: 0, dur: 1, level: 'runtime', name: 'KernelLaunch', connection: 0 }, { start: 50, dur: 1, name: 'launch', connection: 500 }],
      }),
    );
    expect(dispatch?.[0]?.launch_latency_us).toEqual({ p50: 50, p99: 99 });
    expect(dispatch?.[1]).toMatchObject({ stream: 8, launch_latency_us: null });
  });

  it('nearest rank gives a value that was measured', () => {
    expect([nearestRank([1, 2, 3, 4], 50), nearestRank([1, 2, 3, 4], 99), nearestRank([7], 1)]).toEqual([2, 4, 7]);
    expect(nearestRank([], 50)).toBeNaN();
  });
});

describe('idle time', () => {
  const compute = (start: number, connection: number): Task => ({ start, dur: 100, connection });
  it('belongs to the host only when the next task was launched inside the gap', () => {
    const profile = makeProfile({
      tasks: [compute(0, 1), compute(200, 2), compute(400, 3), compute(600, 4), compute(800, -1), { start: 5000, dur: 1, class: 'other', stream: 7 }],
      apis: [
        { start: -50, dur: 10, name: 'launch', connection: 1 },
        // Gap 100–200: launched at 150–160 → late launch.
        { start: 150, dur: 10, name: 'launch', connection: 2 },
        // Gap 300–400: on the stream since 200 → queued.
        { start: 190, dur: 10, name: 'launch', connection: 3 },
        // Gap 500–600: the host waited from 450 to 520, then launched → wait.
        { start: 450, dur: 70, level: 'acl', name: 'aclrtSynchronizeStream' },
        { start: 530, dur: 10, name: 'launch', connection: 4 },
        // Another thread's wait changes nothing.
        { start: 90, dur: 200, level: 'acl', name: 'aclrtSynchronizeEvent', thread: 2 },
      ],
    });
    // Gap 700–800 ends in a task without a known call.
    expect(analyze(profile).devices[0]?.idle).toEqual({ launchNs: 100, compileNs: 0, queuedNs: 100, syncNs: 100, unknownNs: 100 });
  });

  it('is not explained without host calls', () => {
    expect(analyze(makeProfile({ tasks: [compute(0, 1), compute(200, 2)], apis: null })).devices[0]?.idle).toBeNull();
  });
});

describe('memory table', () => {
  it('takes reserved and allocated at the first reserved peak', () => {
    const mb = 1024 * 1024;
    const { memory } = analyze(
      makeProfile({
        memory: [
          { device: 0, component: 'PTA', timeNs: Float64Array.of(1, 2, 3, 4), reservedBytes: Float64Array.of(100 * mb, 400 * mb, 400 * mb, 50 * mb), allocatedBytes: Float64Array.of(90 * mb, 300 * mb, 390 * mb, 50 * mb) },
          { device: 0, component: 'APP', timeNs: Float64Array.of(1, 2), reservedBytes: Float64Array.of(Number.NaN, Number.NaN), allocatedBytes: Float64Array.of(7 * mb, 9 * mb) },
          { device: null, component: 'HCCL', timeNs: Float64Array.of(1), reservedBytes: Float64Array.of(5 * mb), allocatedBytes: Float64Array.of(Number.NaN) },
        ],
      }),
    );
    expect(memory).toEqual([
      { device: null, rank: null, component: 'HCCL', peak_mb: 5, reserved_mb: 5, allocated_mb: null, fragmentation_pct: null },
      { device: 0, rank: null, component: 'PTA', peak_mb: 400, reserved_mb: 400, allocated_mb: 300, fragmentation_pct: 25 },
      { device: 0, rank: null, component: 'APP', peak_mb: 9, reserved_mb: null, allocated_mb: 9, fragmentation_pct: null },
    ]);
  });
});

describe('fusion table', () => {
  const run = (ops: string[], from = 0, stream = 1): Task[] => ops.map((op, i) => ({ start: from + i * 10, dur: op.startsWith('BatchMatMul') ? 9 : 4, op, stream }));
  const patterns = (tasks: Task[]) => analyze(makeProfile({ tasks })).fusion?.map((r) => [r.fused_op, r.occurrences, r.total_us, r.saving_us_estimate]);

  it('recognises each sequence', () => {
    expect(patterns(run(['Pow', 'ReduceMean', 'Adds', 'Rsqrt', 'Mul', 'Mul']))).toEqual([['npu_rms_norm', 1, 0.024, 0.02]]);
    expect(patterns(run(['Add', 'RmsNorm', 'MatMulV2', 'Add', 'RmsNorm']))).toEqual([['npu_add_rms_norm', 2, 0.016, 0.008]]);
    expect(patterns(run(['Slice', 'Slice', 'Swish', 'Mul']))).toEqual([['npu_swiglu', 1, 0.016, 0.012]]);
    expect(patterns(run(['Slice', 'Slice', 'Neg', 'ConcatD', 'Mul', 'Mul', 'Add']))).toEqual([['npu_rotary_mul', 1, 0.028, 0.024]]);
    expect(patterns(run(['AddRmsNorm', 'DynamicQuant']))).toEqual([['aclnnRmsNormDynamicQuant', 1, 0.008, 0.004]]);
    expect(patterns(run(['BatchMatMulV2', 'Mul', 'SoftmaxV2', 'BatchMatMulV2']))).toEqual([['npu_fused_infer_attention_score', 1, 0.026, 0.017]]);
  });

  it('counts TransData pairs around a matrix product', () => {
    expect(patterns([{ start: 0, dur: 4, op: 'TransData' }, { start: 10, dur: 50, op: 'MatMulV3' }, { start: 70, dur: 6, op: 'TransData' }])).toEqual([['MatMul on ND tensors', 1, 0.06, 0.01]]);
  });

  it('never joins kernels of two streams', () => {
    expect(patterns([{ start: 0, dur: 4, op: 'Add', stream: 1 }, { start: 10, dur: 4, op: 'RmsNorm', stream: 2 }])).toEqual([]);
  });

  it('leaves neighbours alone when the shapes say they do not feed each other', () => {
    const pair = (out: string): Task[] => [{ start: 0, dur: 4, op: 'Add', out }, { start: 10, dur: 4, op: 'RmsNorm', in: '16,4096;4096' }];
    expect(patterns(pair('16,4096'))).toHaveLength(1);
    expect(patterns(pair('16,1'))).toEqual([]);
  });

  it('fused kernels and lone neighbours are no findings', () => {
    expect(patterns(run(['AddRmsNorm', 'MatMulV2', 'SwiGlu', 'RmsNorm', 'Add', 'Mul', 'Softmax']))).toEqual([]);
  });

  it('is null without operator types', () => {
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 4, name: 'kernel_1' }] })).fusion).toBeNull();
  });

  it('plain names', () => {
    expect(['MatMulV3', 'ArgMaxV2AiCore', 'SoftmaxV2', 'RmsNorm'].map(plainOp)).toEqual(['MatMul', 'ArgMax', 'Softmax', 'RmsNorm']);
  });
});

describe('slow links', () => {
  const pair = (src: number, dst: number, gbps: number, n = 10) => Array.from({ length: n }, (_, i) => ({ op: 0, start: i * 100, dur: 100, name: 'Memcpy', bytes: gbps * 100, src, dst }));
  it('are found against their peers, and not without peers', () => {
    const links = (subs: ReturnType<typeof pair>) => slowLinks(linkSums(makeProfile({ ops: [{ start: 0, dur: 1000 }], subs })).map((p) => p.row)).map((l) => [l.src, l.dst, l.gbps, l.othersGbps]);
    expect(links([...pair(0, 1, 20), ...pair(0, 2, 20), ...pair(0, 3, 10)])).toEqual([[0, 3, 10, 20]]);
    expect(links([...pair(0, 1, 20), ...pair(0, 2, 19), ...pair(0, 3, 17)])).toEqual([]);
    expect(links([...pair(0, 1, 20), ...pair(0, 2, 10)])).toEqual([]);
    expect(links([...pair(0, 1, 20), ...pair(0, 2, 20), ...pair(0, 3, 1, 9)])).toEqual([]);
  });
});
