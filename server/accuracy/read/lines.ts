import { foreign, ToolError } from '../../contract/index.js';
import { readText } from '../../host/files.js';
import { limits } from '../thresholds.js';
import { isRecord } from './items.js';

export interface Lines {
  readonly rows: readonly Record<string, unknown>[];
  /** Lines that are not JSON objects: a cut file, or another format. */
  readonly broken: number;
}

/** Objects of a JSONL file. @throws ToolError E_PATH_MISSING, E_FILE_UNREADABLE, E_FILE_EMPTY, E_JSON_BROKEN when no line is an object */
export async function readLines(path: string): Promise<Lines> {
  const text = await readText(path, limits.fileBytes.value);
  if (text === null) throw new ToolError('E_PATH_MISSING', `${foreign(path, 300)} is gone`, 'restore it, or evaluate again');
  const rows: Record<string, unknown>[] = [];
  let broken = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(line);
      if (isRecord(value)) rows.push(value);
      else broken += 1;
    } catch {
      broken += 1;
    }
  }
  if (rows.length > 0) return { rows, broken };
  if (broken === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no row`, 'the evaluation ended before its first answer; run it again');
  throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)}: none of ${broken} lines is a JSON object`, 'give JSON lines with id, target, prediction and score, or an evalscope output folder');
}
