import { mkdirSync, readFileSync, readdirSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeConfig } from '../../server/config.js';
import type { ToolOk } from '../../server/contract/index.js';
import { incidentTriage } from '../../server/incident/tools.js';
import type { FaultName } from '../../server/sim/host-file.js';
import { chat, freePort, ready, simulate, start, startXllm, until, type Service, type Simulated } from '../sim-host/helpers.js';

/** What triage says of a fault of the simulated host, given the files an engineer has and nothing else. */
export interface Expected {
  readonly verdict: 'diagnosed' | 'suspected';
  readonly id: string;
  readonly class: string;
  readonly origin: object;
}

interface Row {
  /** Tests run one group a file. */
  readonly group: 'start' | 'serving' | 'card' | 'quiet';
  readonly fault?: object;
  readonly world?: number;
  readonly framework?: 'xllm' | 'vllm-ascend';
  readonly speed?: string;
  readonly env?: Record<string, string>;
  /** Until the files tell what they will tell. */
  readonly wait: (s: Service, sim: Simulated) => Promise<unknown>;
  /** Null: these files hold nothing to tell it by, `why` says what does. */
  readonly expected: Expected | null;
  readonly why?: string;
}

const ended = (...ranks: readonly number[]) => (s: Service): Promise<unknown> => Promise.all(s.ranks.filter((_, r) => ranks.includes(r)).map((r) => r.ended));
const works = (s: Service): void => void chat(s.url, 'Go on for a while.', { max_tokens: 2000, ignore_eos: true }).catch(() => undefined);
const loaded = (...ranks: readonly number[]) => async (s: Service): Promise<unknown> => {
  await ready(s);
  works(s);
  return ended(...ranks)(s);
};
const busy = async (s: Service): Promise<void> => {
  await ready(s);
  works(s);
  await sleep(300);
};
const log = (s: Service, rank: number): string => s.ranks[rank]?.log() ?? '';
const notHere = (where: string): { expected: null; why: string } => ({ expected: null, why: where });

