import { foreign, number, type Chip } from '../contract/index.js';
import type { ChipState, HostState, Phase } from './analyze.js';
import type { Evidence } from './read/evidence.js';
import { isReasonCode, reasonCodes, verdictOf, type EnvVerdict, type Reason, type ReasonCode } from './reasons.js';
import { aicoreIdlePct, idleMemory } from './thresholds.js';

export interface Judgement {
  readonly verdict: EnvVerdict;
  readonly reasons: readonly Reason[];
  /** Chips without any reason against them. */
  readonly cleanChips: number;
}

/** "NPU 0 chip 1", with the logical id when it is known. */
export function chipLabel(chip: Chip): string {
  const ids = [chip.npu_id === null ? null : `NPU ${chip.npu_id}`, chip.chip_id === null ? null : `chip ${chip.chip_id}`].filter((p) => p !== null).join(' ');
  const place = ids === '' ? 'a chip' : ids;
  return chip.logic_id === null ? place : `${place} (device ${chip.logic_id})`;
}

/** Largest memory, in MB, this chip holds when idle; null when its family is not known. The layout decides where the name is masked. */
function idleMb(state: ChipState): number | null {
  const name = state.chip.name;
  const row = idleMemory.find((r) => (name === null ? r.layouts.some((l) => l === state.layout) : r.name.test(name)));
  return row?.maxMb ?? null;
}

type Remark = [code: ReasonCode, detail: string];

function ofProcesses(chip: Chip, phase: Phase): Remark[] {
  if (chip.processes === null) return [['process-list-missing', '']];
  return chip.processes.flatMap((p): Remark[] => {
    const size = p.memory_mb === null ? '' : `, ${number(p.memory_mb)} MB`;
    const who = `pid ${p.pid}${p.name === null ? '' : ` (${foreign(p.name, 40)}${size})`}`;
    if (!p.known) return [['foreign-process', who]];
    return phase === 'before' ? [['service-present', who]] : [];
  });
}

/** Memory that neither an idle chip nor its listed processes explain. */
function ofMemory(state: ChipState): Remark[] {
  const { chip } = state;
  if (chip.hbm_used_mb === null) return [['memory-unknown', '']];
  const rate: Remark[] = state.memoryFromRate ? [['memory-from-rate', '']] : [];
  const listed = chip.processes ?? [];
  // A process whose memory was not printed explains any amount: nothing can be said against the rest.
  if (listed.some((p) => p.memory_mb === null)) return rate;
  const rest = chip.hbm_used_mb - listed.reduce((sum, p) => sum + (p.memory_mb ?? 0), 0);
  const idle = idleMb(state);
  if (idle !== null) return rest > idle ? [['hbm-in-use', `${number(rest)} MB beyond listed processes, idle is at most ${idle} MB`], ...rate] : rate;
  const all = idleMemory.map((r) => r.maxMb);
  if (rest > Math.max(...all)) return [['hbm-in-use', `${number(rest)} MB beyond listed processes`], ...rate];
  return rest <= Math.min(...all) ? rate : [['memory-baseline-unknown', `${number(rest)} MB`], ...rate];
}

function ofChip(state: ChipState, phase: Phase): Remark[] {
  const { chip } = state;
  const remarks: Remark[] = [...ofProcesses(chip, phase), ...ofMemory(state)];
  const load = chip.aicore_pct ?? chip.npu_util_pct ?? null;
  if (load === null) remarks.push(['aicore-unknown', '']);
  else if (load > aicoreIdlePct.value) remarks.push(['aicore-busy', `${number(load)} %`]);
  if (chip.health === null || chip.health === 'UNKNOWN') remarks.push(['health-unknown', '']);
  else if (chip.health !== 'OK') {
    const codes = chip.health_codes ?? [];
    remarks.push(['health-not-ok', `${chip.health}${codes.length === 0 ? '' : `, codes ${codes.slice(0, 6).join(' ')}`}`]);
  }
  if ((chip.hbm_double_bit_errors ?? 0) > 0) remarks.push(['hbm-uncorrected-errors', String(chip.hbm_double_bit_errors)]);
  return remarks;
}

