/** What a file of a profile is, by its name. The names are those of Huawei's own readers (facts §1, §2, §4). */
export const fileKinds = [
  'db', 'analysis-db', 'kernel-details', 'op-summary', 'task-time', 'op-statistic', 'api-statistic', 'step-trace-time', 'communication',
  'memory-record', 'operator-memory', 'module-memory', 'npu-memory', 'msprof-tx', 'timeline', 'old-tasks', 'old-hccl', 'profiler-info', 'metadata', 'device-info', 'sample', 'end-info',
  'service-metrics', 'ms-op-types', 'ms-op-detail', 'ms-op-times', 'ms-steps', 'ms-hccl', 'ms-framework', 'cluster-communication', 'cluster-steps',
] as const;
export type FileKind = (typeof fileKinds)[number];

const stamp = '(?:_\\d{1,20})*';
const patterns: readonly (readonly [FileKind, RegExp])[] = [
  ['db', /^(?:msprof|ascend_(?:pytorch|mindspore)_profiler)(?:_\d+)*\.db$/],
  ['analysis-db', /^(?:analysis|communication_analyzer)\.db$/],
  ['kernel-details', /^kernel_details(?:_slice)?(?:_\d+)*\.csv$/],
  ['op-summary', new RegExp(`^op_summary(?:_slice)?${stamp}\\.csv$`)],
  ['task-time', new RegExp(`^task_time(?:_slice)?${stamp}\\.csv$`)],
  ['op-statistic', new RegExp(`^op_statistic(?:_slice)?${stamp}\\.csv$`)],
  ['api-statistic', new RegExp(`^api_statistic(?:_slice)?${stamp}\\.csv$`)],
  ['step-trace-time', /^step_trace_time\.csv$/],
  ['communication', /^communication\.json$/],
  ['memory-record', new RegExp(`^(?:ge_)?memory_record(?:_slice)?${stamp}\\.csv$`)],
  ['operator-memory', new RegExp(`^operator_memory(?:_slice)?${stamp}\\.csv$`)],
  ['module-memory', new RegExp(`^npu_module_mem(?:_slice)?${stamp}\\.csv$`)],
  ['npu-memory', new RegExp(`^npu_mem(?:_slice)?${stamp}\\.csv$`)],
  ['msprof-tx', new RegExp(`^msprof_tx(?:_slice)?${stamp}\\.csv$`)],
  ['timeline', new RegExp(`^(?:trace_view(?:_[a-z]+)?|msprof(?:_slice)?${stamp})\\.json$`)],
  ['old-tasks', /^task_time(?:_\d+)+\.json$/],
  ['old-hccl', /^hccl(?:_\d+)+\.json$/],
  ['profiler-info', /^profiler_info(?:_\d+)?\.json$/],
  ['metadata', /^profiler_metadata\.json$/],
  ['device-info', /^info\.json(?:\.\d+)?$/],
  ['sample', /^sample\.json$/],
  ['end-info', /^end_info(?:\.\d+)?$/],
  ['service-metrics', /^(?:service-metrics|vars|metrics|brpc_metrics)\.txt$/],
  ['ms-op-types', /^aicore_intermediate_\d+_type\.csv$/],
  ['ms-op-detail', /^aicore_intermediate_\d+_detail\.csv$/],
  ['ms-op-times', /^output_op_compute_time_\d+\.txt$/],
  ['ms-steps', /^step_trace_raw_\d+_detail_time\.csv$/],
  ['ms-hccl', /^hccl_raw_\d+\.csv$/],
  ['ms-framework', /^framework_raw_\d+\.csv$/],
  ['cluster-communication', /^cluster_communication\.json$/],
  ['cluster-steps', /^cluster_step_trace_time\.csv$/],
];

export function kindOfName(name: string): FileKind | null {
  return patterns.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
}

/** Kinds that say something of a profile by themselves. */
export function isEvidence(kind: FileKind): boolean {
  return !['profiler-info', 'metadata', 'device-info', 'sample', 'end-info', 'service-metrics'].includes(kind);
}

