import { z } from 'zod';
import { defineTool, runInput } from '../../mcp/define.js';
import { benchClients } from '../../programs/bench-client.js';

export const benchStart = defineTool({
  name: 'bench_start',
  title: 'Measure a service',
  description:
    'Measures a running service as a job with a real client (probe: smoke only): warm-up, every load, fresh prompts per repeat, server counters, log scan. sla_*: finds the largest load that meets them. Then job_wait, bench_compare.',
  input: {
    run: runInput,
    endpoint: z.string(),
    model: z.string().describe('served id'),
    client: z.enum(benchClients),
    tokenizer_path: z.string().optional(),
    dataset: z.string().describe("client's name or prompt file").optional(),
    input_tokens: z.number().optional(),
    output_tokens: z.number().optional(),
    parallel: z.array(z.number()).optional(),
    number: z.array(z.number()).describe('paired with parallel').optional(),
    rate: z.number().describe('requests/s; without parallel open loop').optional(),
    warmup: z.number().describe('requests').optional(),
    repeats: z.number().optional(),
    stream: z.boolean().optional(),
    temperature: z.number().optional(),
    top_p: z.number().optional(),
    top_k: z.number().optional(),
    seed: z.number().optional(),
    ignore_eos: z.boolean().optional(),
    duration_s: z.number().optional(),
    sla_ttft_p99_ms: z.number().optional(),
    sla_tpot_p99_ms: z.number().optional(),
    dry_run: z.boolean().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/bench_start',
  verdicts: ['started', 'planned'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  // Loaded when the tool is called: listing the tools must stay quick.
  run: async (args, ctx) => (await import('./run.js')).startBench(args, ctx),
});
