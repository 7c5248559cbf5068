import type { Host } from '../host/host.js';
import type { ProgramName } from '../host/programs.js';
import { exists, listFolder } from '../host/files.js';

export interface Check {
  readonly what: string;
  /** ok: there; lacks: the work it is for is not possible; hint: fine without it. */
  readonly state: 'ok' | 'lacks' | 'hint';
  readonly seen: string;
  readonly mend: string | null;
}

/** Programs by the work they are for, and how one gets them. */
const programs: readonly { readonly name: ProgramName; readonly for: string; readonly mend: string; readonly needed: boolean }[] = [
  { name: 'npu-smi', for: 'environment gate', mend: 'install the Ascend driver, or put the folder of npu-smi in PATH', needed: true },
  { name: 'msprof', for: 'profiling', mend: 'install the CANN toolkit, or source its set_env.sh before the client starts', needed: true },
  { name: 'evalscope', for: 'benchmarks and accuracy evaluation', mend: "pip install 'evalscope[perf]'", needed: true },
  { name: 'git', for: 'code identity, review and bisection', mend: 'install git', needed: true },
  { name: 'python3', for: 'versions of the frameworks', mend: 'install Python 3', needed: false },
  { name: 'xllm', for: 'serving with xLLM', mend: 'put the built xllm in PATH, or give service_start its program', needed: false },
  { name: 'vllm', for: 'serving with vLLM-Ascend', mend: 'pip install vllm vllm-ascend, as its release notes pair them', needed: false },
  { name: 'docker', for: 'services in containers', mend: 'install docker, or run services on the host', needed: false },
  { name: 'claude', for: 'Claude Code', mend: 'npm install -g @anthropic-ai/claude-code', needed: false },
  { name: 'codex', for: 'Codex', mend: 'npm install -g @openai/codex', needed: false },
  { name: 'opencode', for: 'opencode', mend: 'npm install -g opencode-ai', needed: false },
];

/** What this host has and lacks for the work. Runs no NPU program: it only looks. @param node version of Node.js, e.g. `v20.20.0` */
export async function examine(host: Host, node: string): Promise<Check[]> {
  const checks: Check[] = [];
  const add = (what: string, state: Check['state'], seen: string, mend: string | null): number => checks.push({ what, state, seen, mend: state === 'ok' ? null : mend });
  const [major = 0, minor = 0] = node.replace(/^v/, '').split('.').map(Number);
  add('Node.js', major > 20 || (major === 20 && minor >= 19) ? 'ok' : 'lacks', node, 'install Node.js 20.19 or newer');
  const devices = (await host.systemList('/dev')).filter((d) => /^davinci\d+$/.test(d));
  add('NPU devices', devices.length > 0 ? 'ok' : 'lacks', devices.length > 0 ? `${String(devices.length)} of /dev/davinci*` : 'no /dev/davinci*', 'on a host with NPUs: load the driver; in a container: pass the devices; to try without: --sim');
  const driver = /^Version=(.+)$/m.exec((await host.systemText('/usr/local/Ascend/driver/version.info')) ?? '')?.[1];
  add('Ascend driver', driver === undefined ? 'lacks' : 'ok', driver?.slice(0, 60) ?? 'no version file', 'install the Ascend driver, or mount /usr/local/Ascend/driver into the container');
  const toolkit = (await host.environment())['ASCEND_HOME_PATH'];
  add('CANN toolkit', toolkit === undefined ? 'lacks' : 'ok', toolkit ?? 'ASCEND_HOME_PATH is not set and no set_env.sh was found', 'install the CANN toolkit; its set_env.sh is read by this server itself');
  for (const program of programs) {
    const path = await host.has(program.name);
    add(`${program.name} (${program.for})`, path !== null ? 'ok' : program.needed ? 'lacks' : 'hint', path ?? 'not in PATH', program.mend);
  }
  const runs = (await listFolder(host.runsDir)).length;
  add('runs folder', 'ok', `${host.runsDir}${(await exists(host.runsDir)) ? `, ${String(runs)} entries` : ', made with the first run'}`, null);
  const free = await freeBytes(host);
  if (free !== null) add('memory of the host', free >= leastFreeBytes ? 'ok' : 'hint', `${(free / 1024 ** 3).toFixed(1)} GiB available`, 'large captures are analysed in a few GiB; free some first');
  return checks;
}

/** Below it the analysis of a capture of a few GB may be killed; own measurement: about 0.6 GB for 2,000,000 operators. */
const leastFreeBytes = 2 * 1024 ** 3;

async function freeBytes(host: Host): Promise<number | null> {
  const kb = /^MemAvailable:\s+(\d+) kB$/m.exec((await host.systemText('/proc/meminfo')) ?? '')?.[1];
  return kb === undefined ? null : Number(kb) * 1024;
}

export function line(check: Check): string {
  const mark = { ok: 'ok   ', lacks: 'LACKS', hint: '-    ' }[check.state];
  return `${mark} ${check.what}: ${check.seen}${check.mend === null ? '' : `. Mend: ${check.mend}`}`;
}

/** First line: the answer. */
export function summary(checks: readonly Check[]): string {
  const lacking = checks.filter((c) => c.state === 'lacks');
  return lacking.length === 0 ? 'this host has what the work needs' : `${String(lacking.length)} of ${String(checks.length)} checks lack something: ${lacking.map((c) => c.what.replace(/ \(.*/, '')).join(', ')}`;
}
