// What is measured, by the name `--only` takes. Every function makes its files below a folder of its own, measures ours and the baseline
// one after the other in processes of their own, and gives rows.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { database as makeDatabase, opSummary, ranks as makeRanks, timeline as makeTimeline } from './generate.mjs';
import { repository } from './repository.mjs';
import { atLeast, atMost, less, within } from './table.mjs';

const here = (name) => new URL(name, import.meta.url).pathname;
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];
/** Of several readings the one in the middle by time. */
const middle = (readings) => [...readings].sort((a, b) => a.seconds - b.seconds)[Math.floor(readings.length / 2)];
const many = (n) => Math.round(n).toLocaleString('en-US');
/** A process that prints one JSON object; one that does not end within half an hour fails. */
const measure = (program, args) => JSON.parse(execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 20, timeout: 1_800_000 }));

/** @param {{ dist: string, dir: string, part: number, note: (text: string) => void }} bench part: the sizes are divided by it */
export function rowsOf({ dist, dir, part, note }) {
  const ours = (path) => measure(process.execPath, [here('./ours.mjs'), path, dist]);
  const python = (kind, path) => measure('python3', [here('./baseline.py'), kind, path]);
  /** One call of a tool, with runs (and so a cache) of its own unless it is given them. */
  let calls = 0;
  const tool = (name, args, runs = join(dir, `runs-${calls++}`), repeat = 'once') => {
    const result = measure(process.execPath, [here('./tool.mjs'), dist, name, runs, dir, JSON.stringify(args), repeat]);
    note(`${name}: ${result.said}`);
    return result;
  };
  const tenTimes = (what, small, large) => atMost(`${what}: ten times as many against one time`, large.seconds, small.seconds, 's', 11);

  /** initialize → tools/list of a fresh server: milliseconds from spawn to the listing, and peak RSS read from /proc before it ends. */
  const listing = () =>
    new Promise((resolve, reject) => {
      const t0 = performance.now();
      const child = spawn(process.execPath, [join(dist, 'main.js'), 'mcp'], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
      let text = '';
      let answered = false;
      child.on('error', reject);
      child.on('exit', () => (answered ? undefined : reject(new Error('the server ended before it listed its tools'))));
      child.stdin.on('error', reject);
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        if (text.includes('"id":2') && text.endsWith('\n')) {
          answered = true;
          const ms = performance.now() - t0;
          const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
          child.once('exit', () => resolve({ ms, mb: peak }));
          child.stdin.end();
        }
      });
      const send = (m) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...m })}\n`);
      send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } } });
      send({ method: 'notifications/initialized' });
      send({ id: 2, method: 'tools/list', params: {} });
    });

  /** A Node.js process that does nothing: what any server pays. */
  const bareNode = () => {
    const t0 = performance.now();
    const out = execFileSync(process.execPath, ['-e', 'process.stdout.write(String(process.memoryUsage().rss/1048576))'], { encoding: 'utf8' });
    return { ms: performance.now() - t0, mb: Number(out) };
  };

  async function startup() {
    const own = [];
    const bare = [];
    for (let i = 0; i < 7; i++) {
      bare.push(bareNode());
      own.push(await listing());
    }
    return [
      within('`initialize` to `tools/list`, against a bare Node.js', median(own.map((r) => r.ms)), median(bare.map((r) => r.ms)), 'ms', 500),
      within('`initialize` to `tools/list`, peak memory', median(own.map((r) => r.mb)), median(bare.map((r) => r.mb)), 'MB', 120),
    ];
  }

  /** The same file read by us and by a script of Python's standard library. */
  async function reading({ what, file, kind, faster, smaller, count, tenth, make }) {
    const path = join(dir, file);
    await make(path, count / part);
    // Ours takes a second or so: what else the machine does weighs more than in the minute of the baseline.
    const before = [ours(path), ours(path)];
    const other = python(kind, path);
    const own = middle([...before, ours(path)]);
    note(`${own.said}; Python: ${other.said}`);
    const rows = [less(what(many(count / part)), own.seconds, other.seconds, 's', faster)];
    rows.push(less(`${what(many(count / part))}, peak memory`, own.mb, other.mb, 'MB', smaller));
    if (tenth) {
      await make(path, count / part / 10);
      rows.push(tenTimes(what(many(count / part)), middle([ours(path), ours(path), ours(path)]), own));
    }
    return rows;
  }
  const csv = () => reading({ what: (n) => `op_summary, ${n} rows`, file: 'op_summary_1.csv', kind: 'csv', faster: 30, smaller: 15, count: 2_000_000, tenth: true, make: opSummary });
  const timeline = () => reading({ what: (n) => `timeline, ${n} events, bare list`, file: 'msprof_1.json', kind: 'timeline', faster: 5, smaller: 4, count: 3_000_000, tenth: true, make: (path, n) => makeTimeline(path, n, false) });
  const traceEvents = () => reading({ what: (n) => `timeline, ${n} events, \`{traceEvents}\``, file: 'msprof_2.json', kind: 'timeline', faster: 5, smaller: 4, count: 3_000_000, tenth: false, make: (path, n) => makeTimeline(path, n, true) });
  /** The whole profile out of the database, against one SQL query over the same join. */
  const database = () => reading({ what: (n) => `msprof database, ${n} tasks`, file: 'msprof_1.db', kind: 'db', faster: 0.25, smaller: null, count: 2_000_000, tenth: false, make: makeDatabase });

  /** profile_analyze answers from the cache on disk: to the same server, and to a fresh process, which loads and compiles all again. */
  function cache() {
    const count = 2_000_000 / part;
    const path = join(dir, 'op_summary_1.csv');
    opSummary(path, count);
    const runs = join(dir, 'runs-cache');
    const first = tool('profile_analyze', { path }, runs, 'twice');
    const fresh = tool('profile_analyze', { path }, runs);
    const what = `profile_analyze, ${many(count)} rows: the same question again against the first`;
    return [atMost(`${what}, same process`, first.again_seconds, first.seconds, 's', 0.1), atMost(`${what}, fresh process`, fresh.seconds, first.seconds, 's', 0.1)];
  }

  /** 64 ranks of a size in one call against 4 of the same size. */
  function ranks() {
    const rows = 50_000 / part;
    const [few, all] = [4, 64].map((count) => {
      const path = join(dir, `ranks-${count}`);
      makeRanks(path, count, rows);
      return tool('profile_analyze', { path });
    });
    const cores = availableParallelism();
    return [
      atMost(`profile_analyze, 64 ranks of ${many(rows)} rows against 4 ranks, peak memory`, all.mb, few.mb, 'MB', 1.5),
      // Processor seconds per second; what other processes take is missing here. The mark is ours: the issue names no number.
      atLeast(`profile_analyze, 64 ranks: cores kept busy, against those there are`, all.cpu_seconds / all.seconds, cores, 'cores', 0.75),
    ];
  }

  /** pipeline_analyze of a timeline against json.load and nothing else. */
  function pipeline() {
    const count = 3_000_000 / part;
    const path = join(dir, 'msprof_1.json');
    makeTimeline(path, count, false);
    const [own, other] = [tool('pipeline_analyze', { path }), python('timeline', path)];
    makeTimeline(path, count / 10, false);
    const what = `pipeline_analyze, ${many(count)} events`;
    return [
      less(`${what}, against \`json.load\``, own.seconds, other.seconds, 's', 4),
      less(`${what}, against \`json.load\`, peak memory`, own.mb, other.mb, 'MB', 3),
      tenTimes(what, tool('pipeline_analyze', { path }), own),
    ];
  }

  /** The same number of tasks on 8 ranks and on one. */
  function skew() {
    const tasks = 3_200_000 / part;
    const [eight, one] = [8, 1].map((count) => {
      const path = join(dir, `ranks-${count}`);
      makeRanks(path, count, tasks / count);
      return tool('pipeline_analyze', { path });
    });
    return [atMost(`pipeline_analyze, 8 ranks of ${many(tasks / 8)} tasks against one of ${many(tasks)}`, eight.seconds, one.seconds, 's', 1.5)];
  }

  /** incident.mjs makes its files in a temporary folder of its own. */
  function incident() {
    const mb = Math.round(2048 / part);
    const result = measure(process.execPath, [here('./incident.mjs'), String(mb), dist]);
    note(`incident: ${result.primary}, ${result.lines} lines, locale of grep ${result.grep_locale}`);
    const what = `incident triage, ${many(mb)} MB in 16 logs`;
    return [atMost(`${what}, against \`grep -E\` of ten patterns`, result.ours_s, result.grep_s, 's', 8), within(`${what}, peak memory`, result.ours_rss_mb, null, 'MB', 400)];
  }

  /** review_diff of two commits against `git diff --stat` of them; medians, for git takes some ten milliseconds. */
  function review() {
    const repo = join(dir, 'repository');
    const lines = repository(repo, 50_000 / part);
    const own = [];
    const git = [];
    for (let i = 0; i < 5; i++) {
      const begin = performance.now();
      execFileSync('git', ['-C', repo, 'diff', '--stat', 'HEAD~1', 'HEAD'], { stdio: ['ignore', 'ignore', 'inherit'] });
      git.push((performance.now() - begin) / 1000);
      own.push(tool('review_diff', { repo, base: 'HEAD~1', head: 'HEAD' }).seconds);
    }
    return [atMost(`review_diff, ${many(lines)} lines, against \`git diff --stat\``, median(own), median(git), 's', 20)];
  }

  return { startup, csv, timeline, traceEvents, database, cache, ranks, pipeline, skew, incident, review };
}
