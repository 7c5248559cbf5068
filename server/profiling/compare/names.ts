/**
 * One name for an op type however it was built or launched: `aclnnMm_MatMulV3Common_MatMulV3`, `MatMulV2`,
 * `MatMulV2_ND_ND_FP16_FP16_false_true_all_98433` and `MatMul` are one matrix product. Only what names builds is cut: a version
 * (V3), the parts a kernel binary appends, AiCore / AiCpu / AscendC, and the D of static-shape twins (TransposeD).
 */
export function canonicalOp(name: string): string {
  let op = name.trim();
  // aclnn API, tiling class, op type: the last part is the type.
  if (/^aclnn\w*_/.test(op)) op = op.slice(op.lastIndexOf('_') + 1);
  // A kernel binary: type, then a hash or formats and types.
  const binary = /^([A-Za-z][A-Za-z0-9]*)_(?:[0-9a-f]{16,}|(?:ND|NZ|NCHW|NHWC|FRACTAL)_)/.exec(op);
  if (binary?.[1] !== undefined) op = binary[1];
  op = op.replace(/^aclnn/, '').replace(/_(?:mix_)?ai[cv]$/i, '');
  op = op.replace(/_?AscendC$/i, '').replace(/(?:AiCore|AiCpu)$/, '').replace(/V\d+$/, '');
  return twins.has(op) ? op.slice(0, -1) : op === '' ? name.trim() : op;
}

/** Static-shape twins whose D is a build suffix. Source: CANN operator list. */
const twins: ReadonlySet<string> = new Set(['TransposeD', 'ConcatD', 'SplitD', 'SplitVD', 'SliceD', 'TileD', 'PadD', 'ReduceMeanD', 'ReduceSumD', 'ReduceMaxD', 'BroadcastToD', 'GatherD', 'ArgMaxD', 'CumsumD', 'StridedSliceD', 'PackD', 'RangeD']);

/** Kernels that pick tokens, by canonical name. Source: operators vLLM-Ascend and xLLM sample with. */
export function picksTokens(op: string): boolean {
  return /^(?:ArgMax|ApplyTopKTopP|TopKTopP|RejectionSample|Multinomial)/.test(op);
}
