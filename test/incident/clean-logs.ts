import { cannTime, random } from '../generate/incident.js';

/** Logs of services with 2 to 64 ranks in which nothing failed, full of words that failures use too (false friends of domain.md 1.2 and 2.2). */

const start = Date.UTC(2026, 7, 5, 3, 0, 0);
const two = (n: number): string => String(n).padStart(2, '0');
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** What each program writes when all is well. `n` is any number. */
const lines = {
  plogInfo: [
    (n) => `rtStreamSynchronize: error code is not set, retries ${n}`,
    (n) => `ErrCode=0, desc=[success], InnerCode=${n}`,
    (n) => `stream ${n} created, timeout 1800, no exception`,
    (n) => `[HCCL_TRACE]HcclCommInitRootInfo success,take time [${n}]us, rankNum[16], rank[3],rootInfo identifier[g_${n}], server[10.1.0.1%eth0], logicDevId[3]`,
    () => 'HCCL_EXEC_TIMEOUT is set [1800]',
    () => 'HCCL_CONNECT_TIMEOUT is not set, default value is [120]',
    (n) => `[HeartBeat]no Heartbeat Lost Occurred, rank[${n}] is alive`,
    (n) => `EI0002 EI0006 EL0004 registered in error manager, count ${n}`,
    (n) => `link establish with remote rank[${n}] success, retry 0, cqe err status[0]`,
    (n) => `device memory alloc size ${n}, out of memory threshold not reached`,
    (n) => `notify wait timeout is configured as ${n}`,
  ],
  plogWarning: [
    (n) => `[W40010] the environment variable TE_PARALLEL_COMPILER is ${n}`,
    (n) => `aclrtSetOpExecuteTimeOut ${n}, vector core timeout is not changed`,
    (n) => `kernel launch queue is busy for ${n} us, pending tasks in the stream, will not exceed`,
    (n) => `retry to connect remote rank[${n}], socket is not ready, EI0006 is not reported yet`,
    (n) => `halMemAlloc huge page is short, fall back to normal page, size ${n}, EL0004`,
  ],
  plogError: [
    () => 'DrvMngGetConsoleLogLevel failed. (g_conLogLevel=3)',
    (n) => `This error log can be ignored, handle ${n} was closed before, error code is 107002`,
    (n) => `Null rtInstance pointer, tid ${n}`,
  ],
  xllm: [
    (n) => `I{glog} {pid} llm_engine.cpp:${n}] step finished, error rate 0, no exception, timeouts: 0`,
    () => 'W{glog} {pid} worker_server.cpp:512] Worker#1 try connect to engine server error, try again. Error message: [E112]Not connected to 10.1.0.1:9999 yet',
    () => 'W{glog} {pid} acl_graph_executor.cpp:88] Falling back to eager mode for 513 tokens: above the largest bucket',
    (n) => `I{glog} {pid} continuous_scheduler.cpp:${n}] preempted 2 requests, kv cache is full, no available blocks, they wait`,
    (n) => `I{glog} {pid} request.cpp:130] x-request-id: r${n}, error: none, status: OK, ttft: 37ms, failed: 0`,
    (n) => `I{glog} {pid} acl_graph_executor.cpp:300] Lazy capturing ACL graph for bucket num_tokens: ${n % 64} (actual num_tokens: 1) done`,
  ],
  vllm: [
    () => '{tag}INFO {md} [loggers.py:127] Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: 0.0 tokens/s, Running: 0 reqs, Waiting: 0 reqs, GPU KV cache usage: 0.0%, Prefix cache hit rate: 0.0%',
    (n) => `{tag}INFO {md} [loggers.py:127] Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: ${n % 90}.4 tokens/s, Running: 8 reqs, Waiting: 2 reqs, GPU KV cache usage: 99.9%, Prefix cache hit rate: 0.0%`,
    () => '{tag}WARNING {md} [platform.py:300] ACL graph capture: error code is not an issue, 507035 507014 EZ9999 are documented codes',
    () => "{tag}[W compiler_depend.ts:133] Warning: CAUTION: The operator 'aten::nonzero' is not currently supported on the NPU backend and will fall back to run on the CPU. (function npu_cpu_fallback)",
    (n) => `{tag}INFO:     10.0.0.${n % 250}:40110 - "POST /v1/chat/completions HTTP/1.1" 400 Bad Request`,
    () => '{tag}WARNING {md} [rank0]:[W1124 Warning: Waiting for pending NCCL work to finish before starting graph capture.',
    () => '{tag}INFO {md} [shm_broadcast.py:501] No available shared memory broadcast block found in 60 seconds. This typically happens when some processes are hanging or doing some time-consuming work (e.g. compilation)',
    (n) => `{tag}INFO {md} [worker.py:640] Compile and warming up model for size ${n}`,
    () => '{tag}WARNING {md} [scheduler.py:90] Sequence group is preempted because there is not enough KV cache space: NPU out of memory is not the reason',
    () => '{tag}INFO {md} [chat.py:10] prompt: "Why do I see RuntimeError: NPU out of memory and EI0002?"',
  ],
  sglang: [
    (n) => `[{date} {time} TP0] Decode batch. #running-req: ${n % 60}, #token: ${n}, token usage: 0.99, gen throughput (token/s): 812.1, #queue-req: 3`,
    () => "[{date} {time} TP0] Warning: CAUTION: The operator 'aten::topk' is not currently supported on the NPU backend and will fall back to run on the CPU.",
    (n) => `[{date} {time} TP0] KV cache pool is full. Retract requests. #retracted_reqs: 1, #new_token_ratio: 0.${n}`,
  ],
  kernel: [
    () => 'usb 1-1: device descriptor read/64, error -71',
    (n) => `pcieport 0000:80:00.0: AER: Corrected error received: 0000:81:00.${n % 8}`,
    (n) => `PCIe Bus Error: severity=Corrected, type=Data Link Layer, (Transmitter ID) ${n}`,
    (n) => `python3[${n}]: oom_score_adj set to 0`,
    (n) => `perf: interrupt took too long (${n} > 2500), lowering kernel.perf_event_max_sample_rate to 79000`,
    () => 'docker0: port 1(veth5) entered blocking state',
    () => 'EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro',
    (n) => `[ascend] [drv_devmng] [dev_ready 88] <kworker/1:1:${n},${n}> device is ready, heartbeat is normal.`,
    () => 'nf_conntrack: default automatic helper assignment has been turned off for security reasons',
    (n) => `hns3 0000:7d:00.${n % 4} enp125s0f0: link up`,
    (n) => `audit: type=1400 audit(${n}): apparmor="STATUS" operation="profile_load" name="ptrace"`,
    (n) => `md: md0: resync done, task md0_resync:${n} was blocked for a while`,
  ],
} as const satisfies Record<string, readonly ((n: number) => string)[]>;

