import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';
import { chat, events, hbm, post, qwen06, ready, simulate, smi, startXllm, status, until, vars, type Service, type Simulated } from './helpers.js';

const dir = await tempFolder();
let sim: Simulated;
let service: Service;

beforeAll(async () => {
  sim = simulate(dir);
  service = await startXllm(sim, 2, ['--enable_graph=true', '--enable_schedule_overlap=true']);
  await ready(service);
});
afterAll(() => service.ranks.forEach((r) => r.kill('SIGKILL')));

const rank0 = (): string => service.ranks[0]?.log() ?? '';
/** As a log parser would read them: glog's prefix, then the message. */
const glog = /^([IWEF])(\d{8} )?(\d{2}:\d{2}:\d{2}\.\d+)\s+(\d+) ([\w./]+):(\d+)\] /;

describe('start-up of an xLLM service', () => {
  it('says what xLLM says, in its order', () => {
    const expected = [
      /set worker role to local worker/, /version (\S+)/, /Master init options: (.*)/, /Resolved CP config: cp_size=1, world_size=2, dp_size=1, ep_size=1, cp_sharding_stage=\w+, instance_role=DEFAULT/,
      /Resolved npu_kernel_backend=ATB for model_type=qwen3/, /Creating engine with devices: (.+)/, /Multi-node serving world_size = 2, each_node_ranks = 1, current node rank = 0, nnodes = 2, dp_size = 1, cp_size = 1, ep_size = 1, tp_size = 2/,
      /Create worker server with device: 0/, /Worker#0 connect to (\S+) success\./, /Started cluster health check thread/, /Initializing model from: (.+)/,
      /Block info, block_size: 128, n_local_kv_heads: 4, head_dim: 128, n_layers: 28, dtype: \w+, kv_cache_dtype: auto/, /Loading model weights from (\S+)/, /Weight loading completed/,
      /worker #0: available memory: [\d.]+ GB, total memory: 60\.96 GB\. Using max_memory_utilization: 0\.8, max_cache_size: 0\.00 B/, /worker #1: available memory/,
      /kv cache capacity: [\d.]+ GB, blocks: \d+, slot_size: \d+, index_slot_size: \d+, indexer_layers: \d+, scale_slot_size: \d+, linear_slot_size: \d+, linear_blocks: \d+, linear_state_slots: \d+, max_linear_state_cache_slots: \d+, reserved_linear_bytes: [\d.]+ B, n_layers: 28, kv_cache_dtype: auto/,
      /Initializing k cache with shape: \[[\d ,]+\]/, /Successfully initialized kv cache/, /Prefill warmup completed: tokens=\d+, latency=[\d.]+ ms/, /Graph warmup started: bucket_count=5, configured_max_batch_size=16/,
      /Graph warmup progress: \[[#-]+\] 5\/5 100\.0%, token_bucket=1,/, /Decode warmup completed: bucket_count=5/, /Use API route mode: master_node/, /Brpc Server started on port \d+, idle_timeout_s: -1, num_threads: 8/,
      /Application startup complete\./, /Started server process \[\d+\]/,
    ];
    let from = 0;
    const lines = rank0().split('\n').filter((l) => l !== '');
    for (const line of lines) expect(line).toMatch(glog);
    for (const pattern of expected) {
      const at = lines.findIndex((l, i) => i >= from && pattern.test(l.replace(glog, '')));
      expect(at, String(pattern)).toBeGreaterThanOrEqual(from);
      from = at;
    }
    expect(service.ranks[1]?.log()).toMatch(/Worker#1 connect to 127\.0\.0\.1:\d+ success\./);
    expect(rank0()).toContain('simulated NPU host (xllm-npu-workflow)');
  });

  it('sizes the cache by the formula: what is left of the share, over the bytes of a block', () => {
    const [, blocks, slot] = /blocks: (\d+), slot_size: (\d+)/.exec(rank0()) ?? [];
    const total = 65_452_113_920;
    // Published: 0.596 billion parameters. Two bytes each; matrices halved by two ranks, norms not: the half is low by less than a megabyte.
    const weights = 596_049_920;
    const context = 0.13 * 1024 ** 3;
    const perBlock = 128 * 28 * 2 * 128 * 4 * 2;
    const expected = Math.floor((total - weights - context - Math.trunc(total * (1 - 0.8))) / perBlock);
    expect(Number(slot)).toBe(2 * 128 * 4 * 2);
    expect(Math.abs(Number(blocks) - expected)).toBeLessThanOrEqual(1);
  });
});

describe('requests', () => {
  it('answers arithmetic and echoes, with usage that counts', async () => {
    const sum = await chat(service.url, 'What is 17 + 25?', { max_completion_tokens: 1, seed: 4 });
    expect(sum.status).toBe(200);
    expect(sum.json.choices[0].message.content).toBe('17 + 25 = 42.');
    expect(sum.json.choices[0].finish_reason).toBe('stop');
    const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, completion_tokens_details } = sum.json.usage;
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(completion_tokens).toBeGreaterThan(1);
    expect(prompt_tokens_details).toEqual({ cached_tokens: 0, audio_tokens: 0 });
    expect(completion_tokens_details).toEqual({ reasoning_tokens: 0, audio_tokens: 0 });
    expect((await chat(service.url, 'Repeat exactly: red green blue')).json.choices[0].message.content).toBe('red green blue');
    expect((await chat(service.url, 'Compute (3 + 4) * 12, number only')).json.choices[0].message.content).toBe('84');
  });

  it('is greedy by default: the same prompt gives the same text', async () => {
    const [a, b] = await Promise.all([chat(service.url, 'Tell me about caches.'), chat(service.url, 'Tell me about caches.')]);
    expect(a.json.choices[0].message.content).toBe(b.json.choices[0].message.content);
    const [c, d] = await Promise.all([chat(service.url, 'Tell me about caches.', { temperature: 1 }), chat(service.url, 'Tell me about caches.', { temperature: 1 })]);
    expect(c.json.choices[0].message.content).not.toBe(d.json.choices[0].message.content);
  });

  it('streams: role first, an empty delta at the end, usage without choices, the end mark', async () => {
    const answer = await chat(service.url, 'Tell me about blocks.', { stream: true, stream_options: { include_usage: true }, max_tokens: 9, ignore_eos: true });
    const { data, done } = events(answer.text);
    expect(done).toBe(true);
    expect(data[0].choices[0].delta).toEqual({ role: 'assistant', content: '' });
    const usage = data.at(-1);
    expect('choices' in usage).toBe(false);
    expect(usage.usage.completion_tokens).toBe(9);
    expect(data.at(-2).choices[0]).toEqual({ index: 0, delta: {}, finish_reason: 'length' });
    const whole = await chat(service.url, 'Tell me about blocks.', { max_tokens: 9, ignore_eos: true });
    expect(data.filter((d) => d.choices?.[0]?.delta?.content).map((d) => d.choices[0].delta.content).join('')).toBe(whole.json.choices[0].message.content);
    const bare = events((await chat(service.url, 'Tell me about blocks.', { stream: true, max_tokens: 3 })).text);
    expect(bare.data.some((d) => 'usage' in d)).toBe(false);
  });

  it('counts a prompt of token ids by its length and gives the completions route three usage fields', async () => {
    const answer = await post(service.url, '/v1/completions', { model: 'Qwen3-0.6B', prompt: Array.from({ length: 77 }, (_, i) => i), max_tokens: 4, ignore_eos: true });
    expect(answer.json.usage).toEqual({ prompt_tokens: 77, completion_tokens: 4, total_tokens: 81 });
    expect(answer.json.object).toBe('text_completion');
  });

  it('finds a shared prefix in full blocks only', async () => {
    const prompt = Array.from({ length: 400 }, (_, i) => 1000 + i);
    const body = { model: 'Qwen3-0.6B', max_tokens: 1 };
    await post(service.url, '/v1/completions', { ...body, prompt });
    const before = await vars(service.url);
    await post(service.url, '/v1/completions', { ...body, prompt: [...prompt.slice(0, 300), ...Array.from({ length: 100 }, (_, i) => 5000 + i)] });
    const after = await vars(service.url);
    // 300 equal tokens are two full blocks of 128.
    expect((after['prefix_cache_match_length_total'] ?? 0) - (before['prefix_cache_match_length_total'] ?? 0)).toBe(256);
    expect(rank0()).toMatch(/prompt_tokens: 400, num_prefix_cache_tokens: 256, generated_tokens: 1/);
  });

  it('fails with 500 and text, or with raw text in a stream of status 200', async () => {
    const wrong = await chat(service.url, 'x', { model: 'other' });
    expect(wrong.status).toBe(500);
    expect(wrong.text).toMatch(/^\[127\.0\.0\.1:\d+\]Model not supported$/);
    const stream = await chat(service.url, 'x', { model: 'other', stream: true });
    expect(stream.status).toBe(200);
    expect(stream.text).toBe('Model not supported');
    const long = await post(service.url, '/v1/completions', { model: 'Qwen3-0.6B', prompt: Array.from({ length: qwen06.max_position_embeddings }, () => 1) });
    expect(long.text).toContain('Prompt is too long');
    const chunked = await fetch(`${service.url}/v1/chat/completions`, { method: 'POST', body: new Blob(['{}']).stream(), duplex: 'half' });
    expect(chunked.status).toBe(500);
    expect(await chunked.text()).toContain('Content-Length header is missing.');
  });

  it('survives a path that cannot be decoded', async () => {
    await fetch(`${service.url}/vars/%E0%A4%A`).catch(() => null);
    expect(await status(service.url)).toBe(200);
  });

  it('lists models without a top-level object', async () => {
    const models: any = await (await fetch(`${service.url}/v1/models`)).json();
    expect(Object.keys(models)).toEqual(['data']);
    expect(models.data[0]).toMatchObject({ id: 'Qwen3-0.6B', object: 'model', owned_by: 'xllm' });
  });

  it('keeps counters that agree with the requests, in both forms', async () => {
    const before = await vars(service.url);
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => chat(service.url, `Question ${i} of six.`, { max_tokens: 5 + i, ignore_eos: true })));
    await chat(service.url, 'x', { model: 'other' });
    const after = await vars(service.url);
    const delta = (name: string): number => (after[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
    const sum = (pick: (usage: any) => number): number => answers.reduce((s, a) => s + pick(a.json.usage), 0);
    expect(delta('server_request_total_ok')).toBe(6);
    expect(delta('server_request_total_fail')).toBe(1);
    expect(delta('server_request_in_total')).toBe(7);
    expect(delta('num_processing_tokens_total_generated')).toBe(sum((u) => u.completion_tokens));
    expect(delta('num_processing_tokens_total_prompt')).toBe(sum((u) => u.prompt_tokens - u.prompt_tokens_details.cached_tokens));
    expect(delta('time_to_first_token_latency_milliseconds_count')).toBe(6);
    expect(after['num_running_requests']).toBe(0);
    expect((after['num_free_blocks'] ?? 0) + (after['num_used_blocks'] ?? 0)).toBe(Number(/blocks: (\d+)/.exec(rank0())?.[1]) - 1);
    const prometheus = await (await fetch(`${service.url}/brpc_metrics`)).text();
    expect(prometheus).toMatch(/^# TYPE server_request_total_ok gauge$/m);
    expect(prometheus).toMatch(new RegExp(`^server_request_total_ok ${after['server_request_total_ok'] ?? 0}$`, 'm'));
  });

  it('drops a request whose client went away', async () => {
    const abort = new AbortController();
    const gone = fetch(`${service.url}/v1/completions`, { method: 'POST', body: JSON.stringify({ model: 'Qwen3-0.6B', prompt: 'x', max_tokens: 4000, ignore_eos: true }), signal: abort.signal }).catch(() => null);
    await until(async () => (await vars(service.url))['num_running_requests'] === 1);
    abort.abort();
    await gone;
    await until(async () => (await vars(service.url))['num_running_requests'] === 0);
    expect((await vars(service.url))['request_status_total_cancelled']).toBe(1);
  });

  it('logs every request once, as the public regular expression reads it', () => {
    const line = /x-request-id: (?<xid>[^,]*), x-request-time: ([^,]*), request_id: (?<rid>[^,]*), sequence (\d+), max_tokens: (\d+), temperature: ([\d.]+), finish_reason: (\w*), prompt_tokens: (\d+), num_prefix_cache_tokens: (\d+), generated_tokens: (\d+), ttft: ([\d.]+)ms, total_latency: ([\d.]+)ms, avg tpot: ([\d.]+)ms, generation speed: ([\d.]+) tokens\/s/;
    const requests = rank0().split('\n').filter((l) => l.includes('request.cpp:108]'));
    expect(requests.length).toBeGreaterThan(8);
    for (const l of requests) expect(l).toMatch(line);
  });

  it('refuses the 201st request at once', async () => {
    const before = (await vars(service.url))['server_request_total_limit'] ?? 0;
    const abort = new AbortController();
    const held = Array.from({ length: 200 }, () => fetch(`${service.url}/v1/completions`, { method: 'POST', body: JSON.stringify({ model: 'Qwen3-0.6B', prompt: 'x', max_tokens: 2000, ignore_eos: true }), signal: abort.signal }).catch(() => null));
    await until(async () => (await vars(service.url))['num_concurrent_requests'] === 200);
    const refused = await chat(service.url, 'one too many');
    expect(refused.status).toBe(500);
    expect(refused.text).toContain('The number of concurrent requests has reached the limit.');
    expect((await vars(service.url))['server_request_total_limit']).toBe(before + 1);
    // A decode batch above 16 is not replayed as a graph, and the log says so once.
    expect(rank0().match(/Falling back to eager mode because decode batch_size \(global=\d+, local=\d+\) > 16/g)).toHaveLength(1);
    abort.abort();
    await Promise.all(held);
  });
});

describe('the host around the service', () => {
  it('shows the memory while the service lives, gives it back when it is killed, and leaves no rank behind', async () => {
    const idle = await hbm(sim, 2);
    expect(await hbm(sim, 0)).toBeGreaterThan(idle + 40_000);
    const table = await smi(sim, ['info']);
    for (const rank of service.ranks) expect(table).toContain(`| ${rank.pid}`);
    expect(await smi(sim, ['info', '-t', 'proc-mem', '-i', '1'])).toContain(`Process id:${service.ranks[1]?.pid}`);
    service.ranks[0]?.kill('SIGKILL');
    expect(await service.ranks[1]?.ended).toEqual({ code: 1, signal: null });
    await until(async () => (await hbm(sim, 0)) === idle && (await hbm(sim, 1)) === idle);
    expect(await status(service.url)).toBe(0);
  });

  it('shuts down when asked, with the last word and exit code 0 on every rank', async () => {
    const second = await startXllm(sim, 2);
    await ready(second);
    second.ranks[0]?.kill('SIGTERM');
    expect(await Promise.all(second.ranks.map((r) => r.ended))).toEqual([{ code: 0, signal: null }, { code: 0, signal: null }]);
    expect(second.ranks[0]?.log()).toMatch(/Application shutdown complete\.\n$/);
    expect(await new Promise((done) => createConnection(second.port, '127.0.0.1').once('error', () => done('closed')).once('connect', () => done('open')))).toBe('closed');
  });

  it('serves two services at once on devices of their own', async () => {
    const [a, b] = await Promise.all([startXllm(sim, 1, [], { ASCEND_RT_VISIBLE_DEVICES: '4' }), startXllm(sim, 1, [], { ASCEND_RT_VISIBLE_DEVICES: '5' })]);
    await Promise.all([ready(a), ready(b)]);
    expect((await chat(a.url, 'What is 2 + 2?')).json.choices[0].message.content).toBe('2 + 2 = 4.');
    expect((await chat(b.url, 'What is 2 + 3?')).json.choices[0].message.content).toBe('2 + 3 = 5.');
    expect(await hbm(sim, 4)).toBeGreaterThan(40_000);
    expect(await hbm(sim, 5)).toBeGreaterThan(40_000);
    for (const s of [a, b]) s.ranks[0]?.kill('SIGTERM');
    await Promise.all([a, b].flatMap((s) => s.ranks.map((r) => r.ended)));
  });
});
