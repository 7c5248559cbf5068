import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';
import { chat, events, hbm, ready, simulate, smi, start, startXllm, status, until, vars, type Service, type Simulated } from './helpers.js';

const dir = await tempFolder();
let number = 0;
const running: Service[] = [];

async function withFault(fault: string | object, world = 1, flags: readonly string[] = [], env: Record<string, string> = {}): Promise<{ sim: Simulated; service: Service }> {
  number += 1;
  const sim = simulate(join(dir, String(number)), { chip: 'Ascend910B3', count: 4, seed: 7, faults: [fault] });
  const service = await startXllm(sim, world, flags, env);
  running.push(service);
  return { sim, service };
}

afterEach(() => {
  for (const s of running.splice(0)) for (const r of s.ranks) r.kill('SIGKILL');
});

const log = (s: Service, rank: number): string => s.ranks[rank]?.log() ?? '';
const ended = (s: Service, rank: number): Promise<{ code: number | null; signal: string | null }> | undefined => s.ranks[rank]?.ended;
const aborted = { code: null, signal: 'SIGABRT' };
const load = (s: Service, more: object = {}): Promise<unknown> => chat(s.url, 'Go on for a while.', { max_tokens: 300, ignore_eos: true, ...more }).catch((e: unknown) => e);

function plogs(sim: Simulated): { pid: number; text: string }[] {
  const folder = join(sim.dir, 'home/ascend/log/debug/plog');
  return readdirSync(folder).map((name) => {
    expect(name).toMatch(/^plog-\d+_\d{17}\.log$/);
    return { pid: Number(/^plog-(\d+)_/.exec(name)?.[1]), text: readFileSync(join(folder, name), 'utf8') };
  });
}

/** The published shape of a plog line. */
const plogLine = /^\[(ERROR|WARNING|INFO|DEBUG|EVENT|TRACE)\] ([A-Z_]+)\((\d+),([^)]*)\):(\d{4}-\d{2}-\d{2}-\d{2}:\d{2}:\d{2}\.\d{3}\.\d{3})/;

