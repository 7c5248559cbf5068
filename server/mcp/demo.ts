import { basename } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { producer, ToolError } from '../contract/index.js';

export interface DemoParts {
  /** How to start this server: program and arguments. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly modelFolder: string;
  readonly readText: (path: string) => Promise<string | null>;
  readonly print: (line: string) => void;
}

type Answer = Record<string, unknown>;

function isRecord(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string inside nested facts; empty when it is not there. */
function text(value: unknown, ...path: string[]): string {
  let at: unknown = value;
  for (const key of path) at = isRecord(at) ? at[key] : undefined;
  return typeof at === 'string' ? at : '';
}

/** The request that proved the service ready keeps the AI cores' reading up for a moment. */
const settleMs = 1500;

const kernels = 'SELECT op_type, count(*) AS n, round(sum(duration_us), 1) AS total_us FROM tasks GROUP BY op_type ORDER BY total_us DESC LIMIT 3';

/**
 * The ground floor on the simulated NPU host, through the MCP server over stdio, as a client would do it: service up, probe, profile
 * under load, service down, analysis of kernels and steps, report. Gives the run root.
 * @throws ToolError with the code a tool answered
 */
export async function runDemo(parts: DemoParts): Promise<string> {
  const { print } = parts;
  const client = new Client({ name: 'demo', version: producer.version });
  await client.connect(new StdioClientTransport({ command: parts.command, args: [...parts.args], env: { ...parts.env }, stderr: 'ignore' }));
  const call = async (name: string, args: Answer): Promise<Answer> => {
    const result = await client.callTool({ name, arguments: args });
    const structured = isRecord(result.structuredContent) ? result.structuredContent : {};
    if (result.isError === true) throw new ToolError('E_INTERNAL', `${name} answered ${text(structured, 'error', 'code')}: ${text(structured, 'error', 'seen')}`, text(structured, 'error', 'next'));
    print(`${name}: ${text(structured, 'verdict')}: ${text(structured, 'headline')}`);
    return structured;
  };
  /** Waits until the job is ready or has ended. */
  const settled = async (job: string): Promise<Answer> => {
    for (;;) {
      const state = await call('job_wait', { job, wait_s: 20 });
      if (text(state, 'verdict') !== 'working' || text(state, 'facts', 'stage') === 'ready') return state;
    }
  };
  let service = '';
  try {
    const { tools } = await client.listTools();
    print(`MCP server on stdio with the simulated NPU host: ${tools.length} tools: ${tools.map((t) => t.name).join(', ')}`);
    const created = await call('run_create', { purpose: 'demo on the simulated NPU host', level: 'smoke', framework: 'xllm' });
    const run = text(created, 'facts', 'run');
    const runDir = text(created, 'facts', 'run_dir');
    await call('env_probe', { run, phase: 'before' });
    const started = await call('service_start', { run, framework: 'xllm', model_path: parts.modelFolder, device_count: 2, profiling: true });
    service = text(started, 'facts', 'job');
    if (text(started, 'verdict') === 'starting') await settled(service);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    await call('env_probe', { run, phase: 'idle' });
    // The built-in probe stands in for evalscope: it shows the way and claims nothing.
    const bench = await call('bench_start', { run, endpoint: text(started, 'facts', 'endpoint'), model: basename(parts.modelFolder), client: 'probe', input_tokens: 64, output_tokens: 24, parallel: [4], number: [12], warmup: 4 });
    const measured = await settled(text(bench, 'facts', 'job'));
    const capture = await call('profile_start', { run, service_job: service, endpoint: text(started, 'facts', 'endpoint'), backend: 'msprof', phase: 'decode', parallel: 4, output_tokens: 48, batches: 1 });
    const captured = await settled(text(capture, 'facts', 'job'));
    await call('service_stop', { job: service });
    service = '';
    await call('env_probe', { run, phase: 'after' });
    const path = text(captured, 'facts', 'result', 'path');
    const analysed = await call('profile_analyze', { run, path });
    for (const artifact of Array.isArray(analysed['artifacts']) ? analysed['artifacts'] : []) {
      if (text(artifact, 'path').endsWith('five_tables.md')) print(`\n${(await parts.readText(text(artifact, 'path'))) ?? ''}`);
    }
    await call('pipeline_analyze', { run, path });
    await call('profile_query', { path, sql: kernels });
    await call('run_report', { run });
    await call('run_validate', { run, recompute: true });
    print(`\nprobe of the service: ${text(measured, 'headline')}`);
    print(`verdict: ${text(analysed, 'verdict')} (simulated: shows the method, proves nothing of real hardware)`);
    print(`report: ${runDir}/report.html`);
    print(`run root: ${runDir}`);
    return runDir;
  } finally {
    // A demo that failed half-way leaves no service behind.
    if (service !== '') await call('service_stop', { job: service }).catch(() => undefined);
    await client.close();
  }
}
