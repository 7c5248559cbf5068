import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { admitWrite, isInside } from '../../server/host/paths.js';
import { tempFolder, testHost } from '../helpers/temp.js';

let dir = '';
beforeAll(async () => {
  dir = await tempFolder();
  await mkdir(join(dir, 'allowed/sub'), { recursive: true });
  await mkdir(join(dir, 'allowed-not'), { recursive: true });
  await mkdir(join(dir, 'secret'), { recursive: true });
  await writeFile(join(dir, 'allowed/sub/a.csv'), 'x');
  await writeFile(join(dir, 'allowed-not/b.csv'), 'x');
  await writeFile(join(dir, 'secret/c.csv'), 'x');
  await symlink(join(dir, 'secret/c.csv'), join(dir, 'allowed/link.csv'));
  await symlink(join(dir, 'secret'), join(dir, 'allowed/linkdir'));
  await symlink(join(dir, 'allowed/sub'), join(dir, 'allowed/inner'));
  execFileSync('mkfifo', [join(dir, 'allowed/fifo')]);
});

const host = () => {
  const cwd = join(dir, 'allowed');
  return testHost(cwd);
};

describe('reading is confined to the allowed folders by real path', () => {
  it('admits files, folders, relative paths and symlinks that stay inside', async () => {
    expect(await host().admit('sub/a.csv')).toBe(join(dir, 'allowed/sub/a.csv'));
    expect(await host().admit(join(dir, 'allowed'))).toBe(join(dir, 'allowed'));
    expect(await host().admit('inner/a.csv')).toBe(join(dir, 'allowed/sub/a.csv'));
  });
  it.each([
    ['../secret/c.csv', 'E_PATH_OUTSIDE'],
    ['link.csv', 'E_PATH_OUTSIDE'],
    ['linkdir/c.csv', 'E_PATH_OUTSIDE'],
    ['../allowed-not/b.csv', 'E_PATH_OUTSIDE'],
    ['/etc/passwd', 'E_PATH_OUTSIDE'],
    ['../secret/nothing', 'E_PATH_OUTSIDE'],
    ['sub/nothing.csv', 'E_PATH_MISSING'],
    ['fifo', 'E_PATH_KIND'],
    ['a\0b', 'E_PATH_INVALID'],
    ['', 'E_PATH_INVALID'],
  ])('%j is refused with %s', async (path, code) => {
    await expect(host().admit(path)).rejects.toMatchObject({ code });
  });
  it('containment goes by components, not by prefix', () => {
    expect(isInside('/a/b', '/a/bc')).toBe(false);
    expect(isInside('/a/b', '/a/b/..c')).toBe(true);
    expect(isInside('/a/b', '/a/b')).toBe(true);
  });
});

describe('writing stays inside the run root', () => {
  it.each(['../x', '/etc/x', 'a/../../x', 'linkdir/x', 'a\0', '.'])('%j is refused', async (path) => {
    await expect(admitWrite(join(dir, 'allowed'), path)).rejects.toThrow(/E_PATH_(OUTSIDE|INVALID)/);
  });
  it('new folders are fine', async () => {
    expect(await admitWrite(join(dir, 'allowed'), 'new/deep/file.json')).toBe(join(dir, 'allowed/new/deep/file.json'));
  });
});
