import { z } from 'zod';
import { defineTool, runInput } from '../../mcp/define.js';
import { aicMetricNames } from '../../programs/msprof.js';
import { backends, phases } from './request.js';

export const profileStart = defineTool({
  name: 'profile_start',
  title: 'Capture a profile',
  description:
    'Captures a running service as a job: warm-up, attach to all ranks, load, stop, export. msprof needs service_start profiling: true; torch the vLLM profiler flag. Then job_wait and profile_analyze. Never measure meanwhile.',
  input: {
    run: runInput,
    service_job: z.string().max(160).optional(),
    pid: z.int().min(1).optional(),
    endpoint: z.string().max(300).describe('with pid').optional(),
    backend: z.enum(backends).default('auto'),
    phase: z.enum(phases).describe('prefill: long prompts; decode: behind first tokens'),
    input_tokens: z.int().min(1).max(1000000).optional(),
    output_tokens: z.int().min(1).max(100000).optional(),
    parallel: z.int().min(1).max(512).optional(),
    batches: z.int().min(1).max(100).optional(),
    warmup_batches: z.int().min(0).max(100).optional(),
    aic_metrics: z.enum(aicMetricNames).optional(),
    dry_run: z.boolean().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/profile_start',
  verdicts: ['started', 'planned'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  // Loaded when the tool is called: listing the tools must stay quick.
  run: async (args, ctx) => (await import('./run.js')).startCapture(args, ctx),
});
