import { z } from 'zod';
import { check, ToolError, type PerfMetrics, type RunManifest } from '../../contract/index.js';

/** How a file stands to what the ledger says of it. */
const state = z.enum(['ok', 'missing', 'changed', 'unrecorded']);
export type FileState = z.output<typeof state>;

const file = z.object({ path: z.string(), sha256: z.string().nullable(), state });

const measured = z.object({
  ...file.shape,
  /** Tool that recorded it, by the ledger; null when none did. */
  tool: z.string().nullable(),
  artifact: z.custom<PerfMetrics>((value) => check('perf-metrics', value).ok),
  raw: z.array(file),
});
export type Measured = z.output<typeof measured>;

const snapshot = z.object({ phase: z.enum(['before', 'idle', 'after']), state, verdict: z.string().nullable(), origin: z.string().nullable() });
const capture = z.object({ job: z.string(), attached_at: z.string().nullable(), detached_at: z.string().nullable() });

export const sideNames = ['baseline', 'candidate'] as const;
export type SideName = (typeof sideNames)[number];

const root = z.object({
  side: z.enum(sideNames),
  /** What the caller named: a run id or a path. */
  label: z.string(),
  run: z.string().nullable(),
  manifest: z.custom<RunManifest>((value) => check('run-manifest', value).ok).nullable(),
  manifest_state: state,
  ledger_breaks: z.array(z.string()),
  metrics: z.array(measured),
  env: z.array(snapshot),
  captures: z.array(capture),
});
/** One input of a side: a run root, or a part of one, as it was when it was read. */
export type RootEvidence = z.output<typeof root>;

const earlier = z.object({
  path: z.string(),
  grade: z.string(),
  verdict: z.string(),
  claim: z.string(),
  subject: z.string(),
  metrics: z.array(z.string()),
  last_request_at: z.string().nullable(),
});
/** A report of the same run root that came before. */
export type EarlierReport = z.output<typeof earlier>;

/** Noise of each metric between service starts of one build on this host, for this model and load, as it was remembered then. */
const noise = z.object({ metric: z.string(), cv_pct: z.number(), starts: z.number(), df: z.number() });
export type RememberedNoise = z.output<typeof noise>;

const evidence = z.object({ roots: z.array(root), earlier: z.array(earlier), noise: z.array(noise).default([]) });
/**
 * Everything a comparison rests on, kept as raw evidence beside it. The runs that were compared go on living (a later probe, a
 * report); the verdict is of what they were, and can be computed again from this alone.
 */
export type Evidence = z.output<typeof evidence>;

/** @throws ToolError E_RUN_TAMPERED when the text is not evidence of a comparison */
export function parseEvidence(text: string): Evidence {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Falls through: not JSON is not evidence.
  }
  const checked = evidence.safeParse(value);
  if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the evidence of a comparison is not what bench_compare wrote', 'compare again');
  return checked.data;
}
