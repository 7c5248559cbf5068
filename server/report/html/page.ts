import { createHash } from 'node:crypto';
import { foreign, producer, type Finding, type SchemaName } from '../../contract/index.js';
import { missingForFormal } from '../../runs/manifest.js';
import { answers, type Answer } from '../answers.js';
import { evidenceFiles, type Evidence, type Held } from '../gather.js';
import type { Language, Words } from '../words.js';
import { deviceTime, hbmLedger, kernelShare, stepsAndBubbles } from './bars.js';
import { beforeAfter } from './compared.js';
import { latencyCdf, throughputLatency } from './curves.js';
import { esc, figure, fileLink, tableHtml, type Chart } from './markup.js';
import { incidentTimeline, rankSkew } from './ranks.js';
import { roofline } from './roofline.js';
import { style } from './style.js';

/** Comparisons and findings a page shows; the artifacts hold all. */
const shown = { comparisons: 3, findings: 30, files: 400 };

/** The newest artifacts of a kind that have something to draw, newest first; those before it say that they are older. */
function newest<T extends { path: string }>(held: readonly T[], most: number, w: Words, draw: (one: T) => Chart | null): Chart[] {
  const made: Chart[] = [];
  for (const one of [...held].reverse()) {
    const chart = made.length === most ? null : draw(one);
    if (chart !== null) made.push(made.length === 0 ? chart : { ...chart, id: `${chart.id}-${made.length + 1}`, title: `${chart.title} (${w.earlier}: ${foreign(one.path, 80)})` });
  }
  return made;
}

/** Every drawing there may be, with its title for the list of those left out. */
function charts(e: Evidence, w: Words): { title: string; made: Chart[] }[] {
  const compared = e.of('comparison-report').slice(-shown.comparisons).reverse().flatMap((c: Held<'comparison-report'>, i) => beforeAfter(c, w, i === 0 ? 'compared' : `compared-${i + 1}`) ?? []);
  const one = (title: string, chart: Chart | null): { title: string; made: Chart[] } => ({ title, made: chart === null ? [] : [chart] });
  // A run that compares has a before and an after; others are about their newest state.
  const most = e.of('comparison-report').length + e.of('accuracy-comparison').length > 0 ? 2 : 1;
  const some = <N extends SchemaName>(title: string, schema: N, draw: (x: Held<N>) => Chart | null): { title: string; made: Chart[] } => ({ title, made: newest(e.of(schema), most, w, draw) });
  return [
    { title: w.beforeAfter, made: compared },
    some(w.incidents, 'incident-report', (x) => incidentTimeline(x, w)),
    one(w.curve, throughputLatency(e, w)),
    one(w.cdf, latencyCdf(e, w)),
    some(w.windows, 'profiling-analysis', (x) => deviceTime(x, w)),
    some(w.kernels, 'profiling-analysis', (x) => kernelShare(x, w)),
    some(w.steps, 'pipeline-analysis', (x) => stepsAndBubbles(x, w)),
    some(w.skew, 'pipeline-analysis', (x) => rankSkew(x, w)),
    some(w.roofline, 'compute-estimate', (x) => roofline(x, w)),
    some(w.hbm, 'capacity-plan', (x) => hbmLedger(x, w)),
  ];
}

const severities = ['high', 'medium', 'low', 'info'] as const;

function findings(e: Evidence): Finding[] {
  const all = [...e.of('review-report'), ...e.of('profiling-analysis'), ...e.of('pipeline-analysis'), ...e.of('compute-estimate'), ...e.of('accuracy-comparison')].flatMap((a) => a.value.findings);
  return all.map((f, i) => ({ f, i })).sort((a, b) => severities.indexOf(a.f.severity) - severities.indexOf(b.f.severity) || a.i - b.i).map(({ f }) => f);
}

function section(id: string, title: string, body: string): string {
  return `<section id="${id}" aria-labelledby="${id}-t"><h2 id="${id}-t">${esc(title)}</h2>${body}</section>`;
}

function verdictTable(all: readonly Answer[], w: Words): string {
  const rows = all.map((a) => `<tr><th scope="row">${esc(a.area)}</th><td class="t-${a.tone}">${esc(a.verdict)}</td><td>${esc(a.text)}</td><td>${fileLink(a.path)}</td></tr>`).join('');
  const head = [w.area, w.verdict, w.answer, w.artifact].map((h) => `<th scope="col">${esc(h)}</th>`).join('');
  return `<div class="scroll" tabindex="0" role="region" aria-label="${esc(w.verdicts)}"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function manifestRows(e: Evidence): [string, string, string][] {
  return (['code', 'environment', 'model', 'service', 'workload', 'comparison'] as const).flatMap((part) =>
    Object.entries(e.manifest[part]).filter(([, v]) => v !== null && v !== undefined).map(([field, v]): [string, string, string] => [`${part}.${field}`, typeof v === 'string' ? v : JSON.stringify(v), e.manifest.provenance[`${part}.${field}`]?.how ?? '']),
  );
}

/** A whole document: one file, no script, nothing fetched. The hash in the policy lets in our style and no other. */
export function documentHtml(language: Language, title: string, body: string): string {
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>\n<html lang="${language === 'zh' ? 'zh-Hans' : 'en'}"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><title>${esc(title)}</title><style>${style}</style></head><body>${body}</body></html>\n`;
}

