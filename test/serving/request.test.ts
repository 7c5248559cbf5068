import { spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkPlace } from '../../server/host/transport.js';
import { chooseDevices, deviceStates } from '../../server/serving/devices.js';
import { dropLease, heldNow, withLease } from '../../server/serving/leases.js';
import { modelFacts, weightsHash } from '../../server/serving/model.js';
import { parseEnv, readRequest } from '../../server/serving/request.js';
import { serviceStart } from '../../server/serving/tools.js';
import { planPorts, portsOf } from '../../server/programs/ports.js';
import { xllmPorts } from '../../server/programs/xllm.js';
import { parseInfo } from '../../server/programs/npu-smi/info.js';
import { makeConfig } from '../../server/config.js';
import { openHost } from '../../server/host/host.js';
import { ServiceHost, script } from '../helpers/service-host.js';
import { tempFolder } from '../helpers/temp.js';

let dir = '';
let h: ServiceHost;
beforeAll(async () => {
  dir = await tempFolder();
  h = await ServiceHost.make(dir, [{}, { stale_mb: 30_000 }, { health: 'Alarm' }, {}]);
  await writeFile(join(dir, 'env.sh'), 'export HCCL_BUFFSIZE=300\n');
  await symlink('/etc', join(dir, 'escape'));
});
const ask = (args: object) => readRequest({ framework: 'xllm', model_path: h.model, ...args }, h.host);
const dry = async (args: object) => h.call(serviceStart, { run: (await h.run()).id, framework: 'xllm', model_path: h.model, dry_run: true, ...args });
const code = (c: string) => expect.objectContaining({ code: c });

describe('what is refused before anything runs', () => {
  it.each(['LD_PRELOAD', 'LD_AUDIT', 'PATH', 'BASH_ENV', 'HOME', 'NODE_OPTIONS', 'XLLM_NPU_JOB', 'ASCEND_RT_VISIBLE_DEVICES', 'PROFILING_MODE', 'HCCL_IF_BASE_PORT'])('env_json with %s', (name) => {
    expect(() => parseEnv(JSON.stringify({ [name]: 'x' }))).toThrow(code('E_ARG_CONFLICT'));
  });
  it.each([{ 'A B': 'x' }, { '': 'x' }, { '1A': 'x' }, { 'A=B': 'x' }, { 'A\nB': 'x' }, { A: 'x\0y' }, { A: { b: 1 } }, { A: null }, ['A=1'], 'A=1'])('env_json %j', (value) => {
    expect(() => parseEnv(JSON.stringify(value))).toThrow(code('E_ARG_TYPE'));
  });
  it('env_json takes numbers as text', () => {
    expect(parseEnv('{"HCCL_BUFFSIZE": 300, "HCCL_DETERMINISTIC": true, "A": "x y"}')).toEqual({ HCCL_BUFFSIZE: '300', HCCL_DETERMINISTIC: 'true', A: 'x y' });
    expect(() => parseEnv('{')).toThrow(code('E_JSON_BROKEN'));
  });
  it.each(['-oProxyCommand=id', '--help', 'a b', 'a;b', '$(id)', 'a@b@c', '', '-'])('host or container %j', (name) => {
    expect(() => checkPlace(name, null)).toThrow(code('E_ARG_TYPE'));
    expect(() => checkPlace(null, name)).toThrow(code('E_ARG_TYPE'));
  });
  it('paths outside the allowed folders, by link, by flag value, by program, by script', async () => {
    await expect(ask({ model_path: '/etc' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ model_path: join(dir, 'escape') })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ model_path: '-x' })).rejects.toMatchObject({ code: 'E_PATH_INVALID' });
    await expect(ask({ args_json: '{"config_json_file":"/etc/passwd"}' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ args_json: `{"config_json_file":"${dir}/escape/passwd"}` })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ args_json: '{"log_dir":"/root/new"}' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ args_json: '{"log_dir":"../../x"}' })).rejects.toMatchObject({ code: 'E_PATH_INVALID' });
    await expect(ask({ program: '/bin/sh' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ program: 'xllm' })).rejects.toMatchObject({ code: 'E_PATH_INVALID' });
    await expect(ask({ env_scripts: ['/etc/profile'] })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ framework: 'command', args_json: '["/bin/sh","-c","id"]' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ framework: 'command', args_json: `["${dir}/env.sh","--file=/etc/passwd"]` })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ container: 'c', model_path: '/etc/model' })).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    await expect(ask({ container: 'c', model_path: `${dir}/../etc` })).rejects.toMatchObject({ code: 'E_PATH_INVALID' });
    expect((await ask({ args_json: `{"log_dir":"${dir}/logs","model_id":"x"}`, env_scripts: [join(dir, 'env.sh')] })).flags).toEqual({ log_dir: `${dir}/logs`, model_id: 'x' });
  });
  it('a model by name where the framework loads by name, never for xLLM', async () => {
    expect((await ask({ framework: 'vllm-ascend', model_path: 'Qwen/Qwen3-8B' })).model).toBe('Qwen/Qwen3-8B');
    await expect(ask({ model_path: 'Qwen/Qwen3-8B' })).rejects.toMatchObject({ code: 'E_PATH_MISSING' });
  });
  it('the same question in any order of keys is the same request', async () => {
    expect(await ask({ args_json: '{"b":1,"a":2}', device_count: 1 })).toEqual(await ask({ device_count: 1, args_json: '{"a":2,"b":1}' }));
  });
});

