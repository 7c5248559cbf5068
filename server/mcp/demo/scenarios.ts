import { list, numberAt, text } from './answer.js';
import { load, marginPct, type Measured, type Setup, type Site, type Walk } from './walk.js';

/** What the tools say is wrong. */
export interface Found {
  /** In the words of the tools: finding id, rank, class, commit. Empty: nothing. */
  readonly cause: string;
  /** What was looked at, for the reader. */
  readonly words: string;
  /** Runs whose artifacts say so. */
  readonly runs: readonly string[];
  /** Flags of the fix, where a tool computed them. */
  readonly flags?: Setup['flags'];
  /** Answers of the service that is wrong. */
  readonly answers?: string;
}

/** Names the simulator plants by (sim/demo-plants.ts). */
export type ScenarioName = 'host-bound' | 'slow-rank' | 'oom-at-load' | 'accuracy-drop' | 'mtp-regression';

/** What was measured on both sides of the change. */
export interface Seen {
  readonly found: Found;
  readonly baseline: readonly Measured[];
  readonly candidate: readonly Measured[];
  /** Answer of bench_compare, and its change in words. */
  readonly compared: unknown;
  readonly change: string;
}
export interface Proof {
  readonly ok: boolean;
  readonly words: string;
}

export interface Scenario {
  readonly name: ScenarioName;
  readonly about: string;
  /** The cause the tools have to come to. */
  readonly planted: (site: Site) => string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly query: string;
  readonly baseline: Setup;
  /** The service drafts with the draft model of the site. */
  readonly draft?: true;
  readonly diagnose: (walk: Walk, baseline: Measured) => Promise<Found>;
  readonly hypothesis: string;
  readonly candidate: (found: Found) => Setup;
  /** One commit, or one flag=value. */
  readonly change: (walk: Walk, found: Found) => string;
  /** Whether the change did what the scenario is about; the words carry the number and, where it has one, its interval. */
  readonly prove: (walk: Walk, seen: Seen) => Promise<Proof>;
  readonly claim: { readonly metric: string; readonly direction: 'decrease' | 'no-regression'; readonly threshold_pct?: number };
  readonly lesson: { readonly title: string; readonly risk: string; readonly next: string };
}

const plain = { enable_prefix_cache: false } as const;
const graph = { ...plain, enable_graph: true } as const;
const faster = { target_metric: 'tpot_ms.p50', target_change_pct: -10 } as const;
const kept = { sla_json: JSON.stringify({ tpot_p50_ms: 60 }) } as const;
const decrease = { metric: 'tpot_ms.p50', direction: 'decrease' } as const;
/** The claim itself is the proof. */
const byClaim: Scenario['prove'] = (_, { compared, change }) => Promise.resolve({ ok: text(compared, 'verdict') === 'supported', words: `bench_compare ${text(compared, 'verdict')}: ${change}` });
/** A change of flags or a repair that is not meant to be faster. */
const unharmed = { metric: 'tpot_ms.p50', direction: 'no-regression', threshold_pct: 10 } as const;

const findingIds = (answer: unknown): string[] => list(answer, 'findings').map((f) => text(f, 'id'));

const hostBound: Scenario = {
  name: 'host-bound',
  about: 'launches take the host longer than the device needs; graph mode takes them away',
  planted: () => 'host-bound-launch',
  target: faster,
  query: 'host-bound decode launch graph',
  baseline: { build: 'good', flags: plain },
  diagnose: async (walk) => {
    const { run, analysis } = await walk.capture('capture of the baseline', { build: 'good', flags: plain });
    const verdict = text(analysis, 'verdict');
    const ids = findingIds(analysis);
    return { cause: verdict === 'host-bound' && ids.includes('host-bound-launch') ? 'host-bound-launch' : '', words: `profile_analyze: ${verdict}; findings ${ids.join(', ') || 'none'}`, runs: [run] };
  },
  hypothesis: 'the device waits for eager launches; a captured graph launches a decode step at once',
  candidate: () => ({ build: 'good', flags: graph }),
  change: () => 'enable_graph=true',
  prove: byClaim,
  claim: decrease,
  lesson: { title: 'Graph mode where launches bind a decode step', risk: 'a graph freezes host values: accuracy with and without it', next: 'the batch sizes of the real load against the limit of captured batches' },
};