/** `op_summary_0_2_1.csv`: device, model and iteration of CANN 7.0 and older; null for the newer names. */
export function oldName(name: string): { device: number } | null {
  const match = /_(\d{1,4})_(\d{1,10})_(\d{1,6})\.(?:csv|json)$/.exec(name);
  return match === null ? null : { device: Number(match[1]) };
}

/** The export's time stamp in a name: the last run of digits, slices apart; '' when there is none. */
function stampOf(name: string): string {
  const match = /_(\d{1,20})\.(?:csv|json|db)$/.exec(name);
  return match?.[1] ?? '';
}

/** Digits of a number in a name that is a time and not a rank or a part. Source: exports write 14 (facts §1.1). */
const stampDigits = 12;

/** Of several exports of the same kind side by side, the newest with all its slices; files without a time stay. */
export function newest<T extends { readonly name: string }>(files: readonly T[]): T[] {
  if (files.some((f) => oldName(f.name) !== null)) return [...files];
  const stamps = files.map((f) => stampOf(f.name)).map((s) => (s.length >= stampDigits ? s.padStart(20, '0') : ''));
  const best = stamps.reduce((a, b) => (a > b ? a : b), '');
  return files.filter((_, i) => stamps[i] === '' || stamps[i] === best);
}

const headers: readonly (readonly [FileKind, readonly RegExp[]])[] = [
  ['kernel-details', [/^Name$/, /^Start Time\(us\)$/, /^Duration\(us\)$/]],
  ['op-summary', [/^Op Name$/, /^(?:Task )?Start Time\(us\)$/, /^Task Duration\(us\)$/]],
  ['task-time', [/^kernel_name$/, /^task_start\(us\)$/]],
  ['op-statistic', [/^OP Type$/i, /^Core Type$/, /^Total Time\(us\)$/]],
  ['api-statistic', [/^API Name$/, /^Time\(us\)$/]],
  ['cluster-steps', [/^Step$/, /^Type$/, /^Index$/, /^Computing$/]],
  ['step-trace-time', [/^Step$/, /^Computing$/, /^Free$/]],
  ['module-memory', [/^Component$/, /^Total Reserved\(\w+\)$/, /^Device$/]],
  ['memory-record', [/^Component$/, /^Total Allocated\(\w+\)$/]],
  ['operator-memory', [/^Name$/, /^Allocation Time\(us\)$/, /^Allocation Total Reserved\(\w+\)$/]],
  ['npu-memory', [/^event$/, /^hbm\(KB\)$/]],
  ['ms-op-types', [/^kernel_type$/, /^total_time$/]],
  ['ms-op-detail', [/^full_kernel_(?:name|time)$/, /^execution_time$/]],
  ['ms-steps', [/^step_num$/, /^iteration_interval$/]],
  ['ms-hccl', [/^step_num$/, /^communication_cost$/]],
  ['ms-framework', [/^full_kernel_name$/, /^kernel_type$/, /^op_info$/]],
];

/** What a CSV is, by its header: for files that were renamed. */
export function kindOfHeader(names: readonly string[]): FileKind | null {
  return headers.find(([, all]) => all.every((pattern) => names.some((n) => pattern.test(n))))?.[0] ?? null;
}

/** What a JSON is, by its first bytes. */
export function kindOfJson(head: string): FileKind | null {
  const text = head.replace(/^\ufeff/, '').trimStart();
  if (text.startsWith('[') && (/"ph"\s*:/.test(text) || text.replace(/\s/g, '') === '[')) return 'timeline';
  if (text.startsWith('{') && /"traceEvents"\s*:/.test(text)) return 'timeline';
  if (/^\{\s*"\(/.test(text) && text.includes('"Communication Time Info"')) return 'cluster-communication';
  if (/^\{\s*"(?:p2p|collective)"/.test(text) && text.includes('"Communication Time Info"')) return 'cluster-communication';
  if (text.startsWith('{') && text.includes('"Communication Time Info"')) return 'communication';
  return null;
}
