import { dirname } from 'node:path';
import type { RunManifest } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { reads } from './thresholds.js';

export interface CodeFacts {
  readonly manifest: RunManifest['code'];
  /** Diff of a dirty tree against its commit; null when clean or too large to keep. */
  readonly diff: string | null;
}

/** A repository's own configuration may name programs; none of them is run. */
const quiet = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.pager=cat', '-c', 'credential.helper='] as const;

/**
 * The state of the git work tree a binary lies in, at the moment of the start; null when it lies in none. The binary may have been
 * built from an earlier state: build before starting.
 * @param file real path of the binary
 */
export async function codeFacts(file: string, host: Host): Promise<CodeFacts | null> {
  const git = async (dir: string, ...args: string[]): Promise<string | null> => {
    const result = await host.run('git', [...quiet, '-C', dir, ...args], { timeoutMs: 10_000, maxBytes: reads.diffBytes }).catch(() => null);
    return result?.exitCode === 0 && !result.truncated ? result.stdout : null;
  };
  const top = (await git(dirname(file), 'rev-parse', '--show-toplevel'))?.trim();
  if (top === undefined || top === '') return null;
  const commit = (await git(top, 'rev-parse', 'HEAD'))?.trim();
  if (commit === undefined || !/^[0-9a-f]{7,64}$/.test(commit)) return null;
  const branch = (await git(top, 'rev-parse', '--abbrev-ref', 'HEAD'))?.trim() ?? null;
  const remote = (await git(top, 'config', '--get', 'remote.origin.url'))?.trim() ?? null;
  const status = await git(top, 'status', '--porcelain', '--untracked-files=no');
  const dirty = status === null ? null : status.trim() !== '';
  const diff = dirty === true ? await git(top, 'diff', '--no-ext-diff', '--no-textconv', '--no-color', 'HEAD') : null;
  return { manifest: { repo: remote ?? top, branch, commit, dirty }, diff };
}
