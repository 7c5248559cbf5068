import { foreign, type Incident, type IncidentCascade, type IncidentEvidence, type IncidentReport, type IncidentUnmatched } from '../contract/index.js';
import type { Catalogue, Signature } from '../programs/signatures.js';
import { clockText } from './clock.js';
import type { Evidence } from './evidence.js';
import type { Found, Hit } from './found.js';
import { preferred } from './frameworks.js';
import { judge, type Judgement } from './judge.js';
import { deviceClasses, procedural } from './procedural.js';
import { fileName } from './names.js';

/** The report without the stamp every artifact gets. */
export type ReportBody = Omit<IncidentReport, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

const unique = (values: readonly string[]): string[] => [...new Set(values)];

function evidenceOf(evidence: Evidence, hit: Hit): IncidentEvidence {
  return { file: foreign(evidence.files[hit.event.file]?.path ?? '', 300), line: hit.event.line, time: clockText(hit.event.ms), rank: evidence.processes[hit.event.process]?.rank ?? null, text: hit.event.text };
}

function ranksOf(evidence: Evidence, hits: readonly Hit[]): number[] {
  return [...new Set(hits.flatMap((h) => evidence.processes[h.event.process]?.rank ?? []))].sort((a, b) => a - b);
}

/** How often signatures occurred, lines that were not kept included. */
function countOf(evidence: Evidence, hits: readonly Hit[]): number {
  const wanted = new Set(hits.map((h) => `${h.event.process} ${h.event.signature}`));
  return evidence.counts.filter((c) => wanted.has(`${c.process} ${c.signature}`)).reduce((sum, c) => sum + c.count, 0);
}

function confidenceOf(f: Found, signature: Signature | undefined, judgement: Judgement, first: boolean): Incident['confidence'] {
  if (!f.proven) return 'low';
  const weak = signature !== undefined && (signature.confidence === 'stated' || signature.confidence === 'domain');
  const rivals = first && !judgement.clocks.aligned && judgement.found.length > 1;
  return weak || rivals || f.ms === null ? 'medium' : 'high';
}

function incidentOf(evidence: Evidence, catalogue: Catalogue, judgement: Judgement, f: Found, index: number): Incident {
  const signature = catalogue.byId.get(f.id);
  const text = signature ?? procedural(f.id);
  const process = f.origin === null ? f.silent?.process : evidence.processes[f.origin.event.process];
  const shown = f.own.length > 0 ? f.own : f.cascades;
  // A failure that came from elsewhere is seen here, it did not begin here.
  const elsewhere = f.origin !== null && f.origin.signature.role === 'cascade' && f.class === 'hccl';
  return {
    id: f.id,
    class: f.class,
    layer: f.layer,
    confidence: confidenceOf(f, signature, judgement, index === 0),
    verified: signature === undefined || signature.confidence === 'source' || signature.confidence === 'issue',
    meaning: text.meaning,
    why: f.why,
    origin: {
      rank: elsewhere ? null : (f.silent?.rank ?? process?.rank ?? null),
      host: elsewhere || process?.host == null ? null : foreign(process.host, 80),
      pid: elsewhere ? null : (process?.pid ?? null),
      device: elsewhere ? null : (f.silent?.device ?? process?.device ?? null),
      file: f.origin === null ? null : foreign(evidence.files[f.origin.event.file]?.path ?? '', 300),
      line: f.origin?.event.line ?? null,
      time: clockText(f.origin === null ? f.ms : f.origin.event.ms),
    },
    ranks: f.origin === null ? [...(f.silent?.ranks ?? (f.silent?.rank == null ? [] : [f.silent.rank]))] : ranksOf(evidence, f.own),
    count: countOf(evidence, f.own),
    causes: [...text.causes],
    evidence: shown.slice(0, 5).map((h) => evidenceOf(evidence, h)),
    false_friends: [...text.false_friends],
    source: text.source,
  };
}

