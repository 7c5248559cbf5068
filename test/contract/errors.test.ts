import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes, isRunId, makeRunId, producer, ToolError } from '../../server/contract/index.js';

async function sources(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return Promise.all(files.filter((f) => f.endsWith('.ts')).map((f) => readFile(join(folder, f), 'utf8')));
}

describe('the closed list of error codes', () => {
  it('every code is thrown somewhere and asserted by a test', async () => {
    const server = (await sources('server')).filter((s) => !s.includes('export const errorCodes')).join('\n');
    const tests = (await sources('test')).join('\n');
    const codes = Object.keys(errorCodes);
    expect(codes.filter((c) => !server.includes(`'${c}'`))).toEqual([]);
    expect(codes.filter((c) => !tests.includes(`'${c}'`))).toEqual([]);
  });
  it('an error carries code, what was seen, cause and next', () => {
    expect(new ToolError('E_FILE_EMPTY', 'x has no byte', 'capture again').failure()).toEqual({ code: 'E_FILE_EMPTY', seen: 'x has no byte', cause: errorCodes.E_FILE_EMPTY, next: 'capture again' });
  });
});

describe('ids and version', () => {
  it('run ids are folder names', () => {
    const id = makeRunId('2026-11-24T06:15:30.123Z', 'TPOT: -10 % / Qwen3 "32B"', 'a1b2c3');
    expect(id).toBe('20261124-061530-tpot-10-qwen3-32b-a1b2');
    expect(isRunId(id)).toBe(true);
    expect(isRunId(makeRunId('2026-11-24T06:15:30Z', '解码气泡', 'ffff'))).toBe(true);
    for (const bad of ['..', '../x', '20261124-061530-x-a1b2/..', '', '20261124-061530--a1b2']) expect(isRunId(bad)).toBe(false);
  });
  it('one version everywhere', async () => {
    const pkg = JSON.parse(await readFile('package.json', 'utf8'));
    expect(producer).toEqual({ name: pkg.name, version: pkg.version });
  });
});
