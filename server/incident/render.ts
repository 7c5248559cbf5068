import { cell, fenced, table, type Incident, type IncidentTriageFacts, type ToolOk } from '../contract/index.js';
import { hostName } from './names.js';
import { limits } from './thresholds.js';
import type { ReportBody } from './report.js';

/** What report and answer tell alike. */
type Told = Pick<ReportBody, 'primary' | 'incidents' | 'cascades' | 'timeline' | 'unmatched' | 'first_evidence' | 'actions' | 'would_change' | 'processes' | 'commands' | 'input'>;

/** Who it is: the rank, else the card, else the process, with what else is known. */
function whoIs(origin: Incident['origin']): string | null {
  const parts = [origin.rank === null ? null : `rank ${origin.rank}`, origin.device === null ? null : `card ${origin.device}`, origin.pid === null ? null : `pid ${origin.pid}`].filter((x) => x !== null);
  const host = hostName(origin.host);
  const [first, ...rest] = parts;
  if (first === undefined) return host === null ? null : `host ${host}`;
  const more = [...rest, ...(host === null ? [] : [`on ${host}`])].join(', ');
  return more === '' ? first : `${first} (${more})`;
}

const many = (n: number, one: string, more: string): string => `${n} ${n === 1 ? one : more}`;

/** A sentence of ours that fits, cut between words. */
function fitting(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, text.lastIndexOf(' ', room - 2))} …`;
}

/** The answer in one line: who, what, when, what to do first; of our own words and numbers alone. */
export function headline(body: ReportBody): string {
  const p = body.primary;
  if (p === null) {
    if (body.verdict === 'inconclusive') return 'Nothing could be read: no line of log in what was given';
    return body.unmatched.length > 0 ? `No known failure in ${body.input.lines} lines; ${many(body.unmatched.length, 'kind of error line', 'kinds of error lines')} that no signature knows` : `No failure in ${body.input.lines} lines of ${body.input.files} files`;
  }
  const who = whoIs(p.origin) ?? (p.origin.file === null && p.ranks.length > 1 ? `ranks ${p.ranks.slice(0, 8).join(', ')}${p.ranks.length > 8 ? ' …' : ''}` : 'origin not told');
  const followers = new Set(body.cascades.filter((c) => c.under === 0).flatMap((c) => c.ranks)).size;
  const said = [
    `${body.verdict === 'diagnosed' ? '' : 'Suspected: '}${body.verdict === 'diagnosed' ? `${who[0]?.toUpperCase() ?? ''}${who.slice(1)}` : who}: ${p.meaning} (${p.id}, class ${p.class})`,
    p.origin.time === null ? '' : p.origin.file === null ? `, since about ${p.origin.time}` : `, ${p.origin.time}`,
    followers === 0 ? '' : `; ${many(followers, 'rank reports', 'ranks report')} consequences`,
    body.incidents.length > 1 ? `; ${many(body.incidents.length - 1, 'more independent failure', 'more independent failures')}` : '',
  ].join('');
  const action = body.actions[0];
  return action === undefined ? fitting(said, limits.headline.value) : `${fitting(said, limits.headline.value - 60)}. First: ${fitting(action, limits.headline.value - said.length - 10)}`;
}

/** Names of files without the folder they share. */
function shorter(paths: readonly string[]): { readonly base: string; readonly of: (path: string) => string } {
  const [first = '', ...rest] = [...new Set(paths)].map((p) => p.slice(0, p.lastIndexOf('/') + 1));
  let base = first;
  for (const p of rest) while (!p.startsWith(base)) base = base.slice(0, base.lastIndexOf('/', base.length - 2) + 1);
  return { base, of: (path) => (path.startsWith(base) ? path.slice(base.length) : path) };
}

const list = (title: string, items: readonly string[]): string[] => (items.length === 0 ? [] : [`## ${title}`, '', ...items.map((i) => `- ${i}`), '']);
const or = (value: string | number | null): string => (value === null ? '–' : String(value));

