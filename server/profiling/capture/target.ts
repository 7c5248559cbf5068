import { join } from 'node:path';
import { check, ToolError, type ServiceRecord } from '../../contract/index.js';
import { exists } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { processFolder, processTree } from '../../host/tree.js';
import { socketName } from '../../programs/msprof.js';
import { parseInfo } from '../../programs/npu-smi/info.js';
import { torchProfilerDir } from '../../programs/torch-profiler.js';
import { readArtifact, Runs } from '../../runs/runs.js';
import { baseUrl } from '../../programs/endpoint.js';
import type { CaptureRequest } from './request.js';

/** The service to capture, as its record or the caller names it. */
export interface Service {
  readonly serviceJob: string | null;
  readonly framework: ServiceRecord['framework'] | null;
  readonly endpoint: string;
  /** Processes it was started as; what they started belongs to it. */
  readonly roots: readonly number[];
  /** Null when only a pid is known. */
  readonly profilingMode: boolean | null;
  readonly simulated: boolean;
}

const startAgain = 'stop the service and start it again with profiling: true (PROFILING_MODE=dynamic in its environment), then call again';

/** @throws ToolError E_RUN_*, E_JOB_MISSING, E_PROFILE_ATTACH */
export async function findService(request: CaptureRequest, host: Host): Promise<Service> {
  if (request.service_job === null) {
    return { serviceJob: null, framework: null, endpoint: request.endpoint ?? '', roots: request.pid === null ? [] : [request.pid], profilingMode: null, simulated: host.simulated };
  }
  const [runId = '', job = ''] = request.service_job.split('/');
  const run = await new Runs(host).open(runId);
  const checked = check('service-record', await readArtifact(join(run.dir, 'service', job, 'service.json')));
  if (!checked.ok) throw new ToolError('E_JOB_MISSING', `no readable service record of ${request.service_job}`, 'wait with job_wait until the service is ready; service_start answers the job');
  const record = checked.value;
  if (record.outcome !== 'ready') throw new ToolError('E_PROFILE_ATTACH', `the service is ${record.outcome}`, record.outcome === 'starting' ? 'wait with job_wait until it is ready' : 'start it again with service_start and profiling: true');
  if (record.place.kind !== 'local') throw new ToolError('E_PROFILE_ATTACH', 'the service runs in a container or on another host, where the profiler of this host cannot reach its processes', 'run this server where the service runs, with the same user, HOME and pid namespace');
  const endpoint = request.endpoint ?? record.endpoint;
  if (endpoint === null) throw new ToolError('E_ARG_MISSING', 'the service record has no endpoint', 'give endpoint');
  return {
    serviceJob: request.service_job,
    framework: record.framework,
    endpoint: baseUrl(endpoint),
    roots: record.ranks.flatMap((r) => (r.pid === null ? [] : [r.pid])),
    profilingMode: record.profiling_mode,
    simulated: record.simulated || host.simulated,
  };
}

function variables(text: string): Map<string, string> {
  return new Map(text.split('\0').flatMap((pair): [string, string][] => (pair.includes('=') ? [[pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]] : [])));
}

/** Environment of the first of the processes that is ours to read; null when none is. */
async function environmentOf(pids: readonly number[], host: Host): Promise<Map<string, string> | null> {
  for (const pid of pids) {
    const text = await host.systemText(`/proc/${pid}/environ`);
    if (text !== null && text !== '') return variables(text);
  }
  return null;
}

/** Pids npu-smi lists on the devices; empty when it is not there or lists none. In a container they are the host's and match nothing. */
async function pidsOnDevices(host: Host): Promise<Set<number>> {
  if ((await host.has('npu-smi')) === null) return new Set();
  const result = await host.run('npu-smi', ['info'], { timeoutMs: 15_000 });
  return new Set(parseInfo(result.stdout)?.processes.map((p) => p.pid) ?? []);
}

