import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';
import { text } from './render.js';

export const envProbe = defineTool({
  name: 'env_probe',
  title: 'Probe the NPU environment',
  description:
    'Captures npu-smi, driver, CANN and framework versions of this host and says whether a measurement may start: foreign processes, memory in use, AICore load, health. Call it before (no service, cards free), idle (service up, no load) and after a measurement. Missing evidence is never clean.',
  input: {
    run: runInput.optional(),
    phase: z.enum(['before', 'idle', 'after']).optional(),
    devices: z.array(z.number().int().min(0)).min(1).max(1024).describe('logical ids; default all').optional(),
    samples: z.number().int().min(1).max(10).describe('AICore readings, 1 s apart; default 1, idle 3').optional(),
    raw_dir: z.string().min(1).describe('read captured command outputs instead of this host').optional(),
  },
  output: 'tool-facts.schema.json#/$defs/env_probe',
  verdicts: ['clean', 'contaminated', 'unavailable', 'inconclusive'],
  annotations: writesRun,
  // Loaded when the tool is called: listing the tools must stay quick.
  run: async (args, ctx) => (await import('./run.js')).probe(args, ctx),
  text,
});
