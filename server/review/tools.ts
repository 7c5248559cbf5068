import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';

const revision = z.string().max(200).optional();

export const reviewDiff = defineTool({
  name: 'review_diff',
  title: 'Review a diff',
  description: 'NPU rules over the added lines of a diff file, or of a git repository (base, head): graph capture, memory, kernels, collectives, build. Findings with file, line, why and mend; a checklist of questions for judgement; SARIF.',
  input: {
    diff_path: z.string().max(4096).optional(),
    repo: z.string().max(4096).optional(),
    base: revision,
    head: revision,
    run: runInput.optional(),
    focus: z.string().min(2).max(60).describe('graph, memory, kernels, distributed, rule id or topic').optional(),
  },
  output: 'tool-facts.schema.json#/$defs/review_diff',
  verdicts: ['clean', 'findings', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).reviewDiff(args, ctx),
});
