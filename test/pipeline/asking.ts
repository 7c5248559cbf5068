import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { check, type PipelineAnalysis, type PipelineAnalyzeFacts, type ToolFailed, type ToolOk } from '../../server/contract/index.js';
import type { ToolContext } from '../../server/mcp/define.js';
import { Registry } from '../../server/mcp/registry.js';
import { pipelineAnalyze } from '../../server/pipeline/tools.js';

/** What every answer of pipeline_analyze leaves in its folder. */
export const files = ['analysis.json', 'stage-table.csv', 'bubble-table.csv', 'layer-table.csv', 'rank-skew-table.csv', 'pipeline-analysis.md'];

type Answer = ToolOk & { facts: PipelineAnalyzeFacts };

interface Asking {
  registry: Registry;
  call: (args: Record<string, unknown>) => Promise<Answer>;
  fail: (args: Record<string, unknown>) => Promise<ToolFailed['error']>;
  stored: (answer: Answer) => Promise<PipelineAnalysis>;
}

/** pipeline_analyze as a client asks it. */
export function asking(ctx: ToolContext): Asking {
  const registry = new Registry([pipelineAnalyze], (line) => console.error(line));
  async function call(args: Record<string, unknown>): Promise<Answer> {
    const answer = await registry.call('pipeline_analyze', args, ctx);
    if (answer.isError) throw new Error(answer.text);
    return answer.structured as Answer;
  }
  async function fail(args: Record<string, unknown>): Promise<ToolFailed['error']> {
    const answer = await registry.call('pipeline_analyze', args, ctx);
    expect(answer.isError).toBe(true);
    return (answer.structured as ToolFailed).error;
  }
  async function stored(answer: Answer): Promise<PipelineAnalysis> {
    const checked = check('pipeline-analysis', JSON.parse(await readFile(answer.artifacts[0]?.path ?? '', 'utf8')));
    if (!checked.ok) throw new Error(checked.problems.join('; '));
    return checked.value;
  }
  return { registry, call, fail, stored };
}
