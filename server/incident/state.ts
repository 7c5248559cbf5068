import type { IncidentClass, IncidentLayer } from '../contract/index.js';
import type { Evidence, HostState } from './evidence.js';
import type { Found } from './found.js';
import type { Hung } from './stack.js';
import { states } from './thresholds.js';

interface Trouble {
  readonly id: string;
  readonly class: IncidentClass;
  readonly layer: IncidentLayer;
  readonly card: number | null;
  readonly why: string;
}

/** Cards whose device node is there and which npu-smi does not list. Nothing is claimed when npu-smi lists none: its own message tells then. */
function missing(state: HostState): Trouble[] {
  const cards = state.cards ?? [];
  if (cards.length === 0 || cards.length >= state.nodes.length) return [];
  const shown = new Set(cards.map((c) => c.card));
  const absent = state.nodes.filter((n) => !shown.has(n));
  const counted = `${state.nodes.length} device nodes are there and npu-smi lists ${cards.length} cards`;
  // Where ids are numbered in another way than the nodes, only the count tells.
  const named = absent.length === state.nodes.length - cards.length ? absent : [null];
  return named.map((card) => ({ id: 'device-missing', class: 'device', layer: 'driver', card, why: card === null ? counted : `${counted}; card ${card} is not among them` }));
}

/** Memory of a card that no living process accounts for. Only where all processes of the host are seen. */
function stale(state: HostState): Trouble[] {
  if (!state.sees_all_processes) return [];
  return (state.cards ?? []).flatMap((c): Trouble[] => {
    const gone = c.listed.filter((p) => !p.alive && (p.memory_mb ?? 0) >= states.staleListedMb.value);
    const make = (why: string): Trouble[] => [{ id: 'stale-process', class: 'device', layer: 'host', card: c.card, why }];
    if (gone[0] !== undefined) return make(`npu-smi lists process ${gone[0].pid} with ${gone.reduce((sum, p) => sum + (p.memory_mb ?? 0), 0)} MB of card ${c.card}, and no such process lives`);
    if (c.used_mb !== null && c.listed.length === 0 && c.used_mb >= states.staleUnlistedMb.value) return make(`${c.used_mb} MB of card ${c.card} are in use and npu-smi lists no process there`);
    return [];
  });
}

/** Services with requests in them, a health check that answers 200, and no token between two readings. */
function hangs(state: HostState): Trouble[] {
  return state.services
    .filter((s) => s.health === 200 && s.requests > 0 && s.tokens_after === s.tokens_before && s.seconds >= states.hangWindowMs.value / 1000)
    .map((s) => ({ id: 'hang', class: 'framework', layer: 'framework', card: null, why: `/health answers 200, ${s.requests} ${s.requests === 1 ? 'request is' : 'requests are'} running, and no token was computed in ${s.seconds} s` }));
}

/** Signatures that tell of a task that hangs (stack.ts). */
const hungBySignature: ReadonlySet<string> = new Set<Hung>(['d-state-copy', 'hung-driver', 'hung-storage', 'hung-task']);

/** Programs that serve a model, by the name of their process. */
const serving = /^(?:xllm|vllm|sglang|python|ray::|pt_main)/i;

/**
 * Serving processes that stay in uninterruptible sleep and take neither page faults nor CPU time (domain.md I65, 2.1 C1: D state, no CPU, no
 * log). Together with a start whose log ends in the loading of weights that is a load that hangs in the kernel; alone it is a suspicion.
 */
function asleep(state: HostState, found: Found[]): void {
  const held = state.stuck.filter((p) => serving.test(p.name));
  const first = held[0];
  // A stack or a kernel line that names the reason says more.
  if (first === undefined || found.some((f) => hungBySignature.has(f.id))) return;
  const why = `${held.length} serving ${held.length === 1 ? 'process stays' : 'processes stay'} in uninterruptible sleep and ${held.length === 1 ? 'does' : 'do'} not move, the first is ${first.pid}`;
  const at = found.findIndex((f) => f.id === 'stalled-start');
  const start = found[at];
  if (start === undefined) {
    if (found.length === 0) found.push({ id: 'd-state', class: 'host-os', layer: 'host', origin: null, silent: { rank: null, process: null, device: null, why, proven: false }, ms: null, proven: false, why, own: [], cascades: [] });
    return;
  }
  found[at] = { ...start, id: 'd-state-load', layer: 'host', proven: true, why: `${start.why}; ${why}` };
}

/** Numbers of a list of visible devices that a line complains about. */
export function asked(text: string): number[] {
  return (/(?:ASCEND_RT_VISIBLE_DEVICES:\[|input visible devices:)([\d,\s]{1,200})/.exec(text)?.[1] ?? '').split(',').filter((n) => n.trim() !== '').map(Number);
}

/**
 * What the host's state adds to what logs told: a missing card, memory that nobody holds, a service that stands still. Each is a root of its
 * own behind those with a time; a missing card takes over the failure of the process that asked for it. Pure.
 */
export function withState(evidence: Evidence, found: readonly Found[]): Found[] {
  if (evidence.state === null) return [...found];
  const state = evidence.state;
  const out = [...found];
  asleep(state, out);
  for (const t of [...missing(state), ...stale(state), ...hangs(state)]) {
    const made: Found = { id: t.id, class: t.class, layer: t.layer, origin: null, silent: { rank: null, process: null, device: t.card, why: t.why, proven: true }, ms: null, proven: true, why: t.why, own: [], cascades: [] };
    // The kernel log that lost this card says more than that it is not listed.
    const lost = t.id !== 'device-missing' || t.card === null ? undefined : out.find((f) => f.class === 'device' && f.origin !== null && evidence.processes[f.origin.event.process]?.device === t.card);
    if (lost !== undefined) {
      lost.why = `${lost.why}; ${t.why}`;
      continue;
    }
    const at = t.id !== 'device-missing' ? -1 : out.findIndex((f) => f.id === 'device-id' && f.own.some((h) => t.card !== null && asked(h.event.text).includes(t.card)));
    const taken = out[at];
    if (taken === undefined) out.push(made);
    else out[at] = { ...made, ms: taken.ms, cascades: [...taken.own, ...taken.cascades] };
  }
  return out;
}
