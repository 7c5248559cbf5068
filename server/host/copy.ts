import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { walk } from './files.js';
import { admitWrite } from './paths.js';

/**
 * Copies the regular files below a folder; links are not followed.
 * @param from real path of an admitted folder @param root @param relative where to, below `root`
 * @throws ToolError E_PATH_OUTSIDE when a symlink lies on the way
 */
export async function copyFolder(from: string, root: string, relative: string): Promise<void> {
  for (const file of await walk(from)) {
    const to = await admitWrite(root, `${relative}/${file}`);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(join(from, file), to);
  }
}

/** Makes a folder below `root` and returns its path. @throws ToolError E_PATH_OUTSIDE */
export async function makeFolder(root: string, relative: string): Promise<string> {
  const path = await admitWrite(root, relative);
  await mkdir(path, { recursive: true });
  return path;
}
