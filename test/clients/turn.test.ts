import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';
import { standIn } from './standIn.js';

// Opt-in, as install.test.ts: the real programs against a model on loopback that calls one of our tools.
const bin = process.env['XLLM_NPU_TEST_CLIENTS'];
const skills = join(import.meta.dirname, '../../skills');
/** A lesson that ships, and that this query finds first. */
const lesson = 'mtp-state-bugs';
let home = '';
let model: Awaited<ReturnType<typeof standIn>>;

beforeEach(async () => {
  home = await tempFolder();
  model = await standIn('history_search', { query: 'mtp acceptance' });
});
afterEach(() => model.close());

/** Runs a program to its end with nothing on its standard input. */
function run(program: string, args: readonly string[], more: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: home, env: { PATH: `${bin ?? ''}:${process.env['PATH'] ?? ''}`, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 150_000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', reject);
    child.on('exit', () => resolve(text));
  });
}

/** The tools were offered, the call came through, and its result went back to the model. */
function answered(output: string): void {
  const offered = model.asked.flatMap((a) => a.tools);
  for (const name of ['profile_analyze', 'bench_compare', 'incident_triage', 'loop_update']) expect(offered.some((t) => t.endsWith(name)), `${name} is offered; the client said: ${output.slice(-1500)}`).toBe(true);
  // The ids of the lessons come from the tool alone: nobody said them before.
  expect(model.asked[0]?.text).not.toContain(lesson);
  expect(model.asked.at(-1)?.text, output.slice(-1500)).toContain(lesson);
}

describe.skipIf(bin === undefined)('a turn of the real clients', () => {
  it('Claude Code offers the tools and the skills, and carries out a call', async () => {
    await run(process.execPath, [mainJs, 'install', 'claude']);
    const output = await run(join(bin ?? '', 'claude'), ['-p', 'search the lessons', '--model', 'stand-in', '--allowedTools', 'mcp__xllm-npu__history_search'], { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'none', ENABLE_TOOL_SEARCH: 'false', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' });
    answered(output);
    for (const skill of await readdir(skills)) expect(model.asked.some((a) => a.text.includes(skill)), skill).toBe(true);
  }, 200_000);

  it('Codex offers the tools and the skills, and carries out a call', async () => {
    await run(process.execPath, [mainJs, 'install', 'codex']);
    const output = await run(join(bin ?? '', 'codex'), ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '-m', 'stand-in', '-c', 'model_provider="stub"', '-c', `model_providers.stub={name="stub",base_url="${model.url}/v1",wire_api="responses",env_key="STUB_KEY"}`, 'search the lessons'], { STUB_KEY: 'none' });
    answered(output);
    for (const skill of await readdir(skills)) expect(model.asked.some((a) => a.text.includes(skill)), skill).toBe(true);
  }, 200_000);

  it('opencode offers the tools and the skills, and carries out a call', async () => {
    await run(process.execPath, [mainJs, 'install', 'opencode']);
    const file = join(home, '.config/opencode/opencode.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as object;
    await mkdir(join(home, '.config/opencode'), { recursive: true });
    await writeFile(file, JSON.stringify({ ...config, model: 'stub/m', provider: { stub: { npm: '@ai-sdk/openai-compatible', name: 'stub', options: { baseURL: `${model.url}/v1`, apiKey: 'none' }, models: { m: { name: 'm' } } } } }));
    const output = await run(join(bin ?? '', 'opencode'), ['run', 'search the lessons']);
    answered(output);
    for (const skill of await readdir(skills)) expect(model.asked.some((a) => a.text.includes(skill)), skill).toBe(true);
  }, 200_000);
});
