/** Every number this room waits for, reads or judges by: value, source, why. */

/** Times, ms unless the name says otherwise. */
export const waits = {
  /** s. Largest models load for tens of minutes (hundreds of GB from disk), and graphs are captured after that. */
  readyTimeoutS: 1800,
  /** From the start of the call: service_start answers "starting" then. The contract's limit is 45 s; a client may be slow. */
  answerMs: 41_000,
  /** A help page of a C++ binary is there at once; vLLM and SGLang import torch first. */
  helpMs: 18_000,
  /** Between two looks at ranks and logs. */
  pollMs: 300,
  /** Between two questions to the endpoint; `xllm serve` asks every 2 s, the first answer is wanted sooner here. */
  probeMs: 700,
  /** One GET of /health or /v1/models; a server that listens answers these at once. */
  probeTimeoutMs: 3_000,
  /** The first real request may compile operators or capture graphs. */
  completionTimeoutMs: 120_000,
  /** After one rank ended: the others' last words reach their logs. */
  lastWordsMs: 1_500,
  /** SIGTERM to SIGKILL; `xllm serve` gives its ranks 15 s. */
  graceMs: 15_000,
  /** npu-smi info of 16 dies takes seconds; a card whose driver hangs never answers, and service_stop asks twice within its 45 s. */
  npuSmiMs: 8_000,
  /** HBM is given back within seconds of the last process; the driver needs a moment after a kill. */
  hbmBackMs: 10_000,
  /** A rank whose last log time lies this far behind the newest line of the others has gone silent; steps of a start print more often. */
  silentGapMs: 10_000,
} as const;

/** Sizes of what is read, bytes. */
export const reads = {
  /** Start-up part of a rank's log kept as evidence; real ones are below 1 MB. */
  startupBytes: 4 * 1024 * 1024,
  /** Beginning and end of a finished log that are searched for incidents. */
  headBytes: 8 * 1024 * 1024,
  tailBytes: 8 * 1024 * 1024,
  /** Newly written log read at one look. */
  followBytes: 512 * 1024,
  /** Header of one safetensors file; the format allows 100 MB, real ones are below 1 MB. */
  safetensorsHeaderBytes: 100 * 1024 * 1024,
  /** A saved diff of a dirty work tree. */
  diffBytes: 8 * 1024 * 1024,
} as const;

/** Fatal lines of one rank that are kept. */
export const keptHits = 6;

/** Characters of the facts, as JSON; the contract keeps a whole result under 8 kB. */
export const maxFactsChars = 6_000;

/** Largest AICore utilisation, in percent, of a card called idle: every idle capture seen prints 0, the tool prints whole percents. */
export const idleAicorePct = 1;

/**
 * Largest share of its memory, in percent, that an idle card holds. Idle captures: 4 to 9 % on 910B and A3, 15.8 % on one 310P. A
 * rough rule for choosing; env_probe judges by chip family.
 */
export const idleMemoryPct = 16;

/** MB a card may hold more after a stop than before the start: the tool's own rounding and driver buffers. */
export const hbmSlackMb = 256;
