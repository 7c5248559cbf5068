import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ToolOk } from '../../server/contract/index.js';
import { readText, sha256File } from '../../server/host/files.js';
import { defineTool, readsOnly, type Tool } from '../../server/mcp/define.js';
import { Registry } from '../../server/mcp/registry.js';
import { tempFolder, testContext } from '../helpers/temp.js';

/** A tool that answers what it is told, under the name and facts schema of a real one. */
function answering(result: Partial<ToolOk>): Tool {
  return defineTool({
    name: 'run_report',
    title: 't',
    description: 'd',
    input: { note: z.string().optional() },
    output: 'tool-facts.schema.json#/$defs/run_report',
    verdicts: ['written'],
    annotations: readsOnly,
    run: () => Promise.resolve({ verdict: 'written', headline: 'h', facts: { files: [] }, findings: [], artifacts: [], warnings: [], next: [], ...result }),
  });
}

async function call(result: Partial<ToolOk>) {
  const log: string[] = [];
  const answer = await new Registry([answering(result)], (line) => log.push(line)).call('run_report', {}, testContext(await tempFolder()));
  return { ...answer, log };
}

describe('a result is checked before it leaves', () => {
  it.each<[string, Partial<ToolOk>]>([
    ['a verdict of another tool', { verdict: 'complete' }],
    ['facts of another shape', { facts: { files: 'x' } }],
    ['a fact too many', { facts: { files: [], more: 1 } }],
    ['a headline that is no sentence but a log', { headline: 'x'.repeat(400) }],
    ['an artifact without its hash', { artifacts: [{ kind: 'raw', path: '/x', schema: null, sha256: 'nope' }] }],
  ])('%s is a defect of the server, not an answer', async (_, result) => {
    const { isError, structured, log } = await call(result);
    expect(isError).toBe(true);
    expect(structured).toMatchObject({ error: { code: 'E_RESULT_INVALID' } });
    expect(log).toHaveLength(1);
  });

  it('secrets do not pass the boundary', async () => {
    const { structured, text } = await call({ headline: 'started with --api-key cAnArY8231x', facts: { files: ['https://u:cAnArY8231x@h/'] } });
    expect(JSON.stringify(structured) + text).not.toContain('cAnArY8231x');
  });
});

describe('a result stays under 8 kB', () => {
  it('long lists are cut, and how much was cut is said', async () => {
    const files = Array.from({ length: 500 }, (_, i) => `/runs/x/file-${i}.json`);
    const { structured, text } = await call({ facts: { files } });
    expect(Buffer.byteLength(JSON.stringify(structured))).toBeLessThanOrEqual(8000);
    const kept = ('facts' in structured ? structured.facts['files'] : []) as string[];
    expect(structured).toMatchObject({ warnings: [{ code: 'W-CUT', detail: `facts.files shows ${kept.length} of 500; the artifact files hold all` }] });
    expect(kept).toEqual(files.slice(0, kept.length));
    expect(text).toContain('of 500');
  });
});

describe('text and structured result carry the same facts', () => {
  it('every string and number of one is in the other, and the first line is the answer', async () => {
    const result: Partial<ToolOk> = {
      headline: 'two files',
      facts: { files: ['/a/b.md', '/c/d.html'] },
      findings: [{ id: 'slow-rank', title: 'rank 3 is late', severity: 'high', value: 12.5, unit: 'us', share_pct: 7.25, evidence: [{ path: '/e/f.json', where: 'kernel row 4', detail: '17 calls' }], confidence: 'medium', action: 'look at card 3' }],
      artifacts: [{ kind: 'summary', path: '/g/h.md', schema: null, sha256: 'a'.repeat(64) }],
      warnings: [{ code: 'W-X', detail: 'careful' }],
      next: [{ tool: 'run_validate', why: 'proves it' }],
    };
    const { structured, text } = await call(result);
    expect(text.split('\n')[0]).toBe('**written**: two files');
    const values = (v: unknown): (string | number)[] => (typeof v === 'string' || typeof v === 'number' ? [v] : v !== null && typeof v === 'object' ? Object.values(v).flatMap(values) : []);
    for (const value of values(structured)) expect(text, String(value)).toContain(String(value));
  });
});

describe('files of a size or kind that cannot be read', () => {
  it('say so', async () => {
    const dir = await tempFolder();
    const big = join(dir, 'big.txt');
    await writeFile(big, '');
    await truncate(big, 10_000_000);
    await expect(readText(big, 1_000_000)).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' });
    await expect(sha256File(dir)).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' });
    await expect(readText(dir)).rejects.toMatchObject({ code: 'E_FILE_UNREADABLE' });
    expect(await readText(join(dir, 'absent'))).toBeNull();
  });
});
