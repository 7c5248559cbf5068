import type { Incomplete, PerfPoint } from '../../contract/index.js';

/** The clients whose output files are read. */
export const clientNames = ['evalscope', 'vllm', 'sglang', 'aisbench', 'guidellm', 'aiperf'] as const;
export type ClientName = (typeof clientNames)[number];

/** One file a client left. */
export interface ClientFile {
  /** Real path, admitted. */
  readonly path: string;
  /** Where it lay below the folder of the output, with `/`: folders tell loads apart. */
  readonly name: string;
}

/** What a client's files say, in the vocabulary of perf-metrics. A pure function of their contents and names. */
export interface ClientOutput {
  readonly client: ClientName;
  /** Null: the files do not tell. */
  readonly version: string | null;
  /** Which layout was read, e.g. `1.7-1.9`. */
  readonly generation: string | null;
  /** One point a load, in the order of the file names. */
  readonly points: readonly PerfPoint[];
  readonly incomplete: readonly Incomplete[];
}

/** What one reader gives for one load. */
export interface Load {
  readonly point: PerfPoint;
  readonly incomplete: readonly Incomplete[];
}
