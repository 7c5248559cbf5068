import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCsv } from '../../server/profiles/csv.js';
import { limits } from '../../server/profiles/thresholds.js';
import { cleanWord } from '../../server/profiles/words.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
let count = 0;

async function read(text: string | Buffer): Promise<{ names: string[]; rows: string[][]; lines: number[]; ragged: number }> {
  const path = join(dir, `${count++}.csv`);
  await writeFile(path, text);
  const out = { names: [] as string[], rows: [] as string[][], lines: [] as number[], ragged: 0 };
  const stats = await readCsv(path, (names) => {
    out.names = names;
    return (row) => {
      out.rows.push(Array.from({ length: row.fields }, (_, i) => row.text(i)));
      out.lines.push(row.line);
    };
  });
  expect(stats.rows).toBe(out.rows.length);
  out.ragged = stats.ragged;
  return out;
}

describe('CSV by bytes', () => {
  it('reads what a writer of RFC 4180 wrote, whatever is in the cells and however lines end', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', ';', '算', '.'), maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), async (rows, end, last) => {
        const text = [['a', 'b', 'c'], ...rows].map((r) => r.map((c) => `"${c.replaceAll('"', '""')}"`).join(',')).join(end) + (last ? end : '');
        const got = await read(text);
        expect(got.rows).toEqual(rows.map((r) => r.map((c) => c.trim())));
      }),
      { numRuns: 60 },
    );
  });
  it('takes quoted shapes, TABs, a BOM, raw quotes inside names and an empty last cell as msprof writes them', async () => {
    const got = await read('\ufeffOp Name,Start(us),Input Shapes,x\r\nMat"Mul",1.5\t,"32,4096;4096,512",\r\nB,2.5\t,"""1,2""",N/A\r\n\r\n');
    expect(got.names).toEqual(['Op Name', 'Start(us)', 'Input Shapes', 'x']);
    expect(got.rows).toEqual([['Mat"Mul"', '1.5', '32,4096;4096,512', ''], ['B', '2.5', '"1,2"', 'N/A']]);
    expect(cleanWord('"1,2"')).toBe('1,2');
    expect(cleanWord('N/A')).toBe('');
  });
  it('counts rows of another width and numbers lines through multi-line cells', async () => {
    const got = await read('a,b\n1,2\n"x\ny",2\n3\n4,5,6\n');
    expect(got.ragged).toBe(2);
    expect(got.lines).toEqual([2, 3, 5, 6]);
  });
  it('reads records across the edges of its chunks', async () => {
    const wide = 'w'.repeat(limits.chunkBytes - 7);
    const rows = Array.from({ length: 40_000 }, (_, i) => `${i},"${i},${i}",${'z'.repeat(i % 97)}`);
    rows.splice(20_000, 0, `-1,"${wide},${wide}",end`);
    const got = await read(`a,b,c\n${rows.join('\n')}`);
    expect(got.rows).toHaveLength(40_001);
    expect(got.rows[20_000]?.[1]).toHaveLength(2 * wide.length + 1);
    expect(got.rows[40_000]).toEqual(['39999', '39999,39999', 'z'.repeat(39_999 % 97)]);
  });
  it('says at which line a quote was opened that is never closed', async () => {
    await expect(read('a,b\n1,2\n"x\ny",2\n3,"open\n4,5\n')).rejects.toMatchObject({ code: 'E_CSV_BROKEN', seen: expect.stringContaining('line 5') });
  });
  it('gives up on an unclosed quote long before the end of a large file', async () => {
    const text = `a,b\n1,"open\n${'0123456789,0123456789\n'.repeat(Math.ceil((limits.csvRecordBytes + 3 * limits.chunkBytes) / 22))}`;
    await expect(read(text)).rejects.toMatchObject({ code: 'E_CSV_BROKEN', seen: expect.stringContaining('line 2') });
  });
  it('an empty file has its own error', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
  });
});
