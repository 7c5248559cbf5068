import { z } from 'zod';
import { producer } from '../../contract/index.js';
import { cachedFile, identityOf, unchanged, type Identity } from '../../host/cache.js';
import { readText, sha256, writeAtomic } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import type { Capture } from '../../profiles/discover.js';
import type { CaptureAnalysis } from '../analyze/capture.js';
import { patterns } from '../analyze/fusion.js';
import { layoutOps, limits, thresholds } from '../thresholds.js';
import { isCaptureAnalysis } from './portable.js';

/** Changes with the shape or the meaning of an analysis, so that an older cache is not used. */
const layout = 4;

/** Our rules; other rules are another analysis. */
const rules = sha256(JSON.stringify([layout, producer.version, thresholds, [...layoutOps], patterns]));

/** A capture as it stands now, under our version and our rules. */
export async function captureIdentity(capture: Capture): Promise<Identity> {
  const { key, fresh } = await identityOf(capture.files.map((f) => f.path));
  return { key: sha256(JSON.stringify([rules, capture, key])), fresh };
}

const place = (key: string): string => `.cache/profiles/${key}.json`;

const entryShape = z.object({ fresh: z.array(z.tuple([z.string(), z.string()])), analysis: z.custom<CaptureAnalysis>(isCaptureAnalysis) });

/** What lies behind its checksum; null when they do not belong together, or the capture is another one by now. */
async function checked(path: string): Promise<CaptureAnalysis | null> {
  const whole = (await readText(path).catch(() => null)) ?? '';
  const text = whole.slice(65);
  if (!whole.startsWith(`${sha256(text)}\n`)) return null;
  const entry = entryShape.safeParse(JSON.parse(text));
  return entry.success && (await unchanged(entry.data.fresh)) ? entry.data.analysis : null;
}

/** An analysis of the cache; null when there is none, or only a damaged or outdated one. */
export async function recall(host: Host, { key }: Identity): Promise<CaptureAnalysis | null> {
  return checked(`${host.runsDir}/${place(key)}`);
}

/** Keeps an analysis; a damaged or outdated one of that name is replaced. */
export async function keep(host: Host, { key, fresh }: Identity, analysis: CaptureAnalysis): Promise<void> {
  const text = JSON.stringify({ fresh, analysis });
  await cachedFile(host.runsDir, place(key), limits.cacheAnalyses.value, (temporary) => writeAtomic(temporary, `${sha256(text)}\n${text}`), async (path) => (await checked(path)) !== null);
}