/** report.html: the verdict, then the drawings there is evidence for, then what is missing and where everything lies. */
export function reportHtml(e: Evidence, language: Language, w: Words): string {
  const all = answers(e, w);
  const top = all[0];
  const drawn = charts(e, w);
  const found = findings(e);
  const missing = missingForFormal(e.manifest, [...e.files.keys()]);
  const files = evidenceFiles(e.files);
  const identity = e.manifest.identity;
  const sections: { id: string; title: string; html: string }[] = [
    ...(all.length === 0 ? [] : [{ id: 'verdicts', title: w.verdicts, html: section('verdicts', w.verdicts, verdictTable(all, w)) }]),
    ...drawn.flatMap((d) => d.made.map((c) => ({ id: c.id, title: c.title, html: figure(c, w) }))),
    ...(found.length === 0 ? [] : [{ id: 'findings', title: w.findings, html: section('findings', w.findings, tableHtml(w.findings, { head: ['severity', 'id', 'title', 'value', 'unit', w.confidence, 'action'], rows: found.slice(0, shown.findings).map((f) => [f.severity, f.id, f.title, f.value, f.unit, f.confidence, f.action]) })) }]),
    { id: 'missing', title: w.missingFormal, html: section('missing', w.missingFormal, missing.length === 0 ? `<p>${esc(w.none)}</p>` : `<ul class="columns">${missing.map((m) => `<li><code>${esc(m)}</code></li>`).join('')}</ul>`) },
    { id: 'manifest', title: w.manifest, html: section('manifest', w.manifest, tableHtml(w.manifest, { head: [w.field, w.value, w.how], rows: manifestRows(e) })) },
    { id: 'evidence', title: w.evidence, html: section('evidence', w.evidence, `<div class="scroll" tabindex="0" role="region" aria-label="${esc(w.evidence)}"><table><thead><tr><th scope="col">${esc(w.kind)}</th><th scope="col">${esc(w.path)}</th><th scope="col">sha256</th></tr></thead><tbody>${files.slice(0, shown.files).map((f) => `<tr><th scope="row">${esc(f.kind)}</th><td>${fileLink(f.path)}</td><td><code>${f.sha256.slice(0, 16)}</code></td></tr>`).join('')}</tbody></table></div>${files.length > shown.files ? `<p>${esc(w.rawBeside(files.length - shown.files))}</p>` : ''}`) },
  ];
  const out = drawn.filter((d) => d.made.length === 0).map((d) => d.title);
  const banner = `<div class="verdict ${top?.tone ?? 'plain'}">${top === undefined ? `<p>${esc(w.nothing)}</p>` : `<strong>${esc(top.verdict)}</strong><p>${esc(top.area)}: ${esc(top.text)}</p>`}</div>`;
  const notices = [...(e.manifest.simulated ? [w.simulated] : []), ...(e.broken.length === 0 ? [] : [`${w.broken}: ${e.broken.map((b) => `${b.path} (${w[b.why]})`).join(', ')}`])].map((n) => `<p class="notice" role="note">${esc(n, 2000)}</p>`);
  const facts = [[w.purpose, identity.purpose], [w.level, identity.level], [w.target, identity.target_metric ?? null], [w.created, e.manifest.created_at]].filter(([, v]) => v !== null).map(([k, v]) => `${esc(k ?? '')}: ${esc(v ?? '')}`);
  const nav = `<nav aria-label="${esc(w.run)}"><ul>${sections.map((s) => `<li><a href="#${s.id}">${esc(s.title)}</a></li>`).join('')}</ul></nav>`;
  const leftOut = out.length === 0 ? '' : `<p>${esc(w.leftOut)}: ${esc(out.join(', '), 1000)}.</p>`;
  const body = `<a class="skip" href="#main">${esc(w.skip)}</a><header><h1>${esc(w.run)} ${esc(e.run.id)}</h1>${banner}${notices.join('')}<p>${facts.join(' · ')}</p>${nav}</header><main id="main">${sections.map((s) => s.html).join('\n')}</main><footer>${leftOut}<p>${esc(producer.name)} ${esc(producer.version)}</p></footer>`;
  return documentHtml(language, `${top === undefined ? '' : `${top.verdict}: `}${e.run.id}`, body);
}
