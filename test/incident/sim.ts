import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { incidentTriage } from '../../server/incident/tools.js';
import { openHost } from '../../server/host/host.js';
import { Runs } from '../../server/runs/runs.js';
import type { ToolOk } from '../../server/contract/index.js';
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
export const allEnded = (s: Service, ranks: readonly number[]): Promise<unknown> => Promise.all(s.ranks.filter((_, r) => ranks.includes(r)).map((r) => r.ended));

/** incident_triage with collect on a simulated host; with the service it is that of a run, as service_start records it. */
export async function collectOn(sim: Simulated, service: Service | null = null, paths: readonly string[] = []): Promise<ToolOk> {
  const config = makeConfig({ runsDir: join(sim.dir, 'runs'), allow: [sim.dir], sim: join(sim.dir, 'described.json') }, '0.0.0', sim.env, sim.dir);
  const ctx = { config, signal: new AbortController().signal, progress: () => undefined };
  const run = service === null ? null : await new Runs(openHost(config)).create({ purpose: 'serve', level: 'smoke' }, { tool: 'test', input: {} });
  if (run !== null && service !== null) {
    const folder = join(run.dir, 'service/001');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'service.json'), JSON.stringify({ endpoint: service.url, outcome: 'ready', place: { kind: 'local', host: null, container: null } }));
    service.ranks.forEach((r, rank) => writeFileSync(join(folder, `node_${rank}.log`), r.log()));
  }
  return incidentTriage.invoke({ collect: true, ...(run === null ? {} : { run: run.id }), ...(paths.length === 0 ? {} : { path: [...paths] }) }, ctx);
}

export function simulateHost(faults: readonly (object | string)[], count = 4): Simulated {
  number += 1;
  return simulate(join(dir, String(number)), { chip: 'Ascend910B3', count, seed: 7, faults });
}
