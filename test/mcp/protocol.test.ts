import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { mainJs, RawClient } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';

const run = promisify(execFile);
let dir = '';
beforeAll(async () => {
  dir = await tempFolder();
});

async function cli(args: string[], input?: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const promise = run(process.execPath, [mainJs, ...args], { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir } });
  if (input !== undefined) promise.child.stdin?.end(input);
  return promise.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (e: { code: number; stdout: string; stderr: string }) => ({ code: e.code, stdout: e.stdout, stderr: e.stderr }),
  );
}

describe('clients of three protocol revisions', () => {
  it.each(['2025-06-18', '2025-11-25'])('one that opens with %s gets that revision, the tools and a call', async (version) => {
    const client = new RawClient(['mcp'], dir);
    expect((await client.initialize(version)).result?.['protocolVersion']).toBe(version);
    const { tools } = (await client.request(2, 'tools/list', {})).result as { tools: { name: string }[] };
    expect(tools.map((t) => t.name)).toEqual(expect.arrayContaining(['env_probe', 'run_create', 'run_show', 'run_validate', 'run_report', 'profile_analyze', 'profile_query']));
    const call = await client.request(3, 'tools/call', { name: 'run_create', arguments: { purpose: 'protocol', level: 'smoke' } });
    expect(call.result).toMatchObject({ isError: false, structuredContent: { verdict: 'created' } });
    expect(await client.close()).toBe(0);
  });

  it('one that probes a newer revision first is told, and falls back', async () => {
    const client = new RawClient(['mcp'], dir);
    const probe = await client.request(90, 'server/discover', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } });
    expect(probe.error?.code).toBe(-32601);
    expect((await client.initialize('2025-11-25')).result?.['protocolVersion']).toBe('2025-11-25');
    expect((await client.request(2, 'tools/list', {})).result?.['tools']).not.toHaveLength(0);
    await client.close();
  });

  it('one that asks for a revision of the future gets the newest known', async () => {
    const client = new RawClient(['mcp'], dir);
    expect((await client.initialize('2026-07-28')).result?.['protocolVersion']).toBe('2025-11-25');
    await client.close();
  });

  it('stdout is protocol only, errors included, and the server ends with its client', async () => {
    const client = new RawClient(['mcp'], dir);
    await client.initialize('2025-11-25');
    for (const [id, name, args] of [[2, 'nope', {}], [3, 'run_show', { runn: 'x' }], [4, 'run_show', { run: 7 }], [5, 'run_show', {}], [6, 'profile_analyze', { path: '/etc/passwd' }]] as const) {
      const answer = await client.request(id, 'tools/call', { name, arguments: args });
      expect(answer.result?.['structuredContent']).toBeDefined();
    }
    expect(await client.close()).toBe(0);
    for (const line of client.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it', async (signal) => {
    const client = new RawClient(['mcp'], dir);
    await client.initialize('2025-11-25');
    const ended = new Promise((resolve) => client.child.once('exit', resolve));
    client.child.kill(signal);
    await ended;
    expect(client.child.exitCode ?? client.child.signalCode).toBe(0);
  });

  it('a toolset serves a part', async () => {
    const client = new RawClient(['mcp', '--toolsets', 'environment'], dir);
    await client.initialize('2025-11-25');
    const { tools } = (await client.request(2, 'tools/list', {})).result as { tools: { name: string }[] };
    expect(tools.map((t) => t.name)).toEqual(['env_probe']);
    await client.close();
  });
});

describe('arguments', () => {
  it.each([
    ['run_show', { runn: 'x', what: 'jobs' }, 'E_ARG_UNKNOWN', /runn/, /run\?, what\?/],
    ['run_create', { level: 'smoke' }, 'E_ARG_MISSING', /purpose/, /purpose, level/],
    ['run_create', { purpose: 'x', level: 'huge' }, 'E_ARG_TYPE', /level/, /purpose, level/],
    ['run_create', { purpose: 'x', level: 'smoke', devices: ['a'] }, 'E_ARG_TYPE', /devices/, /expected names/],
    ['run_create', { purpose: 'x', level: 'smoke', sla_json: '{' }, 'E_JSON_BROKEN', /sla_json/, /object/],
    ['run_create', { purpose: 'x', level: 'smoke', manifest_json: '{"codes":{}}' }, 'E_ARG_TYPE', /section/, /sections/],
    ['run_create', { purpose: 'x', level: 'smoke', manifest_json: '{"code":{"comit":"x"}}' }, 'E_ARTIFACT_INVALID', /comit/, /no run/],
    ['run_nope', {}, 'E_TOOL_UNKNOWN', /no tool/, /run_create/],
  ])('%s %j answers %s by name', async (tool, args, code, seen, next) => {
    const { code: exit, stdout } = await cli(['call', tool, JSON.stringify(args)]);
    expect(exit).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error.code).toBe(code);
    expect(error.seen).toMatch(seen);
    expect(error.next).toMatch(next);
  });
});

describe('the command line is the same handler', () => {
  it('prints exactly one JSON object; - reads it from stdin', async () => {
    const created = await cli(['call', 'run_create', '-'], '{"purpose":"shell","level":"smoke"}');
    expect(created.code).toBe(0);
    expect(created.stdout.trimEnd().split('\n')).toHaveLength(1);
    const { facts } = JSON.parse(created.stdout);
    const shown = JSON.parse((await cli(['call', 'run_show', JSON.stringify({ run: facts.run })])).stdout);
    expect(shown.facts.manifest.identity).toMatchObject({ run: facts.run, purpose: 'shell', level: 'smoke' });
  });
  it('a client over MCP and the shell see the same runs', async () => {
    const client = new RawClient(['mcp'], dir);
    await client.initialize('2025-11-25');
    const over = await client.request(2, 'tools/call', { name: 'run_show', arguments: {} });
    await client.close();
    expect(over.result?.['structuredContent']).toEqual(JSON.parse((await cli(['call', 'run_show'])).stdout));
  });
  it('wrong usage exits 2, with nothing on stdout', async () => {
    for (const args of [['call', 'run_show', '{'], ['nope'], ['call']]) expect(await cli(args)).toMatchObject({ code: 2, stdout: '' });
  });
  it('validate: a fresh run is complete, a changed byte exits 1 with the file', async () => {
    const { facts } = JSON.parse((await cli(['call', 'run_create', '{"purpose":"v","level":"smoke"}'])).stdout);
    expect((await cli(['validate', facts.run_dir])).code).toBe(0);
    await writeFile(join(facts.run_dir, 'manifest.yaml'), 'x: 1\n');
    const bad = await cli(['validate', facts.run_dir]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^\*\*tampered\*\*/);
    expect(bad.stdout).toContain('manifest.yaml');
  });
  it('validate: an artifact against the schema it names', async () => {
    const path = join(dir, 'card.json');
    await writeFile(path, '{"schema":"env-snapshot"}');
    expect(await cli(['validate', path])).toMatchObject({ code: 1, stdout: expect.stringContaining('violation:') });
    await writeFile(path, '{"schema":"nope"}');
    expect(await cli(['validate', path])).toMatchObject({ code: 1, stderr: expect.stringContaining('E_FORMAT_UNKNOWN') });
  });
});
