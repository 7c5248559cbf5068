import { foreign, ToolError } from '../contract/index.js';
import { ambiguous, catalogue } from './catalogue.js';
import { cite, type Chip, type Cited, type Dtype } from './chip.js';

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Levenshtein distance; names are short, so the plain table is enough. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Names of the nearest devices, best first. */
function nearest(name: string, count: number): string[] {
  const wanted = plain(name).slice(0, 40);
  return catalogue
    .map((chip) => ({ soc: chip.soc, d: Math.min(...[chip.soc, ...chip.aliases].map((n) => distance(wanted, plain(n)))) }))
    .sort((a, b) => a.d - b.d || a.soc.localeCompare(b.soc))
    .slice(0, count)
    .map((c) => c.soc);
}

/**
 * The device of a name, with the caller's own numbers in place of the catalogue's: `Ascend910B3,clock_mhz=1500,memory_bytes_per_s=1.2e12`.
 * @throws ToolError E_ARG_TYPE as {@link findChip}, and for a field or a value that is not one of {@link ChipOverrides}
 */
export function chipOf(text: string): Chip {
  const [name = '', ...given] = text.split(',');
  const overrides: Record<string, number> = {};
  for (const item of given) {
    const [field = '', value = ''] = item.split('=').map((part) => part.trim());
    if (!overridable.some((known) => known === field)) throw new ToolError('E_ARG_TYPE', `chip has no field ${foreign(field, 40)}`, `after the name write field=number, fields: ${overridable.join(', ')}`);
    overrides[field] = value === '' ? NaN : Number(value);
  }
  return withOverrides(findChip(name), overrides);
}

/** Canonical text of what {@link chipOf} understood; the same device gives the same text. */
export function chipText(text: string): string {
  const [name = '', ...given] = text.split(',');
  chipOf(text);
  return [findChip(name).soc, ...given.map((item) => item.replaceAll(' ', '')).sort()].join(',');
}

/**
 * The device of a name: a soc_version (`Ascend910B3`, `Ascend910_9392`) or the short form npu-smi prints (`910B3`).
 * Case, blanks and punctuation do not matter.
 * @throws ToolError E_ARG_TYPE for an unknown name, with the nearest names; and for a product or family name that means several devices
 */
export function findChip(name: string): Chip {
  const wanted = plain(name);
  const hit = catalogue.find((chip) => [chip.soc, ...chip.aliases].some((n) => plain(n) === wanted));
  if (hit !== undefined) return hit;
  const several = Object.hasOwn(ambiguous, wanted) ? ambiguous[wanted] : undefined;
  if (several !== undefined) throw new ToolError('E_ARG_TYPE', `chip ${foreign(name, 40)} is not one device: ${several.why}`, `give one of ${several.candidates.join(', ')}; npu-smi info -t board -i 0 -c 0 prints Chip Name and NPU Name`);
  throw new ToolError('E_ARG_TYPE', `chip ${foreign(name, 40)} is not in the catalogue`, `nearest: ${nearest(name, 3).join(', ')}; or give hbm_bytes and the clock by hand`);
}

/**
 * The soc_version out of what npu-smi prints.
 * A2 and 310P: "Ascend" and the Name column. A3 and 950: Chip Name and NPU Name of `npu-smi info -t board`, joined by "_".
 * Source: hiascend aoepar_16_060, vllm-ascend setup.py.
 */
export function socVersion(chipName: string, npuName: string | null): string {
  const base = chipName.startsWith('Ascend') ? chipName : `Ascend${chipName}`;
  return npuName === null || npuName === '' ? base : `${base}_${npuName}`;
}

const overridable = ['cube_cores', 'vector_cores', 'clock_mhz', 'memory_visible_bytes', 'memory_bytes_per_s', 'l2_bytes', 'link_bytes_per_s', 'network_bytes_per_s', 'domain_devices'] as const;

/** What a card said about itself, or the user knows. */
export type ChipOverrides = Readonly<Partial<Record<(typeof overridable)[number], number>>>;

function replaced(value: number | undefined, before: Cited | null): Cited | null {
  if (value === undefined) return before;
  return cite(value, 'override', 'high', before === null ? [] : [[before.value, before.source], ...before.alternatives.map((a) => [a.value, a.source] as const)]);
}

/** The chip with numbers read from the card in place of the catalogue's; those become alternatives. @throws ToolError E_ARG_TYPE when a value is not a positive number */
export function withOverrides(chip: Chip, overrides: ChipOverrides): Chip {
  for (const [field, value] of Object.entries(overrides)) {
    const number: unknown = value;
    if (number !== undefined && (typeof number !== 'number' || !Number.isFinite(number) || number <= 0)) throw new ToolError('E_ARG_TYPE', `${field} is not a positive number`, `give ${field} as a positive number`);
  }
  return {
    ...chip,
    cube_cores: replaced(overrides.cube_cores, chip.cube_cores) ?? chip.cube_cores,
    vector_cores: replaced(overrides.vector_cores, chip.vector_cores) ?? chip.vector_cores,
    clock_mhz: replaced(overrides.clock_mhz, chip.clock_mhz) ?? chip.clock_mhz,
    memory_visible_bytes: replaced(overrides.memory_visible_bytes, chip.memory_visible_bytes),
    memory_bytes_per_s: replaced(overrides.memory_bytes_per_s, chip.memory_bytes_per_s) ?? chip.memory_bytes_per_s,
    l2_bytes: replaced(overrides.l2_bytes, chip.l2_bytes),
    fabric: fabricWith(chip, overrides),
  };
}

