import { foreign, ToolError } from '../contract/index.js';
import { readText } from '../host/files.js';
import { limits } from './thresholds.js';

export type Facts = Readonly<Record<string, unknown>>;

export function isFacts(value: unknown): value is Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that is an object; an empty one when it is not. */
export function inside(value: unknown, ...path: readonly string[]): Facts {
  let at: unknown = value;
  for (const key of path) at = isFacts(at) ? at[key] : undefined;
  return isFacts(at) ? at : {};
}

/** A number, also one in quotes; null otherwise. */
export function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** A whole JSON file that is one object. @throws ToolError E_FILE_EMPTY, E_JSON_BROKEN, E_FILE_UNREADABLE */
export async function readFacts(path: string): Promise<Facts> {
  const text = await readText(path, limits.jsonFileBytes);
  if (text === null || text.trim() === '') throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no content`, 'export the profile again');
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} is no complete JSON`, 'export the profile again', { cause });
  }
  if (!isFacts(value)) throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} holds no JSON object`, 'export the profile again');
  return value;
}
