import { describe, expect, it } from 'vitest';
import { incidentOf, silentRank, type End } from '../../server/serving/judge.js';
import { fatalLines } from '../../server/serving/patterns.js';
import { LogReader, type ServiceLogs } from '../../server/serving/read.js';

const fatalOf = await fatalLines();
const started = '2026-11-24T06:00:00.000Z';
const at = (s: number, text: string, level = 'I') => `${level}20261124 06:00:${String(s).padStart(2, '0')}.000000 1 a.cpp:1] ${text}`;

/** Logs of ranks 0, 1, … as lists of lines. */
function logs(...ranks: readonly string[][]): ServiceLogs {
  const reader = new LogReader(started, fatalOf);
  return { ranks: ranks.map((lines, rank) => reader.rank({ rank, path: `service/s/node_${rank}.log` }, [{ text: lines.map((l) => `${l}\n`).join(''), skippedBefore: 0 }])), facts: reader.facts, allJoined: reader.allJoined };
}
const exit = (rank: number, code: number | null = 1, signal: string | null = null): End => ({ cause: 'exit', rank, code, signal });
const timeout: End = { cause: 'timeout', rank: null, code: null, signal: null };
const joined = (rank: number, s: number) => at(s, `Worker#${rank} connect to 127.0.0.1:9748 success.`);

