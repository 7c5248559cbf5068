import { ToolError } from '../../server/contract/index.js';
import type { Parallel } from '../../server/models/parallel.js';
import type { Step } from '../../server/models/flops.js';

export const plan = (tp = 1, dp = 1, ep = 1, pp = 1): Parallel => ({ tp, dp, ep, pp });
export const decode = (batch: number, context: number, k = 0): Step => ({ phase: 'decode', batch, input_tokens: 0, context_tokens: context, speculative_tokens: k });
export const prefill = (batch: number, tokens: number, prefix = 0): Step => ({ phase: 'prefill', batch, input_tokens: tokens, context_tokens: prefix, speculative_tokens: 0 });
export const GiB = 1024 ** 3;

export function failure(run: () => unknown): ToolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error('no ToolError');
}

/** |a − b| / b */
export const off = (a: number, b: number): number => Math.abs(a - b) / Math.abs(b);
