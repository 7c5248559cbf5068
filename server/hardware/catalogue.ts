import { cite, type Chip, type Cited, type Dtype, type Fabric } from './chip.js';
import { atlas350, dt950, pr950 } from './catalogue950.js';

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
const KiB = 1024;
const GB = 1e9;
const TB = 1e12;

/** 16·16·16 multiply-adds are 8192 FLOP; INT8 doubles K, INT4 doubles it again ([DtypeMKN] of the platform file); no FP8 in C220. */
const c220: Readonly<Record<Dtype, number | null>> = { fp32: null, fp16: 8192, bf16: 8192, int8: 16384, fp8: null, int4: 32768, fp4: null };
const c220Sram = { l1_bytes: 512 * KiB, l0a_bytes: 64 * KiB, l0b_bytes: 64 * KiB, l0c_bytes: 128 * KiB, ub_bytes: 192 * KiB, l2_line_bytes: 512, source: 'pypto', confidence: 'high' } as const;

/** HCCS of Atlas A2: 392 GB/s printed as the sum of both directions over 7 links, so 28 GB/s per direction and peer. */
const meshA2: Fabric = {
  topology: 'full-mesh',
  domain_devices: 8,
  link_bytes_per_s: cite(28 * GB, 'specSheet', 'high'),
  network_bytes_per_s: cite(25 * GB, 'specSheet', 'medium', [[24.5 * GB, 'msmodeling']]),
  latency_us: cite(0.5, 'msmodeling', 'low'),
  network_latency_us: cite(1.5, 'msmodeling', 'low'),
};

/** A3: 784 GB/s between two modules, both directions, and a module is two dies: 196 GB/s per die and direction. */
const switchedA3: Fabric = {
  topology: 'switched',
  domain_devices: 16,
  link_bytes_per_s: cite(196 * GB, 'specSheet', 'high', [[196 * GB, 'msmodeling'], [196 * GB, 'cloudMatrix']]),
  network_bytes_per_s: cite(196 * GB, 'msmodeling', 'medium', [[24.5 * GB, 'msmodeling'], [25 * GB, 'specSheet']]),
  latency_us: null,
  network_latency_us: cite(5.5, 'msmodeling', 'low'),
};

const visible64 = cite(65_452_113_920, 'meminfo', 'high', [[Math.round(61.27 * GiB), 'meminfo']]);
const l2Read = (cores: number, mhz: number): Cited => cite(110 * cores * mhz * 1e6, 'a3Note', 'medium');

const a2 = {
  family: 'A2',
  device: 'one card',
  cube_flops_per_cycle: c220,
  vector_flops_per_cycle: 256,
  memory_kind: 'HBM',
  sram: c220Sram,
  fabric: meshA2,
} as const;
const big = {
  memory_nominal_bytes: cite(64 * GiB, 'specSheet', 'high'),
  memory_visible_bytes: visible64,
  memory_bytes_per_s: cite(1.6 * TB, 'specSheet', 'high'),
} as const;
const a3 = {
  ...a2,
  family: 'A3',
  device: 'one die; a package holds two',
  memory_nominal_bytes: cite(64 * GiB, 'specSheet', 'high'),
  memory_visible_bytes: cite(65_452_113_920, 'analogy', 'medium'),
  memory_bytes_per_s: cite(1.6 * TB, 'specSheet', 'high'),
  fabric: switchedA3,
} as const;
const packageNote = 'product sheets print a package of two dies: twice the FLOPS, memory and bandwidth of this row';
const sioNote = 'between the two dies of a package 224 GB/s per direction (msmodeling, light-llm-simulator; not confirmed)';

