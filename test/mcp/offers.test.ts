import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../server/host/host.js';
import { Runs } from '../../server/runs/runs.js';
import { RawClient } from '../helpers/stdio.js';
import { tempFolder, testContext } from '../helpers/temp.js';

interface Listed {
  readonly name: string;
  readonly title: string;
  readonly arguments: { name: string; required: boolean }[];
}
let client: RawClient;
let run = '';
let id = 10;
const ask = (method: string, params: Record<string, unknown> = {}): Promise<{ result?: Record<string, unknown>; error?: { code: number; message: string } }> => client.request((id += 1), method, params);
const text = async (name: string, args: Record<string, string>): Promise<string> => {
  const { result } = await ask('prompts/get', { name, arguments: args });
  return (result as { messages: { content: { text: string } }[] } | undefined)?.messages[0]?.content.text ?? '';
};

beforeAll(async () => {
  const dir = await tempFolder();
  const opened = await new Runs(openHost(testContext(dir).config)).create({ purpose: 'offers', level: 'smoke' }, { tool: 'run_create', input: {} });
  run = opened.id;
  await opened.writeRaw({ tool: 'test', input: {} }, [{ path: 'service/001/node_0.log', kind: 'log', text: 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789\nready\n' }]);
  await mkdir(join(dir, 'elsewhere'), { recursive: true });
  await writeFile(join(dir, 'elsewhere', 'secret.txt'), 'secret');
  client = new RawClient(['--runs-dir', join(dir, 'runs'), 'mcp'], dir);
  await client.initialize('2025-11-25');
});
afterAll(async () => {
  await client.close();
});

describe('prompts', () => {
  const tasks = ['crash', 'dataset-drop', 'decode-bubbles', 'end-to-end-optimisation', 'framework-comparison', 'garbled-output', 'mtp-acceptance', 'operator-migration', 'out-of-memory', 'pr-preparation', 'pr-review', 'tpot-target'];
  it('the twelve tasks of the guide, each in two languages, with every argument in its place', async () => {
    const { prompts } = (await ask('prompts/list')).result as unknown as { prompts: Listed[] };
    expect(prompts.map((p) => p.name).sort()).toEqual(tasks);
    for (const prompt of prompts) {
      const given = Object.fromEntries(prompt.arguments.filter((a) => a.name !== 'language').map((a, i) => [a.name, `value-${String(i)}-of-${a.name}`]));
      const en = await text(prompt.name, given);
      const zh = await text(prompt.name, { ...given, language: 'zh' });
      for (const value of Object.values(given)) for (const body of [en, zh]) expect(body, `${prompt.name} ${value}`).toContain(value);
      expect(en).not.toMatch(/[一-龥]|\{\{/);
      expect((zh.match(/[一-龥]/g) ?? []).length).toBeGreaterThan(80);
      const called = (body: string): string[] => [...new Set([...body.matchAll(/`([a-z]+_[a-z]+)`/g)].map((m) => m[1] ?? ''))].sort();
      expect(called(zh), prompt.name).toEqual(called(en));
      const { tools } = (await ask('tools/list')).result as unknown as { tools: { name: string }[] };
      expect(tools.map((t) => t.name)).toEqual(expect.arrayContaining(called(en)));
    }
  });
  it('an absent optional value is said, a missing or unknown one refused', async () => {
    expect(await text('crash', { path: '/logs', framework: 'xllm' })).toContain('Logs: /logs');
    expect(await text('decode-bubbles', { path: '/p' })).toContain('boundary: not given');
    expect((await ask('prompts/get', { name: 'crash', arguments: { path: '/logs' } })).error?.message).toContain('E_ARG_MISSING: crash needs framework');
    expect((await ask('prompts/get', { name: 'crash', arguments: { path: '/l', framework: 'xllm', colour: 'red' } })).error?.message).toContain('E_ARG_UNKNOWN');
    expect((await ask('prompts/get', { name: 'nothing' })).error?.message).toContain('end-to-end-optimisation');
  });
});

describe('resources', () => {
  const read = async (uri: string): ReturnType<typeof ask> => ask('resources/read', { uri });
  const body = async (uri: string): Promise<string> => ((await read(uri)).result as { contents: { text: string }[] } | undefined)?.contents[0]?.text ?? '';
  it('lists schemas, skills and the files of runs; what is listed can be read', async () => {
    const { resources } = (await ask('resources/list')).result as unknown as { resources: { uri: string }[] };
    const uris = resources.map((r) => r.uri);
    expect(uris).toEqual(expect.arrayContaining(['xllm-npu://schemas/perf-metrics.schema.json', 'xllm-npu://skills/xllm-npu-profiler/SKILL.md', `xllm-npu://runs/${run}/manifest.yaml`]));
    expect(await body('xllm-npu://schemas/perf-metrics.schema.json')).toBe(await readFile('schemas/perf-metrics.schema.json', 'utf8'));
    expect(await body(`xllm-npu://runs/${run}/manifest.yaml`)).toContain('offers');
  });
  it('a log is served without its secrets', async () => {
    const log = await body(`xllm-npu://runs/${run}/service/001/node_0.log`);
    expect(log).toContain('ready');
    expect(log).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789');
  });
  it.each(['file:///etc/passwd', 'xllm-npu://schemas/../package.json', 'xllm-npu://skills/%2e%2e/package.json', 'xllm-npu://runs/../elsewhere/secret.txt', 'xllm-npu://runs/%2e%2e/elsewhere/secret.txt', 'xllm-npu://schemas/%zz', 'xllm-npu://other/x'])('%s is refused', async (uri) => {
    const answer = await read(uri);
    expect(answer.result).toBeUndefined();
    expect(answer.error?.message).toMatch(/E_PATH|E_RUN/);
  });
  it('a path out of a run is refused', async () => {
    for (const path of ['../../elsewhere/secret.txt', '%2e%2e/%2e%2e/elsewhere/secret.txt', 'events.jsonl/../../x']) expect((await read(`xllm-npu://runs/${run}/${path}`)).error?.message).toContain('E_PATH_MISSING');
  });
});