describe('faults at start', () => {
  it('oom-at-load: the rank dies of memory, rank 0 reports the failed init, and both free the card', async () => {
    const { sim, service } = await withFault({ name: 'oom-at-load', rank: 1 }, 2);
    expect(await ended(service, 1)).toEqual(aborted);
    expect(await ended(service, 0)).toEqual(aborted);
    expect(log(service, 1)).toMatch(/NPU out of memory\. Tried to allocate ([\d.]+ \w+) \(NPU 1; ([\d.]+ GiB) total capacity; ([\d.]+ \w+) already allocated; .*? ([\d.]+ \w+) free; ([\d.]+ \w+) reserved/);
    expect(log(service, 1)).toMatch(/^EL0004: \[PID: \d+\] [\d-]+-[\d:]+\.\d{3}\.\d{3} /m);
    expect(log(service, 0)).toMatch(/^E.*\] Failed to init model from: /m);
    expect(log(service, 0)).toMatch(/^F.*Check failed: engine_->init\(master_status_\)/m);
    expect(log(service, 0)).not.toContain('out of memory');
    expect(await hbm(sim, 1)).toBe(await hbm(sim, 3));
  });

  it('missing-rank: everybody lives, rank 0 says nothing more and never serves', async () => {
    const { service } = await withFault('missing-rank', 4);
    await until(() => /Worker#0 connect to/.test(log(service, 0)) && /Worker#1 connect to (\S+) success/.test(log(service, 1)));
    const before = log(service, 0);
    await sleep(700);
    expect(log(service, 0)).toBe(before);
    expect(log(service, 0)).not.toContain('Started cluster health check thread');
    expect(log(service, 3)).not.toContain('Worker#3');
    expect(await status(service.url)).toBe(0);
  });

  it('a rank that finds no master gives up with the words of xLLM', async () => {
    const sim = simulate(join(dir, 'alone'));
    const service = await startXllm(sim, 2, ['--max_reconnect_count=3']);
    running.push(service);
    service.ranks[0]?.kill('SIGKILL');
    expect(await ended(service, 1)).toEqual({ code: 1, signal: null });
    expect(log(service, 1)).toMatch(/Worker#1 try connect to engine server error, try again\. Error message: /);
    expect(log(service, 1)).toMatch(/Worker#1 connect to 127\.0\.0\.1:\d+ failed\.\n.*failed to sync with master node, stop worker startup\n$/);
  });

  it('port-in-use, planted or real: the error names the port and the process returns -1', async () => {
    const { service } = await withFault('port-in-use');
    expect(await ended(service, 0)).toEqual({ code: 255, signal: null });
    expect(log(service, 0)).toMatch(new RegExp(`Failed to start server on port ${service.port}\\n.*Failed to start brpc server on port ${service.port}\\n`));
    const sim = simulate(join(dir, 'twice'));
    const first = await startXllm(sim, 1);
    running.push(first);
    await ready(first);
    const second = await startXllm(sim, 1, [`--port=${first.port}`], { ASCEND_RT_VISIBLE_DEVICES: '1' });
    running.push(second);
    expect(await ended(second, 0)).toEqual({ code: 255, signal: null });
    expect(log(second, 0)).toContain(`Failed to start server on port ${first.port}`);
    expect(await status(first.url)).toBe(200);
  });

  it('d-state-load: the load never ends, a polite signal changes nothing, a hard one does', async () => {
    const { sim, service } = await withFault('d-state-load');
    await until(() => log(service, 0).includes('Loading model weights from'));
    await until(async () => (await hbm(sim, 0)) > (await hbm(sim, 1)));
    service.ranks[0]?.kill('SIGTERM');
    await sleep(500);
    expect(service.ranks[0]?.child.exitCode).toBeNull();
    expect(log(service, 0)).not.toContain('Weight loading completed');
    const states = readdirSync(join(sim.dir, 'sim/state')).filter((n) => n.startsWith('proc-')).map((n) => JSON.parse(readFileSync(join(sim.dir, 'sim/state', n), 'utf8')) as { stuck?: string });
    expect(states.map((s) => s.stuck)).toEqual(['d-state-load']);
    // kernel/hung_task.c and sched_show_task of Linux 6.6: the report is an error, the stack is information.
    const dmesg = async (...args: readonly string[]): Promise<string[]> => {
      const run = start(sim, 'dmesg', args);
      await run.ended;
      return run.log().trim().split('\n');
    };
    await until(async () => (await dmesg()).length > 1);
    const kernel = await dmesg('-T');
    const stamp = String.raw`^\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] `;
    expect(kernel[0]).toMatch(new RegExp(`${stamp}simulated NPU host`));
    expect(kernel[1]).toMatch(new RegExp(`${stamp}INFO: task xllm:${service.ranks[0]?.pid} blocked for more than 120 seconds\\.$`));
    expect(kernel[4]).toMatch(new RegExp(`${stamp}task:xllm {11} ?state:D stack:0 {4,5}pid:${service.ranks[0]?.pid} +ppid:\\d+ +flags:0x[0-9a-f]{8}$`));
    for (const frame of kernel.slice(6)) expect(frame).toMatch(new RegExp(`${stamp} [\\w.]+\\+0x[0-9a-f]+/0x[0-9a-f]+(?: \\[\\w+\\])?$`));
    expect(kernel.slice(6).join('\n')).toMatch(/filemap_fault[\s\S]*pin_user_pages_fast[\s\S]*\[drv_devmm_host\]/);
    expect((await dmesg('--level=err,warn')).join('\n')).not.toContain('Call trace');
    expect((await dmesg())[1]).toMatch(/^\[ *\d+\.\d{6}\] INFO: task /);
    service.ranks[0]?.kill('SIGKILL');
    expect(await ended(service, 0)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await hbm(sim, 0)).toBe(await hbm(sim, 1));
  });

  it('stale-process: held memory shrinks the cache one for one, listed or not', async () => {
    const blocks = async (fault: string | object): Promise<number> => {
      const { service } = await withFault(fault);
      await ready(service);
      return Number(/blocks: (\d+)/.exec(log(service, 0))?.[1]);
    };
    const [free, listed, unlisted] = await Promise.all([blocks('hang'), blocks('stale-process'), blocks({ name: 'stale-process', listed: false })]);
    expect(unlisted).toBe(listed);
    const perBlock = 128 * 28 * 2 * 128 * 8 * 2;
    expect(Math.abs(free - listed - (24_576 * 1024 * 1024) / perBlock)).toBeLessThan(2);
    const sim = simulate(join(dir, 'stale'), { chip: 'Ascend910B3', count: 2, faults: ['stale-process', { name: 'stale-process', rank: 1, listed: false }] });
    const table = await smi(sim, ['info']);
    expect(table).toMatch(/\| 0 {7}0 +\| \d+ +\| python3 +\| 24576 /);
    expect(table).toContain('No running processes found in NPU 1');
    expect(await hbm(sim, 1)).toBe(await hbm(sim, 0));
  });
});

describe('faults while serving', () => {
  it('hccl-timeout: one rank falls silent, the others report the notify wait and die, nobody is left', async () => {
    const { sim, service } = await withFault({ name: 'hccl-timeout', rank: 1, after: 5 }, 4);
    await ready(service);
    void load(service);
    for (const rank of [3, 2, 0]) expect(await ended(service, rank)).toEqual(aborted);
    await ended(service, 1);
    for (const rank of [0, 2, 3]) {
      expect(log(service, rank)).toMatch(/EI0002: \[PID: \d+\] \S+ The wait execution of the Notify register times out\..*remote rank \[1\]/);
      expect(log(service, rank)).toMatch(/NPU function error: .*error code is 507048/);
    }
    expect(log(service, 1)).not.toMatch(/EI0002|error code is|terminate/);
    const found = plogs(sim);
    expect(found.map((p) => p.pid).sort()).toEqual([0, 2, 3].map((r) => service.ranks[r]?.pid).sort());
    for (const { text } of found) for (const line of text.trim().split('\n')) expect(line).toMatch(plogLine);
    expect(found.every((p) => p.text.includes('[TaskExecStage][Timeout][Host]Task run failed'))).toBe(true);
  });

  it('aicore-exception: the kernel fault is on one rank, the others see only a remote error, later', async () => {
    const { sim, service } = await withFault({ name: 'aicore-exception', rank: 1, after: 5 }, 2);
    await ready(service);
    void load(service);
    expect(await ended(service, 1)).toEqual(aborted);
    expect(await ended(service, 0)).toEqual(aborted);
    expect(log(service, 1)).toMatch(/error code is 507035/);
    expect(log(service, 1)).toMatch(/errcode:\(0x800000, 0, 0\) errorStr: (.*)/);
    expect(log(service, 0)).toMatch(/error code is 507057/);
    expect(log(service, 0)).not.toContain('507035');
    const culprit = plogs(sim).find((p) => p.pid === service.ranks[1]?.pid);
    expect(culprit?.text).toMatch(/Aicore kernel execute failed.*fault kernel_name=(\S+)/);
  });

  it('oom-at-runtime: the allocator speaks and the process aborts', async () => {
    const { service } = await withFault({ name: 'oom-at-runtime', after: 4 });
    await ready(service);
    void load(service);
    expect(await ended(service, 0)).toEqual(aborted);
    expect(log(service, 0)).toMatch(/Application startup complete[\s\S]*NPU out of memory\. Tried to allocate 288\.00 MiB \(NPU 0;/);
  });

  it('hang: nothing moves and health says 200', async () => {
    const { service } = await withFault({ name: 'hang', after: 6 });
    await ready(service);
    void load(service, { stream: true });
    await until(async () => ((await vars(service.url))['num_processing_tokens_total_generated'] ?? 0) >= 6);
    await sleep(400);
    const now = (await vars(service.url))['num_processing_tokens_total_generated'];
    expect(now).toBe(6);
    expect(await status(service.url)).toBe(200);
  });

  it('crash-after-n: answers n requests, then dies of the real signal', async () => {
    const { sim, service } = await withFault({ name: 'crash-after-n', after: 2 });
    await ready(service);
    expect((await chat(service.url, 'What is 1 + 1?')).status).toBe(200);
    expect((await chat(service.url, 'What is 1 + 2?')).status).toBe(200);
    expect(await ended(service, 0)).toEqual({ code: null, signal: 'SIGSEGV' });
    expect(log(service, 0)).toMatch(/\*\*\* SIGSEGV .* received by PID \d+/);
    expect(await hbm(sim, 0)).toBe(await hbm(sim, 1));
  });

  it('a worker that is killed latches health at 503 for good', async () => {
    const sim = simulate(join(dir, 'latch'));
    const service = await startXllm(sim, 2);
    running.push(service);
    await ready(service);
    service.ranks[1]?.kill('SIGKILL');
    await until(async () => (await status(service.url)) === 503);
    expect(await (await fetch(`${service.url}/health`)).json()).toEqual({ status: 'unhealthy', reason: 'Worker 1 disconnected' });
    expect(log(service, 0)).toMatch(/HealthReporter: cluster is unhealthy, reason: Worker 1 disconnected/);
    void load(service);
    expect(await ended(service, 0)).toEqual(aborted);
    expect(log(service, 0)).toMatch(/Cluster Exception Location\[IP\/ID\]:\[127\.0\.0\.1\/1\].*ExceptionType:\[Heartbeat Lost Occurred\]/);
  });

  it('graph-capture-in-window: graphs are captured after readiness although they were warmed', async () => {
    const { service } = await withFault('graph-capture-in-window', 1, ['--enable_graph=true']);
    await ready(service);
    await chat(service.url, 'Go.', { max_tokens: 4, ignore_eos: true });
    const [, after = ''] = log(service, 0).split('Application startup complete.');
    expect(after).toMatch(/Lazy capturing ACL graph for bucket num_tokens: 1 \(actual num_tokens: 1\) done/);
    const clean = await withFault('device-alarm', 1, ['--enable_graph=true']);
    await ready(clean.service);
    await chat(clean.service.url, 'Go.', { max_tokens: 4, ignore_eos: true });
    expect(log(clean.service, 0).split('Application startup complete.')[1]).not.toContain('Lazy capturing');
  });

  it('garbled-output and accuracy-drop: the text is wrong while every status is right', async () => {
    const garbled = await withFault({ name: 'garbled-output', after: 3 });
    await ready(garbled.service);
    expect((await chat(garbled.service.url, 'Repeat exactly: one two three four five six')).json.choices[0].message.content).toMatch(/^one two.*!{12,}$/);
    const wrong = await withFault('accuracy-drop');
    await ready(wrong.service);
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, i) => Number((await chat(wrong.service.url, `What is ${i} + 100? Number only.`)).json.choices[0].message.content) === i + 100));
    const right = answers.filter((ok) => ok).length;
    // Planted: 40 % wrong. Five standard deviations around 36 of 60.
    expect(right).toBeGreaterThan(17);
    expect(right).toBeLessThan(55);
  });

  it('mtp-regression: fewer drafts are accepted, and the counters say how many', async () => {
    const acceptance = async (fault: string): Promise<{ rate: number; perStep: number }> => {
      number += 1;
      const sim = simulate(join(dir, String(number)), { chip: 'Ascend910B3', count: 1, faults: [fault] });
      const spec = await startXllm(sim, 1, [`--draft_model=${sim.model}`, '--num_speculative_tokens=2']);
      running.push(spec);
      await ready(spec);
      await Promise.all(Array.from({ length: 8 }, (_, i) => chat(spec.url, `Tell ${i}.`, { max_tokens: 60, ignore_eos: true })));
      const v = await vars(spec.url);
      const at = (name: string): number => v[`speculative_num_${name}_total`] ?? Number.NaN;
      expect(at('draft_tokens')).toBe(2 * at('drafts'));
      expect(at('committed_tokens')).toBe(at('accepted_tokens') + at('drafts'));
      expect((v['speculative_num_accepted_tokens_per_pos{position=0}'] ?? 0) + (v['speculative_num_accepted_tokens_per_pos{position=1}'] ?? 0)).toBe(at('accepted_tokens'));
      return { rate: at('accepted_tokens') / at('draft_tokens'), perStep: at('committed_tokens') / at('drafts') };
    };
    const [good, bad] = await Promise.all([acceptance('device-alarm'), acceptance('mtp-regression')]);
    // Constant acceptance a with two drafts: a(1+a)/2 of the drafts; 1+a+a² tokens a step.
    expect(good.rate).toBeGreaterThan(0.5);
    expect(good.rate).toBeLessThan(0.69);
    expect(good.perStep).toBeGreaterThan(2);
    expect(bad.rate).toBeLessThan(0.28);
  });
});

describe('faults npu-smi shows', () => {
  it('device-alarm and device-missing', async () => {
    const sim = simulate(join(dir, 'smi'), { chip: 'Ascend910B3', count: 3, faults: [{ name: 'device-alarm', rank: 1 }, 'device-missing'] });
    const table = await smi(sim, ['info']);
    expect(table.match(/\| Alarm /g)).toHaveLength(1);
    expect(table.match(/\| 0000:/g)).toHaveLength(2);
    expect(await smi(sim, ['info', '-t', 'health', '-i', '1'])).toMatch(/Health Status +: Alarm\n\tError Code +: 80E01801/);
    const service = await startXllm(sim, 1, [], { ASCEND_RT_VISIBLE_DEVICES: '2' });
    running.push(service);
    expect(await ended(service, 0)).toEqual(aborted);
    expect(log(service, 0)).toMatch(/107001/);
    expect(plogs(sim)[0]?.text).toMatch(/set ASCEND_RT_VISIBLE_DEVICES:\[2\] error, input data rang\[0-3\)/);
  });

  it('shows two dies of a module on A3 and DDR on 310P', async () => {
    const a3 = await smi(simulate(join(dir, 'a3'), { chip: 'Ascend910_9392', count: 4 }), ['info']);
    expect(a3).toMatch(/\| Chip  Phy-ID /);
    expect(a3.match(/\| 1     Ascend910 /g)).toHaveLength(2);
    const sim = simulate(join(dir, '310'), { chip: '310P3', count: 2 });
    expect(await smi(sim, ['info'])).toMatch(/\| 1792 {4}310P3 /);
    expect(await smi(sim, ['info', '-t', 'usages', '-i', '1792', '-c', '1'])).toMatch(/HBM Capacity\(MB\) +: 0\n/);
  });
});

describe('a stream that fails', () => {
  it('ends without its mark when the service dies in the middle', async () => {
    const { service } = await withFault({ name: 'oom-at-runtime', after: 4 });
    await ready(service);
    const response = await fetch(`${service.url}/v1/completions`, { method: 'POST', body: JSON.stringify({ model: 'Qwen3-0.6B', prompt: 'x', stream: true, max_tokens: 50, ignore_eos: true }) });
    let text = '';
    try {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString('utf8');
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
    }
    expect(events(text).done).toBe(false);
    expect(events(text).data.length).toBeGreaterThan(0);
  });
});
