/** Why a capture is inconclusive. The list is closed; a code keeps its meaning. */
export const captureReasons = {
  'start-failed': 'the profiler did not start on a process: it answered an error, or nothing',
  'stop-failed': 'the profiler did not stop on a process: it answered an error, or nothing',
  'profiler-ended': 'the profiler ended before the collection was stopped',
  'service-ended': 'a captured process ended during the capture',
  'rank-without-device': 'a process of the service had set no device and was left out',
  'no-capture-folder': 'fewer capture folders than captured processes',
  'capture-not-stopped': 'a device folder without its end mark',
  'export-failed': 'the export ended with an error, or was out of time',
  'export-missing': 'a capture folder without database or exported tables',
  'workload-failed': 'requests failed while the collection ran',
  'workload-too-short': 'the requests ended before the window held enough steps',
  'too-large-to-copy': 'the profile was left where the service wrote it',
  cancelled: 'the job was cancelled',
  defect: 'the capture ended by an error nobody foresaw',
} as const;

export type CaptureReasonCode = keyof typeof captureReasons;

export interface Reason {
  readonly code: CaptureReasonCode;
  /** In our own words. */
  readonly detail: string;
}

/** Reasons that are told without making the capture inconclusive. */
export const cautions: ReadonlySet<CaptureReasonCode> = new Set(['rank-without-device', 'too-large-to-copy']);
