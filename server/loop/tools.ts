import { z } from 'zod';
import { defineTool, readsOnly, runInput, writesRun, type Tool } from '../mcp/define.js';
import type { Derivations, Run } from '../runs/runs.js';

const createInput = {
  purpose: z.string().min(1).max(200),
  level: z.enum(['smoke', 'quick', 'formal']),
  framework: z.enum(['xllm', 'vllm-ascend', 'sglang', 'command']).optional(),
  model: z.string().max(300).describe('name or path').optional(),
  chip: z.string().max(40).describe('SoC, e.g. Ascend910B3').optional(),
  devices: z.array(z.number().int().min(0)).max(1024).optional(),
  workload_json: z.string().max(20_000).optional(),
  sla_json: z.string().max(2000).describe('{"ttft_p99_ms":1000}').optional(),
  target_metric: z.string().max(60).describe('e.g. tpot_ms.mean').optional(),
  target_change_pct: z.number().optional(),
  manifest_json: z.string().max(60_000).describe('any manifest section').optional(),
};

export const runCreate = defineTool({
  name: 'run_create',
  title: 'Open a run',
  description: 'Opens a run: a folder with manifest, ledger and every artifact. Do this first and pass its id as "run". level says what it may prove: smoke (it works), quick (an indication), formal (a claim). Fields given in manifest_json count as stated, not captured.',
  input: createInput,
  output: 'tool-facts.schema.json#/$defs/run_create',
  verdicts: ['created'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).createRun(args, ctx),
});

const showInput = { run: runInput.optional(), what: z.enum(['manifest', 'artifacts', 'jobs', 'events']).default('manifest') };

export const runShow = defineTool({
  name: 'run_show',
  title: 'Show runs',
  description: 'Without run: lists the runs, newest first. With run: its manifest and what is still missing for a formal claim, or its artifacts, jobs or events.',
  input: showInput,
  output: 'tool-facts.schema.json#/$defs/run_show',
  verdicts: ['ok'],
  annotations: readsOnly,
  run: async (args, ctx) => (await import('./run.js')).showRuns(args, ctx),
});

/** `run_validate` needs every room's derivations, `run_report` the report writer. */
export interface RunParts {
  readonly derivations: () => Promise<Derivations>;
  readonly report: (run: Run, wanted: { format: 'md' | 'html' | 'pr' | null; language: 'en' | 'zh' }) => Promise<readonly { path: string; kind: string; text: string; open?: readonly string[] }[]>;
}

const validateInput = { run: runInput, recompute: z.boolean().default(false) };
const reportInput = { run: runInput, format: z.enum(['md', 'html', 'pr']).optional(), language: z.enum(['en', 'zh']).default('en') };

export type CreateArgs = z.output<z.ZodObject<typeof createInput>>;
export type ShowArgs = z.output<z.ZodObject<typeof showInput>>;
export type ValidateArgs = z.output<z.ZodObject<typeof validateInput>>;
export type ReportArgs = z.output<z.ZodObject<typeof reportInput>>;

/** The composition root hands in the parts. */
export function runTools(parts: RunParts): Tool[] {
  const runValidate = defineTool({
    name: 'run_validate',
    title: 'Validate a run',
    description: 'Checks a run: ledger chain, every SHA-256, every schema. With recompute, derives every computed artifact again from raw and compares bytes. tampered names the files.',
    input: validateInput,
    output: 'tool-facts.schema.json#/$defs/run_validate',
    verdicts: ['complete', 'incomplete', 'tampered', 'inconclusive'],
    annotations: readsOnly,
    run: async (args, ctx) => (await import('./run.js')).validateRun(args, ctx, parts),
  });

  const runReport = defineTool({
    name: 'run_report',
    title: 'Write the report',
    description: 'Writes summary.md, report.html, pr_notes.md (or one format) and replay.sh into the run, with what may not be claimed.',
    input: reportInput,
    output: 'tool-facts.schema.json#/$defs/run_report',
    verdicts: ['written'],
    annotations: writesRun,
    run: async (args, ctx) => (await import('./run.js')).reportRun(args, ctx, parts),
  });

  return [runValidate, runReport];
}