const slowRank: Scenario = {
  name: 'slow-rank',
  about: 'one rank computes slower and the other waits for it; a commit mends it',
  planted: () => 'rank 1',
  target: faster,
  query: 'slow rank skew collective wait',
  baseline: { build: 'bad', flags: graph },
  diagnose: async (walk) => {
    const { run, pipeline } = await walk.capture('capture of the baseline', { build: 'bad', flags: graph });
    const verdict = text(pipeline, 'verdict');
    const rank = numberAt(pipeline, 'facts', 'rank_skew', 'slowest_rank');
    return { cause: verdict === 'rank-skewed' && rank !== null ? `rank ${String(rank)}` : '', words: `pipeline_analyze: ${verdict}, slowest rank ${rank === null ? 'none' : String(rank)}, skew ${String(numberAt(pipeline, 'facts', 'rank_skew', 'skew_pct') ?? 'unknown')} %`, runs: [run] };
  },
  hypothesis: 'the host threads of the slow rank share the cores of the other one',
  candidate: () => ({ build: 'fixed', flags: graph }),
  change: (walk) => walk.build('fixed').commit,
  prove: byClaim,
  claim: decrease,
  lesson: { title: 'A rank that computes slower holds up every collective', risk: 'the skew may come back with another placement', next: 'pipeline_analyze over all ranks of the real service' },
};

/** Requests answered over all starts. */
const answered = (measured: readonly Measured[]): number => measured.reduce((sum, m) => sum + (numberAt(m.bench, 'points', 0, 'success') ?? 0), 0);

const asked = { ...graph, max_memory_utilization: 0.98 } as const;
/** Planned in this order until one passes: in steps of capacity_plan's own advice. */
const lowerShares = [0.93, 0.88, 0.83, 0.78] as const;

const oomAtLoad: Scenario = {
  name: 'oom-at-load',
  about: 'a larger share of the memory for the cache leaves too little for the warm-up; capacity_plan gives the share that fits',
  planted: () => 'hbm-oom on rank 0',
  target: kept,
  query: 'out of memory at start max_memory_utilization',
  baseline: { build: 'good', flags: graph },
  diagnose: async (walk) => {
    const run = await walk.open('start with max_memory_utilization 0.98');
    const started = await walk.start(run, { build: 'good', flags: asked });
    if (started.ready) {
      await walk.client.call('service_stop', { job: started.job });
      return { cause: '', words: 'the service started with max_memory_utilization 0.98', runs: [run] };
    }
    const triage = await walk.client.call('incident_triage', { run, path: walk.folder(run, 'service'), framework: 'xllm' });
    const verdict = text(triage, 'verdict');
    const kind = text(triage, 'facts', 'primary', 'class');
    const rank = numberAt(triage, 'facts', 'primary', 'origin', 'rank');
    const seen = `incident_triage: ${verdict}, ${kind} on rank ${String(rank ?? 'unknown')}`;
    for (const share of [asked.max_memory_utilization, ...lowerShares]) {
      const plan = await walk.client.call('capacity_plan', { run: walk.run, model: walk.site.modelFolder, chip: 'Ascend910B3', framework: 'xllm', tp: 2, max_memory_utilization: share });
      if (text(plan, 'verdict') !== 'pass') continue;
      const diagnosed = verdict === 'diagnosed' && share < asked.max_memory_utilization;
      return { cause: diagnosed ? `${kind} on rank ${String(rank ?? 'unknown')}` : '', words: `${seen}; capacity_plan: pass with max_memory_utilization ${String(share)}`, runs: [run], flags: { ...graph, max_memory_utilization: share } };
    }
    return { cause: '', words: `${seen}; capacity_plan: no share that passes`, runs: [run] };
  },
  hypothesis: 'the cache takes what the warm-up needs; a smaller share leaves it',
  candidate: (found) => ({ build: 'good', flags: found.flags ?? graph }),
  change: (_, found) => `max_memory_utilization=${String(found.flags?.['max_memory_utilization'] ?? '')}`,
  prove: (_, { baseline, candidate, compared, change }) => {
    const sent = load.number[0] * candidate.length;
    const [before, after] = [answered(baseline), answered(candidate)];
    return Promise.resolve({ ok: after === sent && text(compared, 'verdict') !== 'refuted', words: `${String(candidate.length)} of ${String(candidate.length)} starts serve, ${String(after)} of ${String(sent)} requests of the same load answered (${String(before)} before); speed: ${text(compared, 'verdict')}, ${change}` });
  },
  claim: unharmed,
  lesson: { title: 'A share of memory that leaves the warm-up nothing ends the start', risk: 'longer prompts want more workspace than the warm-up', next: 'capacity_plan with the lengths of the real load' },
};

/** Share of the drafts a build may accept less than the one before: well beyond the spread of one window. */
const acceptanceLoss = 0.1;
const speculative = { ...graph, num_speculative_tokens: 3 } as const;
/** From the counters of the server, over the window of the benchmark. */
const acceptance = (measured: Measured): number | null => numberAt(measured.bench, 'points', 0, 'acceptance_rate');
const share = (value: number | null): string => (value === null ? 'unknown' : `${(100 * value).toFixed(1)} %`);

