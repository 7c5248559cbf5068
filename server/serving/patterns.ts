import { packagedLists } from '../host/packaged.js';
import { compileSignatures } from '../programs/signatures.js';

/** A line that ends a service, by the catalogue of signatures that incident_triage reads logs with too. */
export interface FatalPattern {
  readonly id: string;
  /** Classes of incident_triage. */
  readonly class: string;
  /** True for lines that follow from another process's or an earlier failure. */
  readonly consequence: boolean;
  /** What it means and the mend, in our own words. */
  readonly meaning: string;
}
export type FatalOf = (line: string) => FatalPattern | null;

/** Lines that no failure causes: of a level that reports none, retries, once-logged warnings. glog's I stays: xLLM logs some failures there. */
export const harmless = /^W\d{4}|^\[(?:INFO|EVENT|DEBUG|WARNING)\]|^(?:\([^)]{1,60}\) ){0,3}(?:INFO|DEBUG|WARNING)\b/;

let loaded: Promise<FatalOf> | undefined;

/** The first signature a line matches, roots before consequences, then the catalogue's order; null for the many that match none. @throws ToolError E_INTERNAL */
export function fatalLines(): Promise<FatalOf> {
  return (loaded ??= packagedLists('catalogue').then((lists) => {
    const { signatures, harmless: known } = compileSignatures(lists);
    // What waits for another rank is what a start ends of, as far as its own logs tell.
    const ordered = [...signatures.filter((s) => s.role !== 'cascade'), ...signatures.filter((s) => s.role === 'cascade')];
    // One look tells for almost every line that no signature can match it.
    const any = new RegExp(ordered.flatMap((s) => s.literals).map((l) => l.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'));
    return (line) => {
      if (!any.test(line)) return null;
      const found = harmless.test(line) || known.test(line) ? undefined : ordered.find((s) => s.literals.some((l) => line.includes(l)) && s.test(line));
      if (found === undefined) return null;
      return { id: found.id, class: found.class, consequence: found.role === 'cascade', meaning: `${found.meaning}: ${found.actions[0]}` };
    };
  }));
}
