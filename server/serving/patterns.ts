/** Lines that end a service, as data. Source of each xLLM line: its code at 3906f5a9 (xllm.md 3.3); the others are library texts. */

export type FatalClass = 'hbm-oom' | 'kv-exhaustion' | 'weights-load' | 'configuration' | 'hccl' | 'port' | 'device' | 'aicore' | 'aicpu' | 'graph' | 'framework' | 'runtime' | 'build' | 'host-os';

export interface FatalPattern {
  readonly id: string;
  readonly pattern: RegExp;
  readonly class: FatalClass;
  /** True for lines that follow from another process's or an earlier failure. */
  readonly consequence: boolean;
  /** What it means and the mend, in our own words. */
  readonly meaning: string;
}

const root = (id: string, cls: FatalClass, pattern: RegExp, meaning: string): FatalPattern => ({ id, pattern, class: cls, consequence: false, meaning });
const follows = (id: string, cls: FatalClass, pattern: RegExp, meaning: string): FatalPattern => ({ id, pattern, class: cls, consequence: true, meaning });

export const fatalPatterns: readonly FatalPattern[] = [
  root('kv-none', 'kv-exhaustion', /Available kv cache size must be greater than 0|no n_blocks for kv cache|no memory for kv cache|no memory left for full-attention kv cache after reserving linear state cache/, 'no memory is left for the KV cache: raise max_memory_utilization, free the card, or use more devices'),
  root('linear-reserve', 'kv-exhaustion', /failed to reserve linear state cache for linear-attention layers|max_linear_state_cache_slots requires \d+ linear-state blocks/, 'the linear state of max_seqs_per_batch sequences does not fit: lower max_seqs_per_batch'),
  root('speculative-kv', 'kv-exhaustion', /no memory for (?:target|draft) kv cache|no memory left for speculative |draft full-attention kv cache slot size must not exceed/, 'target and draft model do not share the KV memory: lower max_memory_utilization of other tenants or drop the draft model'),
  root('npu-oom', 'hbm-oom', /NPU out of memory\. Tried to allocate/, 'device memory ran out: lower max_memory_utilization or the batch limits'),
  root('device-malloc', 'hbm-oom', /EL0004|Failed to apply for memory|aclrtMalloc\w* .*(?:207001|failed)|error code is 207001/, 'the runtime could not allocate device memory'),
  root('vllm-kv-none', 'kv-exhaustion', /No available memory for the cache blocks|To serve at least one request with the models's max seq len/, 'no memory is left for the KV cache: raise gpu_memory_utilization or lower max_model_len'),
  root('vllm-foreign-memory', 'device', /Error in memory profiling\. Initial free memory/, 'another process took or gave back memory of the card while vLLM measured it'),
  root('aicore-exception', 'aicore', /aicore exception|vector core exception|\b5070(?:15|35)\b|(?:exception of|an) (?:fftsplus )?ai(?:core|vec|vector) error/i, 'an AICore computation failed; the plog names the operator'),
  root('aicore-timeout', 'aicore', /aicore timeout|vector core (?:execution )?time(?:d )?out|\b5070(?:14|34)\b/i, 'an AICore computation ran past its limit; in a fused communication operator it waits for another rank'),
  root('aicpu-exception', 'aicpu', /aicpu exception|aicpu execution is abnormal|Aicpu kernel execute failed|E30008|\b5070(?:17|18)\b/i, 'an AICPU operator failed or ran out of time'),
  root('hccl-error', 'hccl', /HCCL get root info failed|Failed, HCCL error|EI000[269]|Getting socket times out|hccl\w* ?(?:function )?error|HCCL\(.*(?:timeout|time out|timed out)|hccl fftsplus/i, 'a collective failed or timed out: look for the rank that stopped first'),
  root('acl-check', 'runtime', /CHECK ACL FAILED: |aclInit failed with error \d+|\b50000[123]\b/, 'a call of the CANN runtime failed'),
  root('set-device', 'device', /ACL set device id \d+ failed|Device is unavailable|507033/, 'the device could not be opened: it is not there, not healthy, or not visible'),
  root('aclnn-missing', 'build', /aclnn\w+ or .*GetWorkspaceSize not in /, 'a custom operator package is missing or older than the binary'),
  root('aclnn-failed', 'runtime', /call aclnn\w+ failed/, 'an operator call failed'),
  root('port-busy', 'port', /Failed to start server on port \d+|Failed to start brpc server on port|failed to start collective server on address|Failed to start .+ server on address|EADDRINUSE|[Aa]ddress already in use/, 'a port is in use by another process'),
  root('no-device', 'device', /At least one accelerator device must be visible|no devices found, using cpu|CPU device is not supported/, 'no NPU is visible to the process: check ASCEND_RT_VISIBLE_DEVICES and the driver'),
  root('rank-range', 'configuration', /node_rank \d+ must be less than nnodes/, 'the rank lies outside the number of processes'),
  root('model-unsupported', 'configuration', /Model is not supported currently, model type|Unsupported model type|only supports --npu_kernel_backend|Unsupported --npu_kernel_backend|Unable to resolve a registered DiT pipeline|Model architectures .* are not supported/, 'this build does not support the model or the backend asked for'),
  root('model-files', 'weights-load', /Model path \S+ does not exist|Failed to find model weights files in|Failed to load model args from|Failed to open safetensors file|Failed to map file:|Failed to lock memory for file/, 'the model folder is not complete or not readable'),
  root('weight-mismatch', 'weights-load', /weight is not loaded for |can't divide tensor evenly on|tensor shape mismatch before cat/, 'the weights do not match the model or the parallel layout'),
  root('flag-unknown', 'configuration', /unknown command line flag|unrecognized arguments:/, 'the binary does not know a flag: it is older or newer than the flags'),
  root('flag-required', 'configuration', /--model flag is required/, 'the start line lacks the model'),
  root('config-check', 'configuration', /Linear-attention prefix cache requires|must be a multiple of block_size|Multi-stream parallel is refactoring now|KV Cache quantization is only supported on MLU|Global world size must be divisible|rank_tablefile does not exist|requires --communication_backend=hccl|speculative tokens should not be zero/, 'flags exclude each other'),
  root('graph-capture', 'graph', /Failed to capture ACL graph|Failed to create ACL graph replay|ACL graph capture_end during cleanup failed|ACLgraph has insufficient available streams|ACLgraph sizes capture fail|(?:New|Create) capture stream failed|Insufficient_Stream_Resources|EL0009|\b20700[58]\b/, 'graph capture failed, often for want of streams: start without graphs, or with fewer sizes, to see whether the rest is sound'),
  root('library', 'build', /error while loading shared libraries|cannot open shared object file|ModuleNotFoundError|ImportError:/, 'a library or Python package is missing'),
  root('not-executable', 'host-os', /Permission denied|No such file or directory|command not found/, 'the program could not be started'),
  root('etcd', 'framework', /XServiceClient init fail/, 'the service registry (etcd) is not reachable'),
  follows('acl-api', 'runtime', /call acl api failed/, 'a CANN call failed; the lines beside it name the reason'),
  follows('graph-replay', 'graph', /\b507011\b|Model execution failed/, 'a graph replay failed; the kernel at fault is reported near it'),
  follows('fftsplus', 'hccl', /\b5070(?:48|49|50)\b|FFTS\+ run failed/, 'a task of a collective waited in vain or failed: look for the rank that stopped first'),
  follows('remote-error', 'hccl', /\b507057\b|SUSPECT REMOTE ERROR/i, "a peer's failure was seen here: look for the earliest line of another rank"),
  follows('estimate-rpc', 'framework', /Failed to estimate kv cache capacity for worker/, 'a worker did not answer the memory question'),
  follows('worker-disconnected', 'framework', /HealthReporter: cluster is unhealthy|Worker \d+ disconnected|Health check failed/, 'a worker process is gone'),
  follows('join-failed', 'framework', /Worker#\d+ connect to \S+ failed|failed to sync with master node|Not all worker connect to engine server|Failed to select a local address for master/, 'a rank did not join rank 0'),
  follows('init-failed', 'framework', /Failed to init model from|Failed to initialize kv cache|Check failed: engine_->init/, 'initialisation failed; the reason stands in an earlier line'),
  follows('engine-core', 'framework', /Engine core initialization failed|EngineDeadError|EngineCore failed to start|WorkerProc initialization failed/, "vLLM's engine process ended; the reason stands in an earlier line"),
  follows('check-failed', 'framework', /^F\d{4}|Check failed: /, 'an assertion ended the process'),
];

/** The first pattern a line matches, the list's order deciding; null for the many that match none. */
export function fatalOf(line: string): FatalPattern | null {
  return fatalPatterns.find((p) => p.pattern.test(line)) ?? null;
}

/** Lines that no failure causes: of a level that reports none, retries, once-logged warnings. glog's I stays: xLLM logs some failures there. */
export const harmless = /try connect to engine server error, try again|Falling back to eager mode|^W\d{4}|^\[(?:INFO|EVENT|DEBUG|WARNING)\]|^(?:\([^)]{1,60}\) ){0,3}(?:INFO|DEBUG|WARNING)\b/;