const mtpRegression: Scenario = {
  name: 'mtp-regression',
  about: 'drafts are rarely accepted since a commit; the commit that mends it brings the gain back',
  planted: () => 'acceptance lost',
  target: faster,
  query: 'speculative acceptance low MTP draft',
  baseline: { build: 'bad', flags: speculative },
  draft: true,
  diagnose: async (walk, baseline) => {
    const before = await walk.measure('the build before', { build: 'good', flags: speculative }, false);
    const [was, now] = [acceptance(before), acceptance(baseline)];
    // The gate of the evidence asks for a capture: it shows that the steps themselves are sound.
    const { run } = await walk.capture('capture of the baseline', { build: 'bad', flags: speculative });
    return { cause: was !== null && now !== null && was - now > acceptanceLoss ? 'acceptance lost' : '', words: `drafts accepted, by the counters of the server: ${share(was)} with the build before, ${share(now)} with this one`, runs: [run] };
  },
  hypothesis: 'the draft starts from the hidden state of the wrong token',
  candidate: () => ({ build: 'fixed', flags: speculative }),
  change: (walk) => walk.build('fixed').commit,
  prove: byClaim,
  claim: decrease,
  lesson: { title: 'Acceptance that fell with a commit is a defect, not the draft model', risk: 'acceptance depends on the prompts', next: 'acceptance by position on the real load' },
};

const accuracyDrop: Scenario = {
  name: 'accuracy-drop',
  about: 'a commit makes answers wrong; the probes show it, a bisection names it, the mend is compared again',
  planted: (site) => `commit ${site.guilty ?? 'none'}`,
  target: kept,
  query: 'accuracy drop wrong answers after a commit',
  baseline: { build: 'good', flags: graph },
  diagnose: async (walk, baseline) => {
    const capture = await walk.capture('the new build', { build: 'bad', flags: graph }, true);
    const compared = await walk.client.call('accuracy_compare', { run: walk.run, baseline: baseline.answers, candidate: capture.answers, margin_pct: marginPct });
    const verdict = text(compared, 'verdict');
    const words = `accuracy_compare of the new build: ${verdict}, ${String(numberAt(compared, 'facts', 'delta_pct') ?? 'unknown')} points`;
    if (verdict !== 'regression') return { cause: '', words, runs: [capture.run] };
    const bisect = await walk.client.call('accuracy_start', { run: walk.run, endpoint: 'http://127.0.0.1:8010', model: walk.model, level: 'L2', repeats: 2, bisect_good: walk.build('good').commit, bisect_bad: walk.build('bad').commit, bisect_command: walk.site.check });
    const ended = await walk.client.settled(text(bisect, 'facts', 'job'));
    const commit = text(ended, 'facts', 'result', 'commit');
    return { cause: commit === '' ? '' : `commit ${commit}`, words: `${words}; first bad commit ${commit === '' ? 'not found' : commit.slice(0, 12)}`, runs: [capture.run], answers: capture.answers };
  },
  hypothesis: 'the positions of a decode step are one too large since that commit',
  candidate: () => ({ build: 'fixed', flags: graph }),
  change: (walk) => walk.build('fixed').commit,
  prove: async (walk, { found, candidate, compared, change }) => {
    const mended = await walk.client.call('accuracy_compare', { run: walk.run, baseline: found.answers ?? '', candidate: candidate[0]?.answers ?? '', margin_pct: marginPct });
    const [delta, low, high] = [numberAt(mended, 'facts', 'delta_pct'), numberAt(mended, 'facts', 'ci', 'low_pct'), numberAt(mended, 'facts', 'ci', 'high_pct')];
    const points = (value: number | null): string => (value === null ? 'unknown' : `${value > 0 ? '+' : ''}${value.toFixed(1)}`);
    // "no-regression" goes first with a margin, also for a gain: the interval says which it is.
    return { ok: low !== null && low > 0 && text(compared, 'verdict') !== 'refuted', words: `accuracy_compare against the broken build: ${points(delta)} points, interval ${points(low)} to ${points(high)}; speed against the build before: ${text(compared, 'verdict')}, ${change}` };
  },
  claim: unharmed,
  lesson: { title: 'Wrong answers since a commit are bisected with a check of the tree', risk: 'thirteen probes show breakage, not a small drop', next: 'a dataset slice (L3) before and after' },
};

export const scenarios: readonly Scenario[] = [hostBound, slowRank, oomAtLoad, accuracyDrop, mtpRegression];
