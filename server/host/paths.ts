import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { foreign, ToolError } from '../contract/index.js';

/** Inside, by path components, never by string prefix. */
export function isInside(folder: string, path: string): boolean {
  const rel = relative(folder, path);
  return rel === '' || (!rel.startsWith(`..${sep}`) && rel !== '..' && !isAbsolute(rel));
}

async function realRoots(roots: readonly string[]): Promise<string[]> {
  const real = await Promise.all(roots.map((r) => realpath(r).catch(() => null)));
  return real.filter((r): r is string => r !== null);
}

function outside(path: string, roots: readonly string[]): ToolError {
  return new ToolError(
    'E_PATH_OUTSIDE',
    `${foreign(path, 300)} lies outside the allowed folders (symlinks resolved); allowed: ${roots.map((r) => foreign(r, 120)).join(', ')}`,
    'start the server with --allow DIR (or XLLM_NPU_ALLOW) naming a folder that holds it, or copy it into an allowed folder',
  );
}

/**
 * The real path of something that exists inside the allowed folders.
 * @throws ToolError E_PATH_INVALID, E_PATH_MISSING, E_PATH_OUTSIDE, E_PATH_KIND (device, FIFO, socket)
 */
export async function admit(path: string, roots: readonly string[], cwd: string): Promise<string> {
  if (path === '' || path.includes('\0')) throw new ToolError('E_PATH_INVALID', 'an empty path or one with a NUL byte', 'give the path of a file or folder');
  const asked = resolve(cwd, path);
  const allowed = await realRoots(roots);
  let real: string;
  try {
    real = await realpath(asked);
  } catch (cause) {
    const parent = await realpath(dirname(asked)).catch(() => null);
    if (parent !== null && !allowed.some((r) => isInside(r, join(parent, basename(asked))))) throw outside(asked, roots);
    throw new ToolError('E_PATH_MISSING', `${foreign(asked, 300)} does not exist`, 'check the spelling; a relative path counts from the server\'s working directory', { cause });
  }
  if (!allowed.some((r) => isInside(r, real))) throw outside(asked, roots);
  const info = await stat(real);
  if (!info.isFile() && !info.isDirectory()) throw new ToolError('E_PATH_KIND', `${foreign(asked, 300)} is neither a file nor a folder`, 'give a regular file or a folder');
  return real;
}

/**
 * A path to write inside `root`, built from our own names. Symlinks on the way are refused.
 * @throws ToolError E_PATH_OUTSIDE, E_PATH_INVALID
 */
export async function admitWrite(root: string, relativePath: string): Promise<string> {
  if (relativePath === '' || relativePath.includes('\0') || isAbsolute(relativePath)) throw new ToolError('E_PATH_INVALID', 'a path that is empty, absolute or has a NUL byte', 'give a path relative to the run root');
  const full = resolve(root, relativePath);
  if (!isInside(root, full) || full === root) throw outside(full, [root]);
  let at = root;
  for (const part of relative(root, full).split(sep)) {
    at = join(at, part);
    const info = await lstat(at).catch(() => null);
    if (info === null) break;
    if (info.isSymbolicLink()) throw outside(at, [root]);
  }
  return full;
}

/**
 * A path that is not on this machine: its links can not be looked at, so only its text is judged.
 * @throws ToolError E_PATH_INVALID, E_PATH_OUTSIDE
 */
export function admitElsewhere(path: string, roots: readonly string[]): string {
  if (/[\0\r\n]/.test(path) || !isAbsolute(path) || resolve(path) !== path.replace(/(?<=.)\/+$/, '')) throw new ToolError('E_PATH_INVALID', 'a path on another host that is not absolute and plain', 'give an absolute path without . and .. parts');
  if (!roots.some((r) => isInside(r, path))) throw outside(path, roots);
  return path;
}
