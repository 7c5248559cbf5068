/** Published totals and active counts in units of 1e9, by folder name or known name. Source: model cards; DeepSeek README_WEIGHTS; GLM-4.5 README. */
export interface Published {
  readonly total_b: number;
  /** Inclusive of embedding and head or not, whichever the publisher counts; null: dense, or not published. */
  readonly active_b: number | null;
  /** Relative, where the card prints fewer digits than 1 % needs. */
  readonly rounding?: number;
}

export const published: readonly (readonly [RegExp, Published])[] = [
  [/llama-3\.1-8b/i, { total_b: 8.03, active_b: null }],
  [/llama-3\.1-70b/i, { total_b: 70.6, active_b: null }],
  [/llama-3\.1-405b/i, { total_b: 406, active_b: null }],
  [/qwen3-0\.6b/i, { total_b: 0.6, active_b: 0.44 }],
  [/qwen3-8b|qwen3-vl-8b/i, { total_b: 8.19, active_b: 6.95 }],
  [/qwen3_dense_1_7b/i, { total_b: 1.7, active_b: 1.4, rounding: 0.02 }],
  [/qwen3_dense_4b/i, { total_b: 4, active_b: 3.6 }],
  [/qwen3-14b|qwen3_dense_14b/i, { total_b: 14.8, active_b: 13.2 }],
  [/qwen3-32b/i, { total_b: 32.8, active_b: 31.2 }],
  [/qwen3-30b-a3b/i, { total_b: 30.5, active_b: 3.3 }],
  [/qwen3-235b-a22b/i, { total_b: 235, active_b: 22 }],
  [/qwen3-coder-480b/i, { total_b: 480, active_b: 35 }],
  [/mixtral-8x7b/i, { total_b: 46.7, active_b: 12.9 }],
  [/mixtral-8x22b/i, { total_b: 141, active_b: 39 }],
  [/deepseek[-_]v3\.2/i, { total_b: 671, active_b: 37 }],
  [/deepseek[-_](?:v31?|r1|671b)/i, { total_b: 671, active_b: 37 }],
  [/glm-4\.5-air/i, { total_b: 106, active_b: 12 }],
  [/glm-4\.5/i, { total_b: 355, active_b: 32 }],
  [/glm-5/i, { total_b: 744, active_b: 40 }],
  // The card rounds the active count to a whole 3.
  [/qwen3-next/i, { total_b: 80, active_b: null }],
  [/qwen3\.5-27b/i, { total_b: 27, active_b: null }],
  [/qwen3\.5-397b/i, { total_b: 397, active_b: 17 }],
  [/minimax[-_]m2/i, { total_b: 230, active_b: 10 }],
  [/kimi-k2/i, { total_b: 1000, active_b: 32, rounding: 0.03 }],
];
