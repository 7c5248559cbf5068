import { cite, type Chip, type Dtype, type Fabric } from './chip.js';

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
const KiB = 1024;
const GB = 1e9;
const TB = 1e12;
const clockMhz = 1650;

/** [DtypeMKN] of the C310 platform files: K = 8 at FP32, 16 at FP16, 32 at INT8 and FP8, 64 at INT4 and FP4. */
const c310: Readonly<Record<Dtype, number | null>> = { fp32: 4096, fp16: 8192, bf16: 8192, int8: 16384, fp8: 16384, int4: 32768, fp4: 32768 };

const common = {
  family: '950',
  clock_mhz: cite(clockMhz, 'pypto', 'high'),
  cube_flops_per_cycle: c310,
  vector_flops_per_cycle: 512,
  memory_kind: 'HBM',
  memory_visible_bytes: null,
  l2_bytes_per_s: null,
  sram: { l1_bytes: 512 * KiB, l0a_bytes: 64 * KiB, l0b_bytes: 64 * KiB, l0c_bytes: 256 * KiB, ub_bytes: 253_952, l2_line_bytes: 256, source: 'pypto', confidence: 'high' },
} as const;

/** UB bridge of four cards: 318 GB/s printed for both directions; two cards reach 424. PCIe 5.0 ×16 beyond it. */
const bridge: Fabric = {
  topology: 'switched',
  domain_devices: 4,
  link_bytes_per_s: cite(159 * GB, 'specSheet', 'medium', [[212 * GB, 'specSheet']]),
  network_bytes_per_s: cite(64 * GB, 'specSheet', 'medium'),
  latency_us: null,
  network_latency_us: null,
};

export const atlas350: readonly Chip[] = [
  {
    ...common, soc: 'Atlas350', device: 'one card', aliases: [],
    cube_cores: cite(28, 'specSheet', 'high', [[28, 'dvm']]), vector_cores: cite(56, 'specSheet', 'high'),
    marketing_fp16_tflops: cite(425, 'specSheet', 'high'),
    memory_nominal_bytes: cite(112 * GiB, 'specSheet', 'high', [[84 * GiB, 'specSheet']]),
    memory_bytes_per_s: cite(1.4 * TB, 'specSheet', 'high'),
    l2_bytes: cite(112 * MiB, 'dvm', 'low', [[96 * MiB, 'dvm']]),
    fabric: bridge,
    notes: ['an Ascend950PR; the SoC suffix 957b or 957d is inferred', 'sold with 112 or 84 GB'],
  },
];

/** DDR bandwidth by the platform file: cores · ddr_rate bytes per cycle · clock; reproduces the sheet on 950 (1.43 against 1.4, 1.64 against 1.6 TB/s). */
const byRate = (cores: number, ddrRate: number): number => cores * ddrRate * clockMhz * 1e6;

export const pr950: readonly Chip[] = [['9579', 28], ['9589', 32], ['9599', 36]].map(([suffix, cores]): Chip => {
  const count = Number(cores);
  return {
    ...common, soc: `Ascend950PR_${String(suffix)}`, device: 'one card', aliases: [`950PR_${String(suffix)}`],
    cube_cores: cite(count, 'pypto', 'medium', [[count, 'dvm']]), vector_cores: cite(2 * count, 'pypto', 'medium'),
    marketing_fp16_tflops: null,
    memory_nominal_bytes: cite(128 * GiB, 'pypto', 'medium'),
    memory_bytes_per_s: cite(1.6 * TB, 'msmodeling', 'medium', [[byRate(count, 31), 'pypto']]),
    l2_bytes: cite(128 * MiB, 'pypto', 'medium', [[128 * MiB, 'dvm']]),
    fabric: null,
    notes: [],
  };
});

/** Suffix, cores, L2 MiB, bytes per cycle and core to HBM (100 ÷ the L2:DDR ratio of the table), and memory where a platform file is public. */
const dtRows: readonly (readonly [string, number, number, number, number | null])[] = [
  ['9571', 28, 128, 80, null], ['9572', 28, 128, 80, 96], ['9573', 28, 112, 70, null], ['9574', 28, 112, 70, null],
  ['9575', 28, 128, 61, null], ['9576', 28, 128, 61, null], ['9577', 28, 112, 54, null], ['9578', 28, 112, 54, null],
  ['9581', 32, 128, 80, 144], ['9582', 32, 128, 80, 96], ['9583', 32, 112, 70, null], ['9584', 32, 112, 70, null],
  ['9585', 32, 128, 61, null], ['9586', 32, 128, 61, null], ['9587', 32, 112, 54, null], ['9588', 32, 112, 54, null],
  ['9591', 36, 128, 80, null], ['9592', 36, 128, 80, null], ['9595', 36, 128, 61, null], ['9596', 36, 128, 61, null],
  ['95A1', 36, 128, 80, null], ['95A2', 36, 128, 80, null],
];

export const dt950: readonly Chip[] = dtRows.map(([suffix, cores, l2, rate, memory]): Chip => ({
  ...common, soc: `Ascend950DT_${suffix}`, device: 'one card', aliases: [`950DT_${suffix}`],
  cube_cores: cite(cores, 'dvm', 'medium'), vector_cores: cite(2 * cores, 'derived', 'medium'),
  marketing_fp16_tflops: null,
  memory_nominal_bytes: memory === null ? cite(96 * GiB, 'analogy', 'low', [[144 * GiB, 'analogy']]) : cite(memory * GiB, 'pypto', 'medium'),
  memory_bytes_per_s: cite(byRate(cores, rate), memory === null ? 'dvm' : 'pypto', 'low'),
  l2_bytes: cite(l2 * MiB, 'dvm', 'medium'),
  fabric: null,
  notes: ['HBM bandwidth is the rate of the platform file, not a product sheet', ...(memory === null ? ['96 or 144 GB: not established for this suffix'] : [])],
}));
