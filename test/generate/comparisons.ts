import type { PerfMetrics, PerfPoint, RunManifest } from '../../server/contract/index.js';
import type { Host } from '../../server/host/host.js';
import type { ManifestPatch } from '../../server/runs/manifest.js';
import { Runs } from '../../server/runs/runs.js';
import { Random } from '../../server/sim/random.js';

/** Standard normal, Box and Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** `n` service starts around `mean` with the given spread; `tail` draws Student t with 3 degrees of freedom, scaled to the same spread. */
export function starts(random: Random, n: number, mean: number, cvPct: number, tail = false): number[] {
  return Array.from({ length: n }, () => {
    const z = normal(random);
    if (!tail) return mean * (1 + (cvPct / 100) * z);
    const chi = normal(random) ** 2 + normal(random) ** 2 + normal(random) ** 2;
    return mean * (1 + (cvPct / 100) * (z / Math.sqrt(chi / 3) / Math.sqrt(3)));
  });
}

const sha = (c: string): string => c.repeat(64);

/** Everything one planted run root is made from. */
export interface RunPlant {
  manifest: Required<Pick<ManifestPatch, 'code' | 'environment' | 'model' | 'service' | 'workload'>>;
  stated: boolean;
  level: RunManifest['identity']['level'];
  simulated: boolean;
  env: Record<'before' | 'idle' | 'after', 'clean' | 'contaminated' | null>;
  capture: { attached_at: string; detached_at: string } | null;
  raw: boolean;
  tool: 'bench_start' | 'bench_import';
  point: PerfPoint;
  serviceStartedAt: string;
}

export function instant(minute: number): string {
  return new Date(Date.UTC(2026, 10, 24, 0, minute)).toISOString();
}

/** A run without any fault. @param slot its place in the campaign's order, one service start every 10 minutes */
export function cleanRun(side: 'baseline' | 'candidate', slot: number, outputTps: number): RunPlant {
  const at = slot * 10;
  const latency = (ms: number): PerfPoint['ttft_ms'] => ({ mean: ms, p50: ms * 0.98, p90: ms * 1.2, p95: ms * 1.3, p99: ms * 1.5 });
  const candidate = side === 'candidate';
  return {
    level: 'formal',
    stated: false,
    simulated: false,
    env: { before: 'clean', idle: 'clean', after: 'clean' },
    capture: null,
    raw: true,
    tool: 'bench_start',
    serviceStartedAt: instant(at),
    manifest: {
      code: { repo: 'https://example.org/xllm', commit: candidate ? 'bbbbbbb' : 'aaaaaaa', dirty: false },
      environment: { host: 'npu-1', chip: 'Ascend910B3', devices: [0, 1], cann_version: '8.5.0', driver_version: '25.2.0' },
      model: { name: 'demo', weights_sha256: sha('1'), tokenizer_sha256: sha('2'), dtype: 'bfloat16', quantization: 'none' },
      service: { framework: 'xllm', framework_version: '0.7', command: [['xllm', '--port', String(8000 + slot), ...(candidate ? ['--enable_graph', 'true'] : [])]], prefix_cache: false, profiling_mode: false, started_at: instant(at) },
      workload: { client: 'evalscope', client_version: '1.10.0', command: [['evalscope', 'perf']], dataset: 'random', input_tokens: 1024, output_tokens: 128, parallel: [4], number: [400], warmup: 8, stream: true, temperature: 0, ignore_eos: true },
    },
    point: {
      id: 'parallel_4_number_400', parallel: 4, rate: null, number: 400, success: 400, failed: 0, duration_s: 200, warmup: 8, repeats: 1, stream: true,
      started_at: instant(at + 3), ended_at: instant(at + 7), graph_captures: 0,
      sampling: { temperature: 0, top_p: null, top_k: null, seed: null, ignore_eos: true },
      ttft_ms: latency(120), tpot_ms: latency(20_000 / outputTps), itl_ms: latency(20_000 / outputTps), e2el_ms: latency(2600),
      output_tps: outputTps, total_tps: outputTps * 9, request_tps: outputTps / 128, input_tokens: { mean: 1024 }, output_tokens: { mean: 128 }, speculative: null,
      client: { name: 'evalscope', version: '1.10.0', output_generation: '3' },
    },
  };
}

