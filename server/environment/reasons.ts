import type { EnvSnapshot } from '../contract/index.js';

type Effect = 'unavailable' | 'contaminated' | 'inconclusive' | 'none';

/** The closed list of reasons: what each does to the verdict, and what it means. A code keeps its meaning. */
export const reasonCodes = {
  'npu-smi-missing': { effect: 'unavailable', meaning: 'npu-smi is not on this host' },
  'npu-smi-failed': { effect: 'unavailable', meaning: 'npu-smi could not talk to the driver, or did not answer' },
  'device-occupied': { effect: 'unavailable', meaning: 'npu-smi could not open the devices because somebody else, such as another container, holds them' },
  'device-not-found': { effect: 'unavailable', meaning: 'a device that was asked for is not on this host' },
  'foreign-process': { effect: 'contaminated', meaning: 'a process that this run did not start is on a chip' },
  'service-present': { effect: 'contaminated', meaning: "this run's own process is on a chip before the run, when cards must be free" },
  'hbm-in-use': { effect: 'contaminated', meaning: 'more memory is used than an idle chip and its listed processes explain' },
  'aicore-busy': { effect: 'contaminated', meaning: 'the AI cores are working' },
  'health-not-ok': { effect: 'contaminated', meaning: 'npu-smi reports a health other than OK' },
  'hbm-uncorrected-errors': { effect: 'contaminated', meaning: 'uncorrected (double bit) HBM errors since the driver was loaded' },
  'chips-unknown': { effect: 'inconclusive', meaning: 'no chip could be read' },
  'chips-missing': { effect: 'inconclusive', meaning: 'the table shows fewer chips than the host lists' },
  'process-list-missing': { effect: 'inconclusive', meaning: 'the output ends before its process list' },
  'memory-unknown': { effect: 'inconclusive', meaning: 'the memory in use could not be read' },
  'memory-baseline-unknown': { effect: 'inconclusive', meaning: 'how much memory this chip holds when idle is not known' },
  'aicore-unknown': { effect: 'inconclusive', meaning: 'the AICore utilisation could not be read' },
  'health-unknown': { effect: 'inconclusive', meaning: 'the health could not be read' },
  'logic-ids-unknown': { effect: 'inconclusive', meaning: 'devices were asked for and their logical ids are not known' },
  'service-not-seen': { effect: 'none', meaning: "the phase is idle and no process of this run is on a chip" },
  'driver-version-unknown': { effect: 'none', meaning: "the driver's version could not be read" },
  'cann-version-unknown': { effect: 'none', meaning: 'the CANN version could not be read' },
  'memory-from-rate': { effect: 'none', meaning: 'memory in use was computed from a whole-percent rate' },
  'details-skipped': { effect: 'none', meaning: 'queries were left out because time ran out' },
  'samples-cut': { effect: 'none', meaning: 'fewer samples than asked were taken because time ran out' },
  'several-captures': { effect: 'none', meaning: 'the folder holds captures of several moments; the newest was read' },
} as const satisfies Record<string, { effect: Effect; meaning: string }>;

export type ReasonCode = keyof typeof reasonCodes;

export interface Reason {
  readonly code: ReasonCode;
  readonly detail: string;
}

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(reasonCodes, code);
}

export type EnvVerdict = EnvSnapshot['verdict'];

const order = ['unavailable', 'contaminated', 'inconclusive'] as const;

/** The verdict a list of reasons gives: the gravest effect wins, none means clean. */
export function verdictOf(reasons: readonly { code: string }[]): EnvVerdict {
  const effects = new Set<Effect>(reasons.flatMap((r) => (isReasonCode(r.code) ? [reasonCodes[r.code].effect] : [])));
  return order.find((effect) => effects.has(effect)) ?? 'clean';
}