/**
 * The processes msprof attaches to: of the service's whole process tree those that opened their socket, and among them, where npu-smi
 * lists any, those that hold a device. A launcher in front of the workers holds none.
 * @throws ToolError E_PROFILE_ATTACH with the mend
 */
export async function attachTargets(service: Service, host: Host): Promise<number[]> {
  const tree = await processTree(service.roots);
  if (tree.length === 0) throw new ToolError('E_PROFILE_ATTACH', `no process ${service.roots.join(', ')} on this host`, 'check the pid, and that this server shares the pid namespace of the service');
  const environment = await environmentOf(tree, host);
  if (service.profilingMode === false) throw new ToolError('E_PROFILE_ATTACH', 'the service was started without PROFILING_MODE=dynamic, so it opened no socket for a profiler', startAgain);
  if (environment === null) throw new ToolError('E_PROFILE_ATTACH', `the environment of process ${tree[0] ?? 0} cannot be read`, 'run this server as the user the service runs as');
  if (environment.get('PROFILING_MODE') !== 'dynamic') throw new ToolError('E_PROFILE_ATTACH', `process ${tree[0] ?? 0} was started without PROFILING_MODE=dynamic, so it opened no socket for a profiler`, startAgain);
  const home = (await host.environment())['HOME'] ?? '';
  if ((environment.get('HOME') ?? home) !== home) throw new ToolError('E_PROFILE_ATTACH', 'the service runs with another HOME than this server, and the socket lies below it', 'start this server with the HOME and the user of the service');
  const open: number[] = [];
  for (const pid of tree) if (await exists(join(home, socketName(pid)))) open.push(pid);
  if (open.length === 0) {
    throw new ToolError('E_PROFILE_ATTACH', `none of ${tree.length} processes of the service has a socket dynamic_profiling_socket_<pid> in HOME`, 'wait until the service is ready (the socket is opened when CANN is loaded); if it is, its sockets were removed: start it again');
  }
  const holding = await pidsOnDevices(host);
  const chosen = open.filter((pid) => holding.has(pid));
  return chosen.length > 0 ? chosen : open;
}

/** Where a service that profiles itself writes. @throws ToolError E_PROFILE_ATTACH, E_PATH_* */
export async function torchFolder(service: Service, host: Host): Promise<string> {
  const tree = await processTree(service.roots);
  for (const pid of tree) {
    const argv = ((await host.systemText(`/proc/${pid}/cmdline`)) ?? '').split('\0').filter((a) => a !== '');
    const environment = (await environmentOf([pid], host)) ?? new Map<string, string>();
    const folder = torchProfilerDir(argv, environment);
    if (folder === null) continue;
    if (environment.get('PROFILING_MODE') === 'dynamic') throw new ToolError('E_PROFILE_ATTACH', 'the service was started with PROFILING_MODE=dynamic, under which torch_npu.profiler collects nothing', 'use backend msprof, or start the service again without profiling: true');
    const cwd = await processFolder(pid);
    return host.admit(folder.startsWith('/') || cwd === null ? folder : join(cwd, folder));
  }
  throw new ToolError('E_PROFILE_ATTACH', 'the service was started without a folder for torch profiles', torchFlag);
}

export const torchFlag = 'start vLLM with --profiler-config \'{"profiler":"torch","torch_profiler_dir":"DIR"}\' (before 2026: VLLM_TORCH_PROFILER_DIR=DIR), DIR inside an allowed folder; or start it with profiling: true and use backend msprof';

/** The backend that fits how the service was started. @throws ToolError E_PROFILE_ATTACH */
export async function chooseBackend(asked: CaptureRequest['backend'], service: Service, host: Host): Promise<'msprof' | 'torch'> {
  if (asked !== 'auto') return asked;
  const tree = await processTree(service.roots);
  const environment = await environmentOf(tree, host);
  if (environment?.get('PROFILING_MODE') === 'dynamic') return 'msprof';
  return (await torchFolder(service, host).then(() => true, () => false)) ? 'torch' : 'msprof';
}
