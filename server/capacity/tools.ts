import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';
import { settingsShape } from './shape.js';

// The work is loaded when the tool is called: listing the tools must stay quick.

export const capacityPlan = defineTool({
  name: 'capacity_plan',
  title: 'Plan HBM capacity',
  description:
    'Itemised HBM ledger of one rank (weights, KV pool, linear state, draft, HCCL, graph, workspace, activations) by the rules of the framework: blocks, tokens, max concurrency, binding limit, changes that help. With startup_log the plan is reconciled with what the service printed.',
  input: {
    model: z.string().min(1).max(4096).describe('folder, config.json or known name'),
    draft_model: z.string().max(4096).optional(),
    ...settingsShape,
    startup_log: z.string().max(4096).optional(),
    run: runInput.optional(),
  },
  output: 'tool-facts.schema.json#/$defs/capacity_plan',
  verdicts: ['pass', 'risk', 'fail', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).plan(args, ctx),
});
