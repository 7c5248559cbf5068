import type { Chip, EnvSnapshot } from '../contract/index.js';
import type { Evidence } from './read/evidence.js';
import type { InfoChip, InfoLayout, InfoTable } from '../programs/npu-smi/info.js';
import type { KeyedRecord } from './read/keyed.js';
import { decimalNumber, healthWord, meaningful, wholeNumber, type ListedProcess, type Pair } from '../programs/npu-smi/text.js';

/** A chip, with what the judge needs besides the snapshot's fields. */
export interface ChipState {
  readonly chip: Chip;
  readonly layout: InfoLayout | null;
  /** True when memory in use is capacity × a whole-percent rate. */
  readonly memoryFromRate: boolean;
}

/** The host as the evidence shows it, chips chosen, nothing weighed yet. */
export interface HostState {
  readonly chips: readonly ChipState[];
  /** Chips the evidence shows before devices were chosen. */
  readonly chipsSeen: number;
  /** Devices asked for that no chip answers to. */
  readonly devicesNotFound: readonly number[];
  /** False when devices were asked for and had to be matched by physical id, or not at all. */
  readonly logicIdsKnown: boolean;
  /** Ids of NPUs or chips the host lists and the table does not show. */
  readonly missing: readonly string[];
  readonly driverVersion: string | null;
  readonly firmwareVersion: string | null;
  readonly cannVersion: string | null;
  readonly npuSmiVersion: string | null;
}

interface Place {
  readonly npu: number | null;
  readonly chip: number | null;
}

/** Draft of a chip: where it is and what the table printed of it, if anything. */
interface Draft {
  npu: number | null;
  chip: number | null;
  logic: number | null;
  phy: number | null;
  name: string | null;
  readonly info: InfoChip | null;
}

/** A record or process belongs to a chip when the ids it has agree; without a chip id, when the NPU has that one chip only. */
function belongs(place: Place, draft: Draft, siblings: readonly Draft[]): boolean {
  if (place.npu !== draft.npu) return false;
  if (place.chip !== null && place.chip === draft.chip) return true;
  if (siblings.length === 1) return place.chip === null || draft.chip === null;
  // A retyped table without chip ids: the n-th row of the NPU is its n-th chip.
  return draft.chip === null && place.chip !== null && siblings.every((s) => s.chip === null) && siblings[place.chip] === draft;
}

function drafts(e: Evidence): { drafts: Draft[]; missing: string[] } {
  const info = e.infos.at(-1);
  const out: Draft[] = (info?.chips ?? []).map((c) => ({ npu: c.npu, chip: c.chip, logic: c.logic, phy: c.phy, name: c.name, info: c }));
  const shown = out.length;
  const missing: string[] = [];
  const siblings = (npu: number | null): Draft[] => out.filter((d) => d.npu === npu);
  for (const row of e.map ?? []) {
    const found = out.find((d) => belongs({ npu: row.npu, chip: row.chip }, d, siblings(row.npu)));
    if (found === undefined) {
      out.push({ npu: row.npu, chip: row.chip, logic: row.logic, phy: row.phy, name: row.name, info: null });
      if (shown > 0) missing.push(`NPU ${row.npu} chip ${row.chip ?? '?'}`);
      continue;
    }
    found.chip ??= row.chip;
    found.logic = row.logic ?? found.logic;
    found.phy ??= row.phy;
    found.name ??= row.name;
  }
  if (out.length === 0) {
    // No table and no mapping: chips show only through what was asked about them; chip ids first, whole NPUs after.
    for (const record of [...e.keyed].sort((a, b) => Number(a.chip === null) - Number(b.chip === null))) {
      if (record.npu === null || (record.chip === null && siblings(record.npu).length > 0)) continue;
      if (!out.some((d) => d.npu === record.npu && d.chip === record.chip)) out.push({ npu: record.npu, chip: record.chip, logic: null, phy: null, name: null, info: null });
    }
    out.sort((a, b) => (a.npu ?? 0) - (b.npu ?? 0) || (a.chip ?? 0) - (b.chip ?? 0));
  } else if (shown > 0) {
    const named = new Set([...(e.list?.npuIds ?? []), ...e.infos.flatMap((t) => t.processes.flatMap((p) => p.npu ?? []))]);
    for (const npu of named) if (siblings(npu).length === 0) missing.push(`NPU ${npu}`);
  }
  return { drafts: out, missing };
}

