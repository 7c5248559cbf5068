import { join } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { exists } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import type { RunResult } from '../../host/programs.js';
import { bisectLimits } from '../thresholds.js';

/** A repository's own configuration may name programs; hooks and monitors are not run. */
const quiet = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.pager=cat', '-c', 'advice.detachedHead=false'] as const;

/** The user's repository. */
export class Repository {
  readonly top: string;
  readonly #host: Host;

  private constructor(top: string, host: Host) {
    this.top = top;
    this.#host = host;
  }

  /** The work tree that holds a folder; null when there is none. @throws ToolError E_PATH_OUTSIDE when it may not be touched */
  static async around(folder: string, host: Host): Promise<Repository | null> {
    const found = await host.run('git', [...quiet, '-C', folder, 'rev-parse', '--show-toplevel'], { timeoutMs: 10_000 });
    return found.exitCode === 0 && found.stdout.trim() !== '' ? new Repository(await host.admit(found.stdout.trim()), host) : null;
  }

  async #git(args: readonly string[], signal?: AbortSignal): Promise<RunResult> {
    return this.#host.run('git', [...quiet, '-C', this.top, ...args], { timeoutMs: bisectLimits.gitMs.value, ...(signal === undefined ? {} : { signal }) });
  }

  /** Full hash of a commit. @throws ToolError E_ARG_TYPE */
  async commit(revision: string): Promise<string> {
    const found = revision.startsWith('-') ? null : await this.#git(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`]);
    const hash = found?.exitCode === 0 ? found.stdout.trim() : '';
    if (!/^[0-9a-f]{40,64}$/.test(hash)) throw new ToolError('E_ARG_TYPE', `${foreign(revision, 80)} is no commit of ${foreign(this.top, 200)}`, 'give a hash, tag or branch that git rev-parse knows there');
    return hash;
  }

  /** Commits after `good` up to `bad` along first parents, oldest first. @throws ToolError E_ARG_CONFLICT */
  async between(good: string, bad: string): Promise<string[]> {
    const ancestor = await this.#git(['merge-base', '--is-ancestor', good, bad]);
    if (ancestor.exitCode !== 0 || good === bad) throw new ToolError('E_ARG_CONFLICT', 'the good commit is not an ancestor of the bad one', 'swap them, or give the merge base as good');
    const list = (await this.#git(['rev-list', '--first-parent', '--reverse', `${good}..${bad}`])).stdout.split('\n').filter((l) => l !== '');
    if (list.length === 0 || list.length > bisectLimits.commits.value) throw new ToolError('E_ARG_CONFLICT', `${list.length} commits lie between the two`, `give ends with 1 to ${bisectLimits.commits.value} commits between them`);
    return list;
  }

  async parents(commit: string): Promise<string[]> {
    return (await this.#git(['rev-parse', `${commit}^@`])).stdout.split('\n').filter((l) => l !== '');
  }

  /** Branch, or commit where none is checked out. */
  async head(): Promise<string> {
    const branch = await this.#git(['symbolic-ref', '--quiet', '--short', 'HEAD']);
    return branch.exitCode === 0 ? branch.stdout.trim() : (await this.#git(['rev-parse', 'HEAD'])).stdout.trim();
  }

  /** Changes of tracked files against HEAD; empty when there are none. */
  async changes(): Promise<string> {
    const status = await this.#git(['status', '--porcelain', '--untracked-files=no']);
    return status.stdout.trim() === '' ? '' : (await this.#git(['diff', '--no-ext-diff', '--no-textconv', '--no-color', 'HEAD'])).stdout || status.stdout;
  }

  async tracks(path: string): Promise<boolean> {
    return (await this.#git(['ls-files', '--error-unmatch', '--', path])).exitCode === 0;
  }

  /** Author's first line, as they wrote it. */
  async subject(commit: string): Promise<string> {
    return (await this.#git(['log', '-1', '--format=%s', commit])).stdout.trim();
  }

  /** Puts a commit or branch into the work tree, submodules at its pins. What a build changed in tracked files is dropped; the caller kept it. */
  async checkout(revision: string, detach: boolean, signal?: AbortSignal): Promise<'ok' | 'checkout' | 'submodules'> {
    const done = await this.#git(['checkout', '--quiet', '--force', ...(detach ? ['--detach'] : []), revision, '--'], signal);
    if (done.exitCode !== 0) return 'checkout';
    if (!(await exists(join(this.top, '.gitmodules')))) return 'ok';
    const pins = await this.#git(['submodule', 'update', '--init', '--recursive', '--force', '--quiet'], signal);
    return pins.exitCode === 0 ? 'ok' : 'submodules';
  }
}
