import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { ReportBody } from '../../server/incident/report.js';
import { tempFolder } from '../helpers/temp.js';
import { chat, simulate, startXllm, type Service, type Simulated } from '../sim-host/helpers.js';
import { triageFiles } from './helpers.js';

// Every fault of the simulated host that leaves something in logs, from its logs alone.
const dir = await tempFolder();
let number = 0;
const running: Service[] = [];
afterEach(() => {
  for (const s of running.splice(0)) for (const r of s.ranks) r.kill('SIGKILL');
});

export async function withFault(fault: object, world: number): Promise<{ sim: Simulated; service: Service }> {
  number += 1;
  const sim = simulate(join(dir, String(number)), { chip: 'Ascend910B3', count: 4, seed: 7, faults: [fault] });
  const service = await startXllm(sim, world);
  running.push(service);
  return { sim, service };
}

/** Triage of node_N.log and the plogs, as a user would hand them over. */
export async function triage({ sim, service }: { sim: Simulated; service: Service }): Promise<ReportBody> {
  const plogs = join(sim.dir, 'home/ascend/log/debug/plog');
  const files = service.ranks.map((r, rank) => ({ path: `/logs/node_${rank}.log`, text: r.log() }));
  if (existsSync(plogs)) for (const name of readdirSync(plogs).sort()) files.push({ path: `/logs/plog/${name}`, text: readFileSync(join(plogs, name), 'utf8') });
  return (await triageFiles(files)).body;
}
export const load = (s: Service): void => void chat(s.url, 'Go on for a while.', { max_tokens: 300, ignore_eos: true }).catch(() => undefined);
export const allEnded = (s: Service, ranks: readonly number[]): Promise<unknown> => Promise.all(ranks.map((r) => s.ranks[r]?.ended));
