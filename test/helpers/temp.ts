import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { makeConfig, type Config } from '../../server/config.js';
import { openHost, type Host } from '../../server/host/host.js';
import type { ToolContext } from '../../server/mcp/define.js';

/** A folder of its own, removed after the file's tests. */
export async function tempFolder(): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'xllm-npu-')));
  afterAll(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A config whose runs lie in `dir/runs` and which may read `dir` and `allow`. */
export function testConfig(dir: string, allow: readonly string[] = [], env: Record<string, string | undefined> = { PATH: process.env['PATH'], HOME: dir }): Config {
  return makeConfig({ runsDir: join(dir, 'runs'), allow: [...allow], entry: join(import.meta.dirname, '../../dist/main.js') }, '0.0.0-test', env, dir);
}

export function testHost(dir: string, allow: readonly string[] = []): Host {
  return openHost(testConfig(dir, allow));
}

export function testContext(dir: string, allow: readonly string[] = []): ToolContext {
  return { config: testConfig(dir, allow), signal: new AbortController().signal, progress: () => undefined };
}
