import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../mcp/define.js';
import { thresholds } from './thresholds.js';

const place = z.string().min(1);

export const accuracyCompare = defineTool({
  name: 'accuracy_compare',
  title: 'Compare two accuracy runs',
  description:
    'Says whether the candidate answers worse: items joined, exact McNemar, interval of the difference, smallest drop this many items can show, subsets corrected, cut-off answers told from wrong ones, broken texts named.',
  input: {
    baseline: place.describe('evalscope output, accuracy_start folder, or JSONL {id,target,prediction,score}'),
    candidate: place,
    run: runInput.optional(),
    margin_pct: z.number().min(0).max(100).default(thresholds.marginPct.value),
  },
  output: 'tool-facts.schema.json#/$defs/accuracy_compare',
  verdicts: ['no-regression', 'regression', 'improvement', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./compare/run.js')).compareAccuracy(args, ctx),
});

const words = z.array(z.string()).optional();

export const accuracyStart = defineTool({
  name: 'accuracy_start',
  title: 'Measure accuracy',
  description: 'Asks a service questions, as a job. L1, L2: built-in probes show breakage. L3 first items, L4 one task, L5 all: evalscope. With bisect_*: finds the bad commit; the command exits 0 good, 1 bad, 125 skip.',
  input: {
    run: runInput,
    endpoint: z.string(),
    model: z.string(),
    level: z.enum(['L1', 'L2', 'L3', 'L4', 'L5']),
    datasets: words,
    subsets: words,
    limit: z.int().min(1).max(100000).optional(),
    temperature: z.number().min(0).optional(),
    max_tokens: z.int().min(1).max(1000000).optional(),
    eval_batch_size: z.int().min(1).max(512).optional(),
    dataset_dir: z.string().optional(),
    repeats: z.int().min(1).max(64).optional(),
    bisect_good: z.string().optional(),
    bisect_bad: z.string().optional(),
    bisect_command: z.string().optional(),
    dry_run: z.boolean().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/accuracy_start',
  verdicts: ['started', 'planned'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  run: async (args, ctx) => (await import('./start/run.js')).startAccuracy(args, ctx),
});
