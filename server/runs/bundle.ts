import { isAbsolute, join } from 'node:path';
import { foreign, producer, ToolError, type Bundle, type BundleFile, type BundleLeftOut, type EventFile } from '../contract/index.js';
import { archiveLimits, pack, temporaryFolder } from '../host/archive.js';
import { exists, fileSize, sha256File, walk, writeAtomic } from '../host/files.js';
import type { Host } from '../host/host.js';
import { withLock } from '../host/lock.js';
import { isInside } from '../host/paths.js';
import { copyRedacted, copyWhole } from '../host/redacted-copy.js';
import { bundleName, bundleText } from './bundled.js';
import { headName, ledgerName, readLedger } from './ledger.js';
import { Run, type Derivations } from './runs.js';
import { verifyRun, type Verified } from './verify.js';

export interface BundleMade {
  readonly path: string;
  readonly bytes: number;
  /** Of the archive. */
  readonly sha256: string;
  /** Of bundle.json in it, which names every other file by its hash. */
  readonly listSha256: string;
  readonly files: number;
  readonly redacted: readonly string[];
  readonly leftOut: readonly BundleLeftOut[];
  /** What run_validate with recompute answers on a machine that has the bundle alone. */
  readonly there: Verified;
}

function refuse(run: Run, problem: string): ToolError {
  return new ToolError('E_RUN_TAMPERED', `run ${run.id} is not whole, so it is not bundled: ${problem}`, 'xllm-npu validate names everything that is wrong; restore the files, or measure again in a new run');
}

/** The first thing wrong with a run as it lies here; null: nothing. Evidence outside the run root may be gone: it is not taken along. */
function firstWrong(v: Verified): string | null {
  const missing = v.facts.missing.filter((path) => !isAbsolute(path));
  const [violation] = v.facts.violations;
  const [mismatch] = v.facts.hash_mismatches;
  if (mismatch !== undefined) return `${foreign(mismatch, 200)} is not what was written`;
  if (violation !== undefined) return `${foreign(violation.path, 200)}: ${foreign(violation.problem, 200)}`;
  return missing[0] === undefined ? null : `${foreign(missing[0], 200)} is recorded and gone`;
}

interface Staged {
  readonly files: BundleFile[];
  readonly leftOut: BundleLeftOut[];
}

const reasonOf = (path: string): BundleLeftOut['reason'] => (path.startsWith('jobs/') ? 'job-state' : /(?:^|\/)\.lock(?:\/|$)|\.tmp$/.test(path) ? 'temporary' : 'not-recorded');

/** Copies what the ledger knows into `to`; raw evidence loses its secrets on the way. @throws ToolError E_RUN_TAMPERED when a file changed meanwhile */
async function stage(run: Run, to: string): Promise<Staged> {
  const { events } = await readLedger(run.dir);
  const known = new Map<string, { file: EventFile; raw: boolean }>();
  // What is not raw was made, and redacted, by our own code: also when the same path is raw to another artifact.
  for (const e of events) for (const file of e.files) known.set(file.path, { file, raw: e.kind === 'raw' && (known.get(file.path)?.raw ?? true) });
  const files: BundleFile[] = [];
  const leftOut: BundleLeftOut[] = [];
  for (const [path, { file, raw }] of [...known].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const out = { path, bytes: file.bytes, sha256_run: file.sha256 };
    if (isAbsolute(path)) leftOut.push({ ...out, reason: 'outside-run' });
    else if (raw) {
      const copy = await copyRedacted(join(run.dir, path), join(to, path));
      if (copy.state !== 'redacted' && copy.sha256 !== file.sha256) throw refuse(run, `${foreign(path, 200)} changed while it was copied`);
      if (copy.state === 'secret') leftOut.push({ ...out, reason: 'secret-in-binary' });
      else files.push({ path, bytes: copy.bytes, sha256_run: file.sha256, sha256: copy.sha256, redacted: copy.state === 'redacted' });
    } else {
      const bytes = await copyWhole(join(run.dir, path), join(to, path));
      if ((await sha256File(join(to, path))) !== file.sha256) throw refuse(run, `${foreign(path, 200)} changed while it was copied`);
      files.push({ path, bytes, sha256_run: file.sha256, sha256: file.sha256, redacted: false });
    }
  }
  for (const path of await walk(run.dir)) {
    if (known.has(path) || path === ledgerName || path === headName || path === bundleName || path === '.keep') continue;
    // Locks and half-written files come and go: naming them would make two bundles of one run differ.
    const reason = reasonOf(path);
    if (reason === 'temporary') continue;
    leftOut.push({ path, bytes: await fileSize(join(run.dir, path)), sha256_run: null, reason });
  }
  for (const name of [ledgerName, headName]) await copyWhole(join(run.dir, name), join(to, name));
  return { files, leftOut };
}

/**
 * Packs a run into one redacted archive that the validator accepts elsewhere. The copy is validated with recompute before it is packed.
 * @param out absolute path of the archive
 * @throws ToolError E_RUN_TAMPERED for a run that is not whole, E_BUNDLE_DIFFERS when redaction changes what an artifact is computed to,
 * E_ARTIFACT_EXISTS for a bundle of a bundle, E_PATH_OUTSIDE for a place inside the run root, E_ARCHIVE_REFUSED beyond the limits of an archive
 */