/** A device without known links gets a switched one when the caller names its speed. */
function fabricWith({ fabric }: Chip, { link_bytes_per_s: link, network_bytes_per_s: network, domain_devices: domain }: ChipOverrides): Chip['fabric'] {
  const speed = replaced(link, fabric?.link_bytes_per_s ?? null);
  if (speed === null) return fabric;
  return {
    topology: fabric?.topology ?? 'switched',
    domain_devices: domain ?? fabric?.domain_devices ?? 8,
    link_bytes_per_s: speed,
    network_bytes_per_s: replaced(network, fabric?.network_bytes_per_s ?? null),
    latency_us: fabric?.latency_us ?? null,
    network_latency_us: fabric?.network_latency_us ?? null,
  };
}

/** Cube peak in FLOP/s: cores × clock × FLOP per cycle; null: the cube has no such mode. Source: msprof-analyze operator_mfu. */
export function cubePeak(chip: Chip, dtype: Dtype): number | null {
  const perCycle = chip.cube_flops_per_cycle[dtype];
  return perCycle === null ? null : chip.cube_cores.value * chip.clock_mhz.value * 1e6 * perCycle;
}

/** Vector FP16 peak in FLOP/s; null: not known. */
export function vectorPeak(chip: Chip): number | null {
  return chip.vector_flops_per_cycle === null ? null : chip.vector_cores.value * chip.clock_mhz.value * 1e6 * chip.vector_flops_per_cycle;
}

/**
 * Lowest and highest cube peak in FLOP/s over every reading of cores and clock.
 * A lower bound of a time is safe only with `high`.
 */
export function cubePeakRange(chip: Chip, dtype: Dtype): { readonly low: number; readonly high: number } | null {
  const perCycle = chip.cube_flops_per_cycle[dtype];
  if (perCycle === null) return null;
  const all = (c: Cited): number[] => [c.value, ...c.alternatives.map((a) => a.value)];
  const cores = all(chip.cube_cores);
  const clocks = all(chip.clock_mhz);
  const scale = 1e6 * perCycle;
  return { low: Math.min(...cores) * Math.min(...clocks) * scale, high: Math.max(...cores) * Math.max(...clocks) * scale };
}

/**
 * The device as models/ needs it for step times: plain numbers, nothing to look up.
 * @param chip from {@link findChip}, perhaps through {@link withOverrides}
 */
export function roofOf(chip: Chip): {
  readonly name: string;
  readonly cube_flops_per_s: Readonly<Record<Dtype, number | null>>;
  readonly vector_flops_per_s: number | null;
  readonly memory_bytes_per_s: number;
  readonly l2_bytes: number | null;
  readonly links: {
    readonly topology: 'full-mesh' | 'switched';
    readonly domain_devices: number;
    readonly link_bytes_per_s: number;
    readonly network_bytes_per_s: number | null;
  } | null;
} {
  const peak = (dtype: Dtype): number | null => cubePeak(chip, dtype);
  return {
    name: chip.soc,
    cube_flops_per_s: { fp32: peak('fp32'), fp16: peak('fp16'), bf16: peak('bf16'), int8: peak('int8'), fp8: peak('fp8'), int4: peak('int4'), fp4: peak('fp4') },
    vector_flops_per_s: vectorPeak(chip),
    memory_bytes_per_s: chip.memory_bytes_per_s.value,
    l2_bytes: chip.l2_bytes?.value ?? null,
    links: chip.fabric === null ? null : {
      topology: chip.fabric.topology,
      domain_devices: chip.fabric.domain_devices,
      link_bytes_per_s: chip.fabric.link_bytes_per_s.value,
      network_bytes_per_s: chip.fabric.network_bytes_per_s?.value ?? null,
    },
  };
}

/**
 * The device at the highest of all its readings: a time below the bound computed with it is impossible, whichever source is right.
 */
export function highestRoofOf(chip: Chip): ReturnType<typeof roofOf> {
  const most = (c: Cited): number => Math.max(c.value, ...c.alternatives.map((a) => a.value));
  const raised = (c: Cited): Cited => ({ ...c, value: most(c) });
  const { fabric } = chip;
  return roofOf({
    ...chip,
    cube_cores: raised(chip.cube_cores),
    vector_cores: raised(chip.vector_cores),
    clock_mhz: raised(chip.clock_mhz),
    memory_bytes_per_s: raised(chip.memory_bytes_per_s),
    fabric: fabric === null ? null : { ...fabric, link_bytes_per_s: raised(fabric.link_bytes_per_s), network_bytes_per_s: fabric.network_bytes_per_s === null ? null : raised(fabric.network_bytes_per_s) },
  });
}