/** Writes the run root a plant describes, as the tools would. @returns run id */
export async function writePlant(host: Host, plant: RunPlant, name: string): Promise<string> {
  const by = { tool: plant.tool, input: {} };
  const run = await new Runs(host).create({ purpose: `plant ${name}`, level: plant.level }, { tool: 'run_create', input: {} });
  await run.updateManifest({ tool: 'service_start', input: {} }, plant.stated ? 'stated' : 'captured', { ...plant.manifest, ...(plant.simulated ? { simulated: true } : {}) });
  const computed = async (path: string, kind: string, schema: 'env-snapshot' | 'perf-metrics' | 'capture-record', body: object, sources: string[]): Promise<void> => {
    await run.writeComputed(by, { by: 'planted', params: {} }, { files: [{ path, kind, schema, body }], sources, simulated: plant.simulated });
  };
  for (const [phase, verdict] of Object.entries(plant.env)) {
    if (verdict === null) continue;
    await computed(`env/${phase}.json`, 'env-snapshot', 'env-snapshot', { phase, verdict, origin: 'host', chips: [], driver_version: null, npu_smi_version: null, cann_version: null, frameworks: [], reasons: [], looked_for: [] }, []);
  }
  if (plant.capture !== null) {
    const none = { requests: 0, ok: 0, failed: 0, cut: 0, events: 0, prompt_tokens: null, completion_tokens: null };
    const body = { job: 'p', tool: 'msprof', phase: 'decode', service_job: null, endpoint: 'http://127.0.0.1:1', pids: [1], command: [], started_at: null, stopped_at: null, workload: { api: 'chat', model: null, seed: 's', parallel: 1, batches: 1, warmup_batches: 0, input_tokens: 1, output_tokens: 1, warmup: none, during: none }, acks: [], folders: [], checks: [], verdict: 'complete', reasons: [], ...plant.capture };
    await computed('profiling/p/capture.json', 'capture-record', 'capture-record', body, []);
  }
  const folder = 'perf/b/p1';
  const raw = `${folder}/raw/out.json`;
  if (plant.raw) await run.writeRaw(by, [{ path: raw, kind: 'raw', text: JSON.stringify({ name, at: plant.serviceStartedAt, output_tps: plant.point.output_tps }) }]);
  const metrics: Pick<PerfMetrics, 'job' | 'service_job' | 'service_started_at' | 'points' | 'incomplete'> = { job: 'b', service_job: 's', service_started_at: plant.serviceStartedAt, points: [plant.point], incomplete: [] };
  await computed(`${folder}/metrics.json`, 'perf-metrics', 'perf-metrics', metrics, plant.raw ? [raw] : []);
  return run.id;
}

export interface CodePlant {
  readonly name: string;
  /** The only code that must be there. */
  readonly code: string;
  readonly change: (p: RunPlant) => void;
}

const plant = (code: string, name: string, change: (p: RunPlant) => void): CodePlant => ({ code, name, change });

