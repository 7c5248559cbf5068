/** Every number this room judges by or waits for: value, source, why. */

/** The largest AICore utilisation, in percent, of a card that is called idle. */
export const aicoreIdlePct = {
  value: 1,
  source: 'every idle capture seen prints 0 (910B2, 910B3, A3, 310P3, drivers 23.0.3 to 26.0.rc2); the tool prints whole percents',
  why: 'one percent is rounding, anything above is work',
} as const;

/** Memory a card holds with no process on it, in MB, by chip family. */
export const idleMemory = [
  {
    family: '910B and A3 die',
    name: /^(?:Ascend\s*)?910(?:B\w*(?:-\d+)?|_\d+)?$/i,
    layouts: ['910', 'a3'],
    maxMb: 4608,
    source: 'idle captures: 2,871 (910B4) to 3,454 MB (910B2), A3 dies 2,874 to 3,419 MB; an older 910B1 driver (23.0) shows about 4.2 GB',
    why: 'firmware and driver keep 3 to 4 GB; what lies above this belongs to somebody',
  },
  {
    family: '910A',
    name: /^(?:Ascend\s*)?910(?:A|Pro\w*|ProA|ProB)$/i,
    layouts: [],
    maxMb: 1024,
    source: '-t usages of an idle 910A: HBM usage 0 % of 31,129 MB; the driver keeps its part in the DDR',
    why: 'one percent of a 32 GB part is 311 MB, so three such steps are allowed',
  },
  {
    family: '310P',
    name: /^(?:Ascend\s*)?310P\w*$/i,
    layouts: ['ddr'],
    maxMb: 4096,
    source: 'idle captures: 934 to 1,805 MB (drivers 22.0 to 25.0), one retyped paste with 3,404 MB on the first chip',
    why: 'the device system lives in the same DDR and takes more on the first chip',
  },
  {
    family: '950',
    name: /^(?:Ascend\s*)?950\w*(?:_\w+)?$/i,
    layouts: ['950'],
    maxMb: 5632,
    source: 'driver documentation, npu-smi info of an idle card: 4,439 of 86,016 MB; -t usages 3 % of 131,072 MB',
    why: 'same rule, larger firmware share',
  },
] as const;

/** Waiting and reading limits. The contract lets no call block longer than 45 s and no result pass 8 kB; the rest follows from that. */
export const limits = {
  /** ms from the start of the call after which no command may still run. */
  callMs: 40_000,
  /** ms. npu-smi info of 16 dies takes seconds; a card whose driver hangs never answers. */
  infoTimeoutMs: 12_000,
  /** ms. One `-t` query answers in well under a second on a live driver. */
  detailTimeoutMs: 5_000,
  /** ms from the start of the call; no further sample is begun after it. */
  sampleDeadlineMs: 20_000,
  /** ms from the start of the call; no further detail is asked after it. */
  detailDeadlineMs: 28_000,
  /** ms between two samples of AICore; npu-smi refreshes about once a second. */
  sampleGapMs: 1_000,
  /** Samples taken when the phase is idle and none were asked for: one reading may fall between two steps. */
  idleSamples: 3,
  /** ms for the one python3 call that lists package versions. */
  pythonTimeoutMs: 8_000,
  /** Bytes of one file of a raw folder; captures are a few kB. */
  maxFileBytes: 4 * 1024 * 1024,
  /** Files read from a raw folder. */
  maxFiles: 400,
  /** Characters of the facts, as JSON; headline, warnings and artifact references take the rest of the 8 kB. */
  maxFactsChars: 6_800,
} as const;
