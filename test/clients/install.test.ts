import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';

// Opt-in: XLLM_NPU_TEST_CLIENTS is a folder with the real programs claude, codex and opencode (npm install gives it as node_modules/.bin).
const bin = process.env['XLLM_NPU_TEST_CLIENTS'];
if (bin === undefined) console.warn('XLLM_NPU_TEST_CLIENTS is not set: the real Claude Code, Codex and opencode are not run');
const run = promisify(execFile);
const home = await tempFolder();
const options = { cwd: home, env: { PATH: `${bin ?? ''}:${process.env['PATH'] ?? ''}`, HOME: home }, timeout: 100_000, maxBuffer: 1e8 };
const own = async (...args: string[]): Promise<string> => (await run(process.execPath, [mainJs, 'install', ...args], options)).stdout;
const client = async (name: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await run(join(bin ?? '', name), args, options);
  return `${stdout}${stderr}`;
};
const skills = join(import.meta.dirname, '../../skills');

describe.skipIf(bin === undefined)('the real clients', () => {
  it('the manifests are valid for Claude Code', async () => {
    expect(await client('claude', 'plugin', 'validate', join(skills, '..'), '--strict')).toContain('Validation passed');
  }, 120_000);
  it('Claude Code connects to the server and forgets it again', async () => {
    await own('claude');
    expect(await client('claude', 'mcp', 'list')).toMatch(/xllm-npu.*Connected/);
    expect((await readdir(join(home, '.claude/skills'))).sort()).toEqual((await readdir(skills)).sort());
    await own('claude', '--remove');
    expect(await client('claude', 'mcp', 'list')).not.toContain('xllm-npu');
  }, 240_000);
  it('Codex lists it and forgets it again', async () => {
    await own('codex');
    expect(await client('codex', 'mcp', 'list')).toMatch(/xllm-npu.*enabled/);
    await own('codex', '--remove');
    expect(await client('codex', 'mcp', 'list')).toContain('No MCP servers configured');
  }, 240_000);
  it('opencode connects, sees every skill, and its file is clean afterwards', async () => {
    await own('opencode');
    expect(await client('opencode', 'mcp', 'list')).toMatch(/xllm-npu.*connected/);
    const seen = await client('opencode', 'debug', 'skill');
    for (const skill of await readdir(skills)) expect(seen).toContain(skill);
    await own('opencode', '--remove');
    expect(await readFile(join(home, '.config/opencode/opencode.json'), 'utf8')).not.toContain('xllm-npu');
  }, 240_000);
});
