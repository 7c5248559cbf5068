/**
 * Why a profile says less than it could, and what brings the rest. The list is closed; a code keeps its meaning.
 * The detail of a note names the file and the flag.
 */
export const incompleteCodes = {
  'level-0': 'captured at Level0 / task-time l0: no operator types, shapes, counters or communication planes; capture with Level1 (torch_npu) or --task-time=l1 (msprof)',
  'no-pmu': 'no AI core counters: set aic_metrics=PipeUtilization (torch_npu) or --aic-metrics=PipeUtilization (msprof)',
  'no-device-tasks': 'no row per device task, only statistics: keep kernel_details.csv, op_summary_*.csv or the database',
  'no-host-api': 'no host API calls: keep the database or the timeline JSON, and capture with Level1 or --ascendcl=on',
  'no-communication-planes': 'no sub-tasks of collectives, so wait and transit cannot be split: capture with Level1 or --task-time=l1 and keep the database or the timeline JSON',
  'no-memory': 'no memory records: capture with profile_memory=True (torch_npu) or --sys-hardware-mem=on (msprof)',
  'no-steps': 'no marked steps: call prof.step() or use mstx ranges',
  'db-truncated': 'the database has no STRING_IDS, its export was cut off; the text export was read in its place',
  'db-broken': 'the database cannot be read; the text export was read in its place',
  'timeline-truncated': 'the timeline JSON ends early; every complete event before that was read',
  'timeline-damaged': 'some timeline events could not be read and were left out',
  'csv-ragged': 'CSV rows with fewer or more cells than the header',
  'csv-rows-dropped': 'CSV rows without a readable start time or duration, left out',
  'file-empty': 'a file of the profile has no byte',
  'file-broken': 'a file of the profile cannot be read; what it alone holds is missing',
  'capture-not-stopped': 'a device folder without end_info: the process ended while profiling, the tail is missing',
  'capture-not-exported': 'a capture beside the others holds raw data only and was left out',
  'old-layout': 'an export of CANN 7.0 or older: times are those of the device clock, some columns do not exist',
  'legacy-mindspore': 'files of the old MindSpore profiler: operator averages and steps only, no row per task',
  'cluster-summary': 'files of a cluster analysis: steps and collectives per rank only, no row per task',
  'device-id-assumed': 'the export does not say the device id; rank or 0 was taken',
} as const;

export type IncompleteCode = keyof typeof incompleteCodes;
