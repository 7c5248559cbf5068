import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simContext } from '../../server/sim/environment.js';
import { msprof } from '../../server/sim/msprof.js';
import { ProfilingClient, ProfilingSocket, type ServiceCapture } from '../../server/sim/profiling-socket.js';
import { readProfile } from '../../server/profiles/read.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { byTask } from '../helpers/tasks.js';

const model = { model_type: 'qwen3', hidden_size: 256, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 64, intermediate_size: 512, vocab_size: 1000, max_position_embeddings: 4096, torch_dtype: 'bfloat16' };
let dir = '';
let home = '';
let out = '';
let ready = true;
let socket: ProfilingSocket | null = null;
const pid = process.pid;

beforeEach(async () => {
  dir = await tempFolder();
  home = join(dir, 'home');
  out = join(dir, 'out');
  mkdirSync(home);
  ready = true;
  socket = null;
});
afterEach(() => socket?.close());

/** This process as a service that ran `steps` steps while it was watched. */
function serve(steps = 3): void {
  let from = 0n;
  socket = new ProfilingSocket(home, {
    ready: () => ready,
    started: () => (from = BigInt(Date.now()) * 1_000_000n),
    stopped: (): ServiceCapture => ({
      simulated: true, framework: 'xllm', pid, rank: 0, world_size: 1, device: 2, chip: 'Ascend910B3', seed: 1, tp: 1, dp: 1, ep: 1, model_config: model, draft_config: null, block_size: 128, graph_enabled: false, launch_us: 4, compute_factor: 1,
      started_ns: String(from), stopped_ns: String(from + 10_000_000n),
      steps: Array.from({ length: steps }, (_, index) => ({ index, phase: 'decode', start_ns: String(from + BigInt(index) * 1_000_000n + 100_000n), hostGap_us: 50, duration_us: 800, compute_us: 600, communication_us: 0, commWait_us: 0, launch_us: 50, graph: false, capture: false, sequences: 1, prefillTokens: 0, decodeTokens: 1, contextTokens: 10, draftSteps: 0 })),
    }),
  });
}

interface Talk {
  readonly input: PassThrough;
  readonly code: Promise<number>;
  text: () => string;
  say: (line: string) => void;
  until: (pattern: RegExp) => Promise<void>;
}
function talk(...argv: string[]): Talk {
  const input = new PassThrough();
  let text = '';
  const code = msprof(argv, simContext({ HOME: home, XLLM_NPU_SIM_STATE: join(dir, 'state') }), { input, write: (t) => void (text += t) }, dir);
  return {
    input, code, text: () => text, say: (line) => void input.write(`${line}\n`),
    until: async (pattern) => {
      while (!pattern.test(text)) await sleep(10);
    },
  };
}
const attach = (...more: string[]): Talk => talk('--dynamic=on', `--pid=${pid}`, `--output=${out}`, ...more);
const profs = (): string[] => readdirSync(out).filter((n) => n.startsWith('PROF_')).sort();

describe('attaching', () => {
  it('says what the real one says, byte for byte, and leaves raw data only', async () => {
    serve();
    const t = attach();
    await t.until(/> $/);
    for (const command of ['stop', 'start', 'start', 'stop', 'help', 'q']) {
      const before = t.text().length;
      t.say(command);
      if (command !== 'q') await t.until(new RegExp(`^[\\s\\S]{${before}}[\\s\\S]+> $`));
    }
    expect(await t.code).toBe(0);
    expect(t.text()).toBe(
      [
        '[INFO] Start profiling....\n',
        `> [WARNING] dynamic profiling for pid ${pid} has not started\n`,
        `> dynamic profiling for pid ${pid} start success\n`,
        `> [WARNING] dynamic profiling for pid ${pid} already started\n`,
        `> dynamic profiling for pid ${pid} stop success\n`,
        "> invalid option -- 'help'\n\nUsage:\n\t start:                 Start a collection in interactive mode.\n\t stop:                  Stop a collection that was started in interactive mode.\n\t quit:                  Stop collection and quit interactive mode.\n",
        `> dynamic profiling for pid ${pid} quit success\n`,
      ].join(''),
    );
    const [name] = profs();
    expect(name).toMatch(/^PROF_\d{6}_\d{17}_\w+$/);
    const inside = readdirSync(join(out, name!), { recursive: true }).map(String);
    expect(inside).toEqual(expect.arrayContaining(['SIMULATED', 'host/end_info', 'device_2/info.json.2', 'device_2/start_info.2', 'device_2/end_info.2']));
    expect(inside.some((f) => /\.db$|\.csv$|mindstudio/.test(f))).toBe(false);
  });

  it('makes one folder per start and stop', async () => {
    serve();
    const t = attach();
    for (const command of ['start', 'stop', 'start', 'stop', 'quit']) t.say(command);
    await t.code;
    expect(profs()).toHaveLength(2);
  });

  it('of a process without a device, of one that is taken, of none, and of one with no socket is refused', async () => {
    serve();
    ready = false;
    const early = attach();
    early.say('start');
    early.say('quit');
    await early.code;
    expect(early.text()).toContain(`[WARNING] dynamic profiling device for pid ${pid} has not been set up\n`);
    expect(existsSync(out)).toBe(false);
    const other = await ProfilingClient.connect(home, pid);
    const second = attach();
    expect(await second.code).toBe(1);
    expect(second.text()).toContain(`[ERROR] recv parmas timeout, server for pid ${pid} has been connected to another client.\n`);
    other?.client.close();
    const none = talk('--dynamic=on', '--pid=4194303');
    expect(await none.code).toBe(1);
    expect(none.text()).toContain('[ERROR] cannot connect to server for pid dynamic_profiling_socket_4194303, maybe server is closed\n');
  });

  it('takes a hundred start and stop commands', async () => {
    serve(1);
    const t = attach();
    for (let i = 0; i < 51; i += 1) {
      t.say('stop');
      t.say('stop');
    }
    await t.code;
    expect(t.text().match(/has not started/g)).toHaveLength(100);
    expect(t.text()).toContain(`[ERROR] dynamic profiling for pid ${pid} stop failed\n`);
  });

  it('goes on printing prompts when its input ends, with a breath between them', async () => {
    serve();
    const t = attach();
    t.input.end();
    await t.until(/(?:> ){4}$/);
    const seen = t.text().length;
    await sleep(200);
    // The real one prints as fast as it can; four bytes at most come in a breath of 50 ms.
    expect(t.text().length - seen).toBeLessThan(40);
  });

  it('killed in the middle leaves a folder without end marks, which no export accepts', async () => {
    serve();
    const t = attach();
    t.say('start');
    await t.until(/start success/);
    const [name] = profs();
    expect(existsSync(join(out, name!, 'host/start_info'))).toBe(true);
    expect(existsSync(join(out, name!, 'host/end_info'))).toBe(false);
    const e = talk('--export=on', `--output=${out}`);
    expect(await e.code).toBe(1);
    t.say('quit');
    await t.code;
  });
});

