import { createHash } from 'node:crypto';
import { open, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rememberedHash } from '../../server/host/cache.js';
import { tempFolder } from '../helpers/temp.js';

const root = await tempFolder();
const large = Buffer.alloc(17 << 20, 'x');
const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
/** Longer than a step of the file system's clock. */
const settle = (): Promise<void> => wait(250);
const remembered = async (): Promise<string[]> => readdir(join(root, '.cache/hashes')).catch(() => []);

describe('the hash of a large file', () => {
  it('is remembered, and another after an edit of one byte, even when the modification time was put back', async () => {
    const path = join(root, 'op_summary.csv');
    await writeFile(path, large);
    await settle();
    expect(await rememberedHash(root, path)).toBe(sha(large));
    const [name] = await remembered();
    expect(name).toBeDefined();
    // Only a hash that is looked up can be a planted one.
    await writeFile(join(root, '.cache/hashes', name ?? ''), 'a'.repeat(64));
    expect(await rememberedHash(root, path)).toBe('a'.repeat(64));

    const before = await stat(path);
    const file = await open(path, 'r+');
    await file.write('y', 100);
    await file.close();
    await utimes(path, before.atime, before.mtime);
    const edited = Buffer.from(large);
    edited[100] = 'y'.charCodeAt(0);
    expect(await rememberedHash(root, path)).toBe(sha(edited));
    await settle();
    expect(await rememberedHash(root, path)).toBe(sha(edited));
  });

  it('is not remembered of a file that was written this moment, nor is that of a small one', async () => {
    const known = (await remembered()).length;
    const [small, fresh] = [join(root, 'small'), join(root, 'fresh')];
    await writeFile(small, 'x');
    await settle();
    expect(await rememberedHash(root, small)).toBe(sha(Buffer.from('x')));
    for (let tries = 0; tries < 3; tries++) {
      await writeFile(fresh, large);
      expect(await rememberedHash(root, fresh)).toBe(sha(large));
    }
    // On a busy machine a look may come after the step; then it may be remembered, and is the right one.
    expect((await remembered()).length - known).toBeLessThanOrEqual(3);
  });

  it('something damaged in its place is no hash', async () => {
    const path = join(root, 'op_summary.csv');
    for (const name of await remembered()) await writeFile(join(root, '.cache/hashes', name), 'not a hash\n');
    const edited = Buffer.from(large);
    edited[100] = 'y'.charCodeAt(0);
    expect(await rememberedHash(root, path)).toBe(sha(edited));
  });
});
