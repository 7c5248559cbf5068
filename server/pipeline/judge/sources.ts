import { whose, type ProfileSummary } from '../analyze/analyze.js';

/** The file with the most rows among those of a kind; evidence stands there. */
export function sourceOf(profile: ProfileSummary, wanted: RegExp): string {
  const fitting = profile.sources.filter((s) => wanted.test(s.kind));
  const best = (fitting.length > 0 ? fitting : profile.sources).reduce<(typeof fitting)[number] | null>((a, s) => (a === null || (s.rows ?? 0) > (a.rows ?? 0) ? s : a), null);
  return best?.path ?? '';
}

export const taskFiles = /db|kernel|op[-_]?summary|task|trace|timeline/;

export function place(profile: ProfileSummary, index: number): string {
  const { device, rank } = whose(profile, index);
  return `device ${device}${rank === null ? '' : `, rank ${rank}`}`;
}
