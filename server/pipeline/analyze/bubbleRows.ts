import type { BubbleRow, HostEvent } from '../../contract/index.js';
import { byText, nearestRank, percent, us } from '../../profiles/derived/numbers.js';
import type { Profile } from '../../profiles/profile.js';
import type { Labels } from '../../profiles/derived/stepsLabels.js';
import { limits } from '../thresholds.js';
import { bubbleClasses, type BubbleGroup, type Bubbles } from './bubbles.js';

function events(profile: Profile, group: BubbleGroup): HostEvent[] {
  return [...group.events]
    .map(([name, sum]) => ({ name: profile.strings.get(name), total_us: us(sum.ns), count: sum.count }))
    .filter((e) => e.total_us > 0)
    .sort((a, b) => b.total_us - a.total_us || byText(a.name, b.name))
    .slice(0, limits.hostEvents.value);
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function row(profile: Profile, group: BubbleGroup, labels: Labels, spanNs: number): Omit<BubbleRow, 'device' | 'rank'> {
  const lengths = Float64Array.from(group.lengths).sort();
  const total = sum(group.lengths);
  return {
    where: group.where,
    before: group.before < 0 ? null : labels.get(group.before),
    after: group.after < 0 ? null : labels.get(group.after),
    class: group.class,
    count: lengths.length,
    total_us: us(total),
    p50_us: us(nearestRank(lengths, 50)),
    p99_us: us(nearestRank(lengths, 99)),
    max_us: us(lengths[lengths.length - 1] ?? 0),
    share_pct: percent(total, spanNs) ?? 0,
    queued: group.queued,
    memcpy_us: us(group.copyNs),
    event_wait_us: us(group.waitNs),
    host_silent_us: us(group.silentNs),
    host_events: events(profile, group),
  };
}

/** What was cut of one class, as one group without sides. */
function rest(groups: readonly BubbleGroup[]): BubbleGroup[] {
  return bubbleClasses.flatMap((of): BubbleGroup[] => {
    const own = groups.filter((g) => g.class === of);
    if (own.length === 0) return [];
    return [{ before: -1, after: -1, where: null, class: of, lengths: own.flatMap((g) => g.lengths), queued: sum(own.map((g) => g.queued)), copyNs: sum(own.map((g) => g.copyNs)), waitNs: sum(own.map((g) => g.waitNs)), silentNs: sum(own.map((g) => g.silentNs)), events: new Map<number, { ns: number; count: number }>() }];
  });
}

/** Rows of the bubble table of one device, longest first; all of them together are its free time. As if host calls and all tasks were known. */
export function bubbleRows(profile: Profile, bubbles: Bubbles, labels: Labels, spanNs: number): Omit<BubbleRow, 'device' | 'rank'>[] {
  const sized = bubbles.groups.map((group) => ({ group, ns: sum(group.lengths) }));
  const name = (g: BubbleGroup): string => [g.before < 0 ? '' : labels.get(g.before), g.after < 0 ? '' : labels.get(g.after), g.where ?? '', g.class].join('\u0000');
  const sorted = sized.sort((a, b) => b.ns - a.ns || byText(name(a.group), name(b.group))).map((s) => s.group);
  const kept = sorted.slice(0, limits.bubbleRows.value);
  return [...kept, ...rest(sorted.slice(kept.length))].map((group) => row(profile, group, labels, spanNs));
}
