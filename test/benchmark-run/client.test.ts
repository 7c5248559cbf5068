import { createServer, type Server } from 'node:http';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findClient } from '../../server/benchmark/run/client.js';
import { benchJobs } from '../../server/benchmark/run/job.js';
import { readRequest, type StartArgs } from '../../server/benchmark/run/request.js';
import { makeConfig } from '../../server/config.js';
import { ToolError } from '../../server/contract/index.js';
import { openHost, type Host } from '../../server/host/host.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { tempFolder } from '../helpers/temp.js';

// A stand-in for an evalscope too old to warm up itself (1.6.0): writes what that version writes, and keeps what it was asked.
const standIn = `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const argv = process.argv.slice(2);
if (argv[0] === '--version') { console.log('evalscope 1.6.0'); process.exit(0); }
const of = (name) => argv[argv.indexOf(name) + 1];
fs.appendFileSync(process.env.HOME + '/asked.jsonl', JSON.stringify(argv) + '\\n');
if (of('--model') === 'dies') { console.error('Traceback'); process.exit(3); }
const n = Number(of('--number'));
const failed = of('--model') === 'fails';
const out = path.join(of('--outputs-dir'), 'm', 'parallel_' + of('--parallel') + '_number_' + n);
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'benchmark_summary.json'), JSON.stringify({
  'Time taken for tests (s)': failed ? 0 : 2, 'Number of concurrency': Number(of('--parallel')), 'Request rate (req/s)': -1, 'Total requests': n, 'Succeed requests': failed ? 0 : n, 'Failed requests': failed ? n : 0,
  'Output token throughput (tok/s)': failed ? -1 : 64, 'Total token throughput (tok/s)': failed ? -1 : 192, 'Request throughput (req/s)': failed ? -1 : 8, 'Average latency (s)': failed ? -1 : 0.25,
  'Average time to first token (s)': failed ? -1 : 0.04, 'Average time per output token (s)': failed ? -1 : 0.03, 'Average inter-token latency (s)': failed ? -1 : 0.03,
  'Average input tokens per request': failed ? -1 : 16, 'Average output tokens per request': failed ? -1 : 8,
}));
`;

let host: Host;
let dir = '';
let endpoint = '';
let server: Server;

beforeAll(async () => {
  dir = await tempFolder();
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'evalscope'), standIn);
  await chmod(join(bin, 'evalscope'), 0o755);
  // A service without any metrics route.
  server = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  host = openHost(makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0', { PATH: `${bin}:/usr/bin:/bin`, HOME: dir }, dir));
});
afterAll(() => new Promise((done) => server.close(done)));

async function measure(args: Partial<StartArgs>): Promise<{ run: Run; result: Record<string, unknown> | { code?: string; seen?: string } }> {
  const run = await new Runs(host).create({ purpose: 'old client', level: 'quick' }, { tool: 'run_create', input: {} });
  const request = await readRequest({ endpoint, model: 'm', client: 'evalscope', parallel: [2], number: [6], input_tokens: 16, output_tokens: 8, warmup: 2, ...args }, host);
  const kind = benchJobs['bench'];
  if (kind === undefined) throw new Error('no such job kind');
  const ctx = { host, run, job: 'bench-001', signal: new AbortController().signal, report: () => Promise.resolve(), log: () => undefined };
  return { run, result: await kind({ ...request }, ctx).catch((e: unknown) => (e instanceof ToolError ? { code: e.code, seen: e.seen } : { code: 'none' })) };
}

async function asked(): Promise<string[][]> {
  return (await readFile(join(dir, 'asked.jsonl'), 'utf8')).trim().split('\n').map((l): string[] => JSON.parse(l));
}

describe('a client without a warm-up of its own', () => {
  it('is found with its version and what it cannot do', async () => {
    expect(await findClient('evalscope', host)).toMatchObject({ version: '1.6.0', can: { warmup: false, openLoop: false } });
    await expect(findClient('vllm', host)).rejects.toMatchObject({ code: 'E_PROGRAM_MISSING' });
  });

  it('gets a discarded run first, with prompts of its own, and the numbers are of the second', async () => {
    const { run, result } = await measure({});
    expect(result).toMatchObject({ passes: 1, client_version: '1.6.0' });
    const of = (argv: string[], flag: string): string | undefined => argv[argv.indexOf(flag) + 1];
    const calls = await asked();
    expect(calls.map((c) => of(c, '--number'))).toEqual(['2', '6']);
    expect(calls.flat()).not.toContain('--warmup-num');
    const [warm = '', measured = ''] = await Promise.all(calls.map((c) => readFile(of(c, '--dataset-path') ?? '', 'utf8')));
    expect(warm.trim().split('\n').filter((p) => measured.includes(p))).toEqual([]);
    const metrics: { points: object[]; incomplete: { code: string }[] } = JSON.parse(await readFile(join(run.dir, 'perf/bench-001/parallel_2_number_6/metrics.json'), 'utf8'));
    // Seconds of the oldest layout are milliseconds here.
    expect(metrics.points).toMatchObject([{ success: 6, failed: 0, warmup: 2, ttft_ms: { mean: 40 }, tpot_ms: { mean: 30 }, e2el_ms: { mean: 250 }, output_tps: 64, graph_captures: null, client: { version: '1.6.0' } }]);
    expect(metrics.incomplete.map((i) => i.code)).toContain('no-counters');
    // Only the measured command is the benchmark's; the discarded one lies beside it.
    expect((await run.manifest()).workload.command).toHaveLength(1);
  });

  it('a client that dies without a result fails the job, and its words are kept', async () => {
    const { run, result } = await measure({ model: 'dies', warmup: 0 });
    expect(result).toMatchObject({ code: 'E_PROGRAM_FAILED', seen: 'evalscope ended with code 3 and left no result' });
    expect(await readFile(join(run.dir, 'perf/bench-001/parallel_2_number_6/raw/client.log'), 'utf8')).toContain('Traceback');
    expect([...(await run.files()).keys()]).toContain('perf/bench-001/parallel_2_number_6/raw/client.log');
  });

  it('code 0 with nothing but failures is a failed job; its averages of -1 are not numbers', async () => {
    const { run, result } = await measure({ model: 'fails' });
    expect(result).toMatchObject({ code: 'E_SERVICE_FAILED', seen: 'none of 6 requests of parallel_2_number_6 succeeded' });
    const metrics: { points: object[] } = JSON.parse(await readFile(join(run.dir, 'perf/bench-001/parallel_2_number_6/metrics.json'), 'utf8'));
    expect(metrics.points).toMatchObject([{ success: 0, failed: 6, ttft_ms: { mean: null }, output_tps: null }]);
  });
});
