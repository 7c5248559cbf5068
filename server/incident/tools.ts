import { z } from 'zod';
import { defineTool, pathInput, runInput, writesRun } from '../mcp/define.js';
import { frameworks } from './evidence.js';
import { answerText } from './render.js';

export const incidentTriage = defineTool({
  name: 'incident_triage',
  title: 'Triage a failure',
  description:
    'Finds the first error and its rank in logs of xLLM, vLLM-Ascend, SGLang, CANN (plog), HCCL, kernel: origin, consequences, timeline, next commands, actions. For crashes, hangs, timeouts, not slowness.',
  input: {
    path: pathInput.describe('log files or folders, all ranks').optional(),
    text: z.string().describe('pasted log').optional(),
    run: runInput.optional(),
    collect: z.boolean().default(false).describe('also query this host'),
    framework: z.enum(frameworks).optional(),
  },
  output: 'tool-facts.schema.json#/$defs/incident_triage',
  verdicts: ['diagnosed', 'suspected', 'no-known-signature', 'inconclusive'],
  text: answerText,
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).triage(args, ctx),
});
