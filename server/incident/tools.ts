import { z } from 'zod';
import { defineTool, pathInput, runInput, writesRun } from '../mcp/define.js';

export const incidentTriage = defineTool({
  name: 'incident_triage',
  title: 'Triage a failure',
  description:
    'Finds the first error and the rank it began on in logs of xLLM, vLLM-Ascend, SGLang, CANN (plog), HCCL, kernel: origin, consequences, timeline, next read-only commands, actions. For crashes, hangs, timeouts; not for slowness.',
  input: {
    path: pathInput.describe('log files or folders, all ranks').optional(),
    text: z.string().describe('pasted log').optional(),
    run: runInput.optional(),
    collect: z.boolean().default(false).describe('also query this host, read-only'),
  },
  output: 'tool-facts.schema.json#/$defs/incident_triage',
  verdicts: ['diagnosed', 'suspected', 'no-known-signature', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).triage(args, ctx),
});
