import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Capture, SimTask } from '../../server/sim/capture.js';
import { exportAgain, dropTables, l0Header, oldBlockDim, truncate, unclosedQuote } from '../generate/damage.js';
import { makeDecodeCapture, planted, scenarios } from '../generate/captures.js';
import { tempFolder } from '../helpers/temp.js';
import { query, sheet } from './reader.js';

const folder = await tempFolder();

/** Time covered by a set of intervals, in µs: a walk with a running end, a third way beside the two in the simulator. */
function covered(items: readonly { readonly startNs: bigint; readonly durationNs: number }[]): number {
  let end = 0n;
  let total = 0n;
  for (const item of [...items].sort((a, b) => (a.startNs < b.startNs ? -1 : 1))) {
    const from = item.startNs > end ? item.startNs : end;
    const to = item.startNs + BigInt(item.durationNs);
    if (to > from) {
      total += to - from;
      end = to;
    }
  }
  return Number(total) / 1000;
}

function digests(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((name) => statSync(join(path, name)).isFile())
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(path, name)))
          .digest('hex')}`,
    );
}

function kernelTasks(capture: Capture): SimTask[] {
  return [...capture.processes[0]!.tasks].filter((task) => task.kernel !== null);
}

describe.each(Object.keys(scenarios))('scenario %s', (name) => {
  const scenario = scenarios[name as keyof typeof scenarios];
  const made = makeDecodeCapture(scenario.options);

  test('is consistent: no stream overlaps itself, launches come first, collectives end together', () => {
    for (const process of made.capture.processes) {
      const launches = new Map([...process.apis].map((api) => [api.connectionId, api]));
      const ends = new Map<number, bigint>();
      for (const task of process.tasks) {
        const key = task.device * 1000 + task.stream;
        expect(task.startNs >= (ends.get(key) ?? 0n)).toBe(true);
        ends.set(key, task.startNs + BigInt(task.durationNs));
        if (task.connectionId >= 0) expect(launches.get(task.connectionId)!.startNs < task.startNs).toBe(true);
        expect(Number.isInteger(task.durationNs) && task.durationNs > 0).toBe(true);
      }
      const threads = new Map<number, bigint>();
      for (const api of process.apis) {
        expect(api.startNs >= (threads.get(api.thread) ?? 0n)).toBe(true);
        threads.set(api.thread, api.startNs + BigInt(api.durationNs));
      }
      expect(launches.size).toBe([...process.apis].length);
      for (const op of process.commOps) {
        const end = op.startNs + BigInt(op.durationNs);
        for (const task of op.tasks)
          expect(task.startNs >= op.startNs && task.startNs + BigInt(task.durationNs) <= end).toBe(true);
      }
    }
  });

  test('its truth adds up, and agrees with a second count', () => {
    for (const window of made.truth.windows)
      expect(window.computing_us + window.communicationNotOverlapped_us + window.free_us).toBeCloseTo(
        window.span_us,
        6,
      );
    for (const [index, process] of made.capture.processes.entries()) {
      const kernels = [...process.tasks].filter((task) => task.kernel !== null);
      expect(made.truth.windows[index]!.computing_us).toBeCloseTo(covered(kernels), 3);
      expect(made.truth.windows[index]!.communication_us).toBeCloseTo(covered([...process.commOps]), 3);
    }
    const found = new Set(made.truth.faults.map((fault) => fault.finding));
    for (const finding of scenario.expect) if (finding !== 'decode-bubble') expect(found).toContain(finding);
  });
});

test('a balanced decode keeps the device busy; starved, waiting and exposed ones do not', () => {
  const share = (
    name: keyof typeof scenarios,
    key: 'computing_us' | 'free_us' | 'communicationNotOverlapped_us',
  ): number => {
    const window = makeDecodeCapture(scenarios[name].options).truth.windows[0]!;
    return window[key] / window.span_us;
  };
  expect(share('balanced', 'computing_us')).toBeGreaterThan(0.95);
  expect(share('host-bound-launch', 'free_us')).toBeGreaterThan(0.3);
  expect(share('host-bound-sync', 'free_us')).toBeGreaterThan(0.15);
  expect(share('comm-exposed', 'communicationNotOverlapped_us')).toBeGreaterThan(0.25);
});

test('collectives end together on all ranks, and the slow rank waits least', () => {
  const made = makeDecodeCapture(scenarios['slow-rank'].options);
  const ops = made.capture.processes.map((process) => [...process.commOps]);
  ops[0]!.forEach((op, index) => {
    const ends = ops.map((list) => list[index]!.startNs + BigInt(list[index]!.durationNs));
    expect(new Set(ends).size).toBe(1);
    expect(op.tasks.some((task) => task.master && task.name === 'Notify_Wait')).toBe(true);
  });
  const waits = made.truth.windows.map((window) => window.commWait_us);
  expect(Math.min(...waits)).toBe(waits[2]);
  const transits = made.truth.windows.map((window) => window.commTransit_us);
  expect(Math.max(...transits) / Math.min(...transits)).toBeCloseTo(1, 6);
});

test('a slow link is slow between its ranks and nowhere else', () => {
  const made = makeDecodeCapture(scenarios['slow-link'].options);
  const speeds = new Map<string, number>();
  for (const process of made.capture.processes)
    for (const op of process.commOps)
      for (const task of op.tasks)
        if (task.link === 'HCCS' && task.bytes > 0)
          speeds.set([task.srcRank, task.dstRank].sort().join('-'), task.bytes / task.durationNs);
  const slow = speeds.get('0-1')!;
  for (const [pair, speed] of speeds) if (pair !== '0-1') expect(speed / slow).toBeCloseTo(4, 1);
});

test('clock skew moves one process, and nothing else', () => {
  const plain = makeDecodeCapture({ ranks: 2 });
  const skewed = makeDecodeCapture({ ranks: 2, clockSkewUs: [0, 750] });
  const starts = (capture: Capture, rank: number): bigint[] =>
    [...capture.processes[rank]!.tasks].map((task) => task.startNs);
  expect(starts(skewed.capture, 0)).toEqual(starts(plain.capture, 0));
  expect(starts(skewed.capture, 1)).toEqual(starts(plain.capture, 1).map((ns) => ns + 750_000n));
  expect(skewed.capture.processes[1]!.clockSkewNs).toBe(750_000);
});

test('planted causes show in the counters', () => {
  const matmuls = (name: keyof typeof scenarios): SimTask[] =>
    kernelTasks(makeDecodeCapture(scenarios[name].options).capture).filter(
      (task) => task.kernel?.opType === 'MatMulV3',
    );
  for (const task of matmuls('cube-bound')) expect(task.pmu!['aic_mac_ratio']).toBeGreaterThan(0.8);
  for (const task of matmuls('mte2-bound')) expect(task.pmu!['aic_mte2_ratio']).toBeGreaterThan(0.8);
  for (const task of matmuls('scalar-bound')) expect(task.pmu!['aic_scalar_ratio']).toBeGreaterThan(0.8);
  for (const task of matmuls('block-under-use')) expect(task.kernel!.blockNum).toBe(6);
  const vector = kernelTasks(makeDecodeCapture(scenarios['vector-bound'].options).capture).filter(
    (task) => task.kernel?.coreType === 'AI_VECTOR_CORE',
  );
  for (const task of vector) expect(task.pmu!['aiv_vec_ratio']).toBeGreaterThan(0.7);
});

test('lower clock: kernels take longer by the ratio, and the samples say so', () => {
  const made = makeDecodeCapture(scenarios['freq-drop'].options);
  const samples = [...made.capture.processes[0]!.frequency].map((sample) => sample.mhz);
  expect(samples).toEqual([1800, 1200, 1200]);
  const heads = kernelTasks(made.capture)
    .filter((task) => task.kernel?.opType === 'ArgMaxV2')
    .map((task) => task.durationNs);
  expect(heads[3]! / heads[0]!).toBeGreaterThan(1.35);
});

test('a pattern that is not fused is there as often as layers and steps say, the fused kernel not at all', () => {
  const kernels = kernelTasks(makeDecodeCapture(scenarios['unfused-swiglu'].options).capture).map(
    (task) => task.kernel!.opType,
  );
  const runs = kernels.join(' ').match(/Slice Slice Swish Mul/g);
  expect(runs).toHaveLength(4 * 4);
  expect(kernels).not.toContain('SwiGlu');
});

test('prefill steps tell themselves by query shape and length', () => {
  const made = makeDecodeCapture(scenarios['prefill-decode'].options);
  expect(made.truth.steps.map((step) => step.kind)).toEqual([
    'prefill',
    'decode',
    'decode',
    'decode',
    'prefill',
    'decode',
    'decode',
    'decode',
  ]);
  const attention = kernelTasks(made.capture).filter((task) => task.kernel!.opType === 'FusedInferAttentionScore');
  const shapes = new Set(attention.map((task) => task.kernel!.inputShapes.split(';')[0]));
  expect(shapes).toEqual(new Set(['2048,32,128', '16,1,32,128']));
});

test('the same seed writes the same bytes, another seed does not', async () => {
  const forms = ['msprof-db', 'msprof-csv', 'msprof-timeline', 'msprof-analyze', 'torch-text', 'torch-db'] as const;
  const options = { ranks: 2, steps: 2, marks: 'mstx' } as const;
  await planted(join(folder, 'one'), options, forms);
  await planted(join(folder, 'two'), options, forms);
  await planted(join(folder, 'three'), { ...options, seed: 2 }, forms);
  expect(digests(join(folder, 'one'))).toEqual(digests(join(folder, 'two')));
  expect(digests(join(folder, 'one'))).not.toEqual(digests(join(folder, 'three')));
});

test('no path or name of the machine that wrote it is in any file', async () => {
  const made = await planted(join(folder, 'clean'), { ranks: 2, steps: 1 }, ['msprof-raw', 'msprof-csv', 'torch-text']);
  for (const name of readdirSync(made.written.folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(made.written.folder, name);
    if (statSync(path).isFile()) expect(readFileSync(path, 'latin1')).not.toContain(folder);
  }
});

describe('damage', () => {
  test('does to files what it says', async () => {
    const made = await planted(join(folder, 'damage'), { ranks: 2, steps: 1 }, [
      'msprof-db',
      'msprof-csv',
      'msprof-timeline',
    ]);
    const written = made.written.processes[0]!;
    const at = (part: string): string => written.files.find((path) => path.includes(part))!;
    await dropTables(at('.db'), 'STRING_IDS');
    await expect(query(at('.db'), 'SELECT * FROM STRING_IDS')).rejects.toThrow(/no such table/);
    truncate(at('.json'));
    expect(() => JSON.parse(readFileSync(at('.json'), 'utf8')) as unknown).toThrow();
    exportAgain(written.prof!, made.capture, written.process);
    expect(
      readdirSync(join(written.prof!, 'mindstudio_profiler_output')).filter((name) => name.startsWith('op_summary')),
    ).toHaveLength(2);
    oldBlockDim(at('op_summary'));
    expect(sheet(at('op_summary')).header.slice(11, 13)).toEqual(['Block Dim', 'Mix Block Dim']);
    unclosedQuote(at('op_summary'));
    expect(readFileSync(at('op_summary'), 'utf8').match(/"/g)!.length % 2).toBe(1);
    const other = made.written.processes[1]!.files.find((path) => path.includes('op_summary'))!;
    l0Header(other);
    expect(sheet(other).header).toHaveLength(12);
    for (const row of sheet(other).rows) expect([row.length, row[5]]).toEqual([12, 'N/A']);
  });
});
