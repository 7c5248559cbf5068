import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder that all servers of this user on this machine share, whatever their runs folder; only this user may enter it. A folder of
 * that name that somebody else made is not used.
 * @param fallback used when the shared folder can not be had
 */
export async function sharedFolder(name: string, fallback: string): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `xllm-npu-${name}-${uid}`);
  try {
    await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
    const info = await lstat(folder);
    if (!info.isDirectory() || info.uid !== uid || (info.mode & 0o022) !== 0) throw new Error('not ours');
    return folder;
  } catch {
    await mkdir(fallback, { recursive: true });
    return fallback;
  }
}
