import type { CommunicationRow, DispatchRow, FusionRow, Incomplete, KernelRow, MemoryRow, ProfileRank, ProfileWindow } from '../../contract/index.js';
import { together } from '../../profiles/absent.js';
import type { Device, IncompleteNote, Profile, SourceFile } from '../../profiles/profile.js';
import { placed } from '../../profiles/several.js';
import type { CompareFacts } from '../compare/facts.js';
import { analyzeCapture, type CaptureAnalysis, type CompileCalls, type DeviceFacts } from './capture.js';
import { byCommunication } from './communication.js';
import { byFusion } from './fusion.js';
import { missingTables } from './incomplete.js';
import { isLevelZero } from './level.js';
import { slowLinks, type SlowLink } from './losses.js';
import { byMemory } from './memory.js';
import { mfuNotes } from './mfu.js';
import type { Placed } from './placed.js';

/** What was read, without its rows. */
export interface ProfileSummary {
  readonly devices: readonly Device[];
  readonly sources: readonly SourceFile[];
  /** The notes of the reader. */
  readonly incomplete: readonly IncompleteNote[];
  readonly level: string | null;
  readonly simulated: boolean;
  readonly counters: boolean;
  /** Collectives would be seen had there been any. */
  readonly communication: boolean;
  /** Rows of the exporter's step trace. */
  readonly stepTrace: number;
}

/** The tables of all captures together and the facts behind them. Pure data: the judge adds the verdict. */
export interface Analysis {
  readonly profile: ProfileSummary;
  readonly windows: readonly ProfileWindow[];
  /** The window of the device with the longest span. */
  readonly window: ProfileWindow | null;
  readonly ranks: readonly ProfileRank[];
  readonly kernel: readonly KernelRow[] | null;
  readonly communication: readonly CommunicationRow[] | null;
  readonly fusion: readonly FusionRow[] | null;
  readonly dispatch: readonly DispatchRow[] | null;
  readonly memory: readonly MemoryRow[] | null;
  readonly incomplete: readonly Incomplete[];
  readonly devices: readonly DeviceFacts[];
  readonly links: readonly SlowLink[];
  readonly compile: CompileCalls;
  readonly dynamic: CaptureAnalysis['dynamic'];
  /** What a comparison with another capture needs of this one. */
  readonly compare: CompareFacts;
}

/**
 * Puts analyses of single captures together. Deterministic: the same captures in the same order give the same rows in the same order.
 * @param incomplete notes of the reader over all captures
 */
export function joined(captures: readonly CaptureAnalysis[], incomplete: readonly IncompleteNote[]): Analysis {
  const { devices, to } = placed(captures);
  const whole = together(captures.map((c) => c.holdings));
  const inOrder = <T>(of: (c: CaptureAnalysis) => readonly Placed<T>[]): T[] =>
    captures
      .flatMap((c, capture) => of(c).map(({ at, row }) => ({ at: to(capture, at), row })))
      .sort((a, b) => a.at - b.at)
      .map((p) => p.row);
  /** Null only where no capture can hold the table. */
  const table = <T>(of: (c: CaptureAnalysis) => readonly Placed<T>[] | null): T[] | null => (captures.every((c) => of(c) === null) ? null : inOrder((c) => of(c) ?? []));

  const windows = inOrder((c) => c.windows);
  let longest: ProfileWindow | null = null;
  for (const row of windows) if (longest === null || row.span_us > longest.span_us) longest = row;
  const facts = captures
    .flatMap((c, capture) => c.facts.map((f): DeviceFacts => ({ ...f, window: { ...f.window, device: to(capture, f.window.device) }, kernels: f.kernels.map((g) => ({ ...g, device: to(capture, g.device) })) })))
    .sort((a, b) => a.window.device - b.window.device);
  const tables = {
    kernel: table((c) => c.kernel),
    communication: table((c) => c.communication)?.sort(byCommunication) ?? null,
    fusion: table((c) => c.fusion)?.sort(byFusion) ?? null,
    dispatch: table((c) => c.dispatch),
    memory: table((c) => c.memory)?.sort(byMemory) ?? null,
  };
  const sources = captures.flatMap((c) => c.sources).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const sum = (of: (c: CaptureAnalysis) => number): number => captures.reduce((a, c) => a + of(c), 0);
  const counters = captures.some((c) => c.counters);
  const known = { devices, incomplete, windows: facts.map((f) => f.window), tasks: whole.tasks > 0, counters, latencies: captures.some((c) => c.latencies), frequency: captures.some((c) => c.frequency) };
  return {
    profile: {
      devices,
      sources,
      incomplete,
      level: whole.level,
      simulated: captures.some((c) => c.simulated),
      counters,
      communication: captures.some((c) => c.commOps) || (whole.level !== null && !isLevelZero({ level: whole.level, incomplete })),
      stepTrace: sum((c) => c.stepTrace),
    },
    windows,
    window: longest,
    ranks: devices.map((d) => ({ rank: d.rank, device: d.id, host: d.host })),
    ...tables,
    incomplete: [...incomplete.map((n) => ({ code: n.code, detail: n.detail })), ...missingTables(tables, known), ...mfuNotes(captures.map((c) => c.mfu))],
    devices: facts,
    links: slowLinks(inOrder((c) => c.links)),
    compile: { calls: sum((c) => c.compile.calls), ns: sum((c) => c.compile.ns), countedCalls: sum((c) => c.compile.countedCalls), countedUs: sum((c) => c.compile.countedUs) },
    dynamic: { ns: sum((c) => c.dynamic.ns), others: captures.some((c) => c.dynamic.others) },
    compare: { sources: sources.map((s) => s.path), devices: inOrder((c) => c.compared), steps: sum((c) => c.markers) || null },
  };
}

/** Every table of a profile that was read as a whole. */
export function analyze(profile: Profile): Analysis {
  const rows = { tasks: profile.tasks.length, apis: profile.apis?.length ?? 0, commOps: profile.commOps?.length ?? 0, commTasks: profile.commTasks?.length ?? 0, markers: profile.markers.length };
  const holdings = { level: profile.level, aicMetrics: profile.aicMetrics, ...rows, counters: profile.tasks.pmu.size > 0 || profile.tasks.limits?.counters === true, memory: profile.memory.length > 0 };
  return joined([analyzeCapture(profile, { holdings, notes: { read: profile.incomplete, assumed: [] }, says: 'rows', expectsTasks: false, failures: [] })], profile.incomplete);
}
