import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';
import { chat, events, freePort, hbm, ready, simulate, start, until, type Simulated, type Started } from './helpers.js';

const dir = await tempFolder();
const running: Started[] = [];
afterEach(() => {
  for (const r of running.splice(0)) r.kill('SIGKILL');
});

async function serve(sim: Simulated, args: readonly string[] = []): Promise<{ url: string; port: number; process: Started }> {
  const port = await freePort();
  const process = start(sim, 'vllm', ['serve', sim.model, '--served-model-name', 'Qwen3-0.6B', '--port', String(port), '--max-model-len', '32768', ...args]);
  running.push(process);
  return { url: `http://127.0.0.1:${port}`, port, process };
}

describe('vllm serve', () => {
  it('starts, says its sizes, serves, and leaves no worker behind when it is killed', async () => {
    const sim = simulate(join(dir, 'a'));
    const { url, process } = await serve(sim, ['-tp', '2']);
    await ready({ url });
    const log = process.log();
    const line = /^(?:\(([\w.-]+)(?: rank=\d+)? pid=(\d+)(?:, ip=[\d.]+)?\) )*(INFO|WARNING|ERROR|DEBUG) (\d{2}-\d{2} \d{2}:\d{2}:\d{2}) \[(\w[\w.]*):(\d+)\]/;
    for (const l of log.split('\n').filter((x) => x !== '' && !x.includes('INFO:     '))) expect(l).toMatch(line);
    expect(log).toMatch(/Worker_TP1 pid=\d+\) INFO .*Loading model weights took ([\d.]+) GB/);
    expect(log).toMatch(/Graph capturing finished in \d+ secs, took [\d.]+ GiB/);
    expect(log).toMatch(/Free memory on device \([\d.]+\/60\.96 GiB\) on startup\. Desired GPU memory utilization is \(0\.9, 54\.86 GiB\)\. Actual usage: [\d.]+ GiB for weights, [\d.]+ GiB for peak activation/);
    const gib = Number(/Available KV cache memory: ([\d.]+) GiB/.exec(log)?.[1]);
    const tokens = Number(/GPU KV cache size: ([\d,]+) tokens/.exec(log)?.[1]?.replaceAll(',', ''));
    // Two KV values of 4 local heads of 128 in 28 layers of two bytes: 57,344 bytes a token.
    expect(Math.abs(tokens / ((gib * 1024 ** 3) / 57_344) - 1)).toBeLessThan(0.001);
    expect(tokens % 128).toBe(0);
    expect(log).toMatch(new RegExp(`Maximum concurrency for 32,768 tokens per request: ${(tokens / 32_768).toFixed(2).replace('.', '\\.')}x`));

    const whole = await chat(url, 'What is 6 * 7?');
    expect(whole.json.choices[0].message.content).toBe('6 * 7 = 42.');
    const stream = events((await chat(url, 'What is 6 * 7?', { stream: true, stream_options: { include_usage: true } })).text);
    expect(stream.done).toBe(true);
    expect(stream.data.at(-1).choices).toEqual([]);
    expect(stream.data.at(-1).usage.completion_tokens).toBe(whole.json.usage.completion_tokens);
    expect((await chat(url, 'x', { max_tokens: undefined, max_completion_tokens: 2, ignore_eos: true })).json.usage.completion_tokens).toBe(2);
    const missing = await chat(url, 'x', { model: 'other' });
    expect([missing.status, missing.json.error.type]).toEqual([404, 'NotFoundError']);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^vllm:${name}\\{[^}]*\\} ([\\d.]+)$`, 'm').exec(metrics)?.[1]);
    expect(value('generation_tokens_total')).toBe(2 * whole.json.usage.completion_tokens + 2);
    expect(value('time_to_first_token_seconds_count')).toBe(3);
    expect(metrics).toMatch(/vllm:request_success_total\{[^}]*finished_reason="stop"\} 2\.0/);

    const idle = await hbm(sim, 3);
    expect(await hbm(sim, 1)).toBeGreaterThan(idle + 40_000);
    process.kill('SIGKILL');
    await until(async () => (await hbm(sim, 0)) === idle && (await hbm(sim, 1)) === idle);
  });

  it('stops when asked with uvicorn\'s last words', async () => {
    const sim = simulate(join(dir, 'b'));
    const { url, process } = await serve(sim, ['--enforce-eager']);
    await ready({ url });
    expect(process.log()).toContain('Compilation disabled, using eager mode by default');
    process.kill('SIGTERM');
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect(process.log()).toMatch(/Application shutdown complete\.\n.*Finished server process \[\d+\]\n$/);
    await until(async () => (await hbm(sim, 0)) === (await hbm(sim, 1)));
  });

  it('turns a dead worker into EngineDeadError, 500 for open requests, and an end', async () => {
    const sim = simulate(join(dir, 'c'), { chip: 'Ascend910B3', count: 2, faults: [{ name: 'aicore-exception', rank: 1, after: 4 }] });
    const { url, process } = await serve(sim, ['-tp', '2']);
    await ready({ url });
    const broken = await chat(url, 'x', { max_tokens: 100, ignore_eos: true });
    expect(broken.status).toBe(500);
    expect(broken.json.error.message).toContain('EngineCore encountered an issue');
    expect(await process.ended).toEqual({ code: 1, signal: null });
    expect(process.log()).toMatch(/\(Worker_TP1 pid=\d+\) .*error code is 507035/);
    expect(process.log()).toMatch(/vllm\.v1\.engine\.exceptions\.EngineDeadError/);
  });

  it('refuses what does not fit, what is unknown and a port that is taken', async () => {
    const sim = simulate(join(dir, 'd'), { chip: 'Ascend910B3', count: 1, faults: ['stale-process'] });
    const full = await serve(sim);
    expect(await full.process.ended).toEqual({ code: 1, signal: null });
    expect(full.process.log()).toMatch(/Free memory on device \([\d.]+\/60\.96 GiB\) on startup is less than desired GPU memory utilization/);
    const unknown = start(sim, 'vllm', ['serve', sim.model, '--no-such-option']);
    expect(await unknown.ended).toEqual({ code: 2, signal: null });
    expect(unknown.log()).toContain('vllm serve: error: unrecognized arguments: --no-such-option');
    const taken = await serve(simulate(join(dir, 'e'), { chip: 'Ascend910B3', count: 1, faults: ['port-in-use'] }));
    expect(await taken.process.ended).toEqual({ code: 1, signal: null });
    expect(taken.process.log()).toContain('[Errno 98] Address already in use');
  });
});
