import { ToolError, type Incomplete, type PerfLatency, type PerfTokens } from '../../contract/index.js';
import { asNumber, asText, Database } from '../../profiles/sqlite.js';
import { latencyOf, parsePython, tokensOf } from './value.js';

/** What the rows of benchmark_data.db say. Times in the file are seconds of the client's monotonic clock. */
export interface Rows {
  readonly success: number;
  readonly failed: number;
  /** First start to last end of all rows; null without one success. */
  readonly duration_s: number | null;
  readonly ttft_ms: PerfLatency;
  readonly tpot_ms: PerfLatency;
  readonly itl_ms: PerfLatency;
  readonly e2el_ms: PerfLatency;
  readonly input_tokens: PerfTokens;
  readonly output_tokens: PerfTokens;
  readonly incomplete: readonly Incomplete[];
}

function gapsOf(text: string): number[] {
  if (text === '') return [];
  try {
    const list = parsePython(text);
    return Array.isArray(list) ? list.filter((v): v is number => typeof v === 'number' && v >= 0) : [];
  } catch {
    return [];
  }
}

/**
 * Per-request rows of `result`. The column response_messages (a pickle) is never selected. TPOT is (latency − TTFT)/(tokens − 1) of
 * requests with two tokens or more; a TTFT of 0 (evalscope #1694) is a missing one.
 * @param stream false: the service answered at once, so there is no first token
 * @throws ToolError E_DB_BROKEN, E_FILE_EMPTY
 */
export async function readRows(path: string, stream: boolean): Promise<Rows> {
  const db = await Database.open(path).catch((cause: unknown) => {
    if (!(cause instanceof ToolError)) throw cause;
    throw new ToolError(cause.code, 'benchmark_data.db can not be read as an SQLite database', 'copy it again after the client has ended, or leave it out: the summary is read without it', { cause });
  });
  try {
    if (!db.has('result', 'start_time', 'success', 'latency', 'first_chunk_latency', 'completion_tokens')) throw new ToolError('E_DB_BROKEN', 'benchmark_data.db has no table result with the columns of evalscope perf', 'copy it again after the client has ended, or leave it out');
    const [ttft, tpot, itl, e2el, input, output]: [number[], number[], number[], number[], number[], number[]] = [[], [], [], [], [], []];
    let [success, failed, first, last, zero] = [0, 0, Infinity, -Infinity, 0];
    const sql = `SELECT success, start_time, ${db.column('result', 'completed_time')}, latency, first_chunk_latency, ${db.column('result', 'prompt_tokens')}, completion_tokens, ${db.column('result', 'inter_token_latencies')} FROM result ORDER BY start_time, rowid`;
    for (const row of db.each(sql, undefined)) {
      const start = asNumber(row[1]);
      if (Number.isFinite(start)) first = Math.min(first, start);
      if (asNumber(row[0]) !== 1) {
        failed += 1;
        continue;
      }
      success += 1;
      const [end, whole, head, prompt, tokens] = [asNumber(row[2]), asNumber(row[3]), asNumber(row[4]), asNumber(row[5]), asNumber(row[6])];
      if (Number.isFinite(end)) last = Math.max(last, end);
      if (Number.isFinite(whole)) e2el.push(whole);
      if (Number.isFinite(prompt)) input.push(prompt);
      if (Number.isFinite(tokens)) output.push(tokens);
      itl.push(...(stream ? gapsOf(asText(row[7])) : []));
      if (!stream || !Number.isFinite(head)) continue;
      if (head <= 0) {
        zero += 1;
        continue;
      }
      ttft.push(head);
      if (tokens > 1 && Number.isFinite(whole)) tpot.push((whole - head) / (tokens - 1));
    }
    const incomplete = zero === 0 ? [] : [{ code: 'ttft-zero', detail: `${zero} requests with a TTFT of 0: this evalscope did not see their first token (its issue 1694); they are left out of TTFT and TPOT` }];
    return {
      success,
      failed,
      duration_s: last > first ? last - first : null,
      ttft_ms: latencyOf(ttft, 1000),
      tpot_ms: latencyOf(tpot, 1000),
      itl_ms: latencyOf(itl, 1000),
      e2el_ms: latencyOf(e2el, 1000),
      input_tokens: tokensOf(input, 'server'),
      output_tokens: tokensOf(output, 'server'),
      incomplete,
    };
  } finally {
    db.close();
  }
}
