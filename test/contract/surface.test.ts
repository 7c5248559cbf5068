import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { instructions } from '../../server/mcp/server.js';
import { mainJs } from '../helpers/stdio.js';

interface Listed {
  name: string;
  title: string;
  description: string;
  inputSchema: { type: string; additionalProperties: boolean; properties: Record<string, Record<string, unknown>>; required?: string[] };
  annotations: Record<string, unknown>;
}
let tools: Listed[] = [];
beforeAll(() => {
  tools = JSON.parse(execFileSync(process.execPath, [mainJs, 'tools', '--json'], { encoding: 'utf8' }));
});

/** The 25 names of the public contract; nothing else may be served. */
const names = 'env_probe run_create run_show run_validate run_report service_start service_stop bench_start bench_import bench_compare profile_start profile_analyze profile_query pipeline_analyze capacity_plan compute_simulate accuracy_start accuracy_compare incident_triage review_diff op_verify loop_update history_search job_wait job_cancel'.split(' ');

const cost = (t: Listed) => Math.ceil((t.name.length + t.description.length + JSON.stringify(t.inputSchema).length) / 4);

describe('the surface stays inside its budgets', () => {
  it('names are of the contract, at most 25', () => {
    expect(tools.length).toBeLessThanOrEqual(25);
    expect(tools.map((t) => t.name).filter((n) => !names.includes(n))).toEqual([]);
  });
  it('no tool above 400 tokens, all of them at most 5,500', () => {
    expect(tools.filter((t) => cost(t) > 400).map((t) => `${t.name} ${cost(t)}`)).toEqual([]);
    expect(tools.reduce((sum, t) => sum + cost(t), 0)).toBeLessThanOrEqual(5500);
  });
  it('instructions are at most 800 characters', () => {
    expect(instructions.length).toBeLessThanOrEqual(800);
  });
  it('every tool has all four hints; a writer into the run root runs without approval', () => {
    for (const tool of tools) for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) expect(tool.annotations[hint], `${tool.name}.${hint}`).toBeTypeOf('boolean');
    for (const name of ['run_create', 'run_report', 'profile_analyze', 'env_probe']) {
      expect(tools.find((t) => t.name === name)?.annotations).toMatchObject({ destructiveHint: false, openWorldHint: false });
    }
  });
  it('inputs are flat, closed and named in snake_case', () => {
    for (const tool of tools) {
      expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      for (const [name, schema] of Object.entries(tool.inputSchema.properties)) {
        expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
        expect(schema['type'], `${tool.name}.${name}`).not.toBe('object');
      }
    }
  });
  it('the reference page is the definitions', () => {
    expect(readFileSync('docs/tools.md', 'utf8')).toBe(execFileSync(process.execPath, [mainJs, 'tools', '--markdown'], { encoding: 'utf8' }));
  });
});
