import { z } from 'zod';
import { defineTool, pathInput, runInput, writesRun } from '../mcp/define.js';

export const benchCompare = defineTool({
  name: 'bench_compare',
  title: 'Judge a performance claim',
  description:
    'Says whether a claim about two sets of runs may be made: first the gate (same model, NPUs, workload, client, clean hosts, raw output with intact hashes), then statistics with service starts as replicates. Give every run of a side, measured in turn, 5 or more each. Answers verdict, grade, reasons, changes with intervals, and how many starts a wished change needs.',
  input: {
    baseline: pathInput.describe('run ids or perf-metrics paths'),
    candidate: pathInput,
    run: runInput.optional(),
    metric: z.string().max(40).describe('e.g. tpot_ms.mean, ttft_ms.p99, output_tps').optional(),
    direction: z.enum(['decrease', 'increase', 'no-regression']).optional(),
    threshold_pct: z.number().optional(),
    equivalence_pct: z.number().positive().default(1),
    sla_ttft_p99_ms: z.number().positive().optional(),
    sla_tpot_p99_ms: z.number().positive().optional(),
    confidence: z.number().min(0.5).max(0.999).default(0.95),
  },
  output: 'tool-facts.schema.json#/$defs/bench_compare',
  verdicts: ['supported', 'refuted', 'equivalent', 'inconclusive', 'inadmissible'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./compare/run.js')).compareRuns(args, ctx),
});
