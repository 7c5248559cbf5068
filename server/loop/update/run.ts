import { foreign, ToolError, type LoopUpdateFacts, type RunManifest, type ToolOk } from '../../contract/index.js';
import { openHost, type Host } from '../../host/host.js';
import type { ToolContext } from '../../mcp/define.js';
import { Runs, type By } from '../../runs/runs.js';
import { cardsOf, searchesOf } from '../history/store.js';
import { gather, runsOf, type Evidence } from './evidence.js';
import { gateOf, type Need } from './gates.js';
import { firstOfAttempt, freshState, openAttempt, phases, readState, writeState, type Attempt, type LoopState, type Outcome, type Phase } from './state.js';
import { gapPct, measuredOutcome, stopOf } from './stops.js';

export interface UpdateArgs {
  readonly run: string;
  readonly action: 'start' | 'status' | 'submit' | 'attempt' | 'stop';
  readonly phase?: string | undefined;
  readonly evidence?: string[] | undefined;
  readonly hypothesis?: string | undefined;
  readonly change?: string | undefined;
  readonly outcome?: Outcome | undefined;
  readonly reason?: string | undefined;
}

/** What an action works on. */
interface Desk {
  readonly state: LoopState;
  readonly manifest: RunManifest;
  readonly evidence: Evidence;
  readonly now: string;
  readonly gate: (state: LoopState) => Need[];
}
interface Turn {
  readonly verdict: 'open' | 'blocked' | 'advanced' | 'target-met' | 'stopped';
  readonly state: LoopState;
  /** Shown instead of the gate of the phase the loop now stands in. */
  readonly gate?: Need[];
}

const blocked = (state: LoopState, need: string, have: string | null, tool: string | null): Turn => ({ verdict: 'blocked', state, gate: [{ need, have, ok: false, tool }] });

async function desk(state: LoopState, host: Host): Promise<Desk> {
  const evidence = await gather([...new Set([state.run, ...state.related_runs])], host);
  const manifest = evidence.manifests.get(state.run);
  if (manifest === undefined) throw new ToolError('E_RUN_MISSING', 'the run of the loop is gone', 'start the loop in a new run');
  const [searches, cards] = await Promise.all([searchesOf(host), cardsOf(host)]);
  return { state, manifest, evidence, now: host.now(), gate: (s) => gateOf({ state: s, manifest, evidence, searches, cards }) };
}

const following = (phase: Phase): Phase => phases[phases.indexOf(phase) + 1] ?? firstOfAttempt;

function passed(state: LoopState, gate: readonly Need[], now: string): LoopState {
  const attempt = openAttempt(state)?.n ?? null;
  return { ...state, passed: [...state.passed, { phase: state.phase, attempt, at: now, have: gate.map((g) => `${g.need}: ${g.have ?? 'yes'}`) }], phase: following(state.phase) };
}

/** Checks the gate of the present phase and goes on while gates hold: evidence that is there need not be handed in phase by phase. */
function submit({ state, gate, now }: Desk, phase: string | undefined): Turn {
  if (phase !== undefined && phase !== state.phase) return blocked(state, `the gate of phase ${state.phase}`, `${foreign(phase, 20)} was submitted`, 'loop_update');
  const needs = gate(state);
  return needs.every((n) => n.ok) ? { verdict: 'advanced', state: passed(state, needs, now) } : { verdict: 'blocked', state, gate: needs };
}

/** One commit, or one flag=value: anything with a comma, blank or several flags is two changes. */
const oneChange = /^(?:[0-9a-f]{7,64}|-{0,2}[A-Za-z][A-Za-z0-9_.-]*=[^\s,;]+)$/;

function open({ state, now }: Desk, hypothesis: string, change: string): Turn {
  const already = openAttempt(state);
  if (already !== null) return blocked(state, 'one attempt at a time', `attempt ${String(already.n)} is open: close it with its outcome`, 'loop_update');
  if (!oneChange.test(change)) return blocked(state, 'one change: one commit, or one flag=value', null, 'loop_update');
  if (phases.indexOf(state.phase) < phases.indexOf('plan')) return blocked(state, `the gates before the plan; the loop is in phase ${state.phase}`, null, 'loop_update');
  const attempt: Attempt = { n: state.attempts.length + 1, hypothesis, change, opened_at: now, closed_at: null, outcome: null, reason: null, delta_pct: null, evidence: [] };
  return { verdict: 'open', state: { ...state, attempts: [...state.attempts, attempt] } };
}

/** The state with its open attempt closed, its comparisons kept. */
function closed({ state, manifest, evidence, now }: Omit<Desk, 'gate'>, current: Attempt, outcome: Outcome, reason: string | null): LoopState {
  const younger = evidence.comparisons.filter((c) => c.value.created_at >= current.opened_at).map((c) => c.path);
  const done: Attempt = { ...current, closed_at: now, outcome, reason, delta_pct: measuredOutcome(state, manifest, evidence, current.opened_at)?.delta_pct ?? null, evidence: younger };
  return { ...state, attempts: state.attempts.map((a) => (a.n === current.n ? done : a)) };
}

/** A target that is met ends the loop behind its record, and with it the attempt that met it: its outcome is the measured one. */
function settled(at: Desk, state: LoopState, detail: string): LoopState {
  const current = openAttempt(state);
  const measured = current === null ? null : measuredOutcome(state, at.manifest, at.evidence, current.opened_at);
  return current === null || measured === null ? state : closed({ ...at, state }, current, measured.outcome, detail);
}

