import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fingerprint } from '../../server/host/cache.js';
import { ByteDictionary } from '../../server/profiles/byteDictionary.js';

const dir = mkdtempSync(join(tmpdir(), 'fingerprint-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('a changed source has another fingerprint, also at the same size and modification time', async () => {
  const folder = join(dir, 'PROF');
  mkdirSync(folder);
  const file = join(folder, 'a.csv');
  // A whole second, so that no file system rounds it.
  const time = new Date(1_700_000_000_000);
  writeFileSync(file, 'a,1\n');
  utimesSync(file, time, time);
  const before = await fingerprint([folder]);
  expect(await fingerprint([folder])).toBe(before);
  writeFileSync(file, 'b,2\n');
  utimesSync(file, time, time);
  expect(statSync(file).mtimeMs).toBe(time.getTime());
  expect(await fingerprint([folder])).not.toBe(before);
  const changed = await fingerprint([folder]);
  writeFileSync(join(folder, 'b.csv'), '');
  expect(await fingerprint([folder])).not.toBe(changed);
});

it('the byte dictionary tells words apart by every byte, and knows one wherever it stands', () => {
  const words = Array.from({ length: 20_000 }, (_, i) => `${'x'.repeat(i % 9)}${i}${i % 3 === 0 ? '' : 'ü'}`);
  const seen: string[] = [];
  const dictionary = new ByteDictionary((text) => seen.push(text) - 1);
  for (const pad of ['', '#', '###']) {
    for (const [i, word] of words.entries()) {
      const buf = Buffer.from(`${pad}${word}${pad}`);
      expect(dictionary.value(buf, pad.length, buf.length - pad.length)).toBe(i);
    }
  }
  expect(seen).toEqual(words);
});
