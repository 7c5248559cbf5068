import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installSim, type InstalledSim } from '../../server/sim/install.js';

/** Qwen3-0.6B as its model card describes it: 0.6 billion parameters, 28 layers, 16 query and 8 KV heads of 128. */
export const qwen06 = {
  architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', hidden_size: 1024, num_hidden_layers: 28, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, intermediate_size: 3072,
  vocab_size: 151936, max_position_embeddings: 40960, tie_word_embeddings: true, attention_bias: false, rms_norm_eps: 1e-6, torch_dtype: 'bfloat16', hidden_act: 'silu',
};

/** The built stand-ins; another build of them is tried with XLLM_NPU_TEST_DIST. */
const entry = resolve(import.meta.dirname, '../..', process.env['XLLM_NPU_TEST_DIST'] ?? 'dist', 'sim/main.js');

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export interface Simulated {
  readonly installed: InstalledSim;
  readonly dir: string;
  readonly model: string;
  readonly env: Record<string, string>;
}

/** A simulated host of its own in `dir`, with a model folder. */
export function simulate(dir: string, hostFile: object | true = true, env: Record<string, string> = {}): Simulated {
  const home = join(dir, 'home');
  const model = join(dir, 'Qwen3-0.6B');
  mkdirSync(home, { recursive: true });
  mkdirSync(model, { recursive: true });
  writeFileSync(join(model, 'config.json'), JSON.stringify(qwen06));
  let file: string | true = true;
  if (hostFile !== true) {
    file = join(dir, 'described.json');
    writeFileSync(file, JSON.stringify(hostFile));
  }
  const installed = installSim(join(dir, 'sim'), file, { entry, path: '/usr/local/bin:/usr/bin:/bin' });
  return { installed, dir, model, env: { ...installed.env, HOME: home, XLLM_NPU_SIM_SPEED: '4', ...env } };
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  log(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  kill(signal: NodeJS.Signals): void;
}

let serial = 0;

export function start(sim: Simulated, program: string, args: readonly string[], env: Record<string, string> = {}): Started {
  serial += 1;
  const path = join(sim.dir, `process-${serial}.log`);
  writeFileSync(path, '');
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" >>"$SIM_LOG" 2>&1', join(sim.installed.bin, program), ...args], { env: { ...sim.env, ...env, SIM_LOG: path }, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<{ code: number | null; signal: string | null }>((done) => child.once('exit', (code, signal) => done({ code, signal })));
  return { child, pid: child.pid ?? 0, log: () => readFileSync(path, 'utf8'), ended, kill: (signal) => void child.kill(signal) };
}

export interface Service {
  readonly url: string;
  readonly port: number;
  readonly ranks: Started[];
}

/** Starts every rank of an xLLM service; does not wait. */
export async function startXllm(sim: Simulated, world: number, flags: readonly string[] = [], env: Record<string, string> = {}): Promise<Service> {
  const port = await freePort();
  const master = await freePort();
  const ranks = Array.from({ length: world }, (_, rank) =>
    start(sim, 'xllm', ['--model', sim.model, `--nnodes=${world}`, `--node_rank=${rank}`, '--port', String(port + rank), `--master_node_addr=127.0.0.1:${master}`, ...flags], env),
  );
  return { url: `http://127.0.0.1:${port}`, port, ranks };
}

export async function until(what: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error('timed out');
    await sleep(25);
  }
}

export async function status(url: string): Promise<number> {
  return fetch(`${url}/health`).then((r) => r.status, () => 0);
}

export async function ready(service: { url: string }): Promise<void> {
  await until(async () => (await status(service.url)) === 200);
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: any;
}

export async function post(url: string, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  let json: any = null;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  return { status: response.status, text, json };
}

export function chat(url: string, content: string, more: object = {}): Promise<Answer> {
  return post(url, '/v1/chat/completions', { model: 'Qwen3-0.6B', messages: [{ role: 'user', content }], max_tokens: 16, ...more });
}

/** Every `data:` event of a stream, parsed, and the text after the last event. */
export function events(text: string): { data: any[]; done: boolean; rest: string } {
  const data: any[] = [];
  let done = false;
  let rest = '';
  for (const part of text.split('\n\n')) {
    if (part === 'data: [DONE]') done = true;
    else if (part.startsWith('data: ')) data.push(JSON.parse(part.slice(6)));
    else rest += part;
  }
  return { data, done, rest };
}

export async function vars(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/vars`)).text();
  return Object.fromEntries(text.trim().split('\n').map((line) => line.split(' : ')).map(([name, value]) => [name, Number(value)]));
}

/** Used HBM of a device in MB out of the table of npu-smi info. */
export async function hbm(sim: Simulated, device: number): Promise<number> {
  const table = await smi(sim, ['info']);
  const row = table.split('\n').filter((l) => /\| 0000:/.test(l))[device] ?? '';
  return Number(/(\d+)\s*\/ \d+\s*\|$/.exec(row)?.[1]);
}

export async function smi(sim: Simulated, args: readonly string[]): Promise<string> {
  const run = start(sim, 'npu-smi', args);
  await run.ended;
  return run.log();
}
