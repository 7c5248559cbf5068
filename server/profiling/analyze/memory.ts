import type { MemoryRow } from '../../contract/index.js';
import { blockMemory, type Profile } from '../../profiles/profile.js';
import { byText, known, round } from '../../profiles/derived/numbers.js';
import type { Placed } from './placed.js';

/** As torch_npu counts: 1024 × 1024 bytes. */
const bytesPerMb = 1024 * 1024;

function mb(bytes: number | null): number | null {
  return bytes === null ? null : round(bytes / bytesPerMb);
}

/**
 * One row per device and component. The peak is the first instant of the largest reservation (of the largest use where nothing
 * is reserved); the pool of KV blocks is one sample; fragmentation = (reserved − allocated) / reserved there. Null without a memory series.
 */
export function memoryRows(profile: Profile): Placed<MemoryRow>[] | null {
  if (profile.memory.length === 0) return null;
  const rows: Placed<MemoryRow>[] = [];
  for (const series of profile.memory) {
    const by = series.reservedBytes.some((b) => Number.isFinite(b)) ? series.reservedBytes : series.allocatedBytes;
    let at = -1;
    for (let i = 0; i < by.length; i += 1) {
      const value = by[i] ?? Number.NaN;
      if (Number.isFinite(value) && (at < 0 || value > (by[at] ?? 0))) at = i;
    }
    if (at < 0) continue;
    const reserved = known(series.reservedBytes[at]);
    const allocated = known(series.allocatedBytes[at]);
    const device = series.device === null ? undefined : profile.devices[series.device];
    const row: MemoryRow = {
      device: series.device === null ? null : (device?.id ?? series.device),
      rank: device?.rank ?? null,
      component: series.component === '' ? 'N/A' : series.component,
      peak_mb: mb(known(by[at])),
      reserved_mb: mb(reserved),
      allocated_mb: mb(allocated),
      // Free blocks of the pool are room, not fragments.
      fragmentation_pct: series.component === blockMemory || reserved === null || allocated === null || !(reserved > 0) || allocated > reserved ? null : round(((reserved - allocated) / reserved) * 100),
    };
    rows.push({ at: series.device ?? -1, row });
  }
  return rows;
}

/** By device and rank, largest first. */
export function byMemory(a: MemoryRow, b: MemoryRow): number {
  return (a.device ?? -1) - (b.device ?? -1) || (a.rank ?? -1) - (b.rank ?? -1) || (b.peak_mb ?? 0) - (a.peak_mb ?? 0) || byText(a.component, b.component);
}
