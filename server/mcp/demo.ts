import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { producer, ToolError } from '../contract/index.js';

export interface DemoParts {
  /** How to start this server: program and arguments. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Writes a generated capture below the folder and says what was planted. */
  readonly makeCapture: (folder: string) => Promise<{ path: string; planted: string }>;
  readonly readText: (path: string) => Promise<string | null>;
  readonly print: (line: string) => void;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string inside nested facts. */
function text(value: unknown, ...path: string[]): string {
  let at: unknown = value;
  for (const key of path) at = isRecord(at) ? at[key] : undefined;
  return typeof at === 'string' ? at : '';
}

/** The ground floor on a generated capture, through the MCP server over stdio, as a client would do it. Gives the run root. */
export async function runDemo(parts: DemoParts): Promise<string> {
  const client = new Client({ name: 'demo', version: producer.version });
  await client.connect(new StdioClientTransport({ command: parts.command, args: [...parts.args], env: { ...parts.env }, stderr: 'inherit' }));
  try {
    const { tools } = await client.listTools();
    parts.print(`MCP server on stdio: ${tools.length} tools: ${tools.map((t) => t.name).join(', ')}`);
    const call = async (name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> => {
      const result = await client.callTool({ name, arguments: args });
      const structured = isRecord(result.structuredContent) ? result.structuredContent : {};
      if (result.isError === true) throw new ToolError('E_INTERNAL', `${name} answered ${text(structured, 'error', 'code')}: ${text(structured, 'error', 'seen')}`, text(structured, 'error', 'next'));
      parts.print(`${name}: ${text(structured, 'verdict')}: ${text(structured, 'headline')}`);
      return structured;
    };

    const created = await call('run_create', { purpose: 'demo on a generated capture', level: 'smoke', framework: 'xllm' });
    const run = text(created, 'facts', 'run');
    const runDir = text(created, 'facts', 'run_dir');
    await call('env_probe', { run, phase: 'before' });
    const { path, planted } = await parts.makeCapture(`${runDir}/profiling/demo`);
    parts.print(`generated capture (simulated): ${planted}`);
    const analysed = await call('profile_analyze', { run, path });
    for (const artifact of Array.isArray(analysed['artifacts']) ? analysed['artifacts'] : []) {
      if (text(artifact, 'path').endsWith('five_tables.md')) parts.print(`\n${(await parts.readText(text(artifact, 'path'))) ?? ''}`);
    }
    await call('profile_query', { path, sql: 'SELECT op_type, count(*) AS n, sum(duration_us) AS total_us FROM tasks GROUP BY op_type ORDER BY total_us DESC LIMIT 3' });
    await call('run_report', { run });
    await call('run_validate', { run, recompute: true });
    parts.print(`\nverdict: ${text(analysed, 'verdict')} (simulated: explains the method, proves nothing of real hardware)`);
    parts.print(`report: ${runDir}/summary.md`);
    parts.print(`run root: ${runDir}`);
    return runDir;
  } finally {
    await client.close();
  }
}
