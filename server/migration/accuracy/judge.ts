import type { OpErrors, OpLimit } from '../../contract/index.js';
import type { DType } from '../tensors/dtypes.js';
import { accuracy, doubleLimits, singleLimits, type Level } from '../thresholds.js';

export type Standard = 'single' | 'double' | 'exact' | 'none';

/** A metric beside its limit; a value that is missing or not finite does not pass. `below`: the limit itself is too much. */
function limit(metric: string, value: number | null, of: { readonly value: number; readonly source: string }, below = false): OpLimit {
  return { metric, value, limit: of.value, ok: value !== null && (below ? value < of.value : value <= of.value), source: of.source };
}

/** Ratio of two errors: 1 where both are zero, null (which fails) where only the reference is. As msprobe, whose stand-in is 10000. */
export function errorRatio(own: number | null, reference: number | null): number | null {
  if (own === null || reference === null) return null;
  if (reference === 0) return own === 0 ? 1 : null;
  return own / reference;
}

const share = (e: OpErrors): number => (e.small_elements === 0 ? 0 : e.small_errors / e.small_elements);

/** Every metric that decides, with its limit. Pure. */
export function judgeErrors(standard: Standard, dtype: DType, level: Level | null, own: OpErrors, reference: OpErrors | null): OpLimit[] {
  const outer = limit('nan_inf', own.nan_inf, accuracy.none);
  if (standard === 'exact') return [outer, limit('mismatches', own.mismatches, accuracy.none)];
  if (standard === 'double' && reference !== null && level !== null) {
    const of = doubleLimits[level];
    return [
      outer,
      limit('mare_ratio', errorRatio(own.mare, reference.mare), of.mare),
      limit('mere_ratio', errorRatio(own.mere, reference.mere), of.mere),
      limit('rmse_ratio', errorRatio(own.rmse, reference.rmse), of.rmse),
      limit('small_error_ratio', errorRatio(share(own), share(reference)), of.small),
    ];
  }
  const mere = singleLimits[dtype];
  if (standard !== 'single' || mere === undefined) return [outer];
  return [outer, limit('mere', own.mere, mere, true), limit('mare', own.mare, { value: mere.value * accuracy.mareFactor.value, source: accuracy.mareFactor.source }, true)];
}