describe('afterwards', () => {
  async function captured(steps = 3): Promise<string> {
    serve(steps);
    const t = attach('--aic-metrics=PipeUtilization');
    for (const command of ['start', 'stop', 'quit']) t.say(command);
    await t.code;
    return join(out, profs()[0]!);
  }
  it('export makes what the readers read: as many steps as were run, marked simulated', async () => {
    const prof = await captured(5);
    const e = talk('--export=on', `--output=${out}`, '--type=text');
    expect(await e.code).toBe(0);
    expect(e.text()).toMatch(/\[INFO\] Start export data in PROF_\S+\.\n\[INFO\] Export all data in PROF_\S+ done\.\n/);
    const profile = await readProfile([prof], testHost(dir));
    const id = profile.strings.find('ArgMaxV2');
    expect(byTask(profile.tasks, 'opType').filter((o) => o === id)).toHaveLength(5);
    expect(profile).toMatchObject({ simulated: true, level: 'l1', aicMetrics: 'PipeUtilization' });
    expect(profile.devices).toMatchObject([{ id: 2, rank: null }]);
  });
  it('a second export says so and leaves a second set; db alone leaves no tables', async () => {
    const prof = await captured();
    await talk('--export=on', `--output=${prof}`, '--type=db').code;
    expect(existsSync(join(prof, 'mindstudio_profiler_output'))).toBe(false);
    await talk('--export=on', `--output=${prof}`).code;
    const again = talk('--export=on', `--output=${prof}`);
    await again.code;
    expect(again.text()).toContain('Find completed msprof db');
    expect(readdirSync(join(prof, 'mindstudio_profiler_output')).filter((n) => n.startsWith('op_summary'))).toHaveLength(2);
  });
  it('analyze and query', async () => {
    const prof = await captured();
    expect(await talk('--analyze=on', '--rule=communication,communication_matrix', `--output=${out}`).code).toBe(0);
    expect(readdirSync(join(prof, 'analyze')).sort()).toEqual(['communication.json', 'communication_matrix.json']);
    const q = talk('--query=on', `--output=${out}`);
    await q.code;
    expect(q.text()).toMatch(/Job Info {8}Device ID {7}Dir Name {8}Collection Time {17}Model ID {3}Iteration Number Top Time Iteration {6}Rank ID/);
    expect(q.text()).toMatch(/NA {14}2 {15}device_2/);
  });
});

describe('command lines it does not know', () => {
  it.each([
    [['--aicpus=on'], "msprof: unrecognized option '--aicpus'"],
    [['--pid=1'], '[ERROR] Argument --dynamic=off, but --pid is set.'],
    [['--dynamic=on'], '[ERROR] Argument --dynamic=on, but --application/--pid is all empty.'],
    [['--dynamic=on', '--pid=1', 'app'], '[ERROR] Argument --dynamic=on, can not set --application/--pid at the same time.'],
    [['--dynamic=on', '--pid=a'], '[ERROR] Argument --pid: invalid non-numeric pid value: a, stop profiling.'],
    [['--dynamic=on', '--pid=,'], '[ERROR] no valid pid values, stop profiling.'],
    [['--dynamic=maybe'], '[ERROR] Argument --dynamic: invalid value: maybe.'],
    [['--export=on', '--output=/nowhere'], '[ERROR] No PROF_* folder was found'],
    [['--analyze=on'], '[ERROR] Argument --rule: expected one argument'],
  ])('%j', async (argv, text) => {
    const t = talk(...argv);
    expect(await t.code).toBe(1);
    expect(t.text()).toContain(text);
  });
  it('help lists every flag', async () => {
    const t = talk('--help');
    expect(await t.code).toBe(0);
    for (const flag of ['--dynamic', '--pid', '--task-time', '--aic-metrics', '--export', '--analyze', '--storage-limit']) expect(t.text()).toContain(flag);
  });
  it('a stale socket file is no server', async () => {
    writeFileSync(join(home, 'dynamic_profiling_socket_77'), '');
    const t = talk('--dynamic=on', '--pid=77');
    expect(await t.code).toBe(1);
    expect(t.text()).toContain('cannot connect to server');
  });
});
