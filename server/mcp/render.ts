import { cell, number, table, type ToolFailed, type ToolOk } from '../contract/index.js';

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value inside one table cell; nested values as compact JSON, so that no fact is lost. */
function inline(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return cell(value, 200);
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.length === 0 ? 'none' : items.map(inline).join(', ');
  }
  if (isRecord(value)) return Object.entries(value).map(([k, v]) => `${k} ${inline(v)}`).join('; ');
  return '';
}

/** Every fact of an object as Markdown: scalars as a list, lists of objects as tables. */
function facts(value: Record<string, unknown>, depth = 0): string[] {
  const lines: string[] = [];
  for (const [key, v] of Object.entries(value)) {
    if (Array.isArray(v) && v.length > 0 && v.every(isRecord)) {
      const rows: Record<string, unknown>[] = v;
      const head = [...new Set(rows.flatMap((r) => Object.keys(r)))];
      lines.push('', `${key}:`, '', table(head, []), ...rows.map((r) => `| ${head.map((h) => inline(r[h])).join(' | ')} |`), '');
    } else if (isRecord(v) && Object.values(v).some((inner) => Array.isArray(inner) || isRecord(inner)) && depth < 3) {
      lines.push(`- ${key}:`, ...facts(v, depth + 1).map((l) => (l.startsWith('-') ? `  ${l}` : l)));
    } else {
      lines.push(`- ${key}: ${inline(v)}`);
    }
  }
  return lines;
}

/** Markdown with the same facts as the structured result; the first line is the answer. */
export function resultText(result: ToolOk, text?: (result: ToolOk) => string): string {
  const parts = [`**${result.verdict}**: ${result.headline}`, '', text === undefined ? facts(result.facts).join('\n') : text(result)];
  if (result.findings.length > 0) {
    parts.push('', 'findings:');
    for (const f of result.findings) {
      const share = f.share_pct === undefined || f.share_pct === null ? '' : `, ${number(f.share_pct)} % of span`;
      parts.push(`- ${f.id} [${f.severity}, confidence ${f.confidence}]: ${cell(f.title, 200)}: ${inline(f.value)} ${f.unit}${share}. Action: ${cell(f.action, 300)}`);
      for (const e of f.evidence) parts.push(`  - evidence: ${cell(e.path, 300)} ${cell(e.where, 120)}: ${cell(e.detail, 200)}`);
    }
  }
  if (result.warnings.length > 0) parts.push('', ...result.warnings.map((w) => `warning ${w.code}: ${cell(w.detail, 300)}`));
  if (result.artifacts.length > 0) parts.push('', ...result.artifacts.map((a) => `artifact ${a.kind}: ${a.path}${a.schema === null ? '' : ` (${a.schema})`} sha256 ${a.sha256}`));
  if (result.next.length > 0) parts.push('', ...result.next.map((n) => `next: ${n.tool}: ${n.why}`));
  return parts.join('\n').replace(/\n{3,}/g, '\n\n');
}

export function failureText(failed: ToolFailed): string {
  const { code, seen, cause, next } = failed.error;
  return `**${code}**: ${seen}\n\ncause: ${cause}\nnext: ${next}`;
}