describe('the incident that came first', () => {
  it('by the clock, not by the rank that ended first or the order of files', () => {
    const incident = incidentOf(
      logs(
        [at(1, 'x'), at(9, 'Failed, HCCL error.', 'E')],
        [at(1, 'x'), at(8, 'call aclnnMatmul failed, detail:x', 'E'), 'no time on this line'],
        [at(1, 'x'), 'Traceback', at(5, 'RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB', 'E')],
      ),
      exit(0),
    );
    expect(incident).toMatchObject({ rank: 2, line: 3, file: 'service/s/node_2.log', class: 'hbm-oom', pattern: 'npu-oom', time: '2026-11-24T06:00:05.000', consequence: false });
  });
  it('a root beats an earlier consequence; a line without time takes the time before it', () => {
    const incident = incidentOf(logs([at(2, 'HealthReporter: cluster is unhealthy, reason: x', 'E')], [at(3, 'loading'), 'weight is not loaded for model.layers.0']), exit(1));
    expect(incident).toMatchObject({ rank: 1, class: 'weights-load', time: '2026-11-24T06:00:03.000' });
  });
  it('retries and once-logged warnings are none', () => {
    const lines = ['Worker#1 try connect to engine server error, try again. Error message: [E111]Connection refused', 'Falling back to eager mode because decode batch_size (global=32, local=32) > 16; ACL graph is disabled for this request size to avoid OOM'];
    for (const l of lines) expect(fatalOf(`W1124 06:00:00.000000 1 a.cpp:1] ${l}`)).toBeNull();
    expect(incidentOf(logs(lines.map((l, i) => at(i, l, 'W')), ['ok']), exit(1))).toMatchObject({ rank: 1, pattern: 'rank-ended' });
  });
  it('a rank that ends without a word is the origin, whatever the others say about it; SIGKILL is the host', () => {
    const all = logs([at(1, 'x'), at(9, 'HealthReporter: cluster is unhealthy, reason: Worker 1 disconnected', 'E')], [at(1, 'x'), at(2, 'loading')]);
    expect(incidentOf(all, exit(1, null, 'SIGKILL'))).toMatchObject({ rank: 1, class: 'host-os', pattern: 'rank-ended', line: 2 });
    expect(incidentOf(all, exit(1, 3))?.meaning).toContain('exit code 3');
  });
  it('stopping on purpose is no incident', () => {
    expect(incidentOf(logs([at(1, 'Check failed: x', 'F')]), { cause: 'stopped', rank: null, code: null, signal: null })).toBeNull();
  });
  it('time ran out and nothing tells: said so, not guessed', () => {
    expect(incidentOf(logs([at(1, 'a'), at(2, 'b')]), timeout)).toMatchObject({ rank: null, class: 'unknown', pattern: 'no-answer' });
  });
  it('terminal escapes of a log do not reach the record', () => {
    expect(incidentOf(logs([at(1, '\u001b[31mFailed to start server on port 8010\u001b[0m \u202e', 'E')]), exit(0))?.text).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('the silent rank', () => {
  it('never joined while another did: named, rank 0 that waits for it is not', () => {
    const all = logs([at(1, 'set worker role to local worker')], [joined(1, 2)], [at(1, 'set worker role to remote worker')], [joined(3, 2)]);
    expect(silentRank(all)?.rank).toBe(2);
    expect(incidentOf(all, timeout)).toMatchObject({ rank: 2, file: null, line: null, pattern: 'silent-rank' });
  });
  it('with an empty log: named', () => {
    expect(silentRank(logs([at(1, 'a')], [joined(1, 1)], []))).toMatchObject({ rank: 2, proof: expect.stringContaining('empty') });
  });
  it('of two processes the one that is not rank 0', () => {
    expect(silentRank(logs([at(1, 'a')], [at(1, 'b')]))?.rank).toBe(1);
  });
  it('all joined and one stopped long before the others', () => {
    const all = logs([at(1, 'Started cluster health check thread'), at(40, 'Loading model weights from x')], [joined(1, 1), at(41, 'y')], [joined(2, 1), at(10, 'z')]);
    expect(silentRank(all)).toMatchObject({ rank: 2, proof: expect.stringContaining('30 s') });
  });
  it('one that never finished loading while another did, rank 0 included', () => {
    const all = logs([at(1, 'Started cluster health check thread'), at(2, 'Loading model weights from x')], [joined(1, 1), at(2, 'Weight loading completed, restored ATen threads=16')], [joined(2, 1), at(3, 'Weight loading completed, restored ATen threads=16')]);
    expect(silentRank(all)).toMatchObject({ rank: 0, proof: expect.stringContaining('rank 1 did') });
  });
  it('nobody is named when all are equally quiet', () => {
    expect(silentRank(logs([at(1, 'a')], [at(2, 'b')], [at(2, 'c')]))).toBeNull();
  });
});

describe('patterns', () => {
  // Texts of xllm.md 3.3 as the code prints them.
  it.each([
    ['Check failed: cache_size_in_bytes > 0 Available kv cache size must be greater than 0', 'kv-exhaustion'],
    ['failed to reserve linear state cache for linear-attention layers: max_seqs_per_batch (200) is too large. Please reduce max_seqs_per_batch to less than 31', 'kv-exhaustion'],
    ['no memory for draft kv cache', 'kv-exhaustion'],
    ['CHECK ACL FAILED: aclrtSetDevice', 'runtime'],
    ['aclnnFoo or aclnnFooGetWorkspaceSize not in libopapi.so, or libopapi.so not found.', 'build'],
    ['call aclnnMatmul failed, detail:E', 'runtime'],
    ['HCCL get root info failed', 'hccl'],
    ['ACL set device id 3 failed. Error : 507033', 'device'],
    ['failed to sync with master node, stop worker startup', 'framework'],
    ['Not all worker connect to engine server. Miss rank is 2', 'framework'],
    ['Failed to start server on port 8010', 'port'],
    ['The server socket has failed to listen on any local network address. port: 19889, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use', 'port'],
    ['At least one accelerator device must be visible.', 'device'],
    ['Model is not supported currently, model type: foo', 'configuration'],
    ['Model path /x does not exist.', 'weights-load'],
    ["can't divide tensor evenly on 0 with dim: 10 world_size: 4", 'weights-load'],
    ["ERROR: unknown command line flag 'devices'", 'configuration'],
    ['Global world size must be divisible by dp size in data parallel', 'configuration'],
    ['Failed to capture ACL graph for bucket num_tokens: 16', 'graph'],
    ['Failed to init model from: /m', 'framework'],
    ['XServiceClient init fail!', 'framework'],
  ])('%s', (line, wanted) => {
    expect(fatalOf(line)?.class).toBe(wanted);
  });
  it.each(['Application shutdown complete.', 'kv cache capacity: 34.00 GB, blocks: 3000', 'Brpc Server started on port 8010, idle_timeout_s: -1, num_threads: 8', 'Loading model weights from /m/model-00001-of-00004.safetensors'])('an ordinary line is none: %s', (line) => {
    expect(fatalOf(line)).toBeNull();
  });
});
