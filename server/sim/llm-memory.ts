import type { SimMemorySample } from './capture.js';
import { simChip, type DecodeOptions } from './llm-options.js';
import type { RankTrace } from './llm-rank.js';

const mb = 1024 * 1024;
/** What an allocator that is not fragmented leaves unused at its peak. */
const healthySlack = 0.03;
const samples = 20;
/** Sizes without a source: weights' share of the device, what a process holds beside the allocator, HCCL buffers (2 × 200 MB and control), runtime. */
const weightsShare = 0.3;
const besideAllocator = 900 * mb;
const hcclBuffers = 404 * mb;
const runtime = 96 * mb;
/** While it grows, the allocator holds one percent more than it uses. */
const growing = 1.01;

/** Allocator (PTA), process (APP) and module memory over the capture; the planted fragmentation stands at the reserved peak. */
export function memoryTrace(options: DecodeOptions, trace: RankTrace): SimMemorySample[] {
  const weights = Math.round(simChip(options.chip).hbmBytes * weightsShare);
  const slack = options.fragmentation ?? healthySlack;
  const span = trace.endNs - trace.startNs;
  const device = trace.device.id;
  const out: SimMemorySample[] = [];
  for (let i = 0; i < samples; i += 1) {
    const timeNs = trace.startNs + (span * BigInt(i)) / BigInt(samples);
    const allocated = weights + i * 8 * mb;
    // Reserved only grows, in 2 MB segments, and is what it will be from the middle on.
    const peak = weights + (samples - 1) * 8 * mb;
    const reserved = Math.round((i < samples / 2 ? allocated * growing : peak / (1 - slack)) / (2 * mb)) * 2 * mb;
    out.push({
      device,
      component: 'PTA',
      kind: 'allocator',
      timeNs,
      allocatedBytes: i < samples / 2 ? allocated : peak,
      activeBytes: i < samples / 2 ? allocated : peak,
      reservedBytes: Math.max(reserved, allocated),
    });
    out.push({
      device,
      component: 'GE',
      kind: 'allocator',
      timeNs,
      allocatedBytes: 6 * mb,
      activeBytes: 6 * mb,
      reservedBytes: 8 * mb,
    });
    out.push({
      device,
      component: 'APP',
      kind: 'process',
      timeNs,
      allocatedBytes: null,
      activeBytes: null,
      reservedBytes: Math.max(reserved, allocated) + besideAllocator,
    });
    out.push({
      device,
      component: 'HCCL',
      kind: 'module',
      timeNs,
      allocatedBytes: null,
      activeBytes: null,
      reservedBytes: options.ranks > 1 ? hcclBuffers : 0,
    });
    out.push({
      device,
      component: 'RUNTIME',
      kind: 'module',
      timeNs,
      allocatedBytes: null,
      activeBytes: null,
      reservedBytes: runtime,
    });
  }
  return out;
}
