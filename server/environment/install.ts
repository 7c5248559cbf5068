import { dirname, join } from 'node:path';
import { applyEdits, modify, parse, type ParseError } from 'jsonc-parser';
import { ToolError } from '../contract/index.js';
import { exists, linkTarget, listFolder, makeLink, readText, removeFile, writeAtomic } from '../host/files.js';
import type { Host } from '../host/host.js';

export const clients = ['claude', 'codex', 'opencode'] as const;
export type Client = (typeof clients)[number];

export interface InstallRequest {
  readonly client: Client;
  readonly scope: 'user' | 'project';
  readonly remove: boolean;
  /** Home and project folder, absolute. */
  readonly home: string;
  readonly project: string;
  /** Folder of this package, and how its server is started. */
  readonly packageRoot: string;
  readonly server: readonly string[];
}

/** One change, in the client's own terms. `config` edits one key of a JSON file and keeps the rest, comments included. */
export type Step =
  | { readonly kind: 'command'; readonly program: 'claude' | 'codex'; readonly args: readonly string[] }
  | { readonly kind: 'link'; readonly from: string; readonly to: string; readonly remove: boolean }
  | { readonly kind: 'config'; readonly file: string; readonly key: readonly string[]; readonly value: unknown };

const name = 'xllm-npu';

/** Where a client looks for skills: facts measured with Claude Code 2.1, Codex 0.169 and opencode 1.18. opencode is told the folder instead. */
const skillFolders: Readonly<Record<'claude' | 'codex', Readonly<Record<'user' | 'project', string>>>> = {
  claude: { user: '.claude/skills', project: '.claude/skills' },
  codex: { user: '.codex/skills', project: '.agents/skills' },
};

function serverCommand(r: InstallRequest): Step[] {
  if (r.client === 'claude') {
    const scope = ['-s', r.scope];
    return [{ kind: 'command', program: 'claude', args: r.remove ? ['mcp', 'remove', name, ...scope] : ['mcp', 'add', name, ...scope, '--', ...r.server] }];
  }
  // Codex keeps servers per user only.
  if (r.client === 'codex') return r.scope === 'project' ? [] : [{ kind: 'command', program: 'codex', args: r.remove ? ['mcp', 'remove', name] : ['mcp', 'add', name, '--', ...r.server] }];
  return [];
}

/** What installing or removing changes, in order; nothing is done yet. @param skills names of the skill folders of the package */
export function plan(r: InstallRequest, skills: readonly string[], before: unknown): Step[] {
  const base = r.scope === 'user' ? r.home : r.project;
  if (r.client !== 'opencode') {
    const folder = join(base, skillFolders[r.client][r.scope]);
    return [...serverCommand(r), ...skills.map((skill): Step => ({ kind: 'link', from: join(r.packageRoot, 'skills', skill), to: join(folder, skill), remove: r.remove }))];
  }
  const file = opencodeFile(r);
  const own = join(r.packageRoot, 'skills');
  const known = pathsOf(before).filter((p) => p !== own);
  const paths = r.remove ? known : [...known, own];
  return [
    { kind: 'config', file, key: ['mcp', name], value: r.remove ? undefined : { type: 'local', command: [...r.server], enabled: true } },
    { kind: 'config', file, key: paths.length === 0 ? ['skills'] : ['skills', 'paths'], value: paths.length === 0 ? undefined : paths },
  ];
}

export function opencodeFile(r: Pick<InstallRequest, 'scope' | 'home' | 'project'>): string {
  return r.scope === 'user' ? join(r.home, '.config', 'opencode', 'opencode.json') : join(r.project, 'opencode.json');
}

function pathsOf(config: unknown): string[] {
  const skills = typeof config === 'object' && config !== null && 'skills' in config ? config.skills : null;
  const paths = typeof skills === 'object' && skills !== null && 'paths' in skills ? skills.paths : null;
  return Array.isArray(paths) ? paths.filter((p): p is string => typeof p === 'string') : [];
}

