/** Words that are one token in every vocabulary seen: short, frequent, English. */
const words = 'the and for are but not you all any can had her was one our out day get has him his how man new now old see two way who did its let put say she too use dad mom red big run sun car dog cat sea sky top few own end low far yes ten six map box pen cup hat'.split(' ');

/** A prompt of `count` words that no other prompt of this seed begins with, so that a prefix cache finds nothing. FNV-1a picks the words. */
export function promptOf(seed: string, number: number, count: number): string {
  let state = 0x811c9dc5;
  const mix = (value: number): number => {
    state = Math.imul(state ^ value, 0x01000193) >>> 0;
    // The low bits of FNV repeat early.
    return (state ^ (state >>> 15)) >>> 0;
  };
  for (const c of `${seed}/${number}`) mix(c.charCodeAt(0));
  return Array.from({ length: count }, (_, i) => words[mix(i + number) % words.length] ?? 'the').join(' ');
}
