import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';

const text = z.string().min(1).max(2000).optional();

export const loopUpdate = defineTool({
  name: 'loop_update',
  title: 'Optimisation loop',
  description: 'Keeps an optimisation in loop.json: target, environment, history, baseline, gap, evidence, plan, patch, review, accuracy, performance, record. submit lets code check the gate of the present phase against artifacts; attempt opens one (hypothesis, change) or closes it (outcome). A blocked gate names what is missing.',
  input: {
    run: runInput,
    action: z.enum(['start', 'status', 'submit', 'attempt', 'stop']),
    phase: z.string().max(20).optional(),
    evidence: z.array(z.string()).max(64).describe('artifact paths or run ids').optional(),
    hypothesis: text,
    change: z.string().max(200).describe('one commit or flag=value').optional(),
    outcome: z.enum(['gain', 'no-gain', 'regression', 'failed', 'abandoned']).optional(),
    reason: text,
  },
  output: 'tool-facts.schema.json#/$defs/loop_update',
  verdicts: ['open', 'blocked', 'advanced', 'target-met', 'stopped'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./update/run.js')).update(args, ctx),
});

export const historySearch = defineTool({
  name: 'history_search',
  title: 'Lessons learnt',
  description: 'What was tried before: lesson cards with effect, conditions, evidence and risks; English or Chinese. Search before a plan. record_json adds a card (schema lesson-card); one without evidence is refused.',
  input: {
    query: z.string().max(500).optional(),
    model: z.string().max(100).optional(),
    framework: z.enum(['xllm', 'vllm-ascend', 'sglang']).optional(),
    scenario: z.string().max(200).optional(),
    record_json: z.string().max(20_000).optional(),
  },
  output: 'tool-facts.schema.json#/$defs/history_search',
  verdicts: ['found', 'none', 'recorded'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./history/run.js')).history(args, ctx),
});