/** Parts in the order they are needed at night: what to do, what to look at, why, what follows from it, then the rest. Foreign text stands in fences alone. */
function parts(b: Told, shown: { readonly timeline: number; readonly unmatched: number }): string[] {
  const names = shorter([...b.incidents.flatMap((i) => [...(i.origin.file === null ? [] : [i.origin.file]), ...i.evidence.map((e) => e.file)]), ...b.timeline.map((t) => t.file), ...b.unmatched.map((u) => u.file)].filter((f) => f.startsWith('/')));
  const place = (file: string | null, line: number | null): string => (file === null ? '–' : `${names.of(file)}:${or(line)}`);
  const host = b.primary === null ? null : hostName(b.primary.origin.host);
  const out = [...list('What to do', b.actions), ...list(`Look at next${host === null ? '' : `, on ${host}`}`, b.first_evidence.map((c) => `\`${c.replace(/`/g, "'")}\``))];
  b.incidents.forEach((i, index) => {
    out.push(`## ${index + 1}. ${i.id} (class ${i.class}, layer ${i.layer}, confidence ${i.confidence}${i.verified ? '' : ', meaning not verified'})`, '', `${i.meaning}. Why here: ${i.why}.`, '');
    out.push(`- origin: ${whoIs(i.origin) ?? 'not told'}${i.origin.time === null ? '' : `, ${i.origin.time}`}${i.count > 0 ? `, ${many(i.count, 'line', 'lines')} of ${i.ranks.length === 0 ? 'processes without a rank' : `ranks ${i.ranks.join(' ')}`}` : ''}`);
    out.push(`- causes: ${i.causes.join('; ')}`, ...(i.false_friends.length > 0 ? [`- not to be confused with: ${i.false_friends.join('; ')}`] : []), `- source: ${i.source}`, '');
    const seen = [...(i.origin.file === null ? [] : [`origin: ${place(i.origin.file, i.origin.line)}`]), ...i.evidence.map((e) => `${place(e.file, e.line)}: ${e.text}`)];
    if (seen.length > 0) out.push(fenced(seen.join('\n'), 'log lines'), '');
  });
  if (b.cascades.length > 0) out.push('## Consequences', '', table(['what', 'of', 'lines', 'ranks', 'after s', 'meaning'], b.cascades.map((c) => [c.id, c.under === null ? null : c.under + 1, c.count, c.ranks.join(' '), c.delay_s, c.meaning])), '');
  out.push(...list('What would change this', b.would_change));
  if (b.unmatched.length > 0) out.push('## Error lines no signature knows', '', fenced(b.unmatched.slice(0, shown.unmatched).map((u) => `${place(u.file, u.line)} (${u.count}x): ${u.text}`).join('\n'), 'log lines'), '');
  // Of lines of one kind on one rank the first tells when; the rest only how many.
  const kinds = new Map<string, { first: Told['timeline'][number]; count: number }>();
  for (const t of b.timeline) {
    const key = `${or(t.rank)} ${or(t.host)} ${t.id} ${t.rank === null ? t.file : ''}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { first: t, count: 1 });
    else known.count += 1;
  }
  if (kinds.size > 0) out.push('## Timeline', '', fenced([...kinds.values()].slice(0, shown.timeline).map(({ first: t, count }) => [or(t.time), `rank ${or(t.rank)}`, or(t.host), `${t.id} (${t.role})`, `${count}x`, place(t.file, t.line)].join('  ')).join('\n'), 'times, hosts and files', limits.shownText.value), '');
  if (names.base !== '') out.push(fenced(names.base, 'folder of the files named above'), '');
  if (b.commands.length > 0) out.push('## Collected from this host', '', table(['command', 'outcome', 'bytes'], b.commands.map((c) => [c.command, c.outcome, c.bytes])), '');
  return out;
}

/** incident/<n>/report.md: for people. */
export function reportText(body: ReportBody): string {
  const out = [`# Incident triage: ${body.verdict}`, '', headline(body), '', ...parts(body, { timeline: 60, unmatched: 20 }), ...list('Notes', body.notes.map((n) => cell(`${n.code}: ${n.detail}`, 400)))];
  return `${out.join('\n').trimEnd()}\n`;
}

function isTold(facts: Record<string, unknown>): facts is IncidentTriageFacts & Record<string, unknown> {
  return Array.isArray(facts['incidents']) && Array.isArray(facts['timeline']) && Array.isArray(facts['processes']);
}

/** Text of incident_triage's answer. */
export function answerText(result: ToolOk): string {
  if (!isTold(result.facts)) return '';
  const f = result.facts;
  const heard = f.processes.map((p) => `rank ${or(p.rank)}  ${or(p.host)}  pid ${or(p.pid)}  card ${or(p.device)}  ${or(p.first_time)} to ${or(p.last_time)}  ${p.counts.map((c) => `${c.id} ${c.count}x`).join(', ')}`);
  return [
    ...parts(f, { timeline: limits.shownTimeline.value, unmatched: limits.shownUnmatched.value }),
    ...(heard.length === 0 ? [] : ['## Processes', '', fenced(heard.join('\n'), 'hosts and processes', limits.shownText.value), '']),
    `- run: ${f.run}`, `- read: ${f.input.files} files, ${f.input.lines} lines, ${f.input.error_lines} error lines, ${f.input.bytes} bytes`,
  ].join('\n');
}
