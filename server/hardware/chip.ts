/** How far a number may be trusted. high: two independent public sources, or exact arithmetic; medium: one good source; low: inferred, or sources disagree. */
export type Confidence = 'high' | 'medium' | 'low';

/** Where a number of the catalogue was read. */
export const sources = {
  pypto: 'hicann/pypto platform_config/*.ini (CANN platform files: cores, clocks, SRAM, ddr_rate)',
  dvm: 'DVM soc_configs table: SoC name to cores, L2 size and L2:DDR ratio, "from CANN platform_config ini"',
  agentSkills: 'Ascend agent-skills: cores per SoC, npu-smi notes',
  specSheet: 'product specification sheets of Atlas 800T/800I A2 and A3, 300I A2, 300I Duo and Atlas 350, read in a third-party transcription',
  npuSmi910b1: 'npu-smi dump of a 910B1 (arthurchiao.art)',
  npuSmi910b3: 'npu-smi info -t common of two 910B3 hosts: Aicore Count 20, Freq 1800',
  torchNpu910b2c: 'npu-smi and torch_npu device properties of a 910B2C, whose log also names Ascend910_9382.ini',
  ini910b41: 'Ascend910B4-1.ini of CANN 9.0.0, quoted in a vllm-ascend fork',
  a3Note: 'roofline note with npu-smi, platform ini and kernel times of an A3 die',
  msAgent: 'msAgent op-mfu-calculator: peak per SoC',
  msmodeling: 'Ascend/msmodeling tensor_cast/device.py',
  lightSim: 'light-llm-simulator conf/hardware_config.py',
  identity: 'identity of the cube unit: 16·16·16 multiply-adds per cycle at FP16, K doubled at INT8 and FP8 (msprof-analyze operator_mfu)',
  vectorIdentity: 'identity of the vector unit: marketing FP16 minus cube FP16, exact on Atlas 350, 910B2 and 910B3',
  derived: 'arithmetic over other entries of this row',
  analogy: 'by analogy with a sibling part; no reading of this part is known',
  meminfo: 'aclrtGetMemInfo total in logs: 910B2C host, and vllm-ascend issue 3843 on a 910B4-1',
  coreDump310: 'device dump of a 310P3: 8 AI cores, 7 vector cores',
  cloudMatrix: 'CloudMatrix384 paper: above 392 GB/s one-way per NPU package',
  override: 'given by the caller',
} as const;
export type Source = keyof typeof sources;

/** One number with its provenance. Where sources disagree, the other readings stand in `alternatives`. */
export interface Cited {
  readonly value: number;
  readonly source: Source;
  readonly confidence: Confidence;
  readonly alternatives: readonly { readonly value: number; readonly source: Source }[];
}

export type Dtype = 'fp32' | 'fp16' | 'bf16' | 'int8' | 'fp8' | 'int4' | 'fp4';
export type Family = 'A2' | 'A3' | '310P' | '950';

/**
 * The links of one device, all per direction (product sheets print the sum of both directions).
 * `full-mesh`: a link of its own to every peer, so a group of g devices uses g−1 of them.
 * `switched`: one uplink, the same for every group size.
 */
export interface Fabric {
  readonly topology: 'full-mesh' | 'switched';
  /** Devices that reach one another over it without leaving for the network. */
  readonly domain_devices: number;
  /** Full mesh: per peer. Switched: per device. Bytes per second, one direction. */
  readonly link_bytes_per_s: Cited;
  /** From device to device of another server, bytes per second, one direction; null: unknown. */
  readonly network_bytes_per_s: Cited | null;
  /** Start of one transfer, µs; weak numbers, marked to be confirmed in their own source. */
  readonly latency_us: Cited | null;
  readonly network_latency_us: Cited | null;
}

/** One device as the software enumerates it. On A3 that is one die: half of what the product sheet calls an NPU. */
export interface Chip {
  /** soc_version, e.g. `Ascend910B3`; a product name where the SoC suffix is not established. */
  readonly soc: string;
  readonly family: Family;
  /** What one rank holds, in words. */
  readonly device: string;
  readonly aliases: readonly string[];
  readonly cube_cores: Cited;
  readonly vector_cores: Cited;
  readonly clock_mhz: Cited;
  /** FLOP per cycle and cube core; null: the cube has no such mode, or none is known. */
  readonly cube_flops_per_cycle: Readonly<Record<Dtype, number | null>>;
  /** FP16 FLOP per cycle and vector core; null: not known. */
  readonly vector_flops_per_cycle: number | null;
  /** FP16 as the product sheet prints it, cube and vector added; per device, never per package. */
  readonly marketing_fp16_tflops: Cited | null;
  readonly memory_kind: 'HBM' | 'DDR';
  readonly memory_nominal_bytes: Cited;
  /** What aclrtGetMemInfo reports as total; null: no reading is known. */
  readonly memory_visible_bytes: Cited | null;
  readonly memory_bytes_per_s: Cited;
  readonly l2_bytes: Cited | null;
  /** Read bandwidth of L2, whole device. */
  readonly l2_bytes_per_s: Cited | null;
  /** Per core; L1, L0A, L0B and L0C belong to a cube core, UB to a vector core. */
  readonly sram: {
    readonly l1_bytes: number;
    readonly l0a_bytes: number;
    readonly l0b_bytes: number;
    readonly l0c_bytes: number;
    readonly ub_bytes: number;
    readonly l2_line_bytes: number;
    readonly source: Source;
    readonly confidence: Confidence;
  } | null;
  readonly fabric: Fabric | null;
  readonly notes: readonly string[];
}

/** A cited number. `others` are the readings that disagree. */
export function cite(value: number, source: Source, confidence: Confidence, others: readonly (readonly [number, Source])[] = []): Cited {
  return { value, source, confidence, alternatives: others.map(([other, from]) => ({ value: other, source: from })) };
}
