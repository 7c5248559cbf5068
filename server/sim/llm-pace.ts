/**
 * The pace of the simulated machine, ns unless named otherwise. "seen": read off a real Level1 capture of a 910B (torch_npu, 2025);
 * "chosen": no source, a plausible size; nothing is concluded from these but what the plant itself says.
 */
export const pace = {
  /** Seen: event records take one tick of the device clock. */
  event: 20,
  /** Chosen: device gap between two queued kernels of a stream. */
  queueGap: 600,
  /** Chosen: gap before an event record or wait behind a kernel. */
  eventGap: 100,
  /** Chosen; seen were 6 µs at the lowest tenth of all kernels: from a launch call to the start of the kernel on an idle device. */
  launchLatency: 9000,
  /** Chosen: before the first call of the window, and after the last task. */
  windowEdge: 50_000,
  /** Chosen: between two calls of a host thread. */
  callGap: 100,
  /** Chosen; seen were 10 and 37 µs. */
  copyCall: 4000,
  /** Chosen: a copy of a few kB between host and device. */
  copy: 3000,
  /** Chosen: the shortest synchronisation call, and what it takes to wake up. */
  synchronize: 3000,
  wake: 2000,
  /** Seen: 0.06–4.1 ms per aclopCompileAndExecute, middle 1.3 ms. */
  compile: 1_800_000,
  /** Chosen, far below a first launch as seen (0.1 and 0.5–0.8 ms): host parts of a collective's launch in steady state. */
  collectiveCall: 3000,
  fftsCall: 5000,
  /** Share of a kernel's launch time spent in its workspace query; the rest is the node launch. Chosen. */
  workspaceShare: 0.25,
  /** Relative spread of launch and kernel times. Chosen: real decode kernels of one shape vary by a few percent. */
  launchJitter: 0.1,
  kernelJitter: 0.03,
  /** Bytes per sequence copied in before and out after a step: block table row; token and log-probability. Chosen. */
  bytesIn: 64,
  bytesOut: 8,
} as const;

/** Inside a collective, ns. */
export const collectivePace = {
  /** Seen: 0.6–3.4 µs for local moves of 4 B to 2 MB: the copy into the communication buffer. */
  localCopy: 700,
  /** Seen: Notify_Record, 660–1560, middle 720. */
  record: 700,
  /** Seen: a Notify_Wait for what is already there. */
  shortestWait: 20,
  /** Chosen: from one element of a plane to the next. */
  gap: 50,
  /** Chosen: from the last rank's arrival to the first payload, between the phases, and from the last payload to the end. */
  ready: 2000,
  betweenPhases: 600,
  tail: 1200,
  /** Chosen: start-up of a payload task. */
  setup: 1200,
} as const;
