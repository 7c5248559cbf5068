import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientFiles, readClientOutput } from '../../server/benchmark/points/read.js';
import { walk } from '../../server/host/files.js';

const root = resolve(import.meta.dirname, '../../../shared/data');
const there = existsSync(join(root, 'bench'));

/** Numbers typed off the files: number, success, ttft mean, tpot mean, e2el mean (ms), output tok/s, request/s, output tokens. */
type Row = readonly [number | null, number | null, number | null, number | null, number | null, number | null, number | null, number | null];
const imported: Readonly<Record<string, { client: string; rows: readonly Row[]; notes?: readonly string[] }>> = {
  'evalscope/perf-summary-json-a100-qwen3-235b/benchmark_summary.c1.json': { client: 'evalscope', rows: [[10, 10, 273.4, 24.8, 25589.2, 40.014, 0.0391, 1024]], notes: ['no-rows'] },
  'bench-doc/evalscope/vs_vllm_bench-L239.txt': { client: 'evalscope', rows: [[1000, 1000, 113.1, 3.6, 466.3, 10530.7, 105.307, 100]], notes: ['no-rows'] },
  'bench-doc/vllm-ascend-evalscope/using_evalscope-L118.txt': { client: 'evalscope', rows: [[20, 20, 103.5, 32.9, 8361.2, 132.6926, 0.5212, 254.6]], notes: ['no-rows'] },
  // Not streamed: one package a request, so TTFT is the latency; this version's TPOT is wall time over tokens.
  'bench-doc/evalscope/deepseek_r1_distill-L60.txt': { client: 'evalscope', rows: [[100, 100, 8636, null, 8636, 1727.453, 1.079, 1600.66]], notes: ['no-rows', 'stream-buffered'] },
  'bench-doc/evalscope/vs_vllm_bench-L210.txt': { client: 'vllm', rows: [[1000, 1000, 73.18, 3.85, null, 10808.22, 108.08, 100]] },
  'bench-doc/vllm-ascend-bench/performance_benchmark-L119.txt': { client: 'vllm', rows: [[10, 10, 127.1, 25.85, null, 133.67, 0.5, 266.3]] },
  'bench-doc/vllm-ascend-bench/performance_benchmark-L188.txt': { client: 'vllm', rows: [[10, 10, 722.22, 44.13, null, 194.63, 2.05, 95.1]] },
  'bench-doc/vllm-ascend-bench/performance_benchmark-L234.txt': { client: 'vllm', rows: [[10, 10, null, null, 154.06, null, 56.32, null]] },
  'bench-doc/aisbench/performance_benchmark-L117.txt': { client: 'aisbench', rows: [[8, 8, 2006, 20.1, 12300.2, 41.622, 0.0813, 512]] },
  'bench-doc/aisbench/multiturn_benchmark-L113.txt': { client: 'aisbench', rows: [[8, 8, 50.332, 10.6965, 2048.2945, 115.7835, 0.4021, 287.375]] },
  'bench-doc/aisbench/stable_stage-L129.txt': { client: 'aisbench', rows: [[8, 8, 50.332, 10.6965, 2048.2945, 115.7835, 0.4021, 287.375]], notes: ['stable-stage'] },
  'bench-doc/aiperf/README-L141.txt': { client: 'aiperf', rows: [[null, 711, 18.26, 11.23, 487.3, 10944.03, 255.54, 42.83]], notes: ['failures-unknown'] },
  'bench-doc/aiperf/goodput-L56.txt': { client: 'aiperf', rows: [[null, 20, 50.04, 3.4, 3651.23, 287.44, 0.27, 1058.45]], notes: ['failures-unknown'] },
  // Throughput: 16 tokens over the window of each benchmark.
  'bench/llmd-guidellm-v2/guidellm_report_v2.json': {
    client: 'guidellm',
    rows: [
      [2, 2, 11.481165885925293, 1.1508464813232422, 19.78909969329834, 16 / 5.01964807510376, 2 / 5.01964807510376, 8],
      [2, 2, 9.78386402130127, 1.0904414313180106, 17.633914947509766, 16 / 2.5186119079589844, 2 / 2.5186119079589844, 8],
    ],
  },
};

describe.skipIf(!there)('real results of benchmark clients (../shared/data)', () => {
  it('every file is imported with its numbers, or refused as none', async () => {
    const refused: string[] = [];
    for (const folder of ['evalscope', 'bench', 'bench-doc']) {
      for (const name of await walk(join(root, folder))) {
        const key = `${folder}/${name}`;
        const expected = imported[key];
        const read = clientFiles(join(root, key)).then((files) => readClientOutput(files, null, null));
        if (expected === undefined) {
          await expect(read, key).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
          refused.push(key);
          continue;
        }
        const output = await read;
        expect([key, output.client, output.points.length, output.incomplete.map((n) => n.code)]).toEqual([key, expected.client, expected.rows.length, expected.notes ?? []]);
        for (const [i, row] of expected.rows.entries()) {
          const p = output.points[i];
          if (p === undefined) throw new Error(key);
          const got = [p.number, p.success, p.ttft_ms.mean, p.tpot_ms.mean, p.e2el_ms.mean, p.output_tps, p.request_tps, p.output_tokens.mean];
          for (const [j, value] of row.entries()) {
            if (value === null) expect(got[j], `${key} ${j}`).toBeNull();
            else expect(got[j], `${key} ${j}`).toBeCloseTo(value, 8);
          }
        }
      }
    }
    expect(refused).toHaveLength(85 - Object.keys(imported).length);
  });

  it('names the tool whose result it is when it is not read', async () => {
    const why = async (name: string): Promise<string> => readClientOutput(await clientFiles(join(root, name)), null, null).then(() => '', (e: unknown) => String(e));
    expect(await why('bench/genai-bench-run/mock_run_data.json')).toContain('genai-bench');
    expect(await why('bench/llmd-inference-perf/inference_perf_lifecycle.yaml')).toContain('inference-perf');
    expect(await why('bench-doc/genai-perf/README-L165.txt')).toContain('GenAI-Perf');
    expect(await why('bench-doc/aisbench/performance_benchmark-L248.txt')).toContain('part of an AISBench result');
  });
});