/** One reason per code, naming at most three places, so that sixteen chips stay readable. */
function gather(remarks: readonly { where: string; remark: Remark }[]): Reason[] {
  const byCode = new Map<ReasonCode, string[]>();
  for (const { where, remark } of remarks) {
    const [code, detail] = remark;
    const list = byCode.get(code) ?? [];
    list.push(detail === '' ? where : `${where}: ${detail}`);
    byCode.set(code, list);
  }
  return [...byCode].map(([code, places]) => {
    const more = places.length > 3 ? `; and ${places.length - 3} more` : '';
    return { code, detail: `${reasonCodes[code].meaning}: ${places.slice(0, 3).join('; ')}${more}` };
  });
}

function plain(code: ReasonCode, detail?: string): Reason {
  return { code, detail: detail === undefined ? reasonCodes[code].meaning : `${reasonCodes[code].meaning}: ${detail}` };
}

/** What is wrong before any chip is looked at. */
function ofHost(e: Evidence, host: HostState): Reason[] {
  const reasons: Reason[] = [];
  const info = e.capture?.commands.find((c) => c.file.endsWith('npu-smi.info.txt'));
  if (e.infos.length === 0) {
    if (info?.missing === true || e.refusal?.kind === 'missing') reasons.push(plain('npu-smi-missing'));
    else if (e.refusal?.kind === 'occupied') reasons.push(plain('device-occupied', e.refusal.ret === null ? undefined : `return code ${e.refusal.ret}`));
    else if (e.refusal?.kind === 'failed') reasons.push(plain('npu-smi-failed', e.refusal.ret === null ? undefined : `return code ${e.refusal.ret}`));
    else if (info?.timed_out === true) reasons.push(plain('npu-smi-failed', 'it ran out of time'));
    else if (info !== undefined && info.exit_code !== 0) reasons.push(plain('npu-smi-failed', `exit code ${info.exit_code ?? 'none, ended by a signal'}`));
  }
  if (reasons.length === 0 && host.chipsSeen === 0) reasons.push(plain('chips-unknown'));
  if (host.chipsSeen > 0) {
    if (host.devicesNotFound.length > 0) reasons.push(plain('device-not-found', host.devicesNotFound.join(', ')));
    if (!host.logicIdsKnown) reasons.push(plain('logic-ids-unknown', host.chips.length > 0 ? 'matched by physical id instead' : 'npu-smi info -m gives them'));
  }
  if (host.missing.length > 0) reasons.push(plain('chips-missing', host.missing.slice(0, 8).join(', ')));
  return reasons;
}

/** Says whether a measurement may start, and every reason for and against. Pure. */
export function judgeHost(e: Evidence, host: HostState, phase: Phase, severalCaptures: boolean): Judgement {
  const remarks = host.chips.map((state) => ({ where: chipLabel(state.chip), list: ofChip(state, phase) }));
  const reasons = [...ofHost(e, host), ...gather(remarks.flatMap(({ where, list }) => list.map((remark) => ({ where, remark }))))];
  if (phase === 'idle' && host.chips.length > 0 && !host.chips.some((s) => s.chip.processes?.some((p) => p.known) === true)) reasons.push(plain('service-not-seen'));
  if (host.driverVersion === null) reasons.push(plain('driver-version-unknown'));
  if (host.cannVersion === null) reasons.push(plain('cann-version-unknown'));
  if (severalCaptures) reasons.push(plain('several-captures'));
  for (const note of e.capture?.notes ?? []) if (isReasonCode(note.code)) reasons.push({ code: note.code, detail: note.detail });
  const against = (code: ReasonCode): boolean => reasonCodes[code].effect !== 'none';
  return { verdict: verdictOf(reasons), reasons, cleanChips: remarks.filter((r) => !r.list.some(([code]) => against(code))).length };
}
