/** Closed forms the step costs rest on. */

/**
 * Query–key pairs of `q` new tokens after `prefix` cached ones, causal, each query seeing at most `cap` tokens:
 * Σ_{j=1..q} min(prefix + j, cap). Without a cap and prefix it is q(q+1)/2, the causal half.
 */
export function attendedPairs(q: number, prefix: number, cap = Infinity): number {
  const free = Math.max(0, Math.min(q, cap - prefix));
  const below = free * prefix + (free * (free + 1)) / 2;
  return q > free ? below + (q - free) * cap : below;
}

/** Expected number of experts at least one of T tokens goes to, uniform routing: E(1 − (1 − k/E)^T). Real routing is skewed and touches fewer. */
export function expertsTouched(experts: number, perToken: number, tokens: number): number {
  return experts * (1 - (1 - perToken / experts) ** tokens);
}

/** Expected number of distinct ranks among G one token is sent to, uniform routing: G(1 − C(E − E/G, k) / C(E, k)). */
export function distinctRanks(experts: number, perToken: number, ranks: number): number {
  let miss = 1;
  for (let i = 0; i < perToken; i += 1) miss *= Math.max(0, experts - experts / ranks - i) / (experts - i);
  return ranks * (1 - miss);
}

/** Tokens per step with k drafts and the same acceptance a for each: (1 − a^(k+1)) / (1 − a). */
export function tokensPerStep(acceptance: number, drafts: number): number {
  return acceptance >= 1 ? drafts + 1 : (1 - acceptance ** (drafts + 1)) / (1 - acceptance);
}

/** Tokens per step from measured rates per draft position, each counted over all steps: 1 + Σ r_i. Not the same convention as {@link tokensPerStep}. */
export function tokensPerStepByPosition(rates: readonly number[]): number {
  return rates.reduce((sum, r) => sum + r, 1);
}

/** Bytes each of N ranks sends in a ring all-reduce of a message of M bytes: 2(N − 1)/N · M. */
export function allReduceBytes(ranks: number, messageBytes: number): number {
  return (2 * (ranks - 1) * messageBytes) / ranks;
}
