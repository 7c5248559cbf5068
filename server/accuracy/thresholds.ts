import type { Threshold } from '../contract/index.js';

const survey = 'NPU serving field notes, text-only detectors (proposal)';

/**
 * When a text counts as broken. Calibrated on 50 real answers of a hosted model: none is flagged, which bounds false alarms at 6 %. On 2,000
 * generated sound answers of 20 ordinary forms none is flagged either (0.15 % at 95 %, for those forms); on 2,000 of 20 forms chosen to be
 * hard 46 % are (test/accuracy/calibration.test.ts): a hit points, it does not judge.
 */
export const detectorLimits = {
  /** characters between two replacement characters */
  replacementEvery: { value: 200, source: survey, why: 'one in 200 is more than a single split at the end of a stream' },
  /** characters */
  replacementCount: { value: 3, source: survey, why: 'one at the end is a cut UTF-8 sequence, three are not' },
  /** equal characters in a row */
  characterRun: { value: 20, source: survey, why: 'no language writes a letter 20 times' },
  /** exclamation marks in a row */
  exclamationRun: { value: 12, source: `${survey}; xLLM #2055`, why: 'token 0 of many vocabularies is "!": NaN logits print it' },
  /** equal separators in a row */
  separatorRun: { value: 200, source: 'own, calibrated on Markdown rules and tables', why: 'a rule or a table border is long, but not this long' },
  /** equal words in a row */
  wordRun: { value: 8, source: survey, why: 'songs repeat a word four times, not eight' },
  /** characters */
  loopPeriod: { value: 200, source: survey, why: 'loops of models are a sentence or two long' },
  /** times */
  loopTimes: { value: 3, source: survey, why: 'twice is a refrain' },
  /** characters the loop covers */
  loopCover: { value: 60, source: survey, why: 'shorter repeats are lists and numbers' },
  /** characters a loop of digits covers */
  digitLoopCover: { value: 200, source: 'own, for periodic decimals', why: 'a third is 0.3333…' },
  /** 1 − distinct / all groups of four tokens */
  repetitionRatio: { value: 0.5, source: survey, why: 'half of all groups of four tokens were said before' },
  /** tokens */
  repetitionTokens: { value: 200, source: survey, why: 'short answers repeat the question' },
  /** characters of a sentence */
  sentenceLength: { value: 20, source: survey, why: 'shorter sentences repeat in lists' },
  /** times a sentence occurs */
  sentenceRepeats: { value: 4, source: survey, why: 'a plan or a poem may say a line three times' },
  /** bits per character */
  entropyBits: { value: 2, source: survey, why: 'prose has 4 in English, 6 in Chinese; below 2 three or four signs make the text' },
  /** characters of a window */
  entropyWindow: { value: 256, source: survey, why: 'shorter windows of digits have little entropy by nature' },
  /** share of letters, 0–1 */
  strayScriptShare: { value: 0.05, source: survey, why: 'a quoted name stays below' },
  /** letters */
  strayScriptLetters: { value: 5, source: 'own, calibrated on quoted names and units', why: 'a single sign is a symbol of mathematics or a name' },
  /** runs of stray letters */
  strayScriptRuns: { value: 3, source: survey, why: 'three switches of script are not a quotation' },
  /** words or ideographs of a window */
  languageWindow: { value: 60, source: 'own; 300 characters of the field notes are about 60 words', why: 'a quoted sentence is shorter' },
  /** windows in a row */
  languageWindows: { value: 2, source: survey, why: 'one window may quote' },
  /** share of the smaller language in a prompt that has both, 0–1 */
  bilingualShare: { value: 0.15, source: 'own, calibrated on Chinese templates around English questions', why: 'a prompt in two languages may be answered in either' },
  /** share of signs, 0–1 */
  symbolShare: { value: 0.35, source: survey, why: 'prose outside code, tables and formulas stays below 0.1' },
  /** characters */
  symbolText: { value: 100, source: 'own', why: 'a short answer may be a formula' },
  /** letters a word, mean */
  longWords: { value: 15, source: survey, why: 'English has 5, German 6' },
  /** words */
  longWordsText: { value: 30, source: 'own', why: 'a short list of names may be long words' },
  /** blanks before the first sign of a line */
  indentation: { value: 200, source: 'own, calibrated on diagrams and nested configuration', why: 'what leads a line is layout, but not without end' },
  /** blanks in a row */
  whitespaceRun: { value: 50, source: survey, why: 'masks that are wrong print blanks' },
} as const satisfies Record<string, Threshold>;

