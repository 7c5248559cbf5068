import { defineTool, readsOnly, writesRun, type Tool } from '../mcp/define.js';
import { createInput, reportInput, showInput, validateInput, type RunParts } from './inputs.js';

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