/** Starts that came through, a rank not faster than another by more than a stage. */
const starts = {
  xllm: ['I{glog} {pid} worker_impl.cpp:9] Loading model weights from /m', 'I{glog} {pid} worker_impl.cpp:2116] Weight loading completed, restored ATen threads=16', 'I{glog} {pid} worker_impl.cpp:9] Decode warmup completed: bucket_count=8'],
  vllm: ['{tag}INFO {md} [model_runner_v1.py:1] Starting to load model /m...', '{tag}INFO {md} [worker.py:1] Available KV cache memory: 30.0 GiB', '{tag}INFO {md} [model_runner_v1.py:1] Graph capturing finished in 12 secs, took 0.40 GiB', '{tag}INFO:     Application startup complete.'],
  sglang: ['[{date} {time} TP0] Load weight begin. avail mem=60.96 GB', '[{date} {time} TP0] Load weight end. type=Qwen3ForCausalLM, dtype=torch.bfloat16, avail mem=44.0 GB, mem usage=16.0 GB.', '[{date} {time} TP0] Capture npu graph begin. This can take up to several minutes. avail mem=12.2 GB', '[{date} {time}] INFO:     Uvicorn running on http://0.0.0.0:30000'],
} as const;

const orderly = ['{tag}INFO {md} [launcher.py:80] Shutting down FastAPI HTTP server.', '{tag}INFO:     Shutting down', '{tag}INFO:     Waiting for application shutdown.', '{tag}INFO:     Application shutdown complete.', '{tag}INFO:     Finished server process [1]'];

