import { isAbsolute, join } from 'node:path';
import { check, isSchemaName, producer, type RunEvent, type RunValidateFacts } from '../contract/index.js';
import { exists, readText, sha256File, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import { readLedger } from './ledger.js';
import { manifestName, missingForFormal, parseManifest } from './manifest.js';
import { derivedText, hashSources, type Derivations, type Run } from './runs.js';

export type RunVerdict = 'complete' | 'incomplete' | 'tampered' | 'inconclusive';

/** Files of the run root that are bookkeeping, not evidence. */
const bookkeeping = /^(?:jobs\/.*|events\.jsonl|events\.head|\.keep|\.lock(?:\/.*)?|(?:.*\/)?\.[0-9a-f]{16}\.tmp)$/;

interface Again {
  readonly different: string[];
  readonly recomputed: number;
  /** Why a file could not be computed again. */
  readonly unable: string[];
}

/** Derives every computed file again from raw and compares the bytes with what lies there. */
async function recompute(run: Run, events: readonly RunEvent[], derivations: Derivations, host: Host): Promise<Again> {
  const newest = new Map<string, RunEvent>();
  for (const event of events) if (event.kind === 'computed') for (const file of event.files) newest.set(file.path, event);
  const different: string[] = [];
  const unable: string[] = [];
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
    try {
      const derived = await again(derive.params, host, run.dir);
      const stamp = { createdAt: derive.created_at, producer: derive.producer, simulated: derived.simulated || derive.simulated, source: await hashSources(run.dir, derived.sources) };
      const texts = new Map(derived.files.map((file) => [file.path, derivedText(file, stamp)]));
      for (const file of event.files) {
        if (newest.get(file.path) !== event) continue;
        recomputed += 1;
        if (texts.get(file.path) !== (await readText(join(run.dir, file.path)))) different.push(file.path);
      }
    } catch {
      for (const file of event.files) different.push(file.path);
    }
  }
  return { different, recomputed, unable };
}

/**
 * Recomputes every hash of the ledger, checks every artifact against its schema and, when `derivations` are given, derives
 * every computed file again. Never throws for what is wrong in the run root; that is the answer.
 */
export async function verifyRun(run: Run, host: Host, derivations: Derivations | null): Promise<{ verdict: RunVerdict; facts: RunValidateFacts; notes: string[] }> {
  const ledger = await readLedger(run.dir);
  const violations: RunValidateFacts['violations'] = ledger.breaks.map((problem) => ({ path: 'events.jsonl', problem }));
  const missing: string[] = [];
  const mismatches: string[] = [];
  const notes: string[] = [];

  const known = new Map(ledger.events.flatMap((e) => e.files.map((f) => [f.path, f] as const)));
  for (const file of known.values()) {
    const path = isAbsolute(file.path) ? file.path : join(run.dir, file.path);
    if (!(await exists(path))) missing.push(file.path);
    else if ((await sha256File(path)) !== file.sha256) mismatches.push(file.path);
    else if (file.schema !== null && file.path.endsWith('.json') && isSchemaName(file.schema)) {
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

  let again: Again = { different: [], recomputed: 0, unable: [] };
  if (derivations !== null && manifestFine) again = await recompute(run, ledger.events, derivations, host);
  for (const path of again.different) violations.push({ path, problem: 'computing it again from raw gives other bytes' });
  notes.push(...again.unable);

  const tampered = ledger.breaks.length > 0 || mismatches.length > 0 || again.different.length > 0 || !manifestFine;
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
  };
}
