/** What the scheduler decided for one data-parallel rank in one step. */
export interface StepLoad {
  readonly prefillSequences: number;
  readonly prefillTokens: number;
  /** Tokens already in the cache before the chunk, over the prefilling sequences. */
  readonly prefillContextTokens: number;
  readonly decodeSequences: number;
  /** Query tokens per decoding sequence: 1, or the drafts to verify and one. */
  readonly queryTokens: number;
  readonly decodeContextTokens: number;
}

/** Time of one step on a rank that is not slow, without noise. */
export interface StepCost {
  readonly compute_us: number;
  readonly communication_us: number;
  /** Kernels that an eager step launches one by one. */
  readonly kernels: number;
}

export type CostModel = (load: StepLoad) => StepCost;
