import type { BubbleRow, Layers, StageRow } from '../contract/index.js';
import { foreign } from '../contract/index.js';
import { skewColumns, skewRows } from './skew/tables.js';
import type { RankSkew } from './skew/types.js';

type Value = string | number | null | undefined;

/** A cell of a CSV (RFC 4180); a text that a spreadsheet would take for a formula is quoted with an apostrophe. Null is empty. */
function csvCell(value: Value): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = foreign(value, 300);
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv(head: readonly string[], rows: readonly (readonly Value[])[]): string {
  return `${[head.join(','), ...rows.map((row) => row.map(csvCell).join(','))].join('\n')}\n`;
}

/** stage-table.csv: one row per device and stage. */
export function stageTable(rows: readonly StageRow[]): string {
  return csv(['device', 'rank', 'stage', 'steps', 'tasks', 'total_us', 'share_pct'], rows.map((r) => [r.device, r.rank, r.stage ?? 'unknown', r.steps, r.tasks, r.total_us, r.share_pct]));
}

/** bubble-table.csv: one row per device, place, pair of ops and class; host calls as `name: us in n calls`, joined by `; `. */
export function bubbleTable(rows: readonly BubbleRow[]): string {
  return csv(
    ['device', 'rank', 'where', 'before', 'after', 'class', 'count', 'total_us', 'p50_us', 'p99_us', 'max_us', 'share_pct', 'queued', 'memcpy_us', 'event_wait_us', 'host_silent_us', 'host_events'],
    rows.map((r) => [r.device, r.rank, r.where, r.before, r.after, r.class, r.count, r.total_us, r.p50_us, r.p99_us, r.max_us, r.share_pct, r.queued, r.memcpy_us, r.event_wait_us, r.host_silent_us, r.host_events.map((e) => `${foreign(e.name, 60)}: ${e.total_us} us in ${e.count}`).join('; ')]),
  );
}

/** layer-table.csv: one row per layer of the device shown. */
export function layerTable(layers: Layers | null): string {
  return csv(['device', 'rank', 'stage', 'layer', 'us', 'delta_pct', 'odd'], (layers?.layers ?? []).map((l) => [layers?.device, layers?.rank, layers?.stage, l.layer, l.us, l.delta_pct, l.odd]));
}

/** rank-skew-table.csv: one row per rank; the head alone where ranks cannot be compared. */
export function skewTable(skew: RankSkew | null): string {
  return csv(skewColumns, skew === null ? [] : skewRows(skew).map((row) => skewColumns.map((column) => row[column])));
}
