import { isAbsolute, join } from 'node:path';
import { check, type Bundle, type BundleFile, type RunEvent } from '../contract/index.js';
import { readText, sha256 } from '../host/files.js';

export const bundleName = 'bundle.json';

/** Hash of a bundle list without its seal, keys in the order they are written in. */
export function sealOf(body: Omit<Bundle, 'seal'>): string {
  return sha256(JSON.stringify(body));
}

export function bundleText(body: Omit<Bundle, 'seal'>): string {
  return `${JSON.stringify({ ...body, seal: sealOf(body) }, null, 2)}\n`;
}

/** What bundle.json of a run root allows the validator to accept. Without one, nothing. */
export interface Bundled {
  /** What is wrong with bundle.json itself. */
  readonly breaks: readonly string[];
  /** The redacted raw file of that path and hash in the ledger; null: none. */
  readonly redacted: (path: string, ledgerSha256: string) => BundleFile | null;
  /** True for evidence that was not taken along, for a reason that is allowed. */
  readonly leftOut: (path: string, ledgerSha256: string) => boolean;
}

const none: Bundled = { breaks: [], redacted: () => null, leftOut: () => false };

/** Reads bundle.json of a run root against its ledger. Never throws for what is wrong in it. @param events of the ledger as it lies there */
export async function readBundled(dir: string, run: string, events: readonly RunEvent[]): Promise<Bundled> {
  const text = await readText(join(dir, bundleName)).catch(() => '');
  if (text === null) return none;
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { ...none, breaks: ['is not JSON'] };
  }
  const checked = check('bundle', parsed);
  if (!checked.ok) return { ...none, breaks: checked.problems.slice(0, 5) };
  const { seal, ...body } = checked.value;
  const breaks: string[] = [];
  if (sealOf(body) !== seal) breaks.push('was edited');
  if (body.run !== run) breaks.push('belongs to another run');
  // Later lines are fine (somebody went on working in the unpacked run); the one it was made at must be there.
  if (events[body.ledger.events - 1]?.hash !== body.ledger.head) breaks.push('was made from another ledger');
  if (breaks.length > 0) return { ...none, breaks };
  // Only raw evidence may differ: what our own code writes is redacted when it is written.
  const written = new Set(events.filter((e) => e.kind !== 'raw').flatMap((e) => e.files.map((f) => f.path)));
  const files = new Map(body.files.filter((f) => f.redacted && !written.has(f.path)).map((f) => [f.path, f]));
  const left = new Map(body.left_out.filter((f) => (f.reason === 'outside-run') === isAbsolute(f.path) && (f.reason === 'outside-run' || f.reason === 'secret-in-binary') && !written.has(f.path)).map((f) => [f.path, f.sha256_run]));
  return {
    breaks,
    redacted: (path, hash) => {
      const file = files.get(path);
      return file?.sha256_run === hash ? file : null;
    },
    leftOut: (path, hash) => left.get(path) === hash,
  };
}
