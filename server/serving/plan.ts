import { shellJoin, ToolError } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { openTransport, type Transport } from '../host/transport.js';
import { commandLaunch, commandPorts } from '../programs/command.js';
import { parseHelp } from '../programs/help.js';
import { plainName } from '../programs/flags.js';
import type { Launch, LaunchRequest, Remark } from '../programs/launch.js';
import { parseProcNet, planPorts, portsOf, type PortNeed, type PortPlan } from '../programs/ports.js';
import { checkSglangFlags, sglangLaunch, sglangModule, sglangPorts } from '../programs/sglang.js';
import { checkVllmFlags, vllmLaunch, vllmPorts } from '../programs/vllm-ascend.js';
import { checkXllmRules } from '../programs/xllm-rules.js';
import { checkXllmFlags, todaysXllm, xllmDialect, xllmLaunch, xllmPorts, type XllmDialect } from '../programs/xllm.js';
import { chooseDevices, readDevices, type DeviceState } from './devices.js';
import type { Held } from './leases.js';
import { modelFacts, type ModelFacts } from './model.js';
import type { ServiceRequest } from './request.js';
import { waits } from './thresholds.js';

export interface Note {
  readonly code: string;
  readonly detail: string;
}

/** What is known before devices and ports are chosen. */
export interface Preflight {
  readonly transport: Transport;
  readonly program: string;
  /** False when the program is not there; only a dry run goes on then. */
  readonly present: boolean;
  readonly dialect: XllmDialect;
  readonly model: ModelFacts | null;
  readonly notes: readonly Note[];
}

export interface Plan {
  readonly launch: Launch;
  readonly portPlan: PortPlan;
  readonly ports: readonly number[];
  readonly devices: readonly number[];
  /** Memory in use on the chosen devices before the start, MB; null where npu-smi did not say. */
  readonly hbmBeforeMb: readonly { readonly device: number; readonly used_mb: number | null }[];
  readonly notes: readonly Note[];
}

const frameworkProgram = { xllm: 'xllm', 'vllm-ascend': 'vllm', sglang: 'python3', command: '' } as const;
const helpArguments = { xllm: [['--help'], ['--helpfull']], 'vllm-ascend': [['serve', '--help=all'], ['serve', '--help']], sglang: [[...sglangModule, '--help']], command: [] } as const;

/** Flags of the program's help pages; null when none could be read. @throws ToolError E_PROGRAM_MISSING, E_PROGRAM_FAILED */
async function readHelp(transport: Transport, framework: ServiceRequest['framework'], program: string, signal: AbortSignal): Promise<Set<string> | null> {
  const flags = new Set<string>();
  const deadline = performance.now() + waits.helpMs;
  for (const args of helpArguments[framework]) {
    const left = deadline - performance.now();
    // vLLM: the short page is a stand-in for the full one.
    if (left < 500 || (framework === 'vllm-ascend' && flags.size > 40)) break;
    const result = await transport.run([program, ...args], { timeoutMs: left, signal });
    if (!result.timedOut) for (const flag of parseHelp(`${result.stdout}\n${result.exitCode === 0 ? '' : result.stderr}`)) flags.add(flag);
  }
  flags.delete('h');
  flags.delete('help');
  return flags.size === 0 ? null : flags;
}

function refuseErrors(remarks: readonly Remark[]): Note[] {
  const errors = remarks.filter((r) => r.level === 'error');
  if (errors.length > 0) {
    throw new ToolError('E_ARG_CONFLICT', `these flags would end the start: ${errors.map((r) => `${r.rule} (${r.detail})`).join('; ')}`, 'change the named flags');
  }
  return remarks.map((r) => ({ code: `W-FLAG-${r.rule.toUpperCase()}`, detail: r.detail }));
}

function worldOf(request: ServiceRequest): number {
  return request.devices?.length ?? request.device_count ?? 1;
}

/**
 * Everything that can be said without looking at ports and devices: is the program there, does it know the flags, do they go
 * together. @param mustExist false for a dry run, which may plan for a program this place does not have
 * @throws ToolError E_ARG_*, E_PROGRAM_*
 */
