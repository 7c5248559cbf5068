import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { argvOf } from '../../server/benchmark/import/command.js';
import { importDerivations } from '../../server/benchmark/import/derive.js';
import { benchImport } from '../../server/benchmark/import/tools.js';
import { gather } from '../../server/benchmark/compare/gather.js';
import { checkFacts, type BenchImportFacts } from '../../server/contract/index.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { plant, writeEvalscope } from '../generate/bench-evalscope.js';
import { tempFolder, testContext, testHost } from '../helpers/temp.js';

let dir: string;
const requests = plant(20, (i) => 0.05 + i * 0.001, () => 0.01, () => 10);
beforeAll(async () => {
  dir = await tempFolder();
  for (const [time, parallel] of [['1', 2], ['1', 4], ['2', 4]] as const) {
    await writeEvalscope(join(dir, 'outputs', `2026110${time}_100000`, 'model', `parallel_${parallel}_number_20`), requests, { generation: '>=1.10', parallel, db: parallel === 2, args: { number: 20, temperature: 0, stream: true } });
  }
});

describe('bench_import', () => {
  it('keeps every load with its raw files, numbers passes, states what it was told, and computes the same bytes again', async () => {
    const ctx = testContext(dir);
    const answer = await benchImport.invoke({ path: join(dir, 'outputs'), client_version: '1.12.0', framework: 'vllm-ascend', label: 'old build', command: "evalscope perf --model 'my model'", service_command: 'vllm serve m' }, ctx);
    expect(checkFacts('bench_import', answer.facts)).toEqual([]);
    expect(answer.verdict).toBe('imported');
    const facts = answer.facts as unknown as BenchImportFacts;
    expect(facts).toMatchObject({ client: 'evalscope', client_version: '1.12.0', output_generation: '>=1.10', loads: 3 });
    expect(facts.points.map((p) => [p.id, p.repeat])).toEqual([
      ['parallel_2_number_20', undefined],
      ['parallel_4_number_20', 1],
      ['parallel_4_number_20', 2],
    ]);
    const host = testHost(dir);
    const run = await new Runs(host).open(facts.run);
    const manifest = await run.manifest();
    expect(manifest.workload).toMatchObject({ client: 'evalscope', client_version: '1.12.0', command: [['evalscope', 'perf', '--model', 'my model']], parallel: [2, 4, 4], number: [20, 20, 20], temperature: 0, stream: true });
    expect(manifest.service).toMatchObject({ framework: 'vllm-ascend', command: [['vllm', 'serve', 'm']] });
    expect(manifest.provenance['workload.client']).toMatchObject({ how: 'stated', by: 'bench_import' });
    const verified = await verifyRun(run, host, importDerivations);
    expect(verified.facts).toMatchObject({ recomputed: 3, recomputed_equal: true, hash_mismatches: [], violations: [] });
    const seen = await gather(host, 'baseline', run.id);
    expect(seen.metrics.map((m) => [m.tool, m.state, m.raw.length > 1, m.raw.every((r) => r.state === 'ok')])).toEqual(Array.from({ length: 3 }, () => ['bench_import', 'ok', true, true]));

    const summary = join(run.dir, 'perf/001/parallel_2_number_20/raw/benchmark_summary.json');
    await writeFile(summary, (await readFile(summary, 'utf8')).replace('"Success Requests": 20', '"Success Requests": 19'));
    expect((await verifyRun(run, host, importDerivations)).verdict).toBe('tampered');
  });

  it('leaves what a run already knows as it is', async () => {
    const host = testHost(dir);
    const by = { tool: 'bench_start', input: {} };
    const run = await new Runs(host).create({ purpose: 'x', level: 'smoke' }, by, { workload: { client: 'vllm', temperature: 1 } }, 'captured');
    await benchImport.invoke({ path: join(dir, 'outputs/20261101_100000/model/parallel_2_number_20/benchmark_summary.json'), run: run.id }, testContext(dir));
    const manifest = await run.manifest();
    expect(manifest.workload).toMatchObject({ client: 'vllm', temperature: 1, parallel: [2] });
    expect(manifest.provenance['workload.client']).toMatchObject({ how: 'captured' });
    // The file alone brings its companions along.
    expect([...(await run.files()).keys()].filter((f) => f.includes('/raw/')).map((f) => f.split('/').pop())).toEqual(['benchmark_summary.json', 'benchmark_args.json', 'benchmark_data.db']);
  });

  it('is inconclusive when nothing succeeded, and opens no run for what it can not read', async () => {
    const failed = join(dir, 'failed');
    await writeEvalscope(failed, requests.slice(0, 3).map((r) => ({ ...r, first: null })), { generation: '>=1.10', parallel: 2 });
    const answer = await benchImport.invoke({ path: failed }, testContext(dir));
    expect(answer.verdict).toBe('inconclusive');
    const before = await new Runs(testHost(dir)).list();
    await writeFile(join(dir, 'other.json'), '{"a": 1}');
    await expect(benchImport.invoke({ path: join(dir, 'other.json') }, testContext(dir))).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(benchImport.invoke({ path: join(dir, 'absent') }, testContext(dir))).rejects.toMatchObject({ code: 'E_PATH_MISSING' });
    expect(await new Runs(testHost(dir)).list()).toEqual(before);
  });

  it('fits its budget of 155 tokens', () => {
    // As test/contract/surface.test.ts counts.
    expect(Math.ceil((benchImport.name.length + benchImport.description.length + JSON.stringify(benchImport.inputSchema).length) / 4)).toBeLessThanOrEqual(155);
  });

  it('splits a command line as a shell does, expanding nothing', () => {
    expect(argvOf(`a --x='b c' "d \\"e\\" $HOME" f\\ g ''`)).toEqual(['a', '--x=b c', 'd "e" $HOME', 'f g', '']);
  });
});
