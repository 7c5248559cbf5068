import type { ComparisonDifference } from '../../contract/index.js';
import type { RootEvidence, SideName } from './evidence.js';
import { distinct, text, type Value } from './gate.js';
import type { Sides } from './sides.js';

type Manifest = NonNullable<RootEvidence['manifest']>;
const fields: readonly (readonly [string, (m: Manifest) => Value])[] = [
  ['code.repo', (m) => m.code.repo],
  ['code.commit', (m) => m.code.commit],
  ['code.diff_sha256', (m) => m.code.diff_sha256],
  ['environment.host', (m) => m.environment.host],
  ['environment.torch_npu_version', (m) => m.environment.torch_npu_version],
  ['environment.container', (m) => m.environment.container],
  ['service.framework', (m) => m.service.framework],
  ['service.framework_version', (m) => m.service.framework_version],
  ['service.prefix_cache', (m) => m.service.prefix_cache],
  ['service.tuned', (m) => m.service.tuned],
];

/** A flag with its value as one word; the program and loose words as they are. */
function words(command: readonly (readonly string[])[]): string[] {
  return command.flatMap((argv) =>
    argv.flatMap((word, i) => {
      const next = argv[i + 1];
      const before = argv[i - 1];
      if (/^--?[A-Za-z]/.test(word)) return [!word.includes('=') && next !== undefined && !/^--?[A-Za-z]/.test(next) ? `${word} ${next}` : word];
      return before !== undefined && /^--?[A-Za-z]/.test(before) && !before.includes('=') ? [] : [word];
    }),
  );
}

/** What the manifests say differs between the sides. Of the start commands: words all of one side have and none of the other. */
export function differencesOf(sides: Sides): ComparisonDifference[] {
  const found: ComparisonDifference[] = [];
  for (const [field, of] of fields) {
    const show = (side: SideName): string => distinct(sides[side].roots.map((r) => text(r.manifest === null ? null : of(r.manifest))));
    if (show('baseline') !== show('candidate')) found.push({ field, baseline: show('baseline'), candidate: show('candidate') });
  }
  const commands = (side: SideName): Set<string>[] => sides[side].roots.map((r) => new Set(words(r.manifest?.service.command ?? [])));
  const only = (mine: readonly Set<string>[], other: readonly Set<string>[]): string[] => [...(mine[0] ?? [])].filter((w) => mine.every((s) => s.has(w)) && !other.some((s) => s.has(w))).sort();
  const [a, b] = [commands('baseline'), commands('candidate')];
  const [left, right] = [only(a, b), only(b, a)];
  if (left.length > 0 || right.length > 0) {
    const show = (list: readonly string[]): string | null => (list.length === 0 ? null : list.slice(0, 12).map((w) => text(w)).join('; '));
    found.push({ field: 'service.command', baseline: show(left), candidate: show(right) });
  }
  return found;
}
