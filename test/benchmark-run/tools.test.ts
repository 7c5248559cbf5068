import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { openHost } from '../../server/host/host.js';
import { passesOf } from '../../server/benchmark/run/plan.js';
import { clientRun, promptsText } from '../../server/benchmark/run/pass.js';
import { readRequest, type StartArgs } from '../../server/benchmark/run/request.js';
import { graphLines, logSizes, type Target } from '../../server/benchmark/run/service.js';
import { benchStart } from '../../server/benchmark/run/tools.js';
import { probeNumbers } from '../../server/benchmark/run/probe.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
const host = openHost(makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0', { PATH: process.env['PATH'] }, dir));
const base: StartArgs = { endpoint: 'http://127.0.0.1:8010/v1/', model: 'm', client: 'evalscope' };

describe('the request', () => {
  it('zips parallel and number, one number serves all, and fills in ten requests a slot', async () => {
    const of = async (more: Partial<StartArgs>): Promise<unknown> => readRequest({ ...base, ...more }, host).then((r) => [r.parallel, r.number, r.rate]);
    expect(await of({ parallel: [1, 4], number: [10, 40] })).toEqual([[1, 4], [10, 40], null]);
    expect(await of({ parallel: [1, 4, 8], number: [50] })).toEqual([[1, 4, 8], [50, 50, 50], null]);
    expect(await of({ parallel: [2, 8] })).toEqual([[2, 8], [20, 80], null]);
    expect(await of({ rate: 1.5, number: [60] })).toEqual([[null], [60], 1.5]);
    expect((await readRequest(base, host)).endpoint).toBe('http://127.0.0.1:8010');
  });

  it.each<[string, Partial<StartArgs>, string]>([
    ['numbers that do not pair', { parallel: [1, 2, 3], number: [1, 2] }, 'E_ARG_CONFLICT'],
    ['half a slot', { parallel: [1.5] }, 'E_ARG_TYPE'],
    ['a rate of zero', { rate: 0 }, 'E_ARG_TYPE'],
    ['a model that would be a flag', { model: '--api-key=x' }, 'E_ARG_TYPE'],
    ['a data set that would be a flag', { dataset: '-x' }, 'E_ARG_TYPE'],
    ['an endpoint with a password', { endpoint: 'http://a:b@h:1' }, 'E_ARG_TYPE'],
    ['an endpoint that is no URL', { endpoint: 'localhost' }, 'E_ARG_TYPE'],
    ['vllm without a tokenizer', { client: 'vllm' }, 'E_ARG_MISSING'],
    ['random without a tokenizer', { dataset: 'random' }, 'E_ARG_MISSING'],
    ['a search over several loads', { parallel: [1, 2], sla_ttft_p99_ms: 100 }, 'E_ARG_CONFLICT'],
    ['a tokenizer outside of the allowed folders', { tokenizer_path: '/etc' }, 'E_PATH_OUTSIDE'],
    ['the probe in an open loop', { client: 'probe', rate: 2 }, 'E_ARG_CONFLICT'],
  ])('refuses %s', async (_, more, code) => {
    await expect(readRequest({ ...base, ...more }, host)).rejects.toMatchObject({ code });
  });
});

describe('fresh prompts', () => {
  it('no prompt of a job is sent twice, warm-up included', async () => {
    const request = await readRequest({ ...base, parallel: [1, 2], number: [5, 7], warmup: 3, repeats: 2, input_tokens: 12 }, host);
    const passes = passesOf(request, 100);
    expect(passes.map((p) => p.offset)).toEqual([100, 108, 118, 126]);
    const prompts = passes.flatMap((p) => promptsText(request, p.offset, p.number + request.warmup).trim().split('\n'));
    expect(new Set(prompts).size).toBe(5 + 7 + 5 + 7 + 4 * 3);
    expect(prompts.every((p) => p.split(' ').length === 12)).toBe(true);
  });

  it('the same seed sends the same prompts to both sides; vLLM gets another seed each pass', async () => {
    const request = await readRequest({ ...base, seed: 5 }, host);
    expect(promptsText(request, 0, 3)).toBe(promptsText(request, 0, 3));
    expect(promptsText(request, 0, 3)).not.toBe(promptsText({ ...request, seed: 6 }, 0, 3));
    const vllm = { ...request, client: 'vllm' as const };
    const seeds = passesOf({ ...vllm, repeats: 3 }, 0).map((p) => clientRun(vllm, p, 0, '/o', '/p').seed);
    expect(new Set(seeds).size).toBe(3);
    expect(JSON.parse(promptsText(vllm, 0, 1))).toHaveProperty('prompt');
  });
});

describe('graph capture inside the window', () => {
  it('is counted from the log between two moments, not before and not behind', async () => {
    const log = join(dir, 'node_0.log');
    const target: Target = { job: 'service-001', startedAt: null, logs: [log], framework: 'xllm', simulated: false };
    const capture = (n: number): string => `I20261124 14:05:21.796 1 acl_graph_executor_impl.cpp:1134] Lazy capturing ACL graph for bucket num_tokens: ${n}\n`;
    await writeFile(log, capture(1) + capture(2));
    const from = await logSizes(target);
    await appendFile(log, `I20261124 14:05:22.1 1 request.cpp:108] done\n${capture(48)}`);
    const to = await logSizes(target);
    await appendFile(log, capture(64));
    expect(await graphLines(target, from, to)).toEqual({ count: 1, lines: [capture(48).trim()] });
    expect(await graphLines({ ...target, logs: [] }, [], [])).toBeNull();
  });
});

describe('numbers of the probe', () => {
  it('are those of a schedule worked out by hand', () => {
    // Two requests, one behind the other: 100 ms to the first token, then four tokens 10 ms apart; and one that failed.
    const row = (start: number): Parameters<typeof probeNumbers>[0][number] => ({ ok: true, status: 200, start_ms: start, ttft_ms: 100, e2el_ms: 140, itl_ms: [10, 10, 10, 10], prompt_tokens: 8, completion_tokens: 5 });
    const numbers = probeNumbers([row(0), row(140), { ok: false, status: 500, start_ms: 280, ttft_ms: null, e2el_ms: null, itl_ms: [], prompt_tokens: null, completion_tokens: null }]);
    expect(numbers).toMatchObject({ success: 2, failed: 1, duration_s: 0.28, ttft_ms: { mean: 100, p99: 100 }, tpot_ms: { mean: 10 }, itl_ms: { mean: 10 }, e2el_ms: { mean: 140 }, input_tokens: { mean: 8, total: 16 }, output_tokens: { total: 10 } });
    expect(numbers.output_tps).toBeCloseTo(10 / 0.28, 9);
    expect(numbers.total_tps).toBeCloseTo(26 / 0.28, 9);
    expect(numbers.request_tps).toBeCloseTo(2 / 0.28, 9);
  });
});

describe('the tool', () => {
  it('costs at most 360 tokens', () => {
    expect((benchStart.name + benchStart.description + JSON.stringify(benchStart.inputSchema)).length / 4).toBeLessThanOrEqual(360);
  });
});
