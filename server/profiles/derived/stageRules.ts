/** Rules by which the kind of a step is told. */
export const stageRules = {
  /** Tokens per sequence up to which a step is a decode: one token and the drafts it verifies. Our rule: engines verify at most some 8 drafts, the shortest prompt chunks are longer. */
  decodeTokens: 16,
  /** A decode with this many times the usual tokens per sequence carries a chunk of a prompt; our rule. */
  mixedTokens: 2,
  /** Tokens beyond the usual that make a chunk; fewer are drafts. Our rule. */
  chunkTokens: 16,
} as const;
