import { cell, checkFacts, table, type Chip, type EnvProbeFacts, type ToolOk } from '../contract/index.js';
import type { Snapshot } from './derive.js';
import { isReasonCode, reasonCodes } from './reasons.js';
import { limits } from './thresholds.js';

const grouped = (n: number): string => Math.round(n).toString().replace(/\B(?=(?:\d{3})+$)/g, ',');
const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : one.endsWith('s') ? 'es' : 's'}`;

/** One sentence with the number that matters; only our own words and numbers. */
export function headline({ body, judgement }: Snapshot): string {
  const { chips } = body;
  const first = judgement.reasons.find((r) => reasonCodes[r.code].effect === body.verdict);
  const why = first === undefined ? '' : reasonCodes[first.code].meaning;
  if (chips.length === 0) return `no chip was read: ${why}`;
  const used = chips.map((c) => c.hbm_used_mb).filter((v) => v !== null);
  const kind = chips.every((c) => c.memory_kind === 'DDR') ? 'memory' : 'HBM';
  const memory = used.length === 0 ? `${kind} use unknown` : `largest ${kind} use ${grouped(Math.max(...used))} MB`;
  const pids = new Set(chips.flatMap((c) => c.processes?.map((p) => p.pid) ?? []));
  const foreignPids = new Set(chips.flatMap((c) => c.processes?.filter((p) => !p.known).map((p) => p.pid) ?? []));
  const unlisted = chips.some((c) => c.processes === null);
  const own = pids.size - foreignPids.size;
  const processes = [
    ...(foreignPids.size > 0 ? [plural(foreignPids.size, 'foreign process')] : []),
    ...(own > 0 ? [`${plural(own, 'process')} of this run`] : []),
    ...(unlisted ? ['processes not listed'] : pids.size === 0 ? ['no process'] : []),
  ].join(', ');
  return `${plural(chips.length, 'chip')}, ${judgement.cleanChips} clean: ${memory}, ${processes}${why === '' ? '' : `; ${why}`}`;
}

/** A chip without the fields that only the artifact needs. */
function short(chip: Chip, processes: number): Chip {
  return {
    logic_id: chip.logic_id,
    npu_id: chip.npu_id,
    chip_id: chip.chip_id,
    phy_id: chip.phy_id,
    name: chip.name,
    health: chip.health,
    ...(chip.health_codes !== undefined && chip.health_codes.length > 0 ? { health_codes: chip.health_codes } : {}),
    memory_kind: chip.memory_kind,
    hbm_used_mb: chip.hbm_used_mb,
    hbm_total_mb: chip.hbm_total_mb,
    aicore_pct: chip.aicore_pct,
    ...(chip.aicore_pct === null && chip.npu_util_pct !== null && chip.npu_util_pct !== undefined ? { npu_util_pct: chip.npu_util_pct } : {}),
    power_w: chip.power_w,
    temp_c: chip.temp_c,
    processes: chip.processes === null ? null : chip.processes.slice(0, processes).map(({ pid, name, memory_mb, known }) => ({ pid, name, memory_mb, known })),
  };
}

/**
 * The facts of the answer, small enough for the contract's 8 kB: processes are cut before chips, and what was cut is said.
 * The artifact holds everything.
 */
export function factsOf({ body }: Snapshot, run: string): { facts: EnvProbeFacts; warnings: ToolOk['warnings'] } {
  const make = (chips: number, processes: number): EnvProbeFacts => ({
    run,
    chips: body.chips.slice(0, chips).map((c) => short(c, processes)),
    driver_version: body.driver_version,
    npu_smi_version: body.npu_smi_version,
    cann_version: body.cann_version,
    frameworks: body.frameworks,
    reasons: body.reasons,
    looked_for: body.looked_for,
  });
  const all = body.chips.length;
  const most = Math.max(0, ...body.chips.map((c) => c.processes?.length ?? 0));
  let chips = all;
  let processes = most;
  const tooLarge = (): boolean => JSON.stringify(make(chips, processes)).length > limits.maxFactsChars;
  while (processes > 1 && tooLarge()) processes -= 1;
  while (chips > 1 && tooLarge()) chips -= 1;
  const warnings: ToolOk['warnings'] = body.reasons.filter((r) => isReasonCode(r.code) && reasonCodes[r.code].effect === 'none').map((r) => ({ code: r.code, detail: r.detail }));
  if (processes < most) warnings.push({ code: 'W-CUT', detail: `at most ${processes} of up to ${most} processes per chip are shown; the artifact holds all` });
  if (chips < all) warnings.push({ code: 'W-CUT', detail: `${chips} of ${all} chips are shown; the artifact holds all` });
  return { facts: make(chips, processes), warnings };
}

function isFacts(facts: unknown): facts is EnvProbeFacts {
  return checkFacts('env_probe', facts).length === 0;
}

/** Markdown of the answer: one row per chip, then versions and reasons. Names come from outside and are made safe by the table. */
export function text({ facts, verdict }: ToolOk): string {
  if (!isFacts(facts)) return '';
  const id = (n: number | null): string => (n === null ? '–' : String(n));
  const rows = facts.chips.map((c) => [
    id(c.logic_id),
    `${id(c.npu_id)}/${id(c.chip_id)}`,
    c.name,
    c.health,
    c.hbm_used_mb === null ? null : `${grouped(c.hbm_used_mb)} / ${c.hbm_total_mb === null ? '–' : grouped(c.hbm_total_mb)}`,
    c.aicore_pct ?? c.npu_util_pct,
    c.power_w,
    c.temp_c,
    c.processes === null ? 'not listed' : c.processes.length === 0 ? 'none' : c.processes.map((p) => `${p.pid} ${p.name ?? ''}${p.known ? '' : ' (foreign)'}`).join(', '),
  ]);
  const versions = [
    `driver ${cell(facts.driver_version)}`,
    `npu-smi ${cell(facts.npu_smi_version)}`,
    `CANN ${cell(facts.cann_version)}`,
    ...facts.frameworks.map((f) => `${cell(f.name)} ${cell(f.version)}`),
  ];
  return [
    ...(rows.length === 0 ? [] : [table(['device', 'NPU/chip', 'name', 'health', 'memory MB', 'AICore %', 'power W', 'temp °C', 'processes'], rows), '']),
    `run: ${facts.run}`,
    `versions: ${versions.join(', ')}`,
    // Reasons without effect stand among the warnings.
    ...facts.reasons.filter((r) => !isReasonCode(r.code) || reasonCodes[r.code].effect !== 'none').map((r) => `- ${r.code}: ${cell(r.detail, 300)}`),
    ...(verdict === 'unavailable' && facts.looked_for.length > 0 ? [`looked for: ${facts.looked_for.map((l) => cell(l, 120)).join('; ')}`] : []),
  ].join('\n');
}
