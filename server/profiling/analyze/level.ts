import type { Profile } from '../../profiles/profile.js';

/** Level0 (torch_npu) and task-time l0 (msprof): durations without operators, counters or planes. */
export function isLevelZero(profile: Pick<Profile, 'level' | 'incomplete'>): boolean {
  return (profile.level !== null && /(?:^|level_?|_)(?:l?0|none)$/i.test(profile.level.trim())) || profile.incomplete.some((n) => n.code === 'level-0');
}

/** True when collectives would be in the profile had there been any: it has a table for them, or a known level that records them. */
export function holdsCommunication(profile: Profile): boolean {
  return profile.commOps !== null || (profile.level !== null && !isLevelZero(profile));
}
