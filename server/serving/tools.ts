import { z } from 'zod';
import { defineTool, runInput } from '../mcp/define.js';
import { startText } from './render.js';
import { frameworks } from './request.js';

// The work is loaded when a tool is called: listing the tools must stay quick.

export const serviceStart = defineTool({
  name: 'service_start',
  title: 'Start a service',
  description: 'Starts an LLM service: picks idle NPUs and free ports, starts every rank, watches all. ready only after a real completion. starting: job_wait. failed names rank and log line that came first. The same request again finds its job.',
  input: {
    run: runInput,
    framework: z.enum(frameworks),
    model_path: z.string().min(1),
    program: z.string().describe('absolute path of a built binary; default PATH').optional(),
    devices: z.array(z.int().min(0).max(1023)).min(1).describe('logical ids, rank order').optional(),
    device_count: z.int().min(1).max(1024).optional(),
    port: z.int().min(1).max(65535).optional(),
    args_json: z.string().describe('{"flag":value|true|false|null}; command: argv list').optional(),
    env_json: z.string().optional(),
    env_scripts: z.array(z.string()).optional(),
    container: z.string().optional(),
    host: z.string().describe('ssh').optional(),
    profiling: z.boolean().describe('allows msprof to attach; slower').optional(),
    ready_timeout_s: z.int().min(1).max(21600).optional(),
    dry_run: z.boolean().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/service_start',
  verdicts: ['ready', 'starting', 'failed', 'planned'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  run: async (args, ctx) => (await import('./run.js')).startService(args, ctx),
  text: startText,
});

export const serviceStop = defineTool({
  name: 'service_stop',
  title: 'Stop a service',
  description: 'Ends one service (job) or all of a run, gracefully then hard, and verifies that processes are gone, ports closed and HBM given back. Also ends what a lost or failed service left.',
  input: { run: runInput.optional(), job: z.string().min(1).max(160).optional(), grace_s: z.number().min(0).max(15).default(10) },
  output: 'tool-facts.schema.json#/$defs/service_stop',
  verdicts: ['stopped', 'already_stopped', 'failed'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
  run: async (args, ctx) => (await import('./run.js')).stopServices(args, ctx),
});