export async function bundleRun(run: Run, host: Host, derivations: Derivations, out: string): Promise<BundleMade> {
  if (isInside(run.dir, out)) throw new ToolError('E_PATH_OUTSIDE', 'the archive would lie inside the run it holds', 'give --out a path outside the run root');
  if (await exists(join(run.dir, bundleName))) throw new ToolError('E_ARTIFACT_EXISTS', `run ${run.id} is an unpacked bundle; what it left out and redacted cannot be told again from here`, 'pass on the archive it came from');
  const wrong = firstWrong(await verifyRun(run, host, null));
  if (wrong !== null) throw refuse(run, wrong);
  const manifest = await run.manifest();
  // Beside the runs, where there is room for a copy of one.
  const work = await temporaryFolder(host.runsDir, '.bundle-');
  try {
    const dir = join(work.path, run.id);
    const { staged, events } = await withLock(run.dir, async () => ({ staged: await stage(run, dir), events: (await readLedger(run.dir)).events }));
    const bytes = staged.files.reduce((sum, f) => sum + f.bytes, 0);
    if (staged.files.length + 3 > archiveLimits.files || bytes > archiveLimits.bytes) throw new ToolError('E_ARCHIVE_REFUSED', `${staged.files.length} files with ${bytes} bytes are more than a bundle holds (${archiveLimits.files}, ${archiveLimits.bytes})`, 'pass the run root on as a folder, or measure with fewer captures in one run');
    const last = events.at(-1);
    if (last === undefined) throw refuse(run, `${ledgerName} is empty`);
    const copy = new Run(run.id, dir, host);
    const list = (notRecomputable: string[]): string => {
      const body: Omit<Bundle, 'seal'> = {
        schema: 'bundle',
        schema_version: '1.0.0',
        producer,
        created_at: last.at,
        simulated: manifest.simulated,
        source: [],
        run: run.id,
        ledger: { events: events.length, head: last.hash },
        files: staged.files,
        left_out: staged.leftOut,
        not_recomputable: notRecomputable,
      };
      return bundleText(body);
    };
    await writeAtomic(join(dir, bundleName), list([]));
    const first = await verifyRun(copy, host, derivations);
    const bad = firstWrong(first);
    if (bad !== null) throw await whose(run, host, derivations, first, staged, bad);
    const listing = list(first.without);
    await writeAtomic(join(dir, bundleName), listing);
    const paths = [bundleName, headName, ledgerName, ...staged.files.map((f) => f.path)].sort();
    await pack(work.path, paths.map((path) => `${run.id}/${path}`), out);
    return {
      path: out,
      bytes: await fileSize(out),
      sha256: await sha256File(out),
      listSha256: await sha256File(join(dir, bundleName)),
      files: paths.length,
      redacted: staged.files.filter((f) => f.redacted).map((f) => f.path),
      leftOut: staged.leftOut,
      there: first,
    };
  } finally {
    await work.remove();
  }
}

/** Whether the run itself does not come out the same again, or only its redacted copy. */
async function whose(run: Run, host: Host, derivations: Derivations, copy: Verified, staged: Staged, bad: string): Promise<ToolError> {
  const here = firstWrong(await verifyRun(run, host, derivations));
  if (here !== null) return refuse(run, here);
  const redacted = staged.files.filter((f) => f.redacted).map((f) => foreign(f.path, 100));
  const artifacts = [...new Set(copy.facts.violations.map((v) => foreign(v.path, 100)))];
  return new ToolError(
    'E_BUNDLE_DIFFERS',
    artifacts.length === 0 ? `the redacted copy: ${bad}` : `without the secrets in ${redacted.slice(0, 5).join(', ')} other bytes come out for ${artifacts.slice(0, 5).join(', ')}`,
    'change the secret where it is used (it stands in a log), measure again, and bundle that run',
  );
}

/** What the command line prints: first what validate will answer elsewhere, then what to compare, then what is not in it. */
export function bundleLines(made: BundleMade): string[] {
  const { verdict, facts, without, notes } = made.there;
  const reasons = new Map<string, number>();
  for (const file of made.leftOut) reasons.set(file.reason, (reasons.get(file.reason) ?? 0) + 1);
  const lacks = facts.missing_for_formal ?? [];
  return [
    `${verdict}: ${made.path}`,
    `${made.bytes} bytes, ${made.files} files, ${made.redacted.length} redacted, ${facts.recomputed ?? 0} computed again`,
    `sha256 ${made.sha256}`,
    `sha256 of its bundle.json ${made.listSha256}`,
    ...made.redacted.map((path) => `redacted: ${foreign(path, 300)}`),
    ...[...reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `left out: ${count} files, ${reason}`),
    ...without.map((path) => `not computable elsewhere: ${foreign(path, 300)} rests on evidence that was left out`),
    ...(verdict === 'incomplete' && lacks.length > 0 ? [`lacks for a formal claim: ${lacks.join(', ')}`] : []),
    ...notes.map((note) => `not computed again: ${foreign(note, 300)}`),
  ];
}
