import { isAbsolute, join } from 'node:path';
import { check, foreign, isSchemaName, producer, type EventFile, type RunEvent, type RunValidateFacts } from '../contract/index.js';
import { exists, readText, sha256File, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import { bundleName, readBundled } from './bundled.js';
import { readLedger } from './ledger.js';
import { manifestName, missingForFormal, parseManifest } from './manifest.js';
import { derivedText, hashSources, readArtifact, type Derivations, type Run } from './runs.js';

export type RunVerdict = 'complete' | 'incomplete' | 'tampered' | 'inconclusive';

/** Files of the run root that are bookkeeping, not evidence. */
const bookkeeping = /^(?:jobs\/.*|events\.jsonl|events\.head|bundle\.json|\.keep|\.lock(?:\/.*)?|(?:.*\/)?\.[0-9a-f]{16}\.tmp)$/;

interface Again {
  readonly different: string[];
  readonly recomputed: number;
  /** Why a file could not be computed again. */
  readonly unable: string[];
  /** The files that could not be computed again because evidence they rest on is not here. */
  readonly without: string[];
}

/** What became of the recorded files when they were looked at. */
interface Standing {
  /** Gone, or left out of a bundle. */
  readonly absent: ReadonlySet<string>;
  /** Redacted on the way into a bundle: path → the hash the run had. */
  readonly redacted: ReadonlyMap<string, string>;
}

/** Evidence of a computed event that is not here, by the `source` of its artifacts. */
async function absentSource(run: Run, files: readonly EventFile[], absent: ReadonlySet<string>): Promise<string | null> {
  if (absent.size === 0) return null;
  for (const file of files) {
    if (file.schema === null || !file.path.endsWith('.json')) continue;
    const value = await readArtifact(join(run.dir, file.path));
    const source: unknown = typeof value === 'object' && value !== null && 'source' in value ? value.source : null;
    if (!Array.isArray(source)) continue;
    const items: unknown[] = source;
    for (const item of items) if (typeof item === 'object' && item !== null && 'path' in item && typeof item.path === 'string' && absent.has(item.path)) return item.path;
  }
  return null;
}

/** Every string in a value, however deep. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** Derives every computed file again from raw and compares the bytes with what lies there. */
async function recompute(run: Run, events: readonly RunEvent[], derivations: Derivations, host: Host, standing: Standing): Promise<Again> {
  const newest = new Map<string, RunEvent>();
  for (const event of events) if (event.kind === 'computed') for (const file of event.files) newest.set(file.path, event);
  const different: string[] = [];
  const unable: string[] = [];
  const without: string[] = [];
  let recomputed = 0;
  for (const event of new Set(newest.values())) {
    const derive = event.derive;
    if (derive === null || derive === undefined) continue;
    const again = derivations[derive.by];
    if (again === undefined) {
      unable.push(`${derive.by}: this version does not know how it was computed`);
      continue;
    }
    if (derive.producer.version !== producer.version) {
      unable.push(`${derive.by}: computed by version ${derive.producer.version}, this is ${producer.version}`);
      continue;
    }
    const lacks = await absentSource(run, event.files, standing.absent);
    if (lacks !== null) {
      unable.push(`${derive.by}: rests on ${foreign(lacks, 200)}, which is not here`);
      without.push(...event.files.map((f) => f.path).filter((path) => newest.get(path) === event));
      continue;
    }
    try {
      const derived = await again(derive.params, host, run.dir);
      const source = (await hashSources(run.dir, derived.sources, sha256File)).map((s) => ({ ...s, sha256: standing.redacted.get(s.path) ?? s.sha256 }));
      const stamp = { createdAt: derive.created_at, producer: derive.producer, simulated: derived.simulated || derive.simulated, source };
      const texts = new Map(derived.files.map((file) => [file.path, derivedText(file, stamp)]));
      for (const file of event.files) {
        if (newest.get(file.path) !== event) continue;
        recomputed += 1;
        if (texts.get(file.path) !== (await readText(join(run.dir, file.path)))) different.push(file.path);
      }
    } catch {
      const paths = event.files.map((f) => f.path);
      const params = strings(derive.params);
      const lacks = [...standing.absent].find((path) => params.some((p) => p === path || path.startsWith(`${p}/`)));
      if (lacks === undefined) different.push(...paths);
      else {
        unable.push(`${derive.by}: rests on ${foreign(lacks, 200)}, which is not here`);
        without.push(...paths.filter((path) => newest.get(path) === event));
      }
    }
  }
  return { different, recomputed, unable, without };
}

export interface Verified {
  readonly verdict: RunVerdict;
  readonly facts: RunValidateFacts;
  /** Derivations that could not be computed again, and why. */
  readonly notes: string[];
  /** Raw files whose bytes are not those of the run because bundling redacted them, as bundle.json lists them. */
  readonly redacted: string[];
  /** Files that bundle.json says were left out. */
  readonly leftOut: string[];
  /** Computed files that rest on evidence that is not here. */
  readonly without: string[];
}

/**
 * Recomputes every hash of the ledger, checks every artifact against its schema and, when `derivations` are given, derives
 * every computed file again. In an unpacked bundle, raw files may have the bytes bundle.json lists as redacted. Never throws for what is wrong in the run root; that is the answer.
 */
export async function verifyRun(run: Run, host: Host, derivations: Derivations | null): Promise<Verified> {
  const ledger = await readLedger(run.dir);
  const violations: RunValidateFacts['violations'] = ledger.breaks.map((problem) => ({ path: 'events.jsonl', problem }));
  const missing: string[] = [];
  const mismatches: string[] = [];
  const notes: string[] = [];

  const bundled = await readBundled(run.dir, run.id, ledger.events);
  for (const problem of bundled.breaks) violations.push({ path: bundleName, problem });
  const redacted = new Map<string, string>();
  const leftOut: string[] = [];

  const known = new Map(ledger.events.flatMap((e) => e.files.map((f) => [f.path, f] as const)));
  for (const file of known.values()) {
    const path = isAbsolute(file.path) ? file.path : join(run.dir, file.path);
    // In a bundle what was left out counts as absent everywhere, also on the machine that has it: the answer is the same on both.
    if (bundled.leftOut(file.path, file.sha256)) leftOut.push(file.path);
    else if (!(await exists(path))) missing.push(file.path);
    else if ((await sha256File(path)) !== file.sha256) {
      const allowed = bundled.redacted(file.path, file.sha256);
      if (allowed !== null && allowed.sha256 === (await sha256File(path))) redacted.set(file.path, file.sha256);
      else mismatches.push(file.path);
    } else if (file.schema !== null && file.path.endsWith('.json') && isSchemaName(file.schema)) {
      const checked = check(file.schema, JSON.parse((await readText(path)) ?? 'null'));
      if (!checked.ok) for (const problem of checked.problems.slice(0, 10)) violations.push({ path: file.path, problem });
    }
  }
  const unrecorded = (await walk(run.dir)).filter((f) => !bookkeeping.test(f) && !known.has(f));

  let formal: string[] = [];
  let needsFormal = false;
  let manifestFine = true;
  try {
    const manifest = parseManifest((await readText(join(run.dir, manifestName))) ?? '', manifestName);
    formal = missingForFormal(manifest, [...known.keys()]);
    needsFormal = manifest.identity.level === 'formal';
  } catch (error) {
    manifestFine = false;
    violations.push({ path: manifestName, problem: error instanceof Error ? error.message : 'unreadable' });
  }

  let again: Again = { different: [], recomputed: 0, unable: [], without: [] };
  if (derivations !== null && manifestFine) again = await recompute(run, ledger.events, derivations, host, { absent: new Set([...missing, ...leftOut]), redacted });
  for (const path of again.different) violations.push({ path, problem: 'computing it again from raw gives other bytes' });
  notes.push(...again.unable);

  const tampered = ledger.breaks.length > 0 || bundled.breaks.length > 0 || mismatches.length > 0 || again.different.length > 0 || !manifestFine;
  const incomplete = missing.length > 0 || violations.length > 0 || (needsFormal && formal.length > 0);
  const verdict: RunVerdict = tampered ? 'tampered' : incomplete ? 'incomplete' : again.unable.length > 0 ? 'inconclusive' : 'complete';
  return {
    verdict,
    facts: {
      missing,
      violations,
      hash_mismatches: mismatches,
      recomputed_equal: again.recomputed > 0 ? again.different.length === 0 : null,
      recomputed: again.recomputed,
      unrecorded,
      missing_for_formal: formal,
    },
    notes,
    redacted: [...redacted.keys()].sort(),
    leftOut,
    without: again.without.sort(),
  };
}
