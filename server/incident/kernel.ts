import { timeOf } from './clock.js';
import { limits } from './thresholds.js';

/**
 * Kernel lines no older than `limits.kernelHours`; a line without a time goes with the one above it, and with none above it is kept.
 * @param now ISO 8601 @param mixed a log of all programs: only lines of the kernel count
 */
export function recentKernel(text: string, now: string, mixed: boolean): string {
  const oldest = Date.parse(now) - limits.kernelHours.value * 3_600_000;
  let recent = true;
  return text
    .split('\n')
    .filter((line) => {
      const ms = timeOf(line, now);
      if (ms !== null) recent = ms >= oldest;
      return recent && (!mixed || / kernel: /.test(line));
    })
    .join('\n');
}
