import type { Evidence } from './evidence.js';
import type { Found, Hit } from './found.js';
import { states } from './thresholds.js';

/** vLLM's line of figures, one every 10 s while it serves (bench.md 3.2); newer versions print a line without tokens once only. */
const figures = /^(.{0,120}?)\bAvg prompt throughput: ([\d.]+) tokens\/s, Avg generation throughput: ([\d.]+) tokens\/s, Running: (\d+) reqs/;

/** How many of the last lines of figures tell of running requests and no token, prompt tokens included; of several engines the most. */
export function stillLines(lines: readonly string[]): number {
  const still = new Map<string, number>();
  for (const line of lines) {
    const found = figures.exec(line);
    if (found === null) continue;
    // Process and engine stand before the figures.
    const engine = [/pid=\d+/.exec(found[1] ?? '')?.[0], /Engine \d+/.exec(found[1] ?? '')?.[0]].join(' ');
    const stands = Number(found[2]) === 0 && Number(found[3]) === 0 && Number(found[4]) > 0;
    still.set(engine, stands ? (still.get(engine) ?? 0) + 1 : 0);
  }
  return Math.max(0, ...still.values());
}

/**
 * A service whose log ends with requests that run and no token. Null where no log says so long enough, and where consequences other than
 * vLLM's own complaint about a worker that does not answer lead elsewhere. Pure.
 */
export function standstill(evidence: Evidence, consequences: readonly Hit[]): Found | null {
  if (consequences.some((h) => h.signature.id !== 'out-of-shared-blocks')) return null;
  const file = evidence.files.reduce<Evidence['files'][number] | null>((most, f) => (f.still > (most?.still ?? 0) ? f : most), null);
  if (file === null || file.still < states.stillSuspected.value) return null;
  const process = evidence.processes.find((p) => p.files.includes(evidence.files.indexOf(file))) ?? null;
  const proven = file.still >= states.stillProven.value;
  const why = `the last ${file.still} lines of figures, one every 10 s by default, tell of running requests and of no token`;
  return { id: 'hang', class: 'framework', layer: 'framework', origin: null, silent: { rank: process?.rank ?? null, process, device: null, why, proven }, ms: file.last_ms, proven, why, own: [], cascades: [...consequences] };
}
