import { redactText, redactValue, ToolError, type IncidentTriageFacts, type ToolOk } from '../contract/index.js';
import { openHost } from '../host/host.js';
import { pathList, type ToolContext } from '../mcp/define.js';
import { freeFolder, inRun } from '../runs/places.js';
import { Runs } from '../runs/runs.js';
import { catalogue } from './catalogue.js';
import { Collector, type CollectedText } from './collect.js';
import { computeIncident, evidencePath, incidentDerivation } from './derive.js';
import { parseEvidence, type Framework, type HostState } from './evidence.js';
import { Extraction } from './extract.js';
import { logFiles, openLog, textSource } from './gather.js';
import { headline } from './render.js';
import type { ReportBody } from './report.js';
import { limits } from './thresholds.js';

export interface TriageArgs {
  readonly path?: string | string[] | undefined;
  readonly text?: string | undefined;
  readonly run?: string | undefined;
  readonly collect: boolean;
  readonly framework?: Framework | undefined;
}

/** @param asked whether this call queried the host */
function nextSteps(body: ReportBody, asked: boolean): ToolOk['next'] {
  const cls = body.primary?.class;
  if (cls === undefined) return [{ tool: 'incident_triage', why: 'give the logs of all ranks, plogs and kernel log, or collect from the host' }];
  const steps: ToolOk['next'] = [];
  if (cls === 'hbm-oom' || cls === 'kv-exhaustion') steps.push({ tool: 'capacity_plan', why: 'computes what fits on the card' }, { tool: 'env_probe', why: 'shows what else holds memory of the card' });
  else if (cls === 'device' || cls === 'driver' || cls === 'link' || cls === 'build') steps.push({ tool: 'env_probe', why: 'health, driver, firmware and versions of the host of the origin' });
  else if (!asked && ['hccl', 'host-os', 'framework', 'weights-load', 'unknown'].includes(cls)) steps.push({ tool: 'incident_triage', why: 'the same files with collect: true, on the host of the origin before anything is restarted: process states, kernel stacks, kernel log, cards' });
  return [...steps, { tool: 'run_report', why: 'writes the incident into the report' }];
}

/** incident_triage: reads, keeps what was found as evidence, computes the report from that alone. @throws ToolError E_ARG_*, E_PATH_*, E_RUN_* */
export async function triage(args: TriageArgs, ctx: ToolContext): Promise<ToolOk> {
  if (args.path === undefined && args.text === undefined && !args.collect) throw new ToolError('E_ARG_MISSING', 'neither path nor text nor collect', 'give log files or folders, pasted text, or collect true on the NPU host');
  if (args.text !== undefined && Buffer.byteLength(args.text) > limits.textBytes.value) throw new ToolError('E_ARG_TYPE', `text above ${limits.textBytes.value} bytes`, 'put it into a file and give its path');
  if (args.text !== undefined && args.text.trim() === '') throw new ToolError('E_ARG_TYPE', 'text is empty', 'paste the log lines, or give path');
  const host = openHost(ctx.config);
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const by = { tool: 'incident_triage', input: { ...args, ...(args.text === undefined ? {} : { text: `${args.text.length} characters` }) } };
  const files = args.path === undefined ? [] : await logFiles(host, pathList(args.path));
  const extraction = new Extraction(await catalogue(), host.now(), args.framework ?? null);
  let n = 0;
  for (const file of files) {
    ctx.signal.throwIfAborted();
    n += 1;
    ctx.progress(`reading log ${n} of ${files.length}`);
    const source = await openLog(file, null, ctx.signal, n - 1);
    await extraction.add(known === null ? source : { ...source, path: inRun(known.dir, source.path) });
  }
  if (args.text !== undefined) await extraction.add(textSource('text', args.text));
  let commands: ReportBody['commands'] = [];
  let texts: readonly CollectedText[] = [];
  let state: HostState | null = null;
  if (args.collect) {
    const collector = await Collector.plan(host, ctx.config.env, known?.dir ?? null, ctx.signal);
    for (const command of collector.planned()) ctx.progress(command);
    const collected = await collector.run();
    ({ texts, state } = collected);
    commands = [...collected.commands];
    for (const t of texts) if (t.log) await extraction.add(textSource(`collected/${t.name}`, t.text));
    const given = new Set(files.map((f) => f.real));
    for (const f of collected.files) {
      if (given.has(f.real)) continue;
      const source = await openLog(f, limits.collectTailBytes.value, ctx.signal);
      await extraction.add(known === null ? source : { ...source, path: inRun(known.dir, source.path) });
    }
  }
  ctx.signal.throwIfAborted();
  const evidence = { ...extraction.finish(), state, commands };
  const stored = `${JSON.stringify(redactValue(evidence), null, 1)}\n`;
  parseEvidence(redactText(stored));
  const run = known ?? (await runs.create({ purpose: 'incident', level: 'smoke' }, by));
  const folder = await freeFolder(run, 'incident');
  const kept = await run.writeRaw(by, [
    { path: evidencePath(folder), kind: 'incident-evidence', text: stored },
    ...(args.text === undefined ? [] : [{ path: `${folder}/raw/text.log`, kind: 'raw', text: args.text }]),
    ...texts.map((t) => ({ path: `${folder}/raw/${t.name.replace(/[^\w.-]/g, '_')}.txt`, kind: 'raw', text: t.text })),
  ]);
  const params = { folder };
  const { body, derived } = await computeIncident(params, run.dir);
  const artifacts = await run.writeComputed(by, { by: incidentDerivation, params }, derived);
  const facts: IncidentTriageFacts = {
    run: run.id,
    primary: body.primary,
    incidents: body.incidents,
    cascades: body.cascades.slice(0, limits.shownTimeline.value),
    timeline: body.timeline.slice(0, limits.shownTimeline.value),
    unmatched: body.unmatched.slice(0, limits.shownUnmatched.value),
    first_evidence: body.first_evidence,
    actions: body.actions,
    would_change: body.would_change,
    processes: body.processes.slice(0, limits.shownProcesses.value),
    commands: body.commands,
    input: body.input,
  };
  const cut = body.timeline.length > facts.timeline.length || body.processes.length > facts.processes.length || body.unmatched.length > facts.unmatched.length;
  const warnings = [...body.notes, ...(cut ? [{ code: 'W-CUT', detail: 'timeline, processes or unmatched lines are shortened here; report.json has more' }] : [])];
  return { verdict: body.verdict, headline: headline(body), facts: { ...facts }, findings: [], artifacts: [...artifacts, ...kept], warnings, next: nextSteps(body, args.collect) };
}
