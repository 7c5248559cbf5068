import { taskClass } from './profile.js';

/** Collectives and point-to-point operations of HCCL: `hcom_allReduce__428_0_1` → `hcom_allReduce_`. */
const collective = /^(hcom_[A-Za-z]+_?)_\d/;

/** True for rows of kernel_details and op_summary that are collectives (facts §2.1: task type COMMUNICATION, formerly HCCL). */
export function isCommunicationRow(taskType: string, name: string): boolean {
  return taskType === 'COMMUNICATION' || taskType === 'HCCL' || (taskType === '' && /^hcom_/i.test(name));
}

/** Type of a collective from its name, when the source leaves it out; empty when the name does not tell. */
export function commTypeOf(name: string): string {
  const match = collective.exec(name);
  if (match?.[1] !== undefined) return match[1].endsWith('_') ? match[1] : `${match[1]}_`;
  return '';
}

/** Kernels that carry out a collective themselves (facts §3.2: left out of Computing). */
export function isCommKernel(name: string): boolean {
  return name.endsWith('AicpuKernel') || name.endsWith('AivKernel');
}

const compute = new Set([
  'AI_CORE', 'AI_VECTOR_CORE', 'MIX_AIC', 'MIX_AIV', 'DSA_SQE', 'DSA', 'AIV_SQE', 'AIC_SQE', 'FFTS_PLUS',
  'KERNEL_AICORE', 'KERNEL_AIVEC', 'KERNEL_MIX_AIC', 'KERNEL_MIX_AIV',
]);

/**
 * Class of a task whose operator is known: a row of op_summary or kernel_details, or a task joined to COMPUTE_TASK_INFO.
 * An AI_CPU task here comes from the graph engine and counts as compute (facts §3.2).
 */
export function classOfOperator(name: string): number {
  return isCommKernel(name) ? taskClass.communication : taskClass.compute;
}

/**
 * Class of a task by its type alone. @param type TASK.taskType, the timeline's `Task Type`, or task_time's kernel_type
 * @param named whether the exporter found an operator for it (its name is not its type)
 */
export function classOfType(type: string, name: string, named: boolean): number {
  if (named && isCommKernel(name)) return taskClass.communication;
  if (/(?:EVENT|NOTIFY)[ _]?WAIT/i.test(type) || /(?:EVENT|NOTIFY)[ _]?WAIT/i.test(name)) return taskClass.eventWait;
  if (/MEMCPY|SDMA|PCIE_DMA/i.test(type) || name === 'MEMCPY_ASYNC') return taskClass.memcpy;
  if (/AI_?CPU/i.test(type)) return named ? taskClass.compute : taskClass.aicpu;
  // The exporter names a task after an operator only when it knows one.
  if (compute.has(type) || (type === '' && named)) return taskClass.compute;
  return taskClass.other;
}

/** `aic_mac_ratio`, `aicore_time` … from a CSV header or a TASK_PMU_INFO name; null when it is no counter worth keeping. */
export function pmuStem(header: string): string | null {
  const stem = header.replace(/\([^)]*\)/g, '').replace(/_extra$/, '').trim();
  if (stem === 'aic_total_time') return 'aicore_time';
  if (stem === 'aiv_total_time' || stem === 'aicore_time' || stem === 'aiv_time') return stem === 'aiv_total_time' ? 'aiv_time' : stem;
  if (stem === 'total_time') return 'aicore_time';
  // The time of a pipe is its ratio × core time (facts §2.2), so it would be kept twice.
  if (/_time$/.test(stem)) return null;
  if (/_(?:ratio|rate|cycles|bw|datas|fops|hit|miss|victim|miss_allocate|bw_cube|bw_vector|bw_scalar)$/.test(stem)) return stem;
  if (/^(?:total_cycles|memory_bound|cube_utilization|cube_fops|vector_fops)$/.test(stem) || /_cache_/.test(stem)) return stem;
  return null;
}

/** Factor from a TASK_PMU_INFO value to the CSV's unit: times there are ns (measured on real captures), in the CSV µs. */
export function pmuScale(stem: string): number {
  return stem === 'aicore_time' || stem === 'aiv_time' ? 1e-3 : 1;
}