/** SoC name as ACL counts it: `Ascend` + name; A3 and 950 add the board's NPU name (docs of the driver and vllm-ascend's setup). */
export function socName(name: string | null, boardChip: string | null, boardNpu: string | null): string | null {
  const base = (boardChip ?? name)?.replace(/\s+/g, '') ?? null;
  if (base === null) return null;
  const full = /^ascend/i.test(base) ? base.replace(/^ascend/i, 'Ascend') : `Ascend${base}`;
  if (!/^Ascend(?:910|950\w*)$/.test(full)) return full;
  if (boardNpu !== null && /^[0-9a-z]{3,6}$/i.test(boardNpu)) return `${full}_${boardNpu}`;
  return null;
}

function field(records: readonly KeyedRecord[], ...keys: string[]): string | null {
  for (const key of keys) for (const record of records) if (meaningful(record.fields.get(key)) !== null) return meaningful(record.fields.get(key));
  return null;
}

interface Memory {
  readonly kind: Chip['memory_kind'];
  readonly pair: { readonly used: number | null; readonly total: number } | null;
  readonly fromRate: boolean;
}

/** Chips of the 310 line have DDR whatever the column is called; others use the HBM column when it holds anything. */
function memoryOf(name: string | null, info: InfoChip | null, records: readonly KeyedRecord[], layout: InfoLayout | null): Memory {
  const ddr = /^(?:ascend\s*)?310/i.test(name ?? '') || layout === 'ddr';
  const hbm: Pair | null = info?.hbm !== null && info?.hbm !== undefined && info.hbm.total > 0 ? info.hbm : null;
  const plain: Pair | null = info?.memory !== null && info?.memory !== undefined && info.memory.total > 0 ? info.memory : null;
  if (ddr && (hbm ?? plain) !== null) return { kind: 'DDR', pair: hbm ?? plain, fromRate: false };
  if (hbm !== null) return { kind: 'HBM', pair: hbm, fromRate: false };
  if (plain !== null) return { kind: /^(?:ascend\s*)?9[0-9]0/i.test(name ?? '') ? 'HBM' : null, pair: plain, fromRate: false };
  for (const [kind, word] of [['HBM', 'hbm'], ['DDR', 'ddr']] as const) {
    const total = wholeNumber(field(records, `${word} capacity(mb)`) ?? undefined);
    const rate = decimalNumber(field(records, `${word} usage rate(%)`) ?? undefined);
    if (total !== null && total > 0) return { kind, pair: { used: rate === null ? null : (total * rate) / 100, total }, fromRate: rate !== null };
  }
  return { kind: null, pair: null, fromRate: false };
}