function cascadesOf(evidence: Evidence, judgement: Judgement): IncidentCascade[] {
  const rows: IncidentCascade[] = [];
  const add = (hits: readonly Hit[], under: number | null, ms: number | null): void => {
    for (const id of unique(hits.map((h) => h.signature.id))) {
      const own = hits.filter((h) => h.signature.id === id);
      const first = own[0];
      if (first === undefined) continue;
      const delay = ms === null || first.ms === null ? null : Math.round(first.ms - ms) / 1000;
      rows.push({ id, class: first.signature.class, under, count: countOf(evidence, own), ranks: ranksOf(evidence, own), processes: new Set(own.map((h) => h.event.process)).size, first: evidenceOf(evidence, first), delay_s: delay, meaning: first.signature.meaning });
    }
  };
  judgement.found.forEach((f, index) => add(f.cascades, index, f.ms));
  add(judgement.unexplained, null, null);
  return rows;
}

/** Placeholders of commands filled in where the origin tells them; only numbers go in. */
function filled(command: string, incident: Incident): string {
  const { device, pid } = incident.origin;
  return command.replace(/\bID\b/g, device === null ? 'ID' : String(device)).replace(/\bPID\b/g, pid === null ? 'PID' : String(pid));
}

function unmatchedOf(evidence: Evidence): IncidentUnmatched[] {
  const rows = evidence.unmatched.map((u) => ({ file: foreign(evidence.files[u.file]?.path ?? '', 300), line: u.line, time: clockText(u.ms), rank: evidence.processes[u.process]?.rank ?? null, count: u.count, text: u.text, ms: u.ms, words: u.text.replace(/0x[0-9a-fA-F]+|\d+/g, '#').slice(0, 200) }));
  const merged = new Map<string, (typeof rows)[number]>();
  for (const row of rows) {
    const known = merged.get(row.words);
    if (known === undefined) merged.set(row.words, row);
    else merged.set(row.words, (row.ms ?? Infinity) < (known.ms ?? Infinity) ? { ...row, count: row.count + known.count } : { ...known, count: row.count + known.count });
  }
  // The rarest and earliest tell most; a flood tells least.
  return [...merged.values()].sort((a, b) => (a.ms ?? Infinity) - (b.ms ?? Infinity) || a.count - b.count || a.line - b.line).map(({ file, line, time, rank, count, text }) => ({ file, line, time, rank, count, text }));
}

function wouldChange(evidence: Evidence, judgement: Judgement, incidents: readonly Incident[]): string[] {
  const primary = incidents[0];
  if (primary === undefined) return ['an error line of any process; logs of ranks that are not here; the kernel log of the time'];
  const ranks = new Set(evidence.processes.flatMap((p) => p.rank ?? []));
  const world = Math.max(0, ...evidence.processes.map((p) => p.world ?? 0));
  const absent = Array.from({ length: Math.min(world, 4096) }, (_, r) => r).filter((r) => !ranks.has(r));
  return [
    ...(absent.length > 0 ? [`logs of ranks ${absent.slice(0, 16).join(', ')}${absent.length > 16 ? ' …' : ''}, which are not here: an earlier error there would be the origin`] : []),
    ...(judgement.clocks.aligned ? [] : ['the clock difference of the hosts: their order is taken as logged']),
    ...(primary.id === 'silent-rank' ? ['an error in the log of the silent rank, a kill in its kernel log, or its stack while it hangs'] : []),
    'an error on any process before the origin',
  ];
}

/** Whether the framework the caller named decided something. */
function frameworkNote(evidence: Evidence, catalogue: Catalogue, judgement: Judgement): ReportBody['notes'] {
  if (evidence.framework === null) return [];
  const key = (j: Judgement): string => `${j.found[0]?.id ?? ''} ${j.found[0]?.origin?.event.file ?? ''}:${j.found[0]?.origin?.event.line ?? ''}`;
  const own = evidence.events.filter((e) => preferred(evidence.framework, e.signature) === 1).length;
  const decided = key(judge({ ...evidence, framework: null }, catalogue)) !== key(judgement);
  return [{ code: 'N-FRAMEWORK', detail: `between equal candidates those of ${evidence.framework} went first: ${own} lines match its own signatures; ${decided ? 'this decided the primary' : 'the order of lines would give the same primary'}` }];
}

