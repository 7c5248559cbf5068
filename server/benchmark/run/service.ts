import { join } from 'node:path';
import { check, type ServiceRecord } from '../../contract/index.js';
import { readBytes } from '../../host/bytes.js';
import { fileSize } from '../../host/files.js';
import { readArtifact, type Run } from '../../runs/runs.js';
import { limits } from './thresholds.js';

/** The service a load goes to, as this run knows it. */
export interface Target {
  /** Null: not started in this run. */
  readonly job: string | null;
  readonly startedAt: string | null;
  /** Logs of its ranks, absolute. */
  readonly logs: readonly string[];
  readonly framework: ServiceRecord['framework'] | null;
  readonly simulated: boolean;
}

const unknown: Target = { job: null, startedAt: null, logs: [], framework: null, simulated: false };

const port = (url: string): string => (URL.canParse(url) ? new URL(url).port : '');
const isHere = (url: string): boolean => URL.canParse(url) && ['127.0.0.1', 'localhost', '0.0.0.0', '[::1]', '[::]'].includes(new URL(url).hostname);

/** Same address, or the same port of this machine under another name of it. */
function sameEndpoint(a: string, b: string): boolean {
  return a === b || (isHere(a) && isHere(b) && port(a) === port(b));
}

/** The newest ready service of the run that listens at the endpoint. */
export async function findTarget(run: Run, endpoint: string): Promise<Target> {
  const records: ServiceRecord[] = [];
  for (const file of (await run.files()).values()) {
    if (file.schema !== 'service-record') continue;
    const checked = check('service-record', await readArtifact(join(run.dir, file.path)));
    if (checked.ok && checked.value.outcome === 'ready' && checked.value.endpoint !== null && sameEndpoint(checked.value.endpoint, endpoint)) records.push(checked.value);
  }
  const newest = records.sort((a, b) => (a.started_at < b.started_at ? 1 : -1))[0];
  if (newest === undefined) return unknown;
  return { job: newest.job, startedAt: newest.started_at, logs: newest.ranks.map((r) => join(run.dir, r.log)), framework: newest.framework, simulated: newest.simulated };
}

/** Sizes of the logs now, in order. */
export function logSizes(target: Target): Promise<number[]> {
  return Promise.all(target.logs.map((log) => fileSize(log).catch(() => 0)));
}

/**
 * Lines that tell of graph capture or compilation: xLLM (acl_graph_executor_impl.cpp), vLLM-Ascend (model runner, torch.compile),
 * SGLang, and CANN's own operator compiler.
 */
export const graphLine = /Lazy capturing ACL graph|Graph warmup started|Graph capturing finished|Capture npu graph (?:begin|end)|Capturing (?:ACL|CUDA|NPU|batches|num tokens)|Compiling a graph|Compile and warming up model|Dynamo bytecode transform|torch\.compile takes|start compile op|TBE compile/i;

/** Lines of the logs between two sets of sizes that tell of graph capture. Null: no log, or one too long to read. */
export async function graphLines(target: Target, from: readonly number[], to: readonly number[]): Promise<{ readonly count: number; readonly lines: readonly string[] } | null> {
  if (target.logs.length === 0) return null;
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let count = 0;
  for (const [i, log] of target.logs.entries()) {
    const [begin, end] = [from[i] ?? 0, to[i] ?? 0];
    if (end - begin > limits.windowLogBytes.value) return null;
    const text = decoder.decode(await readBytes(log, begin, Math.max(0, end - begin)));
    for (const line of text.split('\n')) {
      if (!graphLine.test(line)) continue;
      count += 1;
      if (lines.length < limits.graphLines.value) lines.push(line.slice(0, 400));
    }
  }
  return { count, lines };
}
