import { join } from 'node:path';
import { exists } from '../../host/files.js';
import { ToolError, type Incomplete, type PerfPoint } from '../../contract/index.js';
import type { BenchClient } from '../../programs/bench-client.js';
import { clientFiles, readClientOutput } from '../points/read.js';

/** The client's numbers of one pass, out of the files it left. @throws ToolError E_FORMAT_UNKNOWN, E_JSON_BROKEN, E_DB_BROKEN */
export async function readOutput(client: Exclude<BenchClient, 'probe'>, raw: string, version: string | null): Promise<{ point: PerfPoint | null; incomplete: Incomplete[] }> {
  const out = join(raw, 'out');
  if (!(await exists(out))) return { point: null, incomplete: [{ code: 'no-output', detail: 'the client left no output folder' }] };
  const output = await readClientOutput(await clientFiles(out), client, version);
  const [point, ...more] = output.points;
  if (more.length > 0) throw new ToolError('E_FORMAT_UNKNOWN', `the folder of one pass holds ${output.points.length} loads`, 'measure again in a new run; nothing else may write there');
  return { point: point ?? null, incomplete: [...output.incomplete] };
}