export const thresholds = {
  /** points of accuracy, default of accuracy_compare */
  marginPct: { value: 1, source: 'contract', why: 'what is given away for speed at most' },
  /** two-sided */
  significance: { value: 0.05, source: 'convention; Holm over subsets', why: 'one clean comparison in twenty may look like a change' },
  /** items only one side had right */
  fewestFlips: { value: 6, source: 'exact McNemar test: 5 flips one way p 0.0625, 6 p 0.031', why: 'fewer can not be significant whatever their direction' },
  /** share of the baseline's items, 0–1 */
  lostShare: { value: 0.2, source: 'our rule', why: 'up to this much is failures that fell out of the score, and is counted as wrong once; more is a smaller run' },
  /** share of joined items whose prompts differ, 0–1 */
  changedPrompts: { value: 0.01, source: 'our rule', why: 'a changed template makes every item another question' },
} as const satisfies Record<string, Threshold>;

export const limits = {
  /** bytes of one file of predictions, reviews or rows */
  fileBytes: { value: 384 * 1024 * 1024, source: 'largest string of Node.js is about 512 MB', why: 'one subset of a benchmark has a few MB' },
  /** files of a folder */
  files: { value: 2000, source: 'our rule; MMLU has 57 subsets', why: 'more is a folder of many runs' },
  /** characters of a text kept in an artifact */
  keptText: { value: 2000, source: 'our rule', why: 'enough to see how an answer broke; the raw file has all' },
  /** regressions kept in the comparison */
  keptRegressions: { value: 200, source: 'our rule', why: 'nobody reads more; counts are complete' },
  /** characters of both sides the detectors look at */
  detectorText: { value: 12_000_000, source: 'measured: about 1 ms a 2,000 characters on a busy core', why: 'a call may not block longer than 45 s' },
  /** hits kept in an artifact */
  keptGarbled: { value: 500, source: 'our rule', why: 'counts by detector are complete' },
  /** rows of a result */
  shownRows: { value: 8, source: 'contract: a result stays under 8 kB', why: 'the artifact has all' },
} as const satisfies Record<string, Threshold>;

/** What accuracy_start does when it is not told. */
export const defaults = {
  /** runs of each prompt */
  probeRepeats: { value: 2, source: 'accuracy ladder of the field notes: twice, batch 1 and 8', why: 'two runs of a greedy prompt show nondeterminism' },
  /** tokens */
  probeMaxTokens: { value: 1024, source: 'own', why: 'a reasoning model ends its thoughts on a short question below it' },
  /** tokens */
  evalMaxTokens: { value: 4096, source: 'own', why: 'without one the server decides, and cuts answers off' },
  /** requests at once */
  probeParallel: { value: 8, source: 'accuracy ladder of the field notes', why: 'batch composition changes kernels and padding' },
  /** requests at once */
  evalBatchSize: { value: 8, source: 'evalscope documentation, service mode', why: 'its command line defaults to 1, which takes hours' },
  /** items a subset at L3 */
  badCaseLimit: { value: 20, source: 'accuracy ladder of the field notes: first 10 to 50', why: 'enough to keep stable bad cases, small enough to run again' },
} as const satisfies Record<string, Threshold>;

export const waits = {
  /** ms for one probe answer */
  requestMs: { value: 300_000, source: 'own', why: 'the longest prompt on a cold service, graph capture included' },
  /** ms between two looks at a client that runs */
  lookMs: { value: 2000, source: 'own', why: 'the stage of a job is fresh enough' },
  /** ms of patience for a client that is told to end */
  graceMs: { value: 5000, source: 'own', why: 'a client writes its cache' },
} as const satisfies Record<string, Threshold>;

/** How a bisection decides. */
export const bisectLimits = {
  /** runs of the command at each commit */
  repeats: { value: 3, source: 'accuracy notes: k runs with (1 − q)^k < 0.02', why: 'a case that fails in three runs of four is missed by all three in 1.6 %' },
  /** runs of one commit at most, in repeats */
  mostRepeats: { value: 5, source: 'own', why: 'a commit that is as often good as bad is not decided by more' },
  /** commits of a range at most */
  commits: { value: 20_000, source: 'own', why: 'a longer range has another good end' },
  /** cases replayed at a service */
  cases: { value: 20, source: 'own', why: 'the cases that failed first; more only cost time' },
  /** characters of a reference answer that is looked for in the text */
  targetText: { value: 80, source: 'own', why: 'a longer one is a narrative or a list, which only the metric of its dataset can judge' },
  /** ms of one run of the command */
  commandMs: { value: 4 * 3_600_000, source: 'own', why: 'a full build of xLLM with its kernels takes hours' },
  /** ms of a git command */
  gitMs: { value: 600_000, source: 'own', why: 'submodules of a large repository' },
  /** bytes of a log that are looked at */
  logBytes: { value: 65_536, source: 'own', why: 'a build says at its end why it stopped' },
} as const satisfies Record<string, Threshold>;
