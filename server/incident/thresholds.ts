import type { Threshold } from '../contract/index.js';

/** Every number this room reads, waits or judges by. */
export const limits = {
  chunkBytes: { value: 4 * 1024 * 1024, source: 'measured with test/bench/incident.mjs', why: 'larger chunks no longer help, and memory stays small' },
  lineBytes: { value: 8192, source: 'longest lines in the shared logs are below 5 KB', why: 'a signature stands in the first part of a line' },
  longestLineBytes: { value: 1024 * 1024, source: 'a file without line ends', why: 'such a piece is read as a line of its own, so memory stays bounded' },
  headerLines: { value: 60, source: 'TraceBack blocks in the shared logs have below 40 lines', why: 'how far back the head of a multi-line block is looked for' },
  endBytes: { value: 65_536, source: 'a few hundred lines', why: 'first and last part of a file tell its times and how far a start came' },
  totalBytes: { value: 64 * 1024 ** 3, source: 'thirty times the size the issue asks for', why: 'a compressed bomb ends here' },
  files: { value: 4096, source: '64 ranks with plogs of two kinds, device logs and rotated pieces', why: 'a folder with more is not a log folder' },
  keptHits: { value: 12, source: 'chosen', why: 'lines kept per process and signature; more only count' },
  keptText: { value: 400, source: 'chosen', why: 'characters kept of a line' },
  unmatchedKinds: { value: 300, source: 'chosen', why: 'different unknown error lines kept in one file' },
  unmatchedLines: { value: 20_000, source: 'chosen', why: 'unknown error lines of one file that are looked at; more only count' },
  shownUnmatched: { value: 12, source: 'chosen', why: 'answers stay readable; report.json has more' },
  shownTimeline: { value: 30, source: 'chosen', why: 'answers stay readable' },
  shownText: { value: 8000, source: 'chosen', why: 'characters of one fenced list' },
  headline: { value: 300, source: 'tool-result.schema.json', why: 'an answer in one line' },
  shownProcesses: { value: 16, source: 'chosen', why: 'answers stay readable' },
  textBytes: { value: 4 * 1024 * 1024, source: 'pasted text', why: 'more belongs into a file' },
  evidenceBytes: { value: 64 * 1024 * 1024, source: 'bounded by the kept lines', why: 'a larger evidence.json was not written by this tool' },
  commandMs: { value: 15_000, source: 'npu-smi answers in seconds on a healthy host', why: 'a hung driver must not hang the collection' },
  commandBytes: { value: 1024 * 1024, source: 'chosen', why: 'output kept of one command' },
  collectFiles: { value: 64, source: 'chosen', why: 'newest log files taken from this host' },
  devices: { value: 16, source: 'the most cards of one host, 16 dies of an A3 server (domain.md 1.3)', why: 'cards that hccn_tool is asked about' },
  processes: { value: 8192, source: 'chosen', why: 'processes of this host that are looked at' },
  processArgs: { value: 300, source: 'chosen', why: 'characters kept of a command line' },
  processName: { value: 64, source: 'comm of Linux has 15 characters, kernel functions are rarely longer', why: 'characters kept of a process name and of the kernel function it waits in' },
  stuckMs: { value: 1000, source: 'chosen: an ordinary read keeps a process in state D for milliseconds', why: 'time between two readings of a process in state D' },
  stuckReadings: { value: 3, source: 'chosen: three seconds without a page fault or a tick are no slow read', why: 'readings in a row that must show state D and no movement' },
  kernelHours: { value: 48, source: 'chosen: an incident is looked into within a day, and dmesg prints local time', why: 'older kernel messages are of other incidents' },
  ringBytes: { value: 32 * 1024 * 1024, source: 'chosen: ring buffers of hosts with many CPUs have some MB', why: 'all of it is read, for its end is what counts' },
  kernelBytes: { value: 1024 * 1024, source: 'default size of the kernel ring buffer and less', why: 'the end of a kernel log file counts' },
  collectTailBytes: { value: 16 * 1024 * 1024, source: 'chosen', why: 'of a collected file the end counts' },
} as const satisfies Record<string, Threshold>;

/** When the state of a host tells of a failure. */
export const states = {
  staleListedMb: { value: 1024, source: 'a process with a context on a card holds hundreds of MB, one with weights many GB', why: 'a small process that ended between two readings is no stale one' },
  staleUnlistedMb: { value: 8192, source: 'idle cards show up to 4,439 MB in the captures and documents that environment/thresholds.ts cites', why: 'nearly twice the most an idle card shows' },
  hangWindowMs: { value: 10_000, source: 'chosen: a decode step takes below 1 s, a step with a chunk of prefill below 10 s', why: 'no token in this time although requests run' },
  hangPollMs: { value: 1000, source: 'chosen', why: 'a service that moves is left alone after the first reading that shows it' },
  stillSuspected: { value: 3, source: 'chosen: VLLM_LOG_STATS_INTERVAL is 10 s; the prefill of a long prompt shows no token for some ten seconds', why: 'lines of figures in a row without a token that make a hang likely' },
  stillProven: { value: 12, source: 'chosen: two minutes; a prefill of 128k tokens takes below one', why: 'lines of figures in a row without a token that are no prefill any more' },
  services: { value: 8, source: 'chosen', why: 'services of a run that are asked' },
  answerMs: { value: 3000, source: 'both pages are printed from memory', why: 'a service that answers later is not asked again' },
} as const satisfies Record<string, Threshold>;

export const clocks = {
  zoneMs: { value: 26 * 3600_000, source: 'UTC-12 to UTC+14', why: 'a block may carry the time of another zone; further apart are two failures' },
  waitMs: { value: 24 * 3600_000, source: 'chosen: HCCL_EXEC_TIMEOUT is 1800 s by default and is raised to some hours (domain.md I49)', why: 'a rank that waited did not wait for a failure of the day before' },
  foldMs: { value: 3600_000, source: 'HCCL_EXEC_TIMEOUT 1800 s (domain.md I49) twice', why: 'later than this a failure does not follow from the earlier one' },
  takeoverMs: { value: 60_000, source: 'chosen: processes log a failure within seconds of each other', why: 'a deeper failure logged a little later is still the origin' },
  toleranceMs: { value: 10_000, source: 'chosen: order of lines of one host', why: 'a root this much after a timeout can still be its reason' },
  skewMs: { value: 60_000, source: 'domain.md 2.2 step 4: unknown clocks', why: 'bound for hosts whose clocks could not be aligned' },
  execTimeoutS: { value: 1800, source: 'domain.md I49', why: 'default of HCCL_EXEC_TIMEOUT' },
  connectTimeoutS: { value: 120, source: 'domain.md I51', why: 'default of HCCL_CONNECT_TIMEOUT' },
  silentMs: { value: 30_000, source: 'start-up logs of xLLM say something at least every 10 s', why: 'a log that stopped this much before the others names a silent rank' },
} as const satisfies Record<string, Threshold>;
