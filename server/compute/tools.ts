import { z } from 'zod';
import { defineTool, pathInput, runInput, writesRun } from '../mcp/define.js';

/** Ranges are checked with the step (request.ts), so that the listing stays small. */
const n = z.number();

export const computeSimulate = defineTool({
  name: 'compute_simulate',
  title: 'Bound a step',
  description:
    'FLOPs, bytes and the time no device can beat for one prefill or decode step: per operator (roofline), collectives, tokens/s upper bound, crossovers. With a profile: MFU, MBU. what_if_json {"batch":[1,16]} or [{"tp":8,"ep":8}] varies any argument.',
  input: {
    model: z.string().min(1).describe('folder, config.json or known name'),
    phase: z.enum(['prefill', 'decode']),
    batch: n.describe('sequences of the replica'),
    chip: z.string().describe('SoC, own numbers after it: Ascend910B3,clock_mhz=1500').optional(),
    tp: n.optional(),
    dp: n.optional(),
    ep: n.optional(),
    pp: n.optional(),
    dtype: z.enum(['bf16', 'fp16']).optional(),
    quant: z.string().optional(),
    input_tokens: n.optional(),
    context_tokens: n.optional(),
    num_speculative_tokens: n.optional(),
    acceptance_rate: n.optional(),
    draft_layers: n.optional(),
    profile: pathInput.describe('capture or analysis.json').optional(),
    what_if_json: z.string().optional(),
    run: runInput.optional(),
  },
  output: 'tool-facts.schema.json#/$defs/compute_simulate',
  verdicts: ['compute-bound', 'memory-bound', 'communication-bound', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).simulate(args, ctx),
});
