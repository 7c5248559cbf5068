import { foreign, ToolError } from '../../contract/index.js';
import { isFolder, readText } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { limits } from '../thresholds.js';

export interface Source {
  readonly text: string;
  readonly base: string | null;
  readonly head: string | null;
}

/** Keys by their shape, marked before the diff is kept: the rule about secrets looks for the mark. */
const secrets = /\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{20,}|A(?:KIA|SIA)[A-Z0-9]{16})\b|-----BEGIN [A-Z ]*PRIVATE KEY-----/g;
export const withoutSecrets = (text: string): string => text.replace(secrets, '[secret]');

/** A commit, tag or branch: no option, no range. */
const revision = /^[A-Za-z0-9][\w./^~-]{0,199}$/;
const quiet = ['-c', 'core.quotePath=false', '-c', 'color.ui=never'];

function checkedRevision(name: string, value: string): string {
  if (!revision.test(value) || value.includes('..')) throw new ToolError('E_ARG_TYPE', `${name} ${foreign(value, 60)} is not one revision`, 'give a commit, a tag or a branch');
  return value;
}

/** @throws ToolError E_FILE_EMPTY, E_PATH_*, E_FILE_UNREADABLE */
export async function diffFile(path: string, host: Host): Promise<Source> {
  const real = await host.admit(path);
  if (await isFolder(real)) throw new ToolError('E_PATH_KIND', `${foreign(path, 200)} is a folder`, 'give a diff file as diff_path, or the repository as repo');
  const text = await readText(real, limits.diffBytes.value);
  if (text === null || text.trim() === '') throw new ToolError('E_FILE_EMPTY', `${foreign(path, 200)} is empty`, 'give a unified diff, e.g. of git diff base...head');
  if (!/^(?:diff --git |--- )/m.test(text)) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 200)} is no unified diff`, 'give the output of git diff');
  return { text: withoutSecrets(text), base: null, head: null };
}

/**
 * The diff of a repository: what head changed since it left base; without head the work tree against base.
 * @param base default: merge base with the upstream branch, else the first parent
 * @throws ToolError E_ARG_TYPE, E_PROGRAM_*, E_FILE_EMPTY for no difference
 */
export async function diffOf(repo: string, base: string | undefined, head: string | undefined, host: Host): Promise<Source> {
  const real = await host.admit(repo);
  const git = async (...args: string[]): Promise<string | null> => {
    const result = await host.run('git', [...quiet, '-C', real, ...args], { timeoutMs: 40_000, maxBytes: limits.diffBytes.value });
    return result.exitCode === 0 && !result.truncated ? result.stdout : null;
  };
  const commit = async (name: string, value: string): Promise<string> => {
    const found = (await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${checkedRevision(name, value)}^{commit}`))?.trim();
    if (found === undefined || found === '') throw new ToolError('E_ARG_TYPE', `${name} ${foreign(value, 60)} is no commit of this repository`, 'give a commit, a tag or a branch that is there');
    return found;
  };
  // Asked at once: each start of git takes as long as its answer.
  const named = Promise.allSettled([head === undefined ? null : commit('head', head), base === undefined ? undefined : commit('base', base)]);
  if ((await git('rev-parse', '--is-inside-work-tree')) === null) throw new ToolError('E_PATH_KIND', `${foreign(repo, 200)} is no git work tree`, 'give the root of a clone, or a diff file as diff_path');
  const [toAnswer, fromAnswer] = await named;
  if (toAnswer.status === 'rejected') throw toAnswer.reason;
  if (fromAnswer.status === 'rejected') throw fromAnswer.reason;
  const to = toAnswer.value;
  const given = fromAnswer.value;
  const upstream = given === undefined ? (await git('merge-base', to ?? 'HEAD', '@{upstream}'))?.trim() : undefined;
  const from = given !== undefined ? given : upstream !== undefined && upstream !== '' ? upstream : await commit('base', to === null ? 'HEAD' : `${to}^`);
  const range = to === null ? [from] : [`${from}...${to}`];
  const text = await git('diff', '--no-ext-diff', '--no-textconv', '--no-color', '--submodule=short', `-U${String(limits.context.value)}`, ...range, '--');
  if (text === null) throw new ToolError('E_PROGRAM_FAILED', 'git diff failed, or its output passed 64 MiB', 'narrow base and head');
  if (text.trim() === '') throw new ToolError('E_FILE_EMPTY', 'there is no difference between base and head', 'commit the change, or name base and head');
  return { text: withoutSecrets(text), base: from, head: to };
}