/** One row per fault: a fault without one does not compile, and fails the test of names. */
export const table: Readonly<Record<FaultName, Row>> = {
  'oom-at-load': { group: 'start', fault: { rank: 1 }, world: 2, wait: ended(0, 1), expected: { verdict: 'diagnosed', id: 'npu-oom', class: 'hbm-oom', origin: { rank: 1 } } },
  'missing-rank': { group: 'start', world: 2, wait: (s) => until(() => /Worker#\d connect to \S+ success/.test(log(s, 0))), expected: { verdict: 'suspected', id: 'silent-rank', class: 'framework', origin: { rank: 1 } } },
  'port-in-use': { group: 'start', wait: ended(0), expected: { verdict: 'diagnosed', id: 'port-busy', class: 'port', origin: { rank: 0 } } },
  'd-state-load': { group: 'start', fault: { rank: 1 }, world: 2, wait: (_, sim) => until(async () => (await printed(sim, 'dmesg', [])).includes('blocked for more than')), expected: { verdict: 'diagnosed', id: 'd-state-copy', class: 'host-os', origin: { rank: 1 } } },
  'oom-at-runtime': { group: 'serving', fault: { after: 4 }, wait: loaded(0), expected: { verdict: 'diagnosed', id: 'npu-oom', class: 'hbm-oom', origin: { rank: 0 } } },
  'crash-after-n': { group: 'serving', fault: { after: 1 }, wait: async (s) => { await ready(s); await chat(s.url, 'What is 1 + 1?'); return ended(0)(s); }, expected: { verdict: 'diagnosed', id: 'segfault', class: 'host-os', origin: { rank: 0 } } },
  'hccl-timeout': { group: 'serving', fault: { rank: 1, after: 5 }, world: 2, wait: loaded(0), expected: { verdict: 'diagnosed', id: 'silent-rank', class: 'hccl', origin: { rank: 1, file: null, line: null } } },
  'aicore-exception': { group: 'serving', fault: { rank: 1, after: 5 }, world: 2, wait: loaded(0, 1), expected: { verdict: 'diagnosed', id: 'aivector-exception', class: 'aicore', origin: { rank: 1, device: 1 } } },
  // xLLM logs nothing of its steps, so there only its counters tell (simulated-hang.test.ts).
  hang: { group: 'serving', fault: { after: 6 }, framework: 'vllm-ascend', speed: '40', wait: async (s) => { await ready(s); works(s); await until(() => (log(s, 0).match(/generation throughput: 0\.0 tokens\/s, Running: 1 reqs/g) ?? []).length >= 13); }, expected: { verdict: 'diagnosed', id: 'hang', class: 'framework', origin: { file: null } } },
  'device-alarm': { group: 'card', wait: busy, expected: { verdict: 'diagnosed', id: 'device-alarm', class: 'device', origin: { device: 0 } } },
  'device-missing': { group: 'card', env: { ASCEND_RT_VISIBLE_DEVICES: '3' }, wait: ended(0), expected: { verdict: 'diagnosed', id: 'device-heartbeat', class: 'device', origin: { device: 3 } } },
  'stale-process': { group: 'quiet', wait: busy, ...notHere('whether a listed process lives is known only on the host: collect (simulated-state.test.ts)') },
  'slow-rank': { group: 'quiet', world: 2, wait: busy, ...notHere('a profile') },
  'host-bound': { group: 'quiet', wait: busy, ...notHere('a profile') },
  'graph-capture-in-window': { group: 'quiet', wait: busy, ...notHere('the benchmark that it disturbs') },
  'garbled-output': { group: 'quiet', wait: busy, ...notHere('the answers') },
  'accuracy-drop': { group: 'quiet', wait: busy, ...notHere('the answers') },
  'mtp-regression': { group: 'quiet', wait: busy, ...notHere('the counters of accepted drafts') },
};

async function printed(sim: Simulated, program: string, args: readonly string[]): Promise<string> {
  const run = start(sim, program, args);
  await run.ended;
  return run.log();
}

async function startVllm(sim: Simulated): Promise<Service> {
  const port = await freePort();
  return { url: `http://127.0.0.1:${port}`, port, ranks: [start(sim, 'vllm', ['serve', sim.model, '--served-model-name', 'Qwen3-0.6B', '--port', String(port), '--max-model-len', '32768'])] };
}

/** Plants the fault, lets it show, and triages the folder of the files it left: logs of all ranks, plogs, `dmesg -T` and `npu-smi info`. */
export async function triageOf(name: FaultName, dir: string): Promise<ToolOk> {
  const row = table[name];
  const sim = simulate(dir, { chip: 'Ascend910B3', count: 4, seed: 7, faults: [{ name, ...row.fault }] }, row.speed === undefined ? {} : { XLLM_NPU_SIM_SPEED: row.speed });
  const service = row.framework === 'vllm-ascend' ? await startVllm(sim) : await startXllm(sim, row.world ?? 1, [], row.env);
  try {
    await row.wait(service, sim);
    const folder = join(dir, 'logs');
    mkdirSync(folder);
    service.ranks.forEach((r, rank) => writeFileSync(join(folder, `node_${rank}.log`), r.log()));
    const plogs = join(dir, 'home/ascend/log/debug/plog');
    if (existsSync(plogs)) for (const plog of readdirSync(plogs)) writeFileSync(join(folder, plog), readFileSync(join(plogs, plog)));
    writeFileSync(join(folder, 'dmesg.txt'), await printed(sim, 'dmesg', ['-T']));
    writeFileSync(join(folder, 'npu-smi.txt'), await printed(sim, 'npu-smi', ['info']));
    const config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0.0.0', {}, dir);
    return await incidentTriage.invoke({ path: folder }, { config, signal: new AbortController().signal, progress: () => undefined });
  } finally {
    for (const r of service.ranks) r.kill('SIGKILL');
  }
}
