import type { IncidentClass } from '../contract/index.js';

/** What is said about an incident that no line names. */
export interface Said {
  readonly meaning: string;
  readonly causes: readonly string[];
  readonly evidence: readonly string[];
  readonly actions: readonly string[];
  readonly false_friends: readonly string[];
  readonly source: string;
}

const said: Readonly<Record<string, Said>> = {
  'silent-rank': {
    meaning: 'said nothing while the others waited for it',
    causes: ['its process ended or was killed', 'it hangs in the driver, in a file read or in a kernel', 'it never issued the operation, because its control flow differs'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"', 'cat /proc/PID/stack', 'py-spy dump --pid PID', 'dmesg -T | grep -i -E "killed process|blocked for more|heartbeat"', 'npu-smi info'],
    actions: ['look at that rank before restarting anything: is its process there, in which state, what does its log say last', 'keep its plog and its kernel log'],
    false_friends: ['the ranks that report the timeout are healthy'],
    source: 'domain.md 2.2 steps 6 and 7',
  },
  'absent-ranks': {
    meaning: 'ranks did not come to the rendezvous of their communicator',
    causes: ['they were not started, or ended before', 'they load weights or compile longer than HCCL_CONNECT_TIMEOUT', 'their host network does not reach rank 0 (HCCL_IF_IP, HCCL_SOCKET_IFNAME, firewall)', 'they were started with another size or address of rank 0'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"', 'grep -rn "Entry-HcclCommInitRootInfo" $HOME/ascend/log/run/plog', 'env | grep -E "HCCL_IF_IP|HCCL_SOCKET_IFNAME|HCCL_CONNECT_TIMEOUT"'],
    actions: ['look at the processes and the first errors of these ranks', 'where they log nothing wrong, check that they reach host and port of rank 0'],
    false_friends: ['the ranks that report the timeout are healthy'],
    source: 'domain.md I52, 2.2 step 6e; hicann/hccl guide to EI0015',
  },
  'diverged-ranks': {
    meaning: 'ranks wait in different operations of one communicator: their order of operations parted',
    causes: ['control flow or batch shapes differ between ranks', 'one rank failed to issue an operation or issued one more', 'two streams use one communicator at once'],
    evidence: ['grep -rn -E "Task run failed.*tag" $HOME/ascend/log/debug', 'grep -rn "Entry-Hccl" $HOME/ascend/log/run/plog'],
    actions: ['compare operation and index in these lines over all ranks, and what the program does differently on the one that stands alone', 'repeat with HCCL_ENTRY_LOG_ENABLE=1, which logs every collective'],
    false_friends: ['a rank that is only late: then the reports lie further apart than HCCL_EXEC_TIMEOUT'],
    source: 'domain.md 2.2 step 6e; hicann/hccl guide to EI0002',
  },
  'wait-chain': {
    meaning: 'ranks wait for one another in a chain',
    causes: ['the rank at its end is stuck in its own queue or was stopped', 'its order of operations differs'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"', 'grep -rn "remote rank" $HOME/ascend/log/debug'],
    actions: ['look at the rank at the end of the chain first: its process, its stack, its plog before the time-out'],
    false_friends: ['the ranks before it are healthy'],
    source: 'domain.md 2.2 step 6c and 6e',
  },
  'stale-process': {
    meaning: 'memory of a card is held although no living process is seen that holds it',
    causes: ['a process ended or was killed and the driver did not free its memory', 'a process hangs while it ends', 'a process of another container or virtual machine'],
    evidence: ['npu-smi info', 'npu-smi info -t proc-mem -i ID', 'lsof /dev/davinci*', 'ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"'],
    actions: ['do not serve or measure on this card before the memory is free', 'find the holder, also in other containers, and end it; else have the card reset when nobody uses it'],
    false_friends: ['an idle service that lives in another container'],
    source: 'domain.md I22, I63, I64; layout of npu-smi info (domain.md 1.3)',
  },
  hang: {
    meaning: 'a service answers its health check and computes nothing although requests run',
    causes: ['a rank or its card waits for something that never comes', 'the scheduler or a host thread is blocked', 'a device stream is stuck'],
    evidence: ['npu-smi info', 'ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"', 'py-spy dump --pid PID', 'cat /proc/PID/stack'],
    actions: ['take the stacks of all its processes before stopping it', 'collect again after HCCL_EXEC_TIMEOUT: waiting ranks name themselves then'],
    false_friends: ['one very long prefill, a graph that is captured, or a kernel that is compiled at the first use'],
    source: 'counters of /vars and /metrics (xllm.md, bench.md); domain.md 2.2 step 7',
  },
  'rank-ended': {
    meaning: 'a worker process ended and its own log names no reason',
    causes: ['it was killed (host memory, an orchestrator, a person)', 'it crashed in native code without a message'],
    evidence: ['dmesg -T | grep -i -E "killed process|segfault"', 'free -g', 'cat /proc/sys/kernel/core_pattern'],
    actions: ['read the kernel log of that time and the exit code of the process', 'enable core dumps and repeat'],
    false_friends: ['a stop on purpose'],
    source: 'domain.md 2.2 step 7',
  },
  'd-state-load': {
    meaning: 'weights are loaded by a process that hangs in the kernel',
    causes: ['a copy to the card straight out of a memory-mapped weight file', 'a network or disk file system that does not answer', 'driver and firmware do not match'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep " D"', 'cat /proc/PID/stack', 'dmesg -T | tail -100', 'npu-smi info'],
    actions: ['keep stack, wchan and kernel log before killing the process: they are gone then', 'copy tensors into ordinary memory before they go to the card, or load without mmap', 'check the file system of the model'],
    false_friends: ['peers that report a socket timeout (EI0006)', 'a load from a slow disk, which moves between two readings'],
    source: 'domain.md I65, 2.1 C1',
  },
  'd-state': {
    meaning: 'a serving process hangs in the kernel',
    causes: ['a driver call that does not return', 'a file system that does not answer'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep " D"', 'cat /proc/PID/stack', 'dmesg -T | tail -100', 'npu-smi info'],
    actions: ['keep stack, wchan and kernel log before killing the process: they are gone then', 'look at the stack: a driver function means driver or device, a file function means storage'],
    false_friends: ['a process that ends while the driver frees its memory'],
    source: 'domain.md I65, I66',
  },
  'stalled-start': {
    meaning: 'a start that ends while weights are loaded',
    causes: ['the load still goes on', 'a read or a copy hangs in the kernel (D state)', 'a slow or lost file system'],
    evidence: ['ps -eo pid,stat,wchan:32,etime,cmd | grep -E "xllm|vllm|sglang"', 'cat /proc/PID/stack', 'dmesg -T | tail -100', 'npu-smi info'],
    actions: ['look at the state of the process: D means the kernel, R means that it works', 'keep the stack before killing it'],
    false_friends: ['a large model from a slow disk takes minutes'],
    source: 'domain.md I65, 2.1 C1',
  },
};

const none: Said = { meaning: 'unknown', causes: [], evidence: [], actions: [], false_friends: [], source: 'none' };

/** Text of an incident that is no signature. */
export function procedural(id: string): Said {
  return said[id] ?? none;
}

/** What is looked at first whenever a card may be at fault. */
export function deviceClasses(cls: IncidentClass | undefined): string[] {
  return cls === 'device' || cls === 'aicore' || cls === 'driver' || cls === 'link' ? ['npu-smi info'] : [];
}
