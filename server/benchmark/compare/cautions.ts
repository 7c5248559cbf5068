import { thresholds } from '../thresholds.js';
import type { RootEvidence, SideName } from './evidence.js';
import { distinct, text, type Reasons } from './gate.js';
import type { Order } from './order.js';
import type { Pass, Sides } from './sides.js';

/** Manifest fields the gate judges by; one of them stated by hand makes the comparison rest on somebody's word. */
const needed: readonly string[] = [
  ...['weights_sha256', 'tokenizer_sha256', 'dtype', 'quantization'].map((f) => `model.${f}`),
  ...['chip', 'devices', 'cann_version', 'driver_version'].map((f) => `environment.${f}`),
  ...['commit', 'dirty', 'diff_sha256'].map((f) => `code.${f}`),
  ...['framework', 'command', 'prefix_cache', 'profiling_mode', 'started_at'].map((f) => `service.${f}`),
  ...['client', 'client_version', 'command', 'dataset', 'input_tokens', 'output_tokens', 'parallel', 'number', 'rate', 'warmup', 'stream', 'temperature', 'top_p', 'top_k', 'seed', 'ignore_eos'].map((f) => `workload.${f}`),
];

function stated(root: RootEvidence): string | null {
  const found: string[] = [];
  const manifest = root.manifest;
  if (manifest === null) return 'no manifest';
  for (const path of needed) {
    const [section = '', field = ''] = path.split('.');
    const values = new Map<string, unknown>(Object.entries(new Map<string, object>(Object.entries(manifest).filter((e): e is [string, object] => typeof e[1] === 'object')).get(section) ?? {}));
    const value = values.get(field);
    // `service.tuned` is a judgement nobody can capture; it is not here.
    if (value !== null && value !== undefined && manifest.provenance[path]?.how !== 'captured') found.push(path);
  }
  if (root.metrics.some((m) => m.tool === 'bench_import')) found.push('imported results');
  if (root.metrics.some((m) => m.state === 'unrecorded')) found.push('unrecorded results');
  if (root.env.some((e) => e.origin === 'raw_dir')) found.push('environment captured elsewhere');
  return found.length === 0 ? null : `${found.slice(0, 4).join(', ')}${found.length > 4 ? ` and ${found.length - 4} more` : ''}`;
}

function prefix(sides: Sides, reasons: Reasons): void {
  reasons.bad('F-PREFIX', sides, (s) => s.starts, (start) => {
    const on = start.passes.some((p) => p.root.manifest?.service.prefix_cache !== false);
    if (!on) return null;
    if (start.passes.some((p) => p.point.repeated_prompts === true)) return 'prompts repeated';
    const open = start.passes.filter((p) => (p.point.repeated_prompts ?? null) === null);
    const times = Math.max(0, ...open.map((p) => Math.max(p.point.repeats ?? 1, open.filter((q) => q.load === p.load).length)));
    return times > 1 ? `the same load ${times} times against one service` : null;
  });
}

function untuned(sides: Sides, reasons: Reasons): void {
  const of = (name: SideName, field: 'framework' | 'tuned'): string[] => sides[name].roots.map((r) => text(r.manifest?.service[field]));
  const frameworks = new Set([...of('baseline', 'framework'), ...of('candidate', 'framework')]);
  if (frameworks.size < 2) return;
  const tuned = new Set([...of('baseline', 'tuned'), ...of('candidate', 'tuned')]);
  if (tuned.size === 1 && !tuned.has('unknown')) return;
  const show = (name: SideName): string => `${distinct(of(name, 'framework'))}, tuned ${distinct(of(name, 'tuned'))}`;
  reasons.add('F-UNTUNED', show('baseline'), show('candidate'));
}

/** Every caution that holds. @param judgesTail true where a p99 is the claim or a service level */
export function cautionsOf(sides: Sides, order: Order, judgesTail: boolean, reasons: Reasons): void {
  const roots = (s: Sides[SideName]): readonly RootEvidence[] => s.roots;
  const passes = (s: Sides[SideName]): readonly Pass[] => s.passes;
  reasons.bad('F-SIMULATED', sides, roots, (r) => (r.manifest?.simulated === true || r.metrics.some((m) => m.artifact.simulated) ? 'simulated' : null));
  reasons.bad('F-STATED', sides, roots, stated);
  const shared = sides.baseline.starts.filter((s) => sides.candidate.starts.some((t) => t.key === s.key)).length;
  const few = (name: SideName): boolean => sides[name].starts.length < thresholds.formalStarts.value || sides[name].starts.some((s) => !s.known);
  if (few('baseline') || few('candidate') || shared > 0) {
    const show = (name: SideName): string => `${sides[name].starts.length} starts${sides[name].starts.some((s) => !s.known) ? ', when they were made is unknown' : ''}${shared > 0 ? `, ${shared} shared with the other side` : ''}`;
    reasons.add('F-REPLICATES', show('baseline'), show('candidate'));
  }
  if (judgesTail) reasons.bad('F-TAIL', sides, passes, (p) => ((p.point.success ?? 0) < thresholds.tailRequests.value ? `${p.point.success ?? 'unknown'} requests` : null));
  reasons.bad('F-DIRTY', sides, roots, (r) => {
    const code = r.manifest?.code;
    if (code?.dirty === false) return null;
    return code?.dirty !== true ? 'unknown' : (code.diff_sha256 ?? null) === null ? 'dirty, no diff saved' : null;
  });
  prefix(sides, reasons);
  if (order.facts.interleaved !== true) {
    const show = order.facts.sequence === null ? 'start time unknown' : `order ${order.facts.sequence.length > 40 ? `${order.facts.sequence.slice(0, 40)}…` : order.facts.sequence}`;
    reasons.add('F-ORDER', show, show);
  }
  untuned(sides, reasons);
  reasons.bad('F-CONCURRENCY', sides, passes, (p) => {
    const { parallel, rate, number } = p.point;
    return rate === null && parallel !== null && number !== null && number < thresholds.requestsPerSlot.value * parallel ? `${number} requests for ${parallel} slots` : null;
  });
}