/** What collect was not allowed to see. */
function refusals(evidence: Evidence): ReportBody['notes'] {
  const refused = evidence.commands.filter((c) => c.outcome === 'refused').map((c) => c.command);
  return refused.length === 0 ? [] : [{ code: 'W-COLLECT', detail: `${refused.length} ${refused.length === 1 ? 'query was' : 'queries were'} refused, so what they show is not known: ${foreign(refused.slice(0, 6).join('; '), 300)}` }];
}

/** The whole report of a triage. Pure: the same evidence gives the same bytes. */
export function reportOf(evidence: Evidence, catalogue: Catalogue): ReportBody {
  const judgement = judge(evidence, catalogue);
  const incidents = judgement.found.map((f, index) => incidentOf(evidence, catalogue, judgement, f, index));
  const primary = incidents[0] ?? null;
  const lines = evidence.files.reduce((sum, f) => sum + f.lines, 0);
  const verdict = primary !== null ? (judgement.found[0]?.proven === true ? 'diagnosed' : 'suspected') : lines === 0 ? 'inconclusive' : 'no-known-signature';
  const texts = judgement.found.map((f) => catalogue.byId.get(f.id) ?? procedural(f.id));
  const files = evidence.files.filter((f) => f.problem !== null);
  return {
    verdict,
    primary,
    incidents,
    cascades: cascadesOf(evidence, judgement),
    timeline: judgement.hits.slice(0, 200).map((h) => {
      const e = evidenceOf(evidence, h);
      return { time: e.time, rank: e.rank, host: h.host === '' ? null : foreign(h.host, 80), id: h.signature.id, role: h.signature.role, file: e.file, line: e.line, text: e.text };
    }),
    unmatched: unmatchedOf(evidence).slice(0, 100),
    first_evidence: unique(texts.flatMap((t, i) => [...(incidents[i]?.class === 'unknown' ? [] : deviceClasses(incidents[i]?.class)), ...t.evidence].map((c) => (incidents[i] === undefined ? c : filled(c, incidents[i]))))),
    actions: unique(texts.flatMap((t) => t.actions)),
    would_change: wouldChange(evidence, judgement, incidents),
    processes: evidence.processes.map((p, index) => {
      const own = p.files.map((f) => evidence.files[f]);
      const times = own.flatMap((f) => f?.first_ms ?? []);
      const ends = own.flatMap((f) => f?.last_ms ?? []);
      return { host: p.host === null ? null : foreign(p.host, 80), pid: p.pid, rank: p.rank, device: p.device, files: p.files.length, first_time: clockText(times.length === 0 ? null : Math.min(...times)), last_time: clockText(ends.length === 0 ? null : Math.max(...ends)), counts: evidence.counts.filter((c) => c.process === index).map((c) => ({ id: c.signature, count: c.count })) };
    }),
    commands: evidence.commands,
    input: { files: evidence.files.length, bytes: evidence.files.reduce((sum, f) => sum + f.bytes, 0), lines, error_lines: evidence.files.reduce((sum, f) => sum + f.error_lines, 0) },
    notes: [
      ...frameworkNote(evidence, catalogue, judgement),
      ...refusals(evidence),
      ...files.slice(0, 20).map((f) => ({ code: 'W-READ', detail: `${fileName(f.path, evidence.files.indexOf(f))} of ${evidence.files.length}, in the order of their paths: ${f.problem ?? ''}` })),
      ...(judgement.clocks.aligned ? [] : [{ code: 'W-CLOCK', detail: 'the clocks of the hosts share no moment in these logs: times of different hosts are compared as logged' }]),
      ...[...judgement.clocks.offsets].filter(([, ms]) => Math.abs(ms) >= 1000).map(([host, ms]) => ({ code: 'N-CLOCK', detail: `the clock of ${host === '' ? 'one host' : foreign(host, 80)} is ${Math.round(ms / 100) / 10} s ahead of the first one; compared after correction` })),
    ],
  };
}