/** One candidate run of an otherwise faultless campaign is changed so that exactly one code holds. */
export const codePlants: readonly CodePlant[] = [
  plant('F-MODEL', 'other weights', (p) => (p.manifest.model.weights_sha256 = sha('9'))),
  plant('F-MODEL', 'weights unknown', (p) => (p.manifest.model.weights_sha256 = null)),
  plant('F-TOKENIZER', 'other tokenizer', (p) => (p.manifest.model.tokenizer_sha256 = sha('9'))),
  plant('F-TOKENIZER', 'tokenizer unknown', (p) => (p.manifest.model.tokenizer_sha256 = null)),
  plant('F-DTYPE', 'other dtype', (p) => (p.manifest.model.dtype = 'float16')),
  plant('F-DTYPE', 'dtype unknown', (p) => (p.manifest.model.dtype = null)),
  plant('F-QUANT', 'quantised', (p) => (p.manifest.model.quantization = 'w8a8')),
  plant('F-QUANT', 'quantisation unknown', (p) => (p.manifest.model.quantization = null)),
  plant('F-NPU', 'other chip', (p) => (p.manifest.environment.chip = 'Ascend910B4')),
  plant('F-NPU', 'chip unknown', (p) => (p.manifest.environment.chip = null)),
  plant('F-DEVICES', 'other devices', (p) => (p.manifest.environment.devices = [2, 3])),
  plant('F-DEVICES', 'other order', (p) => (p.manifest.environment.devices = [1, 0])),
  plant('F-CANN', 'other CANN', (p) => (p.manifest.environment.cann_version = '8.3.0')),
  plant('F-CANN', 'other driver', (p) => (p.manifest.environment.driver_version = '24.1.0')),
  plant('F-WORKLOAD', 'other dataset', (p) => (p.manifest.workload.dataset = 'openqa')),
  plant('F-WORKLOAD', 'other input length asked', (p) => (p.manifest.workload.input_tokens = 2048)),
  plant('F-WORKLOAD', 'other output length asked', (p) => (p.manifest.workload.output_tokens = 256)),
  plant('F-SAMPLING', 'other temperature', (p) => {
    p.manifest.workload.temperature = 0.7;
    p.point.sampling.temperature = 0.7;
  }),
  plant('F-SAMPLING', 'top_p on one side', (p) => (p.point.sampling.top_p = 0.9)),
  plant('F-SAMPLING', 'window and manifest disagree', (p) => (p.point.sampling.ignore_eos = false)),
  plant('F-STREAM', 'not streamed', (p) => {
    p.manifest.workload.stream = false;
    p.point.stream = false;
  }),
  plant('F-LOAD', 'more in flight', (p) => (p.point.parallel = 8)),
  plant('F-LOAD', 'a rate', (p) => (p.point.rate = 3)),
  plant('F-LENGTH', 'longer answers', (p) => (p.point.output_tokens.mean = 128 * 1.16)),
  plant('F-LENGTH', 'length unknown', (p) => (p.point.output_tokens.mean = null)),
  plant('F-CLIENT', 'other client version', (p) => {
    p.manifest.workload.client_version = '1.11.1';
    p.point.client.version = '1.11.1';
  }),
  plant('F-CLIENT', 'client version unknown', (p) => {
    p.manifest.workload.client_version = null;
    p.point.client.version = null;
  }),
  plant('F-DEFINITION', 'TTFT counts the role chunk', (p) => (p.point.ttft_ms.definition = 'first chunk, also without text')),
  plant('F-WARMUP', 'no warm-up', (p) => (p.point.warmup = 0)),
  plant('F-WARMUP', 'warm-up unknown', (p) => {
    p.point.warmup = null;
    p.manifest.workload.warmup = null;
  }),
  plant('F-PROFILED', 'profiling mode on one side', (p) => (p.manifest.service.profiling_mode = true)),
  plant('F-PROFILED', 'a capture in the window', (p) => (p.capture = { attached_at: p.point.started_at ?? '', detached_at: p.point.ended_at ?? '' })),
  plant('F-ENV', 'no idle gate', (p) => (p.env.idle = null)),
  plant('F-ENV', 'contaminated before', (p) => (p.env.before = 'contaminated')),
  plant('F-FAILED', 'three failed', (p) => Object.assign(p.point, { success: 397, failed: 3 })),
  plant('F-FAILED', 'counts unknown', (p) => (p.point.failed = null)),
  plant('F-FAILED', 'lost requests', (p) => (p.point.success = 390)),
  plant('F-COMMIT', 'no commit', (p) => (p.manifest.code.commit = null)),
  plant('F-COMMIT', 'two builds on one side', (p) => (p.manifest.code.commit = 'ccccccc')),
  plant('F-COMMAND', 'no start command', (p) => (p.manifest.service.command = null)),
  plant('F-COMMAND', 'no benchmark command', (p) => (p.manifest.workload.command = [])),
  plant('F-RAW', 'no raw output', (p) => (p.raw = false)),
  plant('F-GRAPH', 'lazy capture in the window', (p) => (p.point.graph_captures = 2)),
  plant('F-SIMULATED', 'simulated', (p) => (p.simulated = true)),
  plant('F-STATED', 'imported', (p) => (p.tool = 'bench_import')),
  plant('F-STATED', 'manifest stated', (p) => (p.stated = true)),
  plant('F-DIRTY', 'dirty without diff', (p) => (p.manifest.code.dirty = true)),
  plant('F-DIRTY', 'unknown work tree', (p) => (p.manifest.code.dirty = null)),
  plant('F-PREFIX', 'repeated prompts', (p) => {
    p.manifest.service.prefix_cache = true;
    p.point.repeated_prompts = true;
  }),
  plant('F-PREFIX', 'passes against one service', (p) => {
    p.manifest.service.prefix_cache = true;
    p.point.repeats = 3;
  }),
  plant('F-UNTUNED', 'other framework, defaults', (p) => Object.assign(p.manifest.service, { framework: 'vllm-ascend', tuned: false })),
  plant('F-REPLICATES', 'service start unknown', (p) => {
    p.serviceStartedAt = '';
    p.manifest.service.started_at = null;
  }),
];

/** Changes that must raise nothing. */
export const innocentPlants: readonly { readonly name: string; readonly change: (p: RunPlant) => void }[] = [
  { name: 'dirty with its diff saved', change: (p) => Object.assign(p.manifest.code, { dirty: true, diff_sha256: sha('d') }) },
  { name: 'answers 1 % longer', change: (p) => (p.point.output_tokens.mean = 128 * 1.01) },
  { name: 'a capture after the window', change: (p) => (p.capture = { attached_at: instant(9_000), detached_at: instant(9_001) }) },
  { name: 'prefix cache on, one pass of fresh prompts', change: (p) => (p.manifest.service.prefix_cache = true) },
  { name: 'another framework version', change: (p) => (p.manifest.service.framework_version = '0.8') },
];