function close({ state, manifest, evidence, now }: Desk, outcome: Outcome, reason: string | undefined): Turn {
  const current = openAttempt(state);
  if (current === null) return blocked(state, 'an open attempt', null, 'loop_update');
  const measured = measuredOutcome(state, manifest, evidence, current.opened_at);
  if (outcome === 'gain' && measured?.outcome !== 'gain') return blocked(state, 'a gain that bench_compare computed', measured === null ? null : `${measured.outcome}, ${String(measured.delta_pct)} %`, 'bench_compare');
  if (outcome !== 'gain' && measured?.outcome === 'gain' && outcome !== 'abandoned' && outcome !== 'failed') return blocked(state, 'an outcome that agrees with bench_compare', `gain, ${String(measured.delta_pct)} %`, 'bench_compare');
  return { verdict: 'open', state: { ...closed({ state, manifest, evidence, now }, current, outcome, reason ?? null), phase: firstOfAttempt } };
}

function act(args: UpdateArgs, at: Desk): Turn {
  switch (args.action) {
    case 'start':
    case 'status':
      return { verdict: at.state.stop_reason === null ? 'open' : at.state.stop_reason === 'target-met' ? 'target-met' : 'stopped', state: at.state };
    case 'submit':
      return submit(at, args.phase);
    case 'attempt':
      if (args.outcome !== undefined) return close(at, args.outcome, args.reason);
      if (args.hypothesis === undefined || args.change === undefined) throw new ToolError('E_ARG_MISSING', 'an attempt needs hypothesis and change to open, or outcome to close', 'give hypothesis and change (one commit or one flag=value), or outcome with reason');
      return open(at, args.hypothesis, args.change);
    case 'stop':
      if (args.reason === undefined) throw new ToolError('E_ARG_MISSING', 'stopping needs its reason', 'give reason: which decision or hardware is missing');
      return { verdict: 'stopped', state: { ...at.state, stop_reason: 'asked', stop_detail: args.reason } };
  }
}

function headline(verdict: Turn['verdict'], state: LoopState, gate: readonly Need[]): string {
  const lacking = gate.filter((g) => !g.ok);
  if (verdict === 'target-met' || verdict === 'stopped') return `the loop has ended after ${String(state.attempts.length)} attempts: ${state.stop_reason ?? 'asked'}`;
  const missing = lacking.length === 0 ? 'nothing is missing: submit it' : `missing: ${lacking.map((g) => g.need).join('; ')}`;
  return `${verdict === 'advanced' ? 'advanced to ' : ''}phase ${state.phase}${openAttempt(state) === null ? '' : `, attempt ${String(openAttempt(state)?.n ?? 0)}`}; ${missing}`;
}

/** loop_update: reads loop.json and the artifacts, lets code judge the gate, writes loop.json. */
export async function update(args: UpdateArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  const by: By = { tool: 'loop_update', input: { ...args } };
  const known = await readState(run);
  if (known === null && args.action !== 'start') throw new ToolError('E_ARG_CONFLICT', 'the loop of this run has not begun', 'loop_update with action start');
  const manifest = await run.manifest();
  const related = await runsOf(args.evidence ?? [], host);
  const before = known ?? freshState(run.id, host.now(), manifest.simulated);
  if (before.stop_reason !== null && args.action !== 'status' && args.action !== 'start') throw new ToolError('E_ARG_CONFLICT', `the loop has ended: ${before.stop_reason}`, 'start a new run for a new target');
  const linked: LoopState = { ...before, related_runs: [...new Set([...before.related_runs, ...related])].filter((id) => id !== run.id).sort() };
  const at = await desk(linked, host);
  let turn = act(args, at);
  const stop = turn.state.stop_reason === null ? stopOf(turn.state, at.manifest, at.evidence) : null;
  // A target that is met still wants its lesson; the other ends stop at once.
  const ends = stop !== null && (stop.reason !== 'target-met' || turn.state.passed.some((p) => p.phase === 'record' && p.at >= (turn.state.attempts.at(-1)?.opened_at ?? '')));
  if (stop !== null && ends) turn = { verdict: stop.reason === 'target-met' ? 'target-met' : 'stopped', state: { ...(stop.reason === 'target-met' ? settled(at, turn.state, stop.detail) : turn.state), stop_reason: stop.reason, stop_detail: stop.detail } };
  const simulated = [...at.evidence.manifests.values()].some((m) => m.simulated);
  const state: LoopState = { ...turn.state, simulated, gap_pct: gapPct(turn.state, at.manifest, at.evidence), updated_at: at.now };
  const artifacts = args.action === 'status' ? [] : await writeState(run, by, state);
  const gate = state.stop_reason === null ? (turn.gate ?? at.gate(state)) : [];
  const facts: LoopUpdateFacts = { run: run.id, phase: state.phase, gate, attempts: state.attempts, passed: state.passed.map((p) => (p.attempt === null ? p.phase : `${p.phase} (attempt ${String(p.attempt)})`)), gap_pct: state.gap_pct, stop_reason: state.stop_reason };
  const tools = [...new Set(gate.filter((g) => !g.ok && g.tool !== null).map((g) => g.tool ?? ''))];
  return {
    verdict: turn.verdict,
    headline: headline(turn.verdict, state, gate),
    facts: { ...facts },
    findings: [],
    artifacts,
    warnings: simulated ? [{ code: 'W-SIMULATED', detail: 'artifacts of the simulated NPU host: they show the way, they prove nothing of real hardware' }] : [],
    next: state.stop_reason !== null ? [{ tool: 'run_report', why: 'writes down how the loop went' }] : tools.length > 0 ? tools.map((tool) => ({ tool, why: `brings what phase ${state.phase} lacks` })) : [{ tool: 'loop_update', why: 'action submit: the gate of this phase holds' }],
  };
}

