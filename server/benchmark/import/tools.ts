import { z } from 'zod';
import { defineTool, runInput, writesRun } from '../../mcp/define.js';
import { clientNames } from '../points/types.js';

export const benchImport = defineTool({
  name: 'bench_import',
  title: "Import a client's result",
  description: 'Reads the output (folder or file) of a benchmark that ran elsewhere and keeps it with its raw files, ready for bench_compare.',
  input: {
    path: z.string(),
    client: z.enum(clientNames).optional(),
    run: runInput.optional(),
    framework: z.enum(['xllm', 'vllm-ascend', 'sglang']).optional(),
    label: z.string().max(80).optional(),
    client_version: z.string().max(40).optional(),
    command: z.string().optional(),
    service_command: z.string().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/bench_import',
  verdicts: ['imported', 'inconclusive'],
  annotations: writesRun,
  run: async (args, ctx) => (await import('./run.js')).importBench(args, ctx),
});
