// A stand-in for the xllm binary: the log lines and joins of xllm.md 3.1, behaviour read from <model>/behaviour.json.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const flags = Object.fromEntries(process.argv.slice(2).map((a) => /^--?([\w]+)(?:=(.*))?$/s.exec(a)).filter(Boolean).map((m) => [m[1], m[2] ?? 'true']));
const old = process.env['XLLM_STANDIN_OLD'] === '1';
if (flags.help) {
  const names = ['host', 'port', 'model', ...(old ? ['devices', 'draft_devices'] : []), 'nnodes', 'node_rank', 'master_node_addr', 'max_tokens_per_batch', 'max_seqs_per_batch', 'enable_chunked_prefill', 'enable_prefix_cache', 'enable_graph', 'block_size', 'max_memory_utilization', 'dp_size', 'ep_size', 'draft_model', 'num_speculative_tokens'];
  console.log(`USAGE: xllm --model <PATH> [OPTIONS]\n\nREQUIRED OPTIONS:\n  --model <PATH>: Path to the model directory. This is the only required flag.\n\nHELP OPTIONS:\n  -h, --help: Display this help message and exit.\n\nCOMMON OPTIONS:\n${names.map((n) => `  --${n}: Something about --${n} and --no_such_flag.`).join('\n')}\n`);
  process.exit(0);
}
if (flags.helpfull) {
  console.error("ERROR: unknown command line flag 'helpfull'");
  process.exit(1);
}
const rank = Number(flags.node_rank);
const world = Number(flags.nnodes);
const b = JSON.parse(readFileSync(join(flags.model, 'behaviour.json'), 'utf8'));
const [, masterPort] = flags.master_node_addr.split(':').map(Number);

let clockMs = 0;
const pad = (n, w = 2) => String(n).padStart(w, '0');
function log(level, text) {
  const t = new Date(Date.now() + clockMs);
  console.error(`${level}${t.getFullYear()}${pad(t.getMonth() + 1)}${pad(t.getDate())} ${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}.${pad(t.getMilliseconds(), 3)}000 ${process.pid} x.cpp:1] ${text}`);
}
const say = (text) => log('I', text);

const visible = (process.env['ASCEND_RT_VISIBLE_DEVICES'] ?? '0').split(',');
const device = visible[rank % visible.length];
const held = process.env['NPU_STANDIN_STATE'] === undefined ? null : join(process.env['NPU_STANDIN_STATE'], `proc-${process.pid}.json`);
if (held !== null) writeFileSync(held, JSON.stringify({ pid: process.pid, device: Number(device), memory_mb: 20000 }));
const bye = (code) => {
  if (held !== null) rmSync(held, { force: true });
  process.exit(code);
};
const graceful = () => {
  if (b.stubborn?.includes(rank)) return;
  say('Application shutdown complete.');
  bye(0);
};
process.on('SIGTERM', graceful);
process.on('SIGINT', graceful);
setInterval(() => undefined, 1000);

if (b.env_file !== undefined) writeFileSync(join(flags.model, `env-${rank}.json`), JSON.stringify({ env: process.env, argv: process.argv.slice(2), cwd: process.cwd() }));
const fatal = (b.fatal ?? []).filter((f) => f.rank === rank);
for (const f of fatal) {
  setTimeout(() => {
    clockMs = f.clock_ms ?? 0;
    log(f.level ?? 'E', f.text);
    if (f.exit !== undefined) bye(f.exit);
  }, f.after_ms);
}
if (b.silent?.includes(rank)) await sleep(1e9);
say('set worker role to remote worker');

if (rank === 0) {
  let joined = 1;
  await new Promise((done) => {
    const server = createTcp((socket) => {
      socket.on('error', () => undefined);
      // Only ranks of this service count: other tests run on this machine too.
      socket.once('data', (hello) => {
        if (String(hello) === flags.model) joined += 1;
        if (joined === world) done();
      });
    });
    server.on('error', () => {
      log('F', `failed to start collective server on address: 127.0.0.1:${masterPort}`);
      bye(134);
    });
    server.listen(masterPort, '127.0.0.1', () => world === 1 && done());
  });
  say('Started cluster health check thread');
} else {
  for (;;) {
    const ok = await new Promise((done) => {
      const socket = connect(masterPort, '127.0.0.1', () => socket.write(flags.model, () => done(true)));
      socket.on('error', () => done(false));
    });
    if (ok) break;
    log('W', `Worker#${rank} try connect to engine server error, try again. Error message: refused`);
    await sleep(50);
  }
  say(`Worker#${rank} connect to 127.0.0.1:${masterPort} success.`);
  await sleep(1e9);
}
say('Initializing model from: x');
say('Block info, block_size: 128, n_local_kv_heads: 4, head_dim: 128, n_layers: 36, dtype: bfloat16, kv_cache_dtype: auto');
for (let w = 0; w < world; w += 1) say(`worker #${w}: available memory: 35.50 GB, total memory: 60.96 GB. Using max_memory_utilization: 0.86, max_cache_size: 0.00 B`);
say('kv cache capacity: 35.50 GB, blocks: 1010, slot_size: 2048, index_slot_size: 0, indexer_layers: 0, scale_slot_size: 0, linear_slot_size: 0, linear_blocks: 0, linear_state_slots: 0, max_linear_state_cache_slots: 0, reserved_linear_bytes: 0.00 B, n_layers: 36, kv_cache_dtype: auto');
say('Eager warmup completed: tokens=1, latency=1.00 ms');
const completions = [];
const http = createServer((request, response) => {
  let body = '';
  request.on('data', (c) => (body += c));
  request.on('end', () => {
    if (request.url === '/health') return void response.end('{"status":"healthy"}');
    if (request.url === '/v1/models') return void response.end(JSON.stringify({ data: [{ id: 'standin', created: 1, owned_by: 'xllm' }] }));
    completions.push(body);
    if (b.completion === 'broken' || (b.completion === 'broken-twice' && completions.length <= 4)) {
      response.statusCode = 500;
      return void response.end('[127.0.0.1:1] Model not supported');
    }
    if (b.completion === 'empty') return void response.end(JSON.stringify({ choices: [{ message: { content: '' } }], usage: { completion_tokens: 0 } }));
    return void response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }));
  });
});
http.on('error', () => {
  log('E', `Failed to start server on port ${flags.port}`);
  log('F', 'Failed to start brpc server on port');
  bye(134);
});
http.listen(Number(flags.port), '127.0.0.1', () => say(`Brpc Server started on port ${flags.port}, idle_timeout_s: -1, num_threads: 8`));
if (b.crash_after_ms !== undefined) {
  await sleep(b.crash_after_ms);
  log('F', 'Check failed: something');
  bye(134);
}
