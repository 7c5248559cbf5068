import type { Evidence } from './evidence.js';
import type { Found, Hit } from './found.js';
import { clocks } from './thresholds.js';

/** Stages of a start in their order, by the words of programs/service-log.ts. */
const order = ['joining', 'loading weights', 'sizing the KV cache', 'capturing graphs', 'listening'];

/**
 * A start that did not come to its end though no line tells an error: a rank whose log is empty or stopped in an earlier stage than the
 * others', or a start that ends while it loads. Null on a start that came through. Pure.
 */
export function startTrouble(evidence: Evidence, consequences: readonly Hit[]): Found | null {
  const staged = evidence.files.map((f, index) => ({ ...f, index, at: f.stage === null ? -1 : order.indexOf(f.stage) }));
  const heard = staged.filter((f) => f.at >= 0);
  if (heard.length === 0 || heard.some((f) => f.stage === 'listening')) return null;
  const best = Math.max(...heard.map((f) => f.at));
  const last = Math.max(...heard.map((f) => f.last_ms ?? 0));
  const rankOf = (index: number): number | null => evidence.processes.find((p) => p.files.includes(index) && p.rank !== null)?.rank ?? null;
  // Rank 0 waits for all; whoever is not in while another is keeps it waiting.
  const someJoined = heard.some((f) => f.joined);
  const behind = staged
    .filter((f) => f.bytes === 0 || (f.at >= 0 && f.at < best && f.at < 2) || (someJoined && f.stage === 'joining' && !f.joined && rankOf(f.index) !== 0))
    .filter((f) => rankOf(f.index) !== null)
    .sort((a, b) => a.at - b.at || a.index - b.index)[0];
  const process = (index: number): Evidence['processes'][number] | null => evidence.processes.find((p) => p.files.includes(index) && p.rank !== null) ?? evidence.processes.find((p) => p.files.includes(index)) ?? null;
  if (behind !== undefined) {
    const rank = rankOf(behind.index);
    const gap = behind.last_ms === null ? null : last - behind.last_ms;
    const same = behind.at === best;
    const why = same && behind.bytes > 0 ? `rank ${rank ?? 'unknown'} never joined rank 0, others did` : behind.bytes === 0 ? `the log of rank ${rank ?? 'unknown'} is empty while others are not` : `rank ${rank ?? 'unknown'} came to ${behind.stage ?? 'nothing'}, others came to ${order[best] ?? 'more'}`;
    const proven = gap !== null && gap >= clocks.silentMs.value;
    return { id: 'silent-rank', class: 'framework', layer: 'framework', origin: null, silent: { rank, process: process(behind.index), device: null, why, proven }, ms: behind.last_ms, proven, why, own: [], cascades: [...consequences] };
  }
  const stuck = heard.find((f) => f.stage === 'loading weights');
  if (stuck === undefined || stuck.error_lines > 0 || consequences.length > 0) return null;
  const why = 'the log ends while weights are loaded, without an error: a load that still goes on, or one that hangs';
  return { id: 'stalled-start', class: 'weights-load', layer: 'framework', origin: null, silent: { rank: rankOf(stuck.index), process: process(stuck.index), device: null, why, proven: false }, ms: stuck.last_ms, proven: false, why, own: [], cascades: [] };
}