/** A shell line that does the same, for people. */
export function describe(step: Step): string {
  const quoted = (arg: string): string => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`);
  switch (step.kind) {
    case 'command':
      return [step.program, ...step.args].map(quoted).join(' ');
    case 'link':
      return step.remove ? `rm ${quoted(step.to)}` : `mkdir -p ${quoted(dirname(step.to))} && ln -s ${quoted(step.from)} ${quoted(step.to)}`;
    case 'config':
      return `# ${step.file}: ${step.value === undefined ? `remove ${step.key.join('.')}` : `${step.key.join('.')} = ${JSON.stringify(step.value)}`}`;
  }
}

/** A JSON file with comments; an empty object when it is not there. @throws ToolError E_JSON_BROKEN: a file that is not understood is not touched */
async function readConfig(file: string): Promise<{ text: string; value: unknown }> {
  const text = (await readText(file)) ?? '';
  if (text.trim() === '') return { text: '{}\n', value: {} };
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || typeof value !== 'object' || value === null) throw new ToolError('E_JSON_BROKEN', `${file} is not JSON with comments`, 'mend it, or add the lines --print shows by hand');
  return { text, value };
}

async function perform(step: Step, host: Host): Promise<string> {
  switch (step.kind) {
    case 'command': {
      const result = await host.run(step.program, step.args, { timeoutMs: 60_000 });
      if (result.exitCode !== 0) throw new ToolError('E_PROGRAM_FAILED', `${step.program} ${step.args.slice(0, 2).join(' ')} ended with ${String(result.exitCode)}`, `run it by hand to see why: ${describe(step)}`);
      return `done: ${describe(step)}`;
    }
    case 'link': {
      const there = await linkTarget(step.to);
      if (step.remove) {
        if (there !== step.from) return `kept: ${step.to} is not ours`;
        await removeFile(step.to);
        return `removed: ${step.to}`;
      }
      if (there === step.from) return `there already: ${step.to}`;
      if (there !== null || (await exists(step.to))) return `kept: ${step.to} is there already and not ours`;
      await makeLink(step.from, step.to);
      return `linked: ${step.to}`;
    }
    case 'config': {
      const { text, value } = await readConfig(step.file);
      if (step.value === undefined && !hasKey(value, step.key)) return `nothing to remove: ${step.key.join('.')} in ${step.file}`;
      const edited = applyEdits(text, modify(text, [...step.key], step.value, { formattingOptions: { insertSpaces: true, tabSize: 2 } }));
      await writeAtomic(step.file, edited, {});
      return `${step.value === undefined ? 'removed' : 'set'}: ${step.key.join('.')} in ${step.file}`;
    }
  }
}

function hasKey(value: unknown, key: readonly string[]): boolean {
  let at: unknown = value;
  for (const part of key) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return false;
    at = Object.entries(at).find(([k]) => k === part)?.[1];
  }
  return true;
}

/**
 * Registers server and skills with a client through its own commands and files, or takes them out again; what is not ours stays.
 * @param print only say what would be done
 * @throws ToolError E_PROGRAM_MISSING, E_PROGRAM_FAILED, E_JSON_BROKEN, E_PATH_INVALID for a package that npx holds only for this call
 */
export async function install(r: InstallRequest, host: Host, print: boolean, say: (line: string) => void): Promise<void> {
  if (/[/\\]_npx[/\\]/.test(r.packageRoot) && !print && !r.remove) throw new ToolError('E_PATH_INVALID', 'this package lies in the cache of npx, which is emptied', 'npm install -g xllm-npu-workflow, then xllm-npu install again');
  const skills = (await listFolder(join(r.packageRoot, 'skills'))).filter((s) => s.startsWith('xllm-npu-'));
  const before = r.client === 'opencode' ? (await readConfig(opencodeFile(r))).value : null;
  const steps = plan(r, skills, before);
  if (r.client === 'codex' && r.scope === 'project') say('note: Codex keeps MCP servers per user; run the same with --scope user for the server, this links the skills');
  if (r.client === 'codex' && !r.remove) say('note: Codex hides ASCEND_* and LD_LIBRARY_PATH from servers; set_env.sh of CANN is read by the server itself, other variables go into env_vars of config.toml');
  for (const step of steps) say(print ? describe(step) : await perform(step, host));
}
