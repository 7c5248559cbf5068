import { z } from 'zod';
import { runInput } from '../mcp/define.js';
import type { Derivations, Run } from '../runs/runs.js';

export const createInput = {
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

export const showInput = { run: runInput.optional(), what: z.enum(['manifest', 'artifacts', 'jobs', 'events']).default('manifest') };

/** `run_validate` needs every room's derivations, `run_report` the report writer. */
export interface RunParts {
  readonly derivations: () => Promise<Derivations>;
  readonly report: (run: Run, wanted: { format: 'md' | 'html' | 'pr' | null; language: 'en' | 'zh' }) => Promise<readonly { path: string; kind: string; text: string; open?: readonly string[] }[]>;
}

export const validateInput = { run: runInput, recompute: z.boolean().default(false) };
export const reportInput = { run: runInput, format: z.enum(['md', 'html', 'pr']).optional(), language: z.enum(['en', 'zh']).default('en') };

export type CreateArgs = z.output<z.ZodObject<typeof createInput>>;
export type ShowArgs = z.output<z.ZodObject<typeof showInput>>;
export type ValidateArgs = z.output<z.ZodObject<typeof validateInput>>;
export type ReportArgs = z.output<z.ZodObject<typeof reportInput>>;

/** Longest a call may block: below every client's limit. */
const longestWaitS = 45;

export const waitInput = { job: z.string().min(1).max(160).optional(), wait_s: z.number().min(0).max(longestWaitS).default(30) };
export const cancelInput = { job: z.string().min(1).max(160), grace_s: z.number().min(0).max(30).default(10) };

export type WaitArgs = z.output<z.ZodObject<typeof waitInput>>;
export type CancelArgs = z.output<z.ZodObject<typeof cancelInput>>;
