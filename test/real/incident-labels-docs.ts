import { clean, effect, root, silent, unexplained, type Label, type More } from './incident-labels.js';

const hccl = (page: string, line: number): string => `doc-logs/hccl-${page}/${page}-L${line}.txt`;
const faq = (page: string, line: number): string => `doc-logs/runtime-faq/${page}-L${line}.txt`;
const waits = (page: string, line: number, more: More = {}): Label => effect(hccl(page, line), 'hccl', [null], more);

/** doc-logs: log text quoted in manuals; the manual's page says what it is. */
export const docLabels: readonly Label[] = [
  // Rank 0 lists the agents that did not come.
  silent(hccl('cluster_info_nego', 108), { named: [1, 3, 5, 7] }),
  waits('cluster_info_nego', 144),
  // Rank 3 comes 200 s after the others; nothing failed yet.
  clean(hccl('cluster_info_nego', 175)),
  root(hccl('cluster_info_nego', 59), 'port', [1]),
  root(hccl('cluster_info_nego', 65), 'port', [1]),
  // Four of eight came: 0, 2, 4 and 6.
  silent(hccl('cluster_info_nego', 99), { named: [1, 3, 5, 7] }),
  root(hccl('cluster_info_verify_fail', 149), 'configuration', [1]),
  root(hccl('cluster_info_verify_fail', 17), 'configuration', [1]),
  root(hccl('cluster_info_verify_fail', 54), 'configuration', [1]),
  clean(hccl('debug_thinking', 125)),
  clean(hccl('debug_thinking', 159)),
  waits('debug_thinking', 186),
  clean(hccl('debug_thinking', 91)),
  clean(hccl('debug_thinking', 99)),
  root(hccl('env_config_error_EI0001', 13), 'configuration', [1]),
  root(hccl('env_config_error_EI0001', 35), 'configuration', [1]),
  root(hccl('env_config_error_EI0001', 53), 'configuration', [1]),
  root(hccl('param_link_stage', 104), 'hbm-oom', [1]),
  // Rank 1 could not reach rank 0; the log of rank 0 is not here.
  waits('param_link_stage', 126, { rank: 0 }),
  waits('param_link_stage', 164, { rank: 1 }),
  // One half of a comparison: only both together tell that two physical superpods share a logical one.
  unexplained(hccl('param_link_stage', 239), [1]),
  unexplained(hccl('param_link_stage', 245), [1]),
  root(hccl('param_link_stage', 261), 'configuration', [1], { rank: 4 }),
  root(hccl('param_link_stage', 272), 'configuration', [1]),
  waits('param_link_stage', 284, { rank: 1 }),
  root(hccl('param_link_stage', 78), 'port', [1]),
  root(hccl('rank_table_load_fail', 15), 'configuration', [1]),
  root(hccl('rank_table_load_fail', 34), 'configuration', [1]),
  root(hccl('rank_table_load_fail', 53), 'configuration', [1]),
  waits('task_exec_stage', 117),
  clean(hccl('task_exec_stage', 150)),
  // Rank 0 waits in AllReduce, rank 1 in AllGather: the manual's example of ranks that part; which of them is wrong is not told.
  waits('task_exec_stage', 164, { begins: 2 }),
  // 344 s apart; the manual says that HCCL_EXEC_TIMEOUT was 300, the text does not.
  waits('task_exec_stage', 180, { begins: 2 }),
  clean(hccl('task_exec_stage', 202)),
  // The manual: pages of the copy were not mapped, mostly a buffer that was freed or is too small.
  root(hccl('task_exec_stage', 215), 'hccl', [1]),
  root(hccl('task_exec_stage', 221), 'hccl', [1], { rank: 0 }),
  root(hccl('task_exec_stage', 256), 'link', [1]),
  root(hccl('task_exec_stage', 264), 'link', [1]),
  root(hccl('task_exec_stage', 286), 'link', [1]),
  // HCCL's own kernel: the manual sends to the same steps as for EI0002.
  waits('task_exec_stage', 317),
  // A lost heartbeat, logged as information: what came of it is not here.
  clean(hccl('task_exec_stage', 40)),
  silent(hccl('task_exec_stage', 57), { device: 1 }),
  silent(hccl('task_exec_stage', 76), { device: 1 }),
  silent(hccl('task_exec_stage', 82), { device: 1 }),
  root('doc-logs/pypto-aicore-exception/aicore-exception-L7.txt', 'aicore', [1]),
  root(faq('ACLGraph捕获过程中任务提交限制', 17), 'graph', [1]),
  root(faq('ACLGraph捕获过程中任务提交限制', 33), 'graph', [1]),
  // Notifies for a capture; notifies and events without a graph; queues of copies in a graph; streams in a graph.
  root(faq('EE1023资源不足问题', 125), 'graph', [1]),
  root(faq('EE1023资源不足问题', 146), 'runtime', [1]),
  root(faq('EE1023资源不足问题', 184), 'runtime', [1]),
  root(faq('EE1023资源不足问题', 220), 'graph', [1]),
  root(faq('EE1023资源不足问题', 62), 'graph', [1, 2, 3]),
  // Streams without a graph; domain.md I10 counts the wording among graph capture.
  root(faq('EE1023资源不足问题', 86), 'runtime|graph', [1, 2]),
  root(faq('Runtime版本与CANN版本不匹配导致的问题', 10), 'driver', [1]),
  // An argument was refused; which one is not told.
  effect(faq('aclInit初始化失败常见原因排查', 10), 'runtime', [1]),
  root(faq('aclrtMalloc内存申请失败常见原因', 10), 'hbm-oom', [1]),
  root(faq('aclrtMemcpyAsync在错误的Stream上下发失败', 24), 'runtime', [1]),
  root(faq('aclrtSetDevice调用失败', 10), 'configuration', [1]),
  // Card 0 is refused because no driver answers.
  root(faq('aclrtSetDevice调用失败', 19), 'driver', [2], { begins: 1 }),
  // Source code, and commands with comments.
  clean(faq('如何获取和解读Runtime异步错误码', 112)),
  root(faq('如何获取和解读Runtime异步错误码', 25), 'aicore', [1]),
  root(faq('如何获取和解读Runtime异步错误码', 48), 'aicore', [1]),
  root(faq('如何通过plog日志定位Device侧异常', 10), 'aicore', [1, 2], { begins: 1 }),
  clean(faq('如何通过plog日志定位Device侧异常', 40)),
  root(faq('算子执行输出全0的常见原因排查', 10), 'aicore', [1, 2], { begins: 1 }),
  clean(faq('遇错即停模式下错误定位方法', 198)),
  // A count of heads that the operator does not take (domain.md I38).
  root('doc-logs/vllm-ascend-faqs/faqs-L156.txt', 'aicore', [2], { rank: 0, begins: 1 }),
  root('doc-logs/vllm-ascend-faqs/faqs-L210.txt', 'graph', [1, 2, 3]),
];
