import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProfileAnalyzeFacts, ProfilingAnalysis, ToolFailed, ToolOk } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Registry } from '../../server/mcp/registry.js';
import { profilingDerivations } from '../../server/profiling/derive.js';
import { profileAnalyze } from '../../server/profiling/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const host = openHost(ctx.config);
const registry = new Registry([profileAnalyze], (line) => console.error(line));
const [fused, unfused, operator] = [join(dir, 'fused'), join(dir, 'unfused'), join(dir, 'OPPROF_20260101000000_ABCD')];

async function call(args: Record<string, unknown>): Promise<ToolOk & { facts: ProfileAnalyzeFacts }> {
  const answer = await registry.call('profile_analyze', args, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as ToolOk & { facts: ProfileAnalyzeFacts };
}
async function fail(args: Record<string, unknown>): Promise<string> {
  return ((await registry.call('profile_analyze', args, ctx)).structured as ToolFailed).error.code;
}
async function artifact(answer: ToolOk, kind: string): Promise<string> {
  return readFile(answer.artifacts.find((a) => a.kind === kind)?.path ?? '', 'utf8');
}
const verified = async (run: string): Promise<unknown> => verifyRun(await new Runs(host).open(run), host, profilingDerivations);

beforeAll(async () => {
  const options = { ranks: 1, layers: 4, steps: 4, launchUs: 20 };
  for (const [folder, extra] of [[fused, {}], [unfused, { unfused: ['swiglu'] }]] as const) {
    await writeCapture(folder, makeDecodeCapture({ ...options, ...extra }).capture, ['msprof-db']);
  }
  await mkdir(operator);
  await writeFile(join(operator, 'OpBasicInfo.csv'), 'Op Name,Op Type,Task Duration(us),Block Dim,Mix Block Dim,Device Id,Pid,Current Freq,Rated Freq,\nadd_custom,vector,50.5,8,NA,0,1,1800,1800,\n');
  await writeFile(join(operator, 'PipeUtilization.csv'), 'block_id,sub_block_id,aiv_time(us),aiv_vec_ratio,aiv_mte2_ratio,\n0,vector0,48.0,0.1,0.92,\n1,vector0,49.0,0.1,0.94,\n');
});

describe('profile_analyze with compare_to', () => {
  it('finds the planted change: SwiGlu is gone, its parts are new, and the parts make up the whole', async () => {
    const answer = await call({ path: unfused, compare_to: fused, view: 'comparison', top: 200 });
    const analysis = JSON.parse(await artifact(answer, 'profiling-analysis')) as ProfilingAnalysis;
    const { comparison } = analysis;
    expect(comparison).not.toBeNull();
    const of = (cause: string): NonNullable<typeof comparison>['contributions'] => (comparison?.contributions ?? []).filter((c) => c.cause === cause);
    expect(of('gone').map((c) => [c.op, c.baseline_count])).toEqual([['SwiGlu', 16]]);
    // Four layers, four steps: two slices, one Swish, one Mul each.
    expect(new Map(of('new').map((c) => [c.op, c.candidate_count]))).toEqual(new Map([['Slice', 32], ['Swish', 16], ['Mul', 16]]));
    const total = (comparison?.contributions ?? []).reduce((s, c) => s + Math.round(c.delta_us * 1000), 0);
    expect(total).toBe(Math.round(((comparison?.candidate.span_us ?? 0) - (comparison?.baseline.span_us ?? 0)) * 1000));
    expect(answer.facts.comparison).toMatchObject({ delta_us: comparison?.delta_us, contributions: comparison?.contributions.length });
    expect(await artifact(answer, 'five-tables')).toContain('## Against the baseline');
    expect(JSON.stringify(await verified(answer.facts.run))).toContain('"recomputed_equal":true');
  });

  it('shows the largest in the summary, and nothing without a baseline', async () => {
    const summary = await call({ path: unfused, compare_to: fused });
    expect(summary.facts.rows['comparison']).toHaveLength(5);
    expect(JSON.stringify(summary).length).toBeLessThan(8192);
    const alone = await call({ path: unfused });
    expect(alone.facts.comparison).toBeNull();
    expect(alone.facts.rows).not.toHaveProperty('comparison');
    expect(await fail({ path: unfused, view: 'comparison' })).toBe('E_ARG_MISSING');
    expect(await fail({ path: unfused, compare_to: operator })).toBe('E_PROFILE_OPERATOR');
  });
});

describe('profile_analyze of a matrix product', () => {
  it('has an MFU at matrix products only', async () => {
    const { facts } = await call({ path: fused, view: 'kernel', top: 50, min_share_pct: 0 });
    const rows = facts.rows['kernel'] as { op_type: string; flops: number | null; mfu_pct: number | null }[];
    for (const row of rows) expect(row.flops !== null && row.mfu_pct !== null && row.mfu_pct > 0 && row.mfu_pct <= 100).toBe(row.op_type.startsWith('MatMul'));
    expect(facts.incomplete.map((n) => n.code)).toContain('mfu-lengths-unknown');
  });
});

describe('profile_analyze of an operator profile', () => {
  it('answers with its bound, leaves the tables of a capture null, and can be computed again', async () => {
    const answer = await call({ path: operator });
    expect(answer.verdict).toBe('memory-bound');
    expect(answer.facts).toMatchObject({ operators: 1, window: null, tables: { kernel: null, communication: null, fusion: null, dispatch: null, memory: null } });
    expect(answer.facts.rows['operators']).toMatchObject([{ op: 'add_custom', bound: 'mte2', blocks: 8 }]);
    expect(answer.headline).not.toContain('add_custom');
    expect(await artifact(answer, 'operator-tables')).toContain('add_custom');
    const analysis = JSON.parse(await artifact(answer, 'profiling-analysis')) as ProfilingAnalysis;
    expect(analysis.operators).toHaveLength(1);
    expect(JSON.stringify(await verified(answer.facts.run))).toContain('"recomputed_equal":true');
    expect((await call({ path: operator, view: 'finding', finding: 'mte2-bound' })).findings.map((f) => f.id)).toEqual(['mte2-bound']);
    expect(await fail({ path: operator, compare_to: fused })).toBe('E_ARG_CONFLICT');
  });
});
