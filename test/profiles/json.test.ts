import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents, slot, type EventStats } from '../../server/profiles/json.js';
import { limits } from '../../server/profiles/thresholds.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
let count = 0;

interface Seen {
  name: string;
  pid: number;
  arg: string;
}

async function read(text: string): Promise<{ seen: Seen[]; stats: EventStats }> {
  const path = join(dir, `${count++}.json`);
  await writeFile(path, text);
  const seen: Seen[] = [];
  const stats = await readEvents(path, ['value'], (event, args) => {
    seen.push({ name: event.text(slot.name), pid: event.number(slot.pid), arg: args?.text(0) ?? '' });
  });
  return { seen, stats };
}

describe('timeline events by bytes', () => {
  it('reads what JSON.stringify wrote, whatever the strings and however it is laid out', async () => {
    const text = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '\n', 'a', '算', '\u0001'), maxLength: 10 });
    const events = fc.array(fc.record({ args: fc.record({ nested: fc.record({ value: text }), value: text, list: fc.array(text) }), name: text, other: fc.oneof(fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(fc.record({ name: text }))), pid: fc.integer() }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(events, fc.constantFrom(0, 2), fc.boolean(), async (list, indent, wrapped) => {
        const { seen, stats } = await read(JSON.stringify(wrapped ? { displayTimeUnit: 'ns', traceEvents: list } : list, null, indent));
        expect(seen).toEqual(list.map((e) => ({ name: e.name, pid: e.pid, arg: e.args.value })));
        expect(stats).toMatchObject({ events: list.length, damaged: 0, truncated: false });
      }),
      { numRuns: 100 },
    );
  });
  it('reads events across the edges of its chunks', async () => {
    const list = Array.from({ length: 30_000 }, (_, i) => ({ name: `op${i}`, pid: i, args: { value: 'v'.repeat(i % 101) } }));
    list.splice(10, 0, { name: 'long', pid: -1, args: { value: 'w'.repeat(limits.chunkBytes * 3) } });
    const { seen } = await read(JSON.stringify(list));
    expect(seen).toHaveLength(30_001);
    expect(seen[10]?.arg).toHaveLength(limits.chunkBytes * 3);
    expect(seen[30_000]).toEqual({ name: 'op29999', pid: 29_999, arg: 'v'.repeat(29_999 % 101) });
  });
  it('keeps every complete event of a cut file, wherever it was cut', async () => {
    const list = [{ name: 'a"}', pid: 1, args: { value: '{' } }, { name: 'b', pid: 2, args: { value: ']' } }];
    const text = JSON.stringify(list);
    const firstEnd = JSON.stringify(list[0]).length + 1;
    for (let cut = firstEnd; cut < text.length; cut++) {
      const { seen, stats } = await read(text.slice(0, cut));
      expect(stats.truncated).toBe(true);
      expect(seen).toHaveLength(cut >= text.length - 1 ? 2 : 1);
    }
    for (const cut of [1, 2, 20, firstEnd - 1]) await expect(read(text.slice(0, cut))).rejects.toMatchObject({ code: 'E_JSON_BROKEN' });
  });
  it('skips a damaged event and goes on', async () => {
    const { seen, stats } = await read('[{"name":"a","pid":1},{"name" "b"},{"name":"c","pid":3}]');
    expect(seen.map((s) => s.name)).toEqual(['a', 'c']);
    expect(stats).toMatchObject({ damaged: 1, truncated: false });
  });
  it('refuses what is no timeline', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
    await expect(read('{"a":[{"name":"x"}]}')).rejects.toMatchObject({ code: 'E_JSON_BROKEN' });
    await expect(read('hello')).rejects.toMatchObject({ code: 'E_JSON_BROKEN' });
    expect((await read('[]')).stats).toMatchObject({ events: 0, truncated: false });
  });
});
