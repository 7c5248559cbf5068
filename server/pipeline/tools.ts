import { z } from 'zod';
import { defineTool, pathInput, runInput, writesRun } from '../mcp/define.js';
import { views } from './views.js';

// The work is loaded when the tool is called: listing the tools must stay quick.

export const pipelineAnalyze = defineTool({
  name: 'pipeline_analyze',
  title: 'Analyse the pipeline',
  description:
    'Finds the steps in an Ascend profile, the bubbles between and inside them with cause and host calls, stages, layers, and the rank that makes others wait (one PROF_* per rank). For high TPOT or uneven ranks.',
  input: {
    path: pathInput.describe('capture: file, folder, or list'),
    run: runInput.optional(),
    boundary: z.string().max(200).describe('"last op->first op" of a step').optional(),
    ranks: z.array(z.number().int()).optional(),
    view: z.enum(views).default('summary'),
  },
  output: 'tool-facts.schema.json#/$defs/pipeline_analyze',
  verdicts: ['device-bound', 'host-bound', 'communication-bound', 'rank-skewed', 'mixed', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).analyzePipeline(args, ctx),
});