const a2Chips: readonly Chip[] = [
  {
    ...a2, ...big, soc: 'Ascend910B1', aliases: ['910B1', 'A2G3'],
    cube_cores: cite(24, 'pypto', 'medium', [[25, 'dvm']]),
    vector_cores: cite(48, 'pypto', 'medium', [[50, 'dvm']]),
    clock_mhz: cite(1850, 'pypto', 'medium', [[1800, 'npuSmi910b1']]),
    marketing_fp16_tflops: null,
    l2_bytes: cite(192 * MiB, 'dvm', 'high'), l2_bytes_per_s: l2Read(24, 1850),
    notes: ['three readings of cores and clock disagree (353.9 to 378.9 TFLOPS): read the card with npu-smi info -t common'],
  },
  {
    ...a2, ...big, soc: 'Ascend910B2', aliases: ['910B2'],
    cube_cores: cite(24, 'agentSkills', 'high', [[24, 'dvm']]), vector_cores: cite(48, 'agentSkills', 'high'), clock_mhz: cite(1800, 'torchNpu910b2c', 'high'),
    marketing_fp16_tflops: cite(376, 'specSheet', 'high'), l2_bytes: cite(192 * MiB, 'dvm', 'high'), l2_bytes_per_s: l2Read(24, 1800), notes: [],
  },
  {
    ...a2, ...big, soc: 'Ascend910B2C', aliases: ['910B2C'],
    cube_cores: cite(24, 'torchNpu910b2c', 'medium', [[24, 'dvm']]), vector_cores: cite(48, 'torchNpu910b2c', 'medium'), clock_mhz: cite(1800, 'torchNpu910b2c', 'medium'),
    marketing_fp16_tflops: null, l2_bytes: cite(192 * MiB, 'dvm', 'medium'), l2_bytes_per_s: l2Read(24, 1800), notes: [],
  },
  {
    ...a2, ...big, soc: 'Ascend910B3', aliases: ['910B3'],
    cube_cores: cite(20, 'npuSmi910b3', 'high', [[20, 'dvm']]), vector_cores: cite(40, 'agentSkills', 'high'), clock_mhz: cite(1800, 'npuSmi910b3', 'high'),
    marketing_fp16_tflops: cite(313, 'specSheet', 'high'), l2_bytes: cite(192 * MiB, 'dvm', 'high'), l2_bytes_per_s: l2Read(20, 1800),
    notes: ['an Atlas A2 part; A3 parts are Ascend910_93xx'],
  },
  {
    ...a2, soc: 'Ascend910B4', aliases: ['910B4'],
    cube_cores: cite(20, 'dvm', 'high', [[20, 'specSheet']]), vector_cores: cite(40, 'agentSkills', 'high'),
    clock_mhz: cite(1500, 'ini910b41', 'low', [[1610, 'specSheet'], [1650, 'msAgent']]),
    marketing_fp16_tflops: cite(280, 'specSheet', 'high'),
    memory_nominal_bytes: cite(32 * GiB, 'specSheet', 'high'), memory_visible_bytes: null, memory_bytes_per_s: cite(0.8 * TB, 'specSheet', 'high'),
    l2_bytes: cite(96 * MiB, 'dvm', 'medium'), l2_bytes_per_s: l2Read(20, 1500),
    notes: ['280 TFLOPS of the sheet imply about 1610 MHz, the platform file of the sibling says 1500: read the card'],
  },
  {
    ...a2, soc: 'Ascend910B4-1', aliases: ['910B4-1'],
    cube_cores: cite(20, 'ini910b41', 'high', [[20, 'dvm']]), vector_cores: cite(40, 'ini910b41', 'high'),
    clock_mhz: cite(1500, 'ini910b41', 'medium', [[1610, 'specSheet'], [1650, 'msAgent']]),
    marketing_fp16_tflops: cite(280, 'specSheet', 'medium'),
    ...big, l2_bytes: cite(96 * MiB, 'dvm', 'medium'), l2_bytes_per_s: l2Read(20, 1500), notes: [],
  },
];

/** 9391 and 9392 (likewise 9381 and 9382) differ in nothing the sources know. */
const pair = (chip: Omit<Chip, 'soc' | 'aliases'>, numbers: readonly string[]): Chip[] => numbers.map((n) => ({ ...chip, soc: `Ascend910_${n}`, aliases: [`910_${n}`, n] }));

const a3Chips: readonly Chip[] = [
  ...pair({
    ...a3,
    cube_cores: cite(24, 'a3Note', 'high', [[25, 'dvm']]), vector_cores: cite(48, 'a3Note', 'high', [[50, 'dvm']]), clock_mhz: cite(1850, 'a3Note', 'high'),
    marketing_fp16_tflops: cite(376, 'specSheet', 'high'), l2_bytes: cite(192 * MiB, 'dvm', 'high'), l2_bytes_per_s: l2Read(24, 1850),
    notes: [packageNote, sioNote, 'npu-smi prints Aicore Count 25 while the platform file gives 24 usable cores'],
  }, ['9391', '9392']),
  ...pair({
    ...a3,
    cube_cores: cite(24, 'dvm', 'medium'), vector_cores: cite(48, 'dvm', 'medium'), clock_mhz: cite(1800, 'torchNpu910b2c', 'medium'),
    marketing_fp16_tflops: cite(376, 'specSheet', 'medium'), l2_bytes: cite(192 * MiB, 'dvm', 'medium'), l2_bytes_per_s: l2Read(24, 1800),
    notes: [packageNote, sioNote],
  }, ['9381', '9382']),
  ...pair({
    ...a3,
    cube_cores: cite(20, 'dvm', 'low'), vector_cores: cite(40, 'derived', 'low'), clock_mhz: cite(1800, 'analogy', 'low'),
    marketing_fp16_tflops: cite(313, 'specSheet', 'low'), l2_bytes: cite(192 * MiB, 'dvm', 'low'), l2_bytes_per_s: null,
    notes: [packageNote, sioNote, 'clock taken from 910B3'],
  }, ['9372']),
  ...pair({
    ...a3,
    cube_cores: cite(20, 'dvm', 'low'), vector_cores: cite(40, 'derived', 'low'), clock_mhz: cite(1500, 'analogy', 'low', [[1610, 'specSheet'], [1650, 'msAgent']]),
    marketing_fp16_tflops: cite(280, 'specSheet', 'low'), l2_bytes: cite(168 * MiB, 'dvm', 'low'), l2_bytes_per_s: null,
    notes: [packageNote, sioNote, 'die of the Atlas 800I A3 (560 T per package); clock taken from 910B4'],
  }, ['9362']),
  ...pair({
    ...a3,
    cube_cores: cite(20, 'dvm', 'low', [[24, 'pypto']]), vector_cores: cite(40, 'derived', 'low', [[48, 'pypto']]), clock_mhz: cite(1500, 'analogy', 'low', [[1850, 'pypto']]),
    marketing_fp16_tflops: null,
    memory_nominal_bytes: cite(64 * GiB, 'analogy', 'low', [[32 * GiB, 'pypto']]), memory_visible_bytes: null,
    l2_bytes: cite(168 * MiB, 'dvm', 'low', [[192 * MiB, 'pypto']]), l2_bytes_per_s: null,
    notes: [packageNote, 'the two known platform files contradict each other in cores, memory and L2: read the card'],
  }, ['9363']),
];