/** Processes of a chip over all samples, or null when no output lists them. */
function processesOf(draft: Draft, siblings: readonly Draft[], infos: readonly InfoTable[], records: readonly KeyedRecord[]): ListedProcess[] | null {
  const found = new Map<number, ListedProcess>();
  let listed = false;
  for (const table of infos) {
    if (!table.hasProcessTable) continue;
    if (table.freeNpus.some((npu) => npu === draft.npu) || table.processes.some((p) => p.npu === draft.npu)) listed = true;
    // A process of this NPU that names none of its chips counts on each: better one alarm too many than a card called free.
    for (const p of table.processes) {
      if (belongs(p, draft, siblings) || (p.npu === draft.npu && !siblings.some((s) => belongs(p, s, siblings)))) found.set(p.pid, p);
    }
  }
  for (const record of records) {
    if (record.noProcess || record.processes.length > 0) listed = true;
    for (const p of record.processes) {
      const known = found.get(p.pid);
      found.set(p.pid, known === undefined ? p : { ...known, name: known.name ?? p.name, memoryMb: known.memoryMb ?? p.memoryMb });
    }
  }
  return listed ? [...found.values()] : null;
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((v) => v !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** True when the process, or one it descends from, was started by this run. */
function isKnown(p: ListedProcess, known: ReadonlySet<number>, parents: ReadonlyMap<number, number>): boolean {
  for (const start of [p.pid, p.containerPid]) {
    let pid = start ?? undefined;
    for (let depth = 0; pid !== undefined && pid > 1 && depth < 64; depth += 1) {
      if (known.has(pid)) return true;
      pid = parents.get(pid);
    }
  }
  return false;
}

function stateOf(draft: Draft, siblings: readonly Draft[], e: Evidence, known: ReadonlySet<number>): ChipState {
  const own = e.keyed.filter((r) => belongs(r, draft, siblings));
  // The dies of one module are the same silicon, so the board of one names the SoC of all.
  const module = e.keyed.filter((r) => r.npu === draft.npu);
  const info = draft.info;
  const layout = e.infos.at(-1)?.layout ?? null;
  const same = (c: InfoChip): boolean => info !== null && c.npu === info.npu && (info.chip === null ? c.bus === info.bus : c.chip === info.chip);
  const samples = e.infos.flatMap((t) => t.chips.filter(same));
  const boardChip = field(own, 'chip name') ?? field(module, 'chip name');
  const name = draft.name ?? boardChip;
  const memory = memoryOf(name, info, own, layout);
  const processes = processesOf(draft, siblings, e.infos, own);
  const asked = healthWord(field(own, 'health status', 'health') ?? undefined);
  const health = asked !== null && asked !== 'OK' ? asked : (info?.health ?? asked);
  const codes = field(own, 'error code');
  const errors = wholeNumber(field(own, 'hbm double bit error count') ?? undefined);
  const chip: Chip = {
    logic_id: draft.logic,
    npu_id: draft.npu,
    chip_id: draft.chip,
    phy_id: draft.phy,
    name,
    soc: socName(name, boardChip, field(module, 'npu name')),
    bus_id: info?.bus ?? field(own, 'pcie bus info'),
    health,
    health_codes: codes === null ? [] : codes.split(/[\s,]+/).filter((c) => /^(?:0x)?[0-9a-f]{6,10}$/i.test(c)),
    memory_kind: memory.kind,
    hbm_used_mb: memory.pair?.used ?? null,
    hbm_total_mb: memory.pair?.total ?? null,
    aicore_pct: largest(samples.map((c) => c.aicorePct)) ?? decimalNumber(field(own, 'aicore usage rate(%)') ?? undefined),
    npu_util_pct: largest(samples.map((c) => c.npuUtilPct)) ?? decimalNumber(field(own, 'npu utilization(%)') ?? undefined),
    hbm_double_bit_errors: errors,
    power_w: info === null ? decimalNumber(field(own, 'npu real-time power(w)') ?? undefined) : info.powerW,
    temp_c: info === null ? decimalNumber(field(own, 'temperature(c)') ?? undefined) : info.tempC,
    processes:
      processes === null
        ? null
        : processes.map((p) => ({ pid: p.pid, container_pid: p.containerPid, name: p.name, memory_mb: p.memoryMb, known: isKnown(p, known, e.parents) })),
  };
  return { chip, layout, memoryFromRate: memory.fromRate };
}

function choose(all: readonly ChipState[], devices: readonly number[] | null): Pick<HostState, 'chips' | 'devicesNotFound' | 'logicIdsKnown'> {
  if (devices === null) return { chips: all, devicesNotFound: [], logicIdsKnown: true };
  const known = all.some((s) => s.chip.logic_id !== null);
  const chips: ChipState[] = [];
  const devicesNotFound: number[] = [];
  for (const device of devices) {
    const found = all.find((s) => (known ? s.chip.logic_id : s.chip.phy_id) === device);
    if (found !== undefined) chips.push(found);
    else devicesNotFound.push(device);
  }
  return { chips, devicesNotFound: known ? devicesNotFound : [], logicIdsKnown: known };
}

/**
 * Joins the outputs into one state of the host: the newest table, logical ids from `-m`, what it lacks from the `-t` queries.
 * `aicore_pct` is the largest over the samples; a process seen in any sample counts. Pure.
 * @param devices logical ids to look at; null for all
 * @param known process ids this run started; their descendants count as known too
 */
export function analyzeHost(e: Evidence, devices: readonly number[] | null, known: readonly number[]): HostState {
  const knownPids = new Set(known);
  const { drafts: all, missing } = drafts(e);
  const states = all.map((d) => stateOf(d, all.filter((o) => o.npu === d.npu), e, knownPids));
  return {
    ...choose(states, devices),
    chipsSeen: states.length,
    // With chosen devices only those count; a chosen one that the table lacks shows by its own missing values.
    missing: devices === null ? missing : [],
    driverVersion: e.versions.driver ?? field(e.keyed, 'software version'),
    firmwareVersion: e.versions.firmware ?? field(e.keyed, 'firmware version'),
    cannVersion: e.versions.toolkit ?? e.versions.nnae,
    npuSmiVersion: e.infos.at(-1)?.npuSmiVersion ?? null,
  };
}

/** The phase a snapshot is taken in. */
export type Phase = EnvSnapshot['phase'];
