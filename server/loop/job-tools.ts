import { defineTool, readsOnly } from '../mcp/define.js';
import { cancelInput, waitInput } from './inputs.js';

export const jobWait = defineTool({
  name: 'job_wait',
  title: 'Wait for a job',
  description: 'Waits up to wait_s (45 at most) for a job and tells state, stage, progress and last log lines. Still working is a normal answer: call again. A service that is up is working with stage ready. Without job: lists all jobs.',
  input: waitInput,
  output: 'tool-facts.schema.json#/$defs/job_wait',
  verdicts: ['working', 'completed', 'failed', 'cancelled', 'lost', 'listed'],
  annotations: readsOnly,
  run: async (args, ctx) => (await import('./job-run.js')).waitForJob(args, ctx),
});

export const jobCancel = defineTool({
  name: 'job_cancel',
  title: 'Cancel a job',
  description: 'Ends a job with its whole process group, gracefully then hard, and says what it left. Also ends what a lost job left behind. Services: prefer service_stop, which verifies that HBM is released.',
  input: cancelInput,
  output: 'tool-facts.schema.json#/$defs/job_cancel',
  verdicts: ['cancelled', 'already_ended'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  run: async (args, ctx) => (await import('./job-run.js')).cancelJob(args, ctx),
});
