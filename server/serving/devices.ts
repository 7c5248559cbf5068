import { ToolError } from '../contract/index.js';
import type { Transport } from '../host/transport.js';
import { parseInfo, type InfoTable } from '../programs/npu-smi/info.js';
import { parseMap, type MapRow } from '../programs/npu-smi/map.js';
import { idleAicorePct, idleMemoryPct, waits } from './thresholds.js';

/** One device as npu-smi shows it now. */
export interface DeviceState {
  /** Null when the mapping was not readable. */
  readonly logic_id: number | null;
  readonly name: string | null;
  readonly used_mb: number | null;
  readonly total_mb: number | null;
  readonly pids: readonly number[] | null;
  /** Why it is not idle; null when it is. */
  readonly busy: string | null;
}

/** Joins table and mapping. Pure. */
export function deviceStates(table: InfoTable, map: readonly MapRow[] | null): DeviceState[] {
  return table.chips.map((chip) => {
    const row = map?.find((r) => r.npu === chip.npu && (r.chip === chip.chip || r.chip === null || chip.chip === null));
    const memory = chip.hbm !== null && chip.hbm.total > 0 ? chip.hbm : chip.memory;
    const own = table.processes.filter((p) => p.npu === chip.npu && (p.chip === null || chip.chip === null || p.chip === chip.chip));
    const listed = table.hasProcessTable && (own.length > 0 || table.freeNpus.includes(chip.npu) || table.processes.some((p) => p.npu === chip.npu));
    const share = memory === null || memory.total === 0 ? null : (memory.used / memory.total) * 100;
    const load = chip.aicorePct ?? chip.npuUtilPct;
    const busy =
      own.length > 0 ? `${own.length} processes on it`
      : !listed ? 'its processes are not listed'
      : chip.health !== null && chip.health !== 'OK' ? `health is ${chip.health}`
      : share === null ? 'its memory is not shown'
      : share > idleMemoryPct ? `${Math.round(share)} % of its memory is in use without a listed process`
      : load !== null && load > idleAicorePct ? `AICore at ${load} %`
      : null;
    return { logic_id: row?.logic ?? chip.logic, name: chip.name, used_mb: memory?.used ?? null, total_mb: memory?.total ?? null, pids: listed ? own.map((p) => p.pid) : null, busy };
  });
}

/** Devices of a place, or null when npu-smi is not there or does not answer with a table. */
export async function readDevices(transport: Transport): Promise<DeviceState[] | null> {
  const ask = async (args: readonly string[]): Promise<string> => {
    const result = await transport.run(['npu-smi', ...args], { timeoutMs: waits.npuSmiMs }).catch((error: unknown) => {
      if (error instanceof ToolError && error.code === 'E_PROGRAM_MISSING') return null;
      throw error;
    });
    return result?.stdout ?? '';
  };
  const table = parseInfo(await ask(['info']));
  if (table === null || table.chips.length === 0) return null;
  return deviceStates(table, parseMap(await ask(['info', '-m'])));
}

export interface Choice {
  readonly devices: readonly number[];
  readonly warnings: readonly { readonly code: string; readonly detail: string }[];
}

function leaseError(device: number, holder: string): ToolError {
  return new ToolError('E_DEVICE_BUSY', `device ${device} is held by the service ${holder}`, 'stop it with service_stop, or give other devices');
}

/**
 * The devices a service gets: those asked for, or the first idle ones. Pure.
 * @param states null when npu-smi says nothing
 * @param leased device → service of this runs folder that holds it
 * @param visible devices this server may use (ASCEND_RT_VISIBLE_DEVICES of its own environment), null for all
 * @throws ToolError E_DEVICE_BUSY, E_PROGRAM_MISSING
 */
export function chooseDevices(asked: readonly number[] | null, count: number, states: readonly DeviceState[] | null, leased: ReadonlyMap<number, string>, visible: readonly number[] | null): Choice {
  if (asked !== null) {
    for (const device of asked) {
      const holder = leased.get(device);
      if (holder !== undefined) throw leaseError(device, holder);
    }
    if (states === null) return { devices: asked, warnings: [{ code: 'W-DEVICES-UNCHECKED', detail: 'npu-smi did not answer, so nobody looked whether the devices are free' }] };
    const warnings = asked.flatMap((device) => {
      const state = states.find((s) => s.logic_id === device);
      if (state === undefined) return states.some((s) => s.logic_id !== null) ? [{ code: 'W-DEVICE-NOT-FOUND', detail: `npu-smi shows no device ${device}` }] : [];
      return state.busy === null ? [] : [{ code: 'W-DEVICE-BUSY', detail: `device ${device}: ${state.busy}` }];
    });
    return { devices: asked, warnings };
  }
  if (states === null) throw new ToolError('E_PROGRAM_MISSING', 'npu-smi is not there or gave no table, so idle devices can not be chosen', 'give devices, or run where npu-smi works');
  const known = states.flatMap((s) => (s.logic_id === null ? [] : [{ ...s, logic_id: s.logic_id }]));
  if (known.length === 0) throw new ToolError('E_DEVICE_BUSY', 'logical device ids are not known: npu-smi info -m gave no mapping', 'give devices');
  const allowed = known.filter((s) => visible === null || visible.includes(s.logic_id));
  const free = allowed.filter((s) => s.busy === null && !leased.has(s.logic_id)).sort((a, b) => a.logic_id - b.logic_id);
  if (free.length < count) {
    const why = allowed.filter((s) => s.busy !== null || leased.has(s.logic_id)).slice(0, 4).map((s) => `device ${s.logic_id}: ${s.busy ?? `held by ${leased.get(s.logic_id) ?? ''}`}`);
    throw new ToolError('E_DEVICE_BUSY', `${count} idle devices are needed and ${free.length} of ${allowed.length} are idle${why.length === 0 ? '' : ` (${why.join('; ')})`}`, 'free the named devices, ask for fewer, or give devices');
  }
  return { devices: free.slice(0, count).map((s) => s.logic_id), warnings: [] };
}
