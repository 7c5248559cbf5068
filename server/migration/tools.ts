import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';

const path = z.string().min(1).max(4096).optional();

export const opVerify = defineTool({
  name: 'op_verify',
  title: 'Verify an operator migration',
  description: 'An operator on its way to the NPU: route (from, op), constraints (shapes, dtype, chip), accuracy (golden, actual; benchmark for the double standard), performance (two OPPROF or captures). Gates M0–M9.',
  input: {
    kind: z.enum(['route', 'constraints', 'accuracy', 'performance']),
    op: z.string().min(1).max(160).optional(),
    from: z.enum(['triton', 'cuda', 'torch']).optional(),
    shapes: z.string().max(2000).describe('{"tile":[r,c],"buffers":n,"grid":[…],"l0c_tile":[m,n]}; of .bin "20,30"').optional(),
    dtype: z.string().max(20).optional(),
    level: z.enum(['L0', 'L1', 'L2']).optional(),
    chip: z.string().max(200).optional(),
    golden: path,
    actual: path,
    benchmark: path,
    min_speedup: z.number().positive().optional(),
    profile_baseline: path,
    profile_candidate: path,
    run: runInput.optional(),
  },
  output: 'tool-facts.schema.json#/$defs/op_verify',
  verdicts: ['pass', 'fail', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).opVerify(args, ctx),
});
