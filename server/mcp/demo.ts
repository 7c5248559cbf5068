import { basename } from 'node:path';
import { artifactOf, text } from './demo/answer.js';
import { DemoClient, type ServerParts } from './demo/client.js';
import { settleMs } from './demo/walk.js';

export interface DemoParts extends ServerParts {
  readonly modelFolder: string;
  readonly readText: (path: string) => Promise<string | null>;
  readonly print: (line: string) => void;
}

const kernels = 'SELECT op_type, count(*) AS n, round(sum(duration_us), 1) AS total_us FROM tasks GROUP BY op_type ORDER BY total_us DESC LIMIT 3';

/**
 * The ground floor on the simulated NPU host, through the MCP server over stdio, as a client would do it: service up, probe, profile
 * under load, service down, analysis of kernels and steps, report. Gives the run root.
 * @throws ToolError with the code a tool answered
 */
export async function runDemo(parts: DemoParts): Promise<string> {
  const { print } = parts;
  const client = await DemoClient.connect(parts, (tool, verdict, headline) => print(`${tool}: ${verdict}: ${headline}`));
  try {
    const tools = await client.tools();
    print(`MCP server on stdio with the simulated NPU host: ${tools.length} tools: ${tools.join(', ')}`);
    const created = await client.call('run_create', { purpose: 'demo on the simulated NPU host', level: 'smoke', framework: 'xllm' });
    const run = text(created, 'facts', 'run');
    const runDir = text(created, 'facts', 'run_dir');
    await client.call('env_probe', { run, phase: 'before' });
    const started = await client.call('service_start', { run, framework: 'xllm', model_path: parts.modelFolder, device_count: 2, profiling: true });
    const service = text(started, 'facts', 'job');
    if (text(started, 'verdict') === 'starting') await client.settled(service);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    await client.call('env_probe', { run, phase: 'idle' });
    // The built-in probe stands in for evalscope: it shows the way and claims nothing.
    const bench = await client.call('bench_start', { run, endpoint: text(started, 'facts', 'endpoint'), model: basename(parts.modelFolder), client: 'probe', input_tokens: 64, output_tokens: 24, parallel: [4], number: [12], warmup: 4 });
    const measured = await client.settled(text(bench, 'facts', 'job'));
    const capture = await client.call('profile_start', { run, service_job: service, endpoint: text(started, 'facts', 'endpoint'), backend: 'msprof', phase: 'decode', parallel: 4, output_tokens: 48, batches: 1 });
    const captured = await client.settled(text(capture, 'facts', 'job'));
    await client.call('service_stop', { job: service });
    await client.call('env_probe', { run, phase: 'after' });
    const path = text(captured, 'facts', 'result', 'path');
    const analysed = await client.call('profile_analyze', { run, path });
    const tables = artifactOf(analysed, 'five_tables.md');
    if (tables !== '') print(`\n${(await parts.readText(tables)) ?? ''}`);
    await client.call('pipeline_analyze', { run, path });
    await client.call('profile_query', { path, sql: kernels });
    await client.call('run_report', { run });
    await client.call('run_validate', { run, recompute: true });
    print(`\nprobe of the service: ${text(measured, 'headline')}`);
    print(`verdict: ${text(analysed, 'verdict')} (simulated: shows the method, proves nothing of real hardware)`);
    print(`report: ${runDir}/report.html`);
    print(`run root: ${runDir}`);
    return runDir;
  } finally {
    await client.close();
  }
}
