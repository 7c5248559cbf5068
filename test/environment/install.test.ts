import { chmod, lstat, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { install, type Client, type InstallRequest } from '../../server/environment/install.js';
import { openHost } from '../../server/host/host.js';
import { tempFolder, testConfig } from '../helpers/temp.js';

const root = join(import.meta.dirname, '../..');
const dir = await tempFolder();
let home = '';
let n = 0;
const said: string[] = [];

/** Client programs that write down how they were called. */
async function fakeClients(bin: string, exit = 0): Promise<void> {
  await mkdir(bin, { recursive: true });
  for (const name of ['claude', 'codex']) {
    await writeFile(join(bin, name), `#!/bin/bash\nprintf '%s\\n' "$0" "$@" >> "${home}/calls"\nexit ${String(exit)}\n`);
    await chmod(join(bin, name), 0o755);
  }
}
const request = (client: Client, more: Partial<InstallRequest> = {}): InstallRequest => ({
  client, scope: 'user', remove: false, home, project: join(home, 'project'), packageRoot: root, server: ['/usr/bin/node', join(root, 'dist/main.js'), 'mcp'], ...more,
});
async function go(r: InstallRequest, print = false, bin = join(home, 'bin')): Promise<void> {
  await install(r, openHost(testConfig(home, [], { PATH: `${bin}:/usr/bin:/bin`, HOME: home })), print, (line) => said.push(line));
}
const calls = async (): Promise<string[]> => (await readFile(join(home, 'calls'), 'utf8').catch(() => '')).split('\n').filter((l) => l !== '');
const skills = async (): Promise<string[]> => (await readdir(join(root, 'skills'))).sort();

beforeEach(async () => {
  n += 1;
  home = join(dir, String(n));
  said.length = 0;
  await fakeClients(join(home, 'bin'));
});

describe('Claude Code and Codex', () => {
  it('the server through the client, the skills as links; twice is once; removal leaves nothing', async () => {
    await go(request('claude'));
    expect((await calls()).slice(1)).toEqual(['mcp', 'add', 'xllm-npu', '-s', 'user', '--', '/usr/bin/node', join(root, 'dist/main.js'), 'mcp']);
    const folder = join(home, '.claude/skills');
    expect((await readdir(folder)).sort()).toEqual(await skills());
    expect(await readFile(join(folder, 'xllm-npu-profiler/SKILL.md'), 'utf8')).toContain('name: xllm-npu-profiler');
    await go(request('claude'));
    expect(said.filter((l) => l.startsWith('there already'))).toHaveLength((await skills()).length);
    await go(request('claude', { remove: true }));
    expect(await readdir(folder)).toEqual([]);
    expect((await calls()).slice(-5)).toEqual(['mcp', 'remove', 'xllm-npu', '-s', 'user']);
  });
  it('Codex: server per user; a project gets links only', async () => {
    await go(request('codex'));
    expect((await calls()).slice(1, 5)).toEqual(['mcp', 'add', 'xllm-npu', '--']);
    await go(request('codex', { scope: 'project' }));
    expect(await calls()).toHaveLength(8);
    expect((await readdir(join(home, 'project/.agents/skills'))).sort()).toEqual(await skills());
  });
  it('a skill of the user with the same name stays, on the way in and out', async () => {
    const own = join(home, '.claude/skills/xllm-npu-profiler');
    await mkdir(own, { recursive: true });
    await writeFile(join(own, 'SKILL.md'), 'mine');
    await mkdir(join(home, '.claude/skills'), { recursive: true });
    await symlink('/elsewhere', join(home, '.claude/skills/xllm-npu-eval-runner'));
    await go(request('claude'));
    await go(request('claude', { remove: true }));
    expect(await readFile(join(own, 'SKILL.md'), 'utf8')).toBe('mine');
    expect(await readlink(join(home, '.claude/skills/xllm-npu-eval-runner'))).toBe('/elsewhere');
    expect(said.filter((l) => l.startsWith('kept:'))).toHaveLength(4);
  });
  it('print changes nothing and needs no client', async () => {
    await go(request('claude'), true, join(home, 'none'));
    expect(said[0]).toBe(`claude mcp add xllm-npu -s user -- /usr/bin/node ${join(root, 'dist/main.js')} mcp`);
    expect(await lstat(join(home, '.claude')).catch(() => null)).toBeNull();
  });
  it('an absent or failing client, and the cache of npx, are refused with the way out', async () => {
    await expect(go(request('codex'), false, join(home, 'none'))).rejects.toMatchObject({ code: 'E_PROGRAM_MISSING' });
    await fakeClients(join(home, 'bin'), 3);
    await expect(go(request('claude'))).rejects.toMatchObject({ code: 'E_PROGRAM_FAILED', next: expect.stringContaining('claude mcp add') as string });
    await expect(go(request('claude', { packageRoot: '/home/x/.npm/_npx/ab/node_modules/xllm-npu-workflow' }))).rejects.toMatchObject({ code: 'E_PATH_INVALID' });
  });
});

describe('opencode', () => {
  const file = (): string => join(home, '.config/opencode/opencode.json');
  const before = '{\n  // my theme\n  "theme": "dark",\n  "mcp": { "other": { "type": "local", "command": ["x"] } },\n  "skills": { "paths": ["/own"] }, // mine\n}\n';
  it('edits its two keys, keeps comments and everything else, and takes them out again', async () => {
    await mkdir(join(home, '.config/opencode'), { recursive: true });
    await writeFile(file(), before);
    await go(request('opencode'));
    await go(request('opencode'));
    const text = await readFile(file(), 'utf8');
    expect(text).toContain('// my theme');
    expect(text).toContain('// mine');
    expect(text.match(/"xllm-npu"/g)).toHaveLength(1);
    expect(text.split(join(root, 'skills')).length - 1).toBe(1);
    expect(text).toContain('"other"');
    await go(request('opencode', { remove: true }));
    const after = await readFile(file(), 'utf8');
    expect(after).not.toContain('xllm-npu');
    expect(after.replace(/\s/g, '')).toBe(before.replace(/\s/g, ''));
  });
  it('makes the file of a project, valid JSON with the keys opencode knows', async () => {
    await go(request('opencode', { scope: 'project' }));
    expect(JSON.parse(await readFile(join(home, 'project/opencode.json'), 'utf8'))).toEqual({
      mcp: { 'xllm-npu': { type: 'local', command: ['/usr/bin/node', join(root, 'dist/main.js'), 'mcp'], enabled: true } },
      skills: { paths: [join(root, 'skills')] },
    });
  });
  it('a broken file is not touched', async () => {
    await mkdir(join(home, '.config/opencode'), { recursive: true });
    await writeFile(file(), '{ "mcp": ');
    await expect(go(request('opencode'))).rejects.toMatchObject({ code: 'E_JSON_BROKEN' });
    expect(await readFile(file(), 'utf8')).toBe('{ "mcp": ');
  });
});