/** Unified AI cores, no split vector cores in the Atlas A2 sense; BF16 does not exist on this part. */
const a310p3: Chip = {
  soc: 'Ascend310P3', family: '310P', device: 'one chip; a 300I Duo card holds two', aliases: ['310P3', 'Atlas 300I Duo'],
  cube_cores: cite(8, 'coreDump310', 'high'),
  vector_cores: cite(7, 'coreDump310', 'medium'),
  clock_mhz: cite(1070, 'derived', 'low', [[1080, 'derived']]),
  cube_flops_per_cycle: { fp32: null, fp16: 8192, bf16: null, int8: 16384, fp8: null, int4: null, fp4: null },
  vector_flops_per_cycle: null,
  marketing_fp16_tflops: cite(70, 'derived', 'low'),
  memory_kind: 'DDR',
  memory_nominal_bytes: cite(48 * GiB, 'specSheet', 'high', [[24 * GiB, 'specSheet']]),
  memory_visible_bytes: null,
  memory_bytes_per_s: cite(204 * GB, 'specSheet', 'high'),
  l2_bytes: null, l2_bytes_per_s: null, sram: null, fabric: null,
  notes: ['clock inferred from 280 INT8 TOPS per card of 16 cores', 'a card comes with 48 or 96 GB: 24 or 48 GB per chip', 'no BF16'],
};

/** Every known device, one row each. */
export const catalogue: readonly Chip[] = [...a2Chips, ...a3Chips, a310p3, ...atlas350, ...pr950, ...dt950];

/** Names that mean more than one device: products and family names, with what they may be. */
export const ambiguous: Readonly<Record<string, { readonly why: string; readonly candidates: readonly string[] }>> = {
  atlas800ta2: { why: 'an Atlas 800T A2 carries 910B3 or 910B2', candidates: ['Ascend910B3', 'Ascend910B2'] },
  atlas800ia2: { why: 'an Atlas 800I A2 carries 910B4 or 910B4-1', candidates: ['Ascend910B4', 'Ascend910B4-1'] },
  atlas300ia2: { why: 'a 300I A2 carries 910B4 or 910B4-1', candidates: ['Ascend910B4', 'Ascend910B4-1'] },
  atlas800ta3: { why: 'an Atlas 800T A3 comes with 752 T or 626 T packages', candidates: ['Ascend910_9392', 'Ascend910_9382', 'Ascend910_9372'] },
  atlas800ia3: { why: 'the die of an Atlas 800I A3 (560 T) is known with low confidence', candidates: ['Ascend910_9362'] },
  ascend910: { why: 'the Name column of npu-smi info says Ascend910 for every A3 die', candidates: ['Ascend910_9392', 'Ascend910_9382', 'Ascend910_9372', 'Ascend910_9362'] },
  '910c': { why: '910C is a package of two dies; ranks are dies', candidates: ['Ascend910_9392', 'Ascend910_9382', 'Ascend910_9372', 'Ascend910_9362'] },
  ascend910c: { why: '910C is a package of two dies; ranks are dies', candidates: ['Ascend910_9392', 'Ascend910_9382', 'Ascend910_9372', 'Ascend910_9362'] },
  '910b': { why: '910B is a family', candidates: ['Ascend910B1', 'Ascend910B2', 'Ascend910B3', 'Ascend910B4'] },
  ascend910b: { why: '910B is a family', candidates: ['Ascend910B1', 'Ascend910B2', 'Ascend910B3', 'Ascend910B4'] },
  ascend950pr: { why: '950PR parts differ in cores', candidates: ['Ascend950PR_9579', 'Ascend950PR_9589', 'Ascend950PR_9599', 'Atlas350'] },
  ascend950dt: { why: '950DT parts differ in cores and memory', candidates: ['Ascend950DT_9572', 'Ascend950DT_9581', 'Ascend950DT_9582'] },
};
