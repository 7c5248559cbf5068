import { cell, fenced, table } from '../contract/index.js';
import type { ReportBody } from './report.js';

/** The answer in one line, of our own words and numbers alone. */
export function headline(body: ReportBody): string {
  const p = body.primary;
  if (p === null) {
    if (body.verdict === 'inconclusive') return 'Nothing could be read: no line of log in what was given';
    return body.unmatched.length > 0 ? `No known failure in ${body.input.lines} lines; ${body.unmatched.length} kinds of error lines that no signature knows` : `No failure in ${body.input.lines} lines of ${body.input.files} files`;
  }
  const where = [p.origin.rank === null ? null : `rank ${p.origin.rank}`, p.origin.device === null ? null : `card ${p.origin.device}`, p.origin.time].filter((x) => x !== null).join(', ');
  const others = body.incidents.length > 1 ? `; ${body.incidents.length - 1} more independent ${body.incidents.length === 2 ? 'failure' : 'failures'}` : '';
  const under = body.cascades.filter((c) => c.under === 0).length;
  return `${body.verdict === 'diagnosed' ? '' : 'Suspected: '}${p.meaning} (${p.id}, class ${p.class})${where === '' ? '' : `, origin ${where}`}${under > 0 ? `; ${under} kinds of consequences` : ''}${others}`;
}

const lines = (title: string, items: readonly string[]): string[] => (items.length === 0 ? [] : [`## ${title}`, '', ...items.map((i) => `- ${i}`), '']);

/** incident/<n>/report.md: for people. Lines of logs stand in fences, as data. */
export function reportText(body: ReportBody): string {
  const out = [`# Incident triage: ${body.verdict}`, '', headline(body), ''];
  body.incidents.forEach((i, index) => {
    out.push(`## ${index + 1}. ${i.id} (${i.class}, ${i.layer}, confidence ${i.confidence}${i.verified ? '' : ', meaning not verified'})`, '', `${i.meaning}. Why here: ${i.why}.`, '');
    out.push(table(['rank', 'host', 'pid', 'card', 'file', 'line', 'time', 'count'], [[i.origin.rank, i.origin.host, i.origin.pid, i.origin.device, i.origin.file, i.origin.line, i.origin.time, i.count]]), '');
    if (i.evidence.length > 0) out.push(fenced(i.evidence.map((e) => `${e.file}:${e.line}: ${e.text}`).join('\n'), 'log lines'), '');
    out.push(`Causes: ${i.causes.join('; ')}.`, ...(i.false_friends.length > 0 ? [`Not to be confused with: ${i.false_friends.join('; ')}.`] : []), `Source: ${i.source}.`, '');
  });
  if (body.cascades.length > 0) out.push('## Consequences', '', table(['what', 'under', 'count', 'ranks', 'first file', 'line', 'after s'], body.cascades.map((c) => [c.id, c.under === null ? null : c.under + 1, c.count, c.ranks.join(' '), c.first.file, c.first.line, c.delay_s])), '');
  if (body.timeline.length > 0) out.push('## Timeline', '', table(['time', 'rank', 'host', 'what', 'role', 'file', 'line'], body.timeline.slice(0, 60).map((t) => [t.time, t.rank, t.host, t.id, t.role, t.file, t.line])), '');
  if (body.unmatched.length > 0) out.push('## Error lines no signature knows', '', fenced(body.unmatched.slice(0, 20).map((u) => `${u.file}:${u.line} (${u.count}x): ${u.text}`).join('\n'), 'log lines'), '');
  out.push(...lines('Look at next', body.first_evidence.map((c) => `\`${c.replace(/`/g, "'")}\``)), ...lines('What to do', body.actions), ...lines('What would change this', body.would_change));
  if (body.commands.length > 0) out.push('## Collected from this host', '', table(['command', 'outcome', 'bytes'], body.commands.map((c) => [c.command, c.outcome, c.bytes])), '');
  out.push(...lines('Notes', body.notes.map((n) => cell(`${n.code}: ${n.detail}`, 400))));
  return `${out.join('\n').trimEnd()}\n`;
}
