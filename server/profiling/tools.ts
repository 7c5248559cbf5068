import { z } from 'zod';
import { defineTool, pathInput, readsOnly, runInput, writesRun } from '../mcp/define.js';
import { limits } from './thresholds.js';
import { views } from './views.js';

// The work is loaded when a tool is called: listing the tools must stay quick.

export const profileAnalyze = defineTool({
  name: 'profile_analyze',
  title: 'Analyse a profile',
  description:
    'Reads an Ascend profile (msprof PROF_* or database, torch_npu *_ascend_pt, op_summary or kernel_details CSV, timeline JSON, one or many ranks) and says where the time goes: window (computing, exposed communication, free, split into copies, waits, idle), kernel (with MFU), communication, fusion, dispatch and memory tables, bottleneck with evidence, findings; with compare_to, what made the difference. Operator profiles (OPPROF) too. Use it to explain a performance number, never to measure one.',
  input: {
    path: pathInput.describe('capture: file, folder, or a list of them (one per rank)'),
    run: runInput.optional(),
    top: z.number().int().min(1).max(200).default(20).describe('rows of a view'),
    min_share_pct: z.number().min(0).max(100).default(1).describe('kernel rows below are not shown'),
    view: z.enum(views).default('summary'),
    compare_to: pathInput.describe('baseline capture').optional(),
    finding: z.string().max(60).describe('id, with view finding').optional(),
  },
  output: 'tool-facts.schema.json#/$defs/profile_analyze',
  verdicts: ['host-bound', 'compute-bound', 'memory-bound', 'communication-bound', 'mixed', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).analyzeProfile(args, ctx),
});

export const profileQuery = defineTool({
  name: 'profile_query',
  title: 'Query a profile with SQL',
  description:
    'Answers one read-only DuckDB SQL statement over a profile: tables devices, tasks, pmu, comm_ops, comm_tasks, apis, memory, frequency, markers, op_statistic, comm_summary, step_trace, sources, incomplete. Times are start_ns (epoch) and duration_us. DESCRIBE tasks shows the columns; a wrong name lists them all.',
  input: {
    path: pathInput.describe('capture, as for profile_analyze'),
    sql: z.string().min(1).max(10_000).describe('one SELECT'),
    limit: z.number().int().min(1).max(limits.sqlRows.value).default(50),
  },
  output: 'tool-facts.schema.json#/$defs/profile_query',
  verdicts: ['ok'],
  annotations: readsOnly,
  run: async (args, ctx) => (await import('./run.js')).queryProfile(args, ctx),
});
