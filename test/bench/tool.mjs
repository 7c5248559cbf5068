// One tool call in a process of its own, as a server does it. Arguments: folder of the compiled server, tool, folder of the runs, folder
// it may read, arguments as JSON, `twice` to ask again in the same process. Prints seconds (again_seconds of the second call), peak RSS,
// processor seconds and the verdict. The modules of the room are loaded before the clock starts, as those of ours.mjs and of Python are.
import { readFileSync } from 'node:fs';

const [folder, tool, runsDir, allow, text, repeat] = process.argv.slice(2);
const dist = new URL(`${folder}/`, import.meta.url);
const load = (path) => import(new URL(path, dist).href);
// A call hands what takes longer than 45 s to a job; here it reads to the end.
const unlimited = { ms: 2 ** 31 - 1, bytes: Infinity };
const defaults = { profile_analyze: { top: 20, min_share_pct: 1, view: 'summary' }, pipeline_analyze: { view: 'summary' }, review_diff: {} };
const calls = {
  profile_analyze: async () => (await load('profiling/run.js')).analyzeProfile,
  pipeline_analyze: async () => (await load('pipeline/run.js')).analyzePipeline,
  review_diff: async () => (await load('review/run.js')).reviewDiff,
};
const [{ makeConfig }, call] = await Promise.all([load('config.js'), calls[tool]()]);
const ctx = { config: makeConfig({ runsDir, allow: [allow] }, 'bench', process.env, allow), signal: new AbortController().signal, progress: () => undefined };

const processor = process.cpuUsage();
const begin = performance.now();
const args = { ...defaults[tool], ...JSON.parse(text) };
const answer = await call(args, ctx, unlimited);
const seconds = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage(processor);
// An answer without a result would make a fast row of a failure.
if (answer.warnings.some((w) => w.code === 'W-NOT-READABLE') || (answer.facts.job ?? null) !== null) throw new Error(`${tool} read nothing: ${answer.headline}`);
let again_seconds = null;
if (repeat === 'twice') {
  const second = performance.now();
  await call(args, ctx, unlimited);
  again_seconds = (performance.now() - second) / 1000;
}
console.log(JSON.stringify({ seconds, again_seconds, mb: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024, cpu_seconds: (user + system) / 1e6, said: `${answer.verdict}: ${answer.headline}` }));
