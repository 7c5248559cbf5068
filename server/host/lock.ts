import { foreign, ToolError } from '../contract/index.js';

/** Runs `work` while this process alone holds the folder. A holder that died is taken over after ten seconds. @throws ToolError E_LOCKED */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  let release: () => Promise<void>;
  const { lock } = await import('proper-lockfile');
  try {
    release = await lock(folder, { lockfilePath: `${folder}/.lock`, stale: 10_000, retries: { retries: 80, minTimeout: 20, maxTimeout: 200 } });
  } catch (cause) {
    throw new ToolError('E_LOCKED', `another process is writing ${foreign(folder, 300)}`, 'wait for it and call again', { cause });
  }
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}
