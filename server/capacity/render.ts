import { table } from '../contract/index.js';
import type { CapacityBody } from './body.js';

const gib = (bytes: number | null): string => (bytes === null ? 'unknown' : `${(bytes / 1024 ** 3).toFixed(2)} GiB`);

/** One sentence with the number that matters. Only our own words. */
export function headline(body: CapacityBody): string {
  const r = body.per_rank;
  if (r.blocks === null) return `${gib(r.weights_bytes)} of weights and ${String(r.kv_bytes_per_token)} bytes per token on a rank; ${body.reason}`;
  const most = body.max_concurrency === null ? `${String(r.token_capacity)} tokens` : `${String(body.max_concurrency)} requests of ${String(body.tokens_per_request)} tokens (${String(body.max_concurrency_low)} with every reserve at its high end)`;
  return `${String(r.blocks)} blocks of ${String(r.block_size)} tokens hold ${most}; margin ${gib(r.free_margin_low_bytes)} to ${gib(r.free_margin_bytes)}; ${body.reason}`;
}

/** capacity.md, for people. Pure. */
export function page(body: CapacityBody): string {
  const r = body.per_rank;
  const parts = [
    `# Capacity plan: ${body.verdict}`, '', headline(body), '', `Binding limit: ${body.limit}.`, '',
    '## HBM ledger of one rank', '', 'Every column sums to the total. `worst` has every reserve at its high end.', '',
    body.ledger.length === 0 ? 'Not computed: the notes say what is missing.' : table(['item', 'bytes', 'size', 'worst bytes', 'worst size', 'source'], body.ledger.map((l) => [l.name, String(l.bytes), gib(l.bytes), String(l.worst_bytes), gib(l.worst_bytes), l.source])),
    '', `Total: ${r.hbm_total_bytes === null ? 'unknown' : String(r.hbm_total_bytes)} bytes.`, '',
    '## Settings in force', '', table(['setting', 'value', 'from'], body.settings.map((s) => [s.name, s.value, s.origin])),
  ];
  if (body.observed !== null) {
    parts.push('', '## Plan and start-up log', '', table(['quantity', 'unit', 'planned low', 'planned high', 'observed', 'recomputed low', 'recomputed high', 'status', 'what moves it'], body.differences.map((d) => [d.quantity, d.unit, d.planned_low, d.planned_high, d.observed, d.recomputed_low, d.recomputed_high, d.status, d.cause])));
  }
  if (body.advice.length > 0) parts.push('', '## Single changes, planned again', '', table(['parameter', 'from', 'to', 'verdict', 'max concurrency', 'blocks', 'margin'], body.advice.map((a) => [a.parameter, a.from, a.to, a.verdict, a.max_concurrency, a.blocks, gib(a.free_margin_bytes)])));
  if (body.notes.length > 0) parts.push('', '## Notes', '', ...body.notes.map((n) => `- ${n.code}: ${n.detail}`));
  return `${parts.join('\n')}\n`;
}
