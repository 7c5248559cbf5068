// A tiny service with a profiling socket: serves completions, runs one step per token, keeps what happened in the order it happened.
// argv: JSON {port, home, log, device, tokenMs, rank, world, noDevice, torchDir, torchStatus, failAfter, endAfter}
import { appendFileSync, cpSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProfilingSocket } from '../../dist/sim/profiling-socket.js';

const o = JSON.parse(process.argv[2]);
const say = (event) => appendFileSync(o.log, `${JSON.stringify(event)}\n`);
const model = { model_type: 'qwen3', hidden_size: 256, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 64, intermediate_size: 512, vocab_size: 1024, max_position_embeddings: 40960, torch_dtype: 'bfloat16' };
const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
const now = () => origin + process.hrtime.bigint();

let steps = null;
let from = 0n;
let index = 0;
let requests = 0;
const open = (pid) => ({
  ready: () => o.noDevice !== true,
  started: () => {
    steps = [];
    from = now();
    say({ event: 'start' });
  },
  stopped: (keep) => {
    const taken = steps ?? [];
    steps = null;
    say({ event: keep ? 'stop' : 'dropped', steps: taken.length });
    return keep
      ? {
          simulated: true, framework: 'xllm', pid, rank: o.rank ?? 0, world_size: o.world ?? 1, device: o.device ?? 0, chip: 'Ascend910B3', seed: 3, tp: o.world ?? 1, dp: 1, ep: 1, model_config: model, draft_config: null,
          block_size: 128, graph_enabled: false, launch_us: 4, compute_factor: 1, started_ns: String(from), stopped_ns: String(now()), steps: taken,
        }
      : null;
  },
});
if (process.env.PROFILING_MODE === 'dynamic' && o.noSocket !== true) new ProfilingSocket(o.home, open(process.pid));

/** A step takes a millisecond of real time; what it costs on the device is planted. */
const step = (phase, tokens) => {
  const start = now();
  if (steps !== null) steps.push({ index, phase, start_ns: String(start), hostGap_us: 50, duration_us: 900, compute_us: 600, communication_us: (o.world ?? 1) > 1 ? 100 : 0, commWait_us: 0, launch_us: 100, graph: false, capture: false, sequences: 1, prefillTokens: phase === 'prefill' ? tokens : 0, decodeTokens: phase === 'prefill' ? 0 : 1, contextTokens: 64, draftSteps: 0 });
  index += 1;
};
let queue = Promise.resolve();
const inTurn = (work) => (queue = queue.then(work));

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  if (request.url === '/v1/models') return response.end(JSON.stringify({ data: [{ id: 'tiny' }] }));
  if (request.url === '/start_profile' || request.url === '/stop_profile') {
    say({ event: request.url });
    if (o.torchStatus !== undefined) return response.writeHead(o.torchStatus).end('no');
    if (request.url === '/stop_profile' && o.torchFrom !== undefined) cpSync(o.torchFrom, join(o.torchDir, 'host_1_20260302030405006_ascend_pt'), { recursive: true });
    return response.end();
  }
  if (request.method === 'GET') return response.writeHead(404).end();
  const asked = JSON.parse(body);
  requests += 1;
  say({ event: 'request', words: asked.prompt.split(' ').length, max: asked.max_tokens, prompt: asked.prompt.slice(0, 40) });
  if (o.failAfter !== undefined && requests > o.failAfter) return response.writeHead(500).end('broken on purpose');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.on('error', () => undefined);
  for (let i = 0; i < Math.min(asked.max_tokens, o.endAfter ?? Infinity) && !response.destroyed; i += 1) {
    await inTurn(async () => {
      step(i === 0 ? 'prefill' : 'decode', asked.prompt.split(' ').length);
      await sleep(o.tokenMs ?? 2);
    });
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text: 'ab ' }] })}\n\n`);
  }
  response.write(`data: ${JSON.stringify({ usage: { prompt_tokens: asked.prompt.split(' ').length, completion_tokens: asked.max_tokens } })}\n\n`);
  response.end('data: [DONE]\n\n');
});
server.listen(o.port ?? 0, '127.0.0.1', () => say({ event: 'listening', port: server.address().port }));
