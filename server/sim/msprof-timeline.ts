import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Capture, SimProcess } from './capture.js';
import { exportStamp } from './msprof-folder.js';
import { TextFile } from './text.js';
import { timelineEvents } from './timeline.js';

/** `msprof_<14 digits>.json`: one array, closed at the very end. @returns its path */
export function writeMsprofTimeline(folder: string, capture: Capture, process: SimProcess, laterSeconds = 0): string {
  const output = join(folder, 'mindstudio_profiler_output');
  mkdirSync(output, { recursive: true });
  const file = new TextFile(join(output, `msprof_${exportStamp(process, laterSeconds)}.json`));
  let separator = '[';
  for (const event of timelineEvents(capture, process)) {
    file.write(separator);
    file.write(event);
    separator = ',';
  }
  file.write(separator === '[' ? '[]' : ']');
  file.close();
  return file.path;
}