export function clean(seed: number): { readonly path: string; readonly text: string }[] {
  const next = random(seed);
  const any = <T>(of: readonly [T, ...T[]]): T => of[Math.floor(next() * of.length)] ?? of[0];
  const number = (): number => Math.floor(next() * 100_000);
  const ranks = any([2, 4, 8, 16, 32, 64]);
  const framework = any(['xllm', 'vllm', 'sglang'] as const);
  const files: { path: string; text: string }[] = [];
  const count = 12 + Math.floor(next() * 20);
  for (let rank = 0; rank < ranks; rank += 1) {
    const host = Math.floor(rank / 8);
    const pid = 5000 + rank;
    const skew = host * 7000;
    const at = (i: number): number => start + skew + i * 3_100 + Math.floor(next() * 900);
    const plog: string[] = [`[INFO] HCCL(${pid},python3):${cannTime(at(0))} [a.cc:1]${pid} [HCCL_TRACE]SetupAgent rankNum[${ranks}], rank[${rank}], rootInfo identifier[g_1], server[10.1.0.${host + 1}%eth0], logicDevId[${rank % 8}]`];
    const own: string[] = starts[framework].map((l) => fill(l, at(0), pid, rank));
    for (let i = 1; i <= count; i += 1) {
      const level = any(['INFO', 'INFO', 'EVENT', 'DEBUG', 'WARNING', 'ERROR'] as const);
      const said = any(level === 'ERROR' ? lines.plogError : level === 'WARNING' ? lines.plogWarning : lines.plogInfo);
      plog.push(`[${level}] ${any(['HCCL', 'RUNTIME', 'ASCENDCL', 'DRV'] as const)}(${pid},python3):${cannTime(at(i))} [b.cc:${i}]${pid} ${said(number())}`);
      const ms = at(i);
      own.push(fill(any(lines[framework])(number()), ms, pid, rank));
    }
    if (framework === 'vllm' && seed % 2 === 0) {
      own.push(...orderly.map((l) => fill(l, start + skew + 3_100 * (count + 1), pid, rank)));
      // What CANN says when the interpreter goes before it.
      plog.push(`[ERROR] RUNTIME(${pid},python3):${cannTime(start + skew + 3_100 * (count + 2))} [api_c.cc:1]${pid} rtStreamDestroy:ErrCode=107002, desc=[context null], ctx is NULL`);
    }
    const text = `${own.join('\n')}\n`;
    files.push({ path: `/logs/worker-${host}/debug/plog/plog-${pid}_20260805030000${String(rank).padStart(3, '0')}.log`, text: `${plog.join('\n')}\n` });
    files.push({ path: `/logs/worker-${host}/node_${rank}.log`, text: next() < 0.2 ? own.map((l) => `${JSON.stringify({ log: `${l}\n`, stream: 'stderr' })}\n`).join('') : text });
  }
  for (let host = 0; host * 8 < ranks; host += 1) {
    const stamp = any([(ms: number) => `[${new Date(ms).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4')}] `, (ms: number) => `[${(ms / 1000 - 1.78e9).toFixed(6)}] `, (ms: number) => `Aug  5 ${clock(ms)} n${host} kernel: `] as const);
    files.push({ path: `/logs/worker-${host}/dmesg.log`, text: `${Array.from({ length: count }, (_, i) => stamp(start + i * 9000) + any(lines.kernel)(number())).join('\n')}\n` });
  }
  return files;
}

function fill(line: string, ms: number, pid: number, rank: number): string {
  const date = day(ms);
  return line
    .replace('{glog}', `${date.replaceAll('-', '')} ${clock(ms)}.123456`)
    .replace('{pid}', String(pid))
    .replace('{tag}', `(Worker_TP${rank} pid=${pid}) `)
    .replace('{md}', `${two(Number(date.slice(5, 7)))}-${date.slice(8)} ${clock(ms)}`)
    .replace('{date}', date)
    .replace('{time}', clock(ms));
}
