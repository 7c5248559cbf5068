import { producer, ToolError } from '../../contract/index.js';
import { z } from 'zod';
import { cachedFile, unchanged } from '../../host/cache.js';
import { fileSize, readText, removeFile, sha256, sha256File, writeAtomic } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import type { ToolContext } from '../../mcp/define.js';
import { discover } from '../../profiles/discover.js';
import { readProfile } from '../../profiles/read.js';
import { captureIdentity } from '../captures/cache.js';
import { limits } from '../thresholds.js';
import { buildDatabase } from './build.js';

/** Changes with the tables, so that an older file is not used. */
const layout = 1;

/** Files being made by this process; a second question waits for the first. */
const making = new Map<string, Promise<string>>();

/** Beside the file: what was written, for the engine reads only the blocks a question needs, and the sources that were fresh then. */
const stampShape = z.object({ hash: z.string(), bytes: z.number(), fresh: z.array(z.tuple([z.string(), z.string()])) });

async function stamp(path: string): Promise<z.output<typeof stampShape> | null> {
  try {
    return stampShape.safeParse(JSON.parse((await readText(`${path}.sum`)) ?? 'null')).data ?? null;
  } catch {
    return null;
  }
}

/** A file that was cut, that grew, or whose sources are others by now is made again before it is asked. */
async function isSound(path: string): Promise<boolean> {
  const known = await stamp(path);
  return known !== null && known.bytes === (await fileSize(path).catch(() => -1)) && unchanged(known.fresh);
}

/** True when the file is not what was written; looked at when the engine fails, for it costs reading the whole file. */
export async function isDamaged(path: string): Promise<boolean> {
  return (await stamp(path))?.hash !== (await sha256File(path).catch(() => ''));
}

/** Removes a damaged file, so that the next call makes it again. */
export async function discard(path: string): Promise<void> {
  await removeFile(`${path}.sum`);
  await removeFile(path);
}

/**
 * The DuckDB file of captures, made when it is not there. A file takes long to make for a large profile: the call then ends and the
 * making goes on in this process.
 * @throws ToolError E_SQL_TIMEOUT (still being made), E_PATH_OUTSIDE, and those of the reader
 */
export async function cachedDatabase(paths: readonly string[], host: Host, ctx: ToolContext, ms: number): Promise<string> {
  const { captures, unexported } = await discover(paths, host);
  const identities = await Promise.all(captures.map(captureIdentity));
  const key = sha256(JSON.stringify([layout, producer.version, unexported, identities.map((i) => i.key)]));
  let made = making.get(key);
  if (made === undefined) {
    made = cachedFile(
      host.runsDir,
      `.cache/profiles/${key}.duckdb`,
      limits.cacheFiles.value,
      async (temporary) => {
        ctx.progress('reading the profile');
        const profile = await readProfile(paths, host, { progress: ctx.progress });
        ctx.progress('loading it into the query engine');
        await buildDatabase(profile, temporary);
        await writeAtomic(`${host.runsDir}/.cache/profiles/${key}.duckdb.sum`, JSON.stringify({ hash: await sha256File(temporary), bytes: await fileSize(temporary), fresh: identities.flatMap((i) => i.fresh) }));
      },
      isSound,
    ).finally(() => making.delete(key));
    // Whoever asked may be gone when it fails.
    made.catch(() => undefined);
    making.set(key, made);
  }
  return inTime(made, ms, ctx.signal);
}

function inTime(made: Promise<string>, ms: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new ToolError('E_SQL_TIMEOUT', `the profile was not loaded within ${ms} ms`, 'loading goes on meanwhile: ask the same again in a minute; profile_analyze needs no loading'));
    const timer = setTimeout(late, ms);
    const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('cancelled'));
    signal.addEventListener('abort', stop, { once: true });
    void made.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
  });
}