export async function preflight(request: ServiceRequest, host: Host, mustExist: boolean, signal: AbortSignal): Promise<Preflight> {
  const transport = openTransport(host, request);
  const program = request.program ?? frameworkProgram[request.framework];
  const notes: Note[] = [];
  let help: Set<string> | null = null;
  let present = true;
  try {
    help = await readHelp(transport, request.framework, program, signal);
  } catch (error) {
    if (mustExist || !(error instanceof ToolError) || error.code !== 'E_PROGRAM_MISSING') throw error;
    present = false;
    notes.push({ code: 'W-PROGRAM-ABSENT', detail: `${program} is not there: the flags are not checked against it` });
  }
  const model = transport.kind === 'local' && request.model.startsWith('/') ? await modelFacts(request.model, nameFlag(request)) : null;
  let dialect = todaysXllm;
  if (request.framework === 'xllm') {
    dialect = xllmDialect(help);
    const unlisted = checkXllmFlags(request.flags, help);
    if (unlisted.length > 0) notes.push({ code: 'W-FLAG-UNLISTED', detail: `not on the help page of this binary, which lists only part of its flags: ${unlisted.join(', ')}` });
    notes.push(...refuseErrors(checkXllmRules({ flags: request.flags, world: worldOf(request), modelType: model?.modelType ?? null })));
  } else if (request.framework === 'vllm-ascend' || request.framework === 'sglang') {
    const checked = request.framework === 'sglang' ? checkSglangFlags(request.flags, help) : checkVllmFlags(request.flags, help);
    if (!checked && present && Object.keys(request.flags).length > 0) notes.push({ code: 'W-FLAGS-UNCHECKED', detail: 'the help page could not be read in time, or lists too little to check the flags by' });
  }
  if (model !== null && model.modelType === null) notes.push({ code: 'W-MODEL-CONFIG', detail: 'the model folder has no readable config.json' });
  return { transport, program, present, dialect, model, notes };
}

/** The name a service gives its model, where the flags set one. */
export function nameFlag(request: ServiceRequest): string | null {
  const found = Object.entries(request.flags).find(([name]) => ['model_id', 'served_model_name'].includes(plainName(name)))?.[1];
  return typeof found === 'string' && found !== '' ? found : null;
}

/** What the place shows now; read before the lock that planning takes. */
export interface Place {
  readonly states: readonly DeviceState[] | null;
  readonly listening: ReadonlySet<number>;
  readonly visible: readonly number[] | null;
}

export async function lookAround(request: ServiceRequest, pre: Preflight, host: Host): Promise<Place> {
  const listening = new Set<number>();
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) for (const port of parseProcNet((await pre.transport.readText(path).catch(() => null)) ?? '')) listening.add(port);
  const ambient = pre.transport.kind === 'local' ? (await host.environment())['ASCEND_RT_VISIBLE_DEVICES'] : undefined;
  const wanted = request.framework !== 'command' || request.devices !== null || request.device_count !== null;
  return {
    states: wanted ? await readDevices(pre.transport) : null,
    listening,
    visible: ambient !== undefined && /^\d+(?:,\d+)*$/.test(ambient) ? ambient.split(',').map(Number) : null,
  };
}

function needOf(request: ServiceRequest, world: number): PortNeed {
  switch (request.framework) {
    case 'xllm':
      return xllmPorts(request.flags, world, request.port);
    case 'vllm-ascend':
      return vllmPorts(request.port);
    case 'sglang':
      return sglangPorts(request.port);
    case 'command':
      return commandPorts(request.argv, request.port);
  }
}

function launchOf(request: LaunchRequest, dialect: XllmDialect): Launch {
  switch (request.framework) {
    case 'xllm':
      return xllmLaunch(request, dialect);
    case 'vllm-ascend':
      return vllmLaunch(request);
    case 'sglang':
      return sglangLaunch(request);
    case 'command':
      return commandLaunch(request);
  }
}

/** Devices, ports and the exact processes. Pure. @throws ToolError E_DEVICE_BUSY, E_PORT_BUSY, E_PROGRAM_MISSING, E_ARG_CONFLICT */
export function makePlan(request: ServiceRequest, pre: Preflight, place: Place, held: Held): Plan {
  const free = request.framework === 'command' && request.devices === null && request.device_count === null;
  const choice = free ? null : chooseDevices(request.devices, worldOf(request), place.states, held.devices, place.visible);
  const devices = choice?.devices ?? [];
  const portPlan = planPorts(needOf(request, Math.max(1, devices.length)), new Set([...place.listening, ...held.ports]));
  const launch = launchOf(
    {
      framework: request.framework,
      model: request.model,
      program: pre.program,
      devices: choice === null ? null : devices,
      flags: request.flags,
      argv: request.argv,
      ports: portPlan,
      profiling: request.profiling,
      remote: pre.transport.kind !== 'local',
    },
    pre.dialect,
  );
  return {
    launch,
    portPlan,
    ports: portsOf(portPlan),
    devices,
    hbmBeforeMb: devices.map((device) => ({ device, used_mb: place.states?.find((s) => s.logic_id === device)?.used_mb ?? null })),
    notes: choice?.warnings ?? [],
  };
}

/** One line per rank as a person would type it: what was asked, without the inherited environment. */
export function shownCommand(launch: Launch, env: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries({ ...launch.env, ...env }).map(([name, value]) => `${name}=${value}`);
  return launch.ranks.map((r) => shellJoin([...(pairs.length === 0 ? [] : ['env', ...pairs]), ...r.argv]));
}