describe('the plan', () => {
  it('dry run: exact start lines, idle devices only, nothing is started and no job exists', async () => {
    const a = await dry({ device_count: 2, args_json: '{"enable_graph":true,"max_memory_utilization":0.86}', env_json: '{"HCCL_BUFFSIZE":"300"}', profiling: true });
    expect(a.verdict).toBe('planned');
    // Device 1 holds memory nobody listed, device 2 is in alarm.
    expect(a.facts.devices).toEqual([0, 3]);
    const line = (rank: number) => `env ASCEND_RT_VISIBLE_DEVICES=0,3 HCCL_IF_BASE_PORT=${a.facts.ports.hccl_base} PROFILING_MODE=dynamic HCCL_BUFFSIZE=300 xllm --model=${h.model} --port=${Number(a.facts.ports.http[0]) + rank} --master_node_addr=127.0.0.1:${a.facts.ports.master[0]} --nnodes=2 --node_rank=${rank} --enable_graph=true --max_memory_utilization=0.86`;
    expect(a.facts.command).toEqual([line(0), line(1)]);
    expect(a.facts.job).toBeNull();
  });
  it('an unknown flag is refused with nearest names read from the binary', async () => {
    await expect(dry({ args_json: '{"enable_prefix_caching":true}' })).rejects.toMatchObject({ code: 'E_ARG_UNKNOWN', next: expect.stringContaining('enable_prefix_cache') });
    await expect(dry({ args_json: '{"no_such_flag":true}' })).rejects.toMatchObject({ code: 'E_ARG_UNKNOWN' });
  });
  it('flags that would end the start are refused with their rule', async () => {
    await expect(dry({ device_count: 2, args_json: '{"dp_size":3}' })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT', seen: expect.stringContaining('world-by-dp') });
  });
  it('too few idle devices: says which and why; devices given by hand are warned about', async () => {
    await expect(dry({ device_count: 3 })).rejects.toMatchObject({ code: 'E_DEVICE_BUSY', seen: expect.stringMatching(/device 1: 5\d % .*device 2: health is Alarm/) });
    const a = await dry({ devices: [2, 9] });
    expect(a.warnings.map((w) => w.code)).toEqual(expect.arrayContaining(['W-DEVICE-BUSY', 'W-DEVICE-NOT-FOUND']));
  });
  it('an older binary is known by its help page', async () => {
    const old = join(dir, 'old-xllm');
    await script(old, `exec env XLLM_STANDIN_OLD=1 ${join(dir, 'bin/xllm')} "$@"`);
    const a = await dry({ device_count: 2, program: old });
    expect(a.facts.command[1]).toContain(' --node_rank=1 --devices=npu:1');
    expect(a.facts.command[1]).toContain(` ${old} `);
  });
  it('a program that is not there: planned with a warning, never started', async () => {
    const a = await dry({ framework: 'vllm-ascend', devices: [0], args_json: '{"max-model-len":4096}' }).catch((e: unknown) => e);
    expect(a).toMatchObject({ verdict: 'planned', warnings: expect.arrayContaining([expect.objectContaining({ code: 'W-PROGRAM-ABSENT' })]) });
    const run = await h.run();
    await expect(h.call(serviceStart, { run: run.id, framework: 'vllm-ascend', model_path: h.model, devices: [0] })).rejects.toMatchObject({ code: 'E_PROGRAM_MISSING' });
  });
  it('without npu-smi idle devices can not be chosen, named ones go unchecked', () => {
    expect(() => chooseDevices(null, 1, null, new Map(), null)).toThrow(code('E_PROGRAM_MISSING'));
    expect(chooseDevices([3], 1, null, new Map(), null).warnings[0]?.code).toBe('W-DEVICES-UNCHECKED');
    expect(() => chooseDevices([3], 1, null, new Map([[3, 'r/service-001']]), null)).toThrow(code('E_DEVICE_BUSY'));
  });
  it('a card whose process list was cut off is not idle, one hidden by the mask is not taken', () => {
    const row = (n: number) => `| ${n}     910B3               | OK            | 92.8        46                0    / 0             |\n| 0                         | 0000:C1:00.0  | 0           0    / 0          3393 / 65536         |\n`;
    const table = parseInfo(`| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|\n| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |\n${row(0)}`);
    expect(table === null ? null : deviceStates(table, null)[0]?.busy).toBe('its processes are not listed');
    const idle = [0, 1, 2].map((n) => ({ logic_id: n, name: null, used_mb: 0, total_mb: 1, pids: [], busy: null }));
    expect(chooseDevices(null, 2, idle, new Map(), [1, 2]).devices).toEqual([1, 2]);
    expect(() => chooseDevices(null, 2, idle, new Map(), [1])).toThrow(code('E_DEVICE_BUSY'));
  });
});

describe('leases', () => {
  it('many starts at once, of several runs folders, share no port; of one machine, no device', async () => {
    // Ports are leased for the machine, devices of a simulated host for that host.
    const names = ['p', 'q'];
    const hosts = names.map((n) => openHost(makeConfig({ runsDir: join(dir, n), sim: true }, '0', { PATH: '/usr/bin', HOME: dir }, dir)));
    const idle = Array.from({ length: 64 }, (_, n) => ({ logic_id: n, name: null, used_mb: 0, total_mb: 1, pids: [], busy: null }));
    const worlds = fc.sample(fc.integer({ min: 1, max: 3 }), { numRuns: 20, seed: 7 });
    const made = await Promise.all(
      worlds.map(async (world, n) => {
        const host = hosts[n % 2]!;
        const owner = { run: `test-${names[n % 2]}-${process.pid}`, job: `service-${n}` };
        const plan = await withLease(host, null, owner, (held) => {
          const { devices } = chooseDevices(null, world, idle, held.devices, null);
          return { devices, ports: portsOf(planPorts(xllmPorts({}, world, null), held.ports)) };
        });
        return { host, owner, plan, of: n % 2 };
      }),
    );
    const all = made.flatMap((m) => [...m.plan.ports]);
    expect(new Set(all).size).toBe(all.length);
    for (const of of [0, 1]) {
      const devices = made.filter((m) => m.of === of).flatMap((m) => [...m.plan.devices]);
      expect(new Set(devices).size).toBe(devices.length);
      expect([...(await heldNow(hosts[of]!, null)).devices.keys()].sort()).toEqual(devices.sort());
      // An ssh host may be this machine by another name: the ports count there too.
      const elsewhere = (await heldNow(hosts[of]!, 'npu-2')).ports;
      expect(all.filter((p) => !elsewhere.has(p))).toEqual([]);
    }
    for (const m of made) await dropLease(m.host, m.owner);
    const left = await heldNow(hosts[0]!, null);
    expect([left.devices.size, all.filter((p) => left.ports.has(p))]).toEqual([0, []]);
  });
  it('of a process that is gone protects nothing', async () => {
    const host = openHost(makeConfig({ runsDir: join(dir, 'gone'), sim: true }, '0', { PATH: '/usr/bin', HOME: dir }, dir));
    const script = `import { openHost } from ${JSON.stringify(join(import.meta.dirname, '../../dist/host/host.js'))};
      import { makeConfig } from ${JSON.stringify(join(import.meta.dirname, '../../dist/config.js'))};
      import { withLease } from ${JSON.stringify(join(import.meta.dirname, '../../dist/serving/leases.js'))};
      await withLease(openHost(makeConfig({ runsDir: ${JSON.stringify(join(dir, 'gone'))}, sim: true }, '0', process.env)), null, { run: 'test-gone-${process.pid}', job: 'service-1' }, () => ({ ports: [1], devices: [7] }));
      console.log('held'); setTimeout(() => {}, 60000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect((await heldNow(host, null)).devices.get(7)).toBe(`test-gone-${process.pid}/service-1`);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect((await heldNow(host, null)).devices.size).toBe(0);
  });
});

describe('the identity of a model', () => {
  it('weights: another layout, size or file changes it; values under the same layout do not', async () => {
    const header = (dtype: string) => JSON.stringify({ w: { dtype, shape: [4], data_offsets: [0, 8] } });
    const file = (text: string, data: number) => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([size, Buffer.from(text), Buffer.alloc(8, data)]);
    };
    const made = async (name: string, files: Record<string, Buffer | string>) => {
      const folder = join(dir, 'models', name);
      await mkdir(folder, { recursive: true });
      for (const [n, data] of Object.entries(files)) await writeFile(join(folder, n), data);
      return weightsHash(folder);
    };
    const index = '{"weight_map":{}}';
    const a = await made('a', { 'm.safetensors': file(header('BF16'), 1), 'm.safetensors.index.json': index });
    expect(a).toMatch(/^[0-9a-f]{64}$/);
    expect(await made('b', { 'm.safetensors': file(header('BF16'), 2), 'm.safetensors.index.json': index })).toBe(a);
    expect(await made('c', { 'm.safetensors': file(header('F16'), 1), 'm.safetensors.index.json': index })).not.toBe(a);
    expect(await made('d', { 'm.safetensors': file(header('BF16'), 1), 'm.safetensors.index.json': '{}' })).not.toBe(a);
    expect(await made('e', { 'n.safetensors': file(header('BF16'), 1), 'm.safetensors.index.json': index })).not.toBe(a);
    expect(await made('f', { 'config.json': '{}' })).toBeNull();
    expect(await made('g', { 'm.safetensors': Buffer.alloc(3) })).toBeNull();
  });
  it('dtype, quantisation, name; a folder without config.json says only its name', async () => {
    const folder = join(dir, 'models', 'q');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'qwen3', torch_dtype: 'bfloat16', quantization_config: { quant_method: 'compressed-tensors' } }));
    await writeFile(join(folder, 'tokenizer.json'), '{}');
    expect((await modelFacts(folder, null)).manifest).toEqual({ path: folder, name: 'q', dtype: 'bfloat16', quantization: 'compressed-tensors', tokenizer_sha256: '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' });
    await mkdir(join(dir, 'models', 'none'), { recursive: true });
    expect((await modelFacts(join(dir, 'models', 'none'), 'served')).manifest).toEqual({ path: join(dir, 'models', 'none'), name: 'served' });
    await writeFile(join(folder, 'config.json'), '{"text_config":{"model_type":"qwen3_5_text","dtype":"float16"}}');
    expect(await modelFacts(folder, null)).toMatchObject({ modelType: 'qwen3_5_text', manifest: { dtype: 'float16', quantization: 'none' } });
  });
});
