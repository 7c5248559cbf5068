// Speed and memory of whole processes, each against a baseline in the same run. Prints one table.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dist = process.argv.find((a) => a.startsWith('--dist='))?.slice('--dist='.length) ?? new URL('../../dist', import.meta.url).pathname;
const main = join(dist, 'main.js');
const dir = mkdtempSync(join(tmpdir(), 'xllm-npu-bench-'));
const rows = [];
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];

/** initialize → tools/list of a fresh server: milliseconds from spawn to the listing, and peak RSS read from /proc before it ends. */
function startup() {
  return new Promise((resolve, reject) => {
    const t0 = performance.now();
    const child = spawn(process.execPath, [main, 'mcp'], { cwd: dir, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.on('error', reject);
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('"id":2') && text.endsWith('\n')) {
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
}

/** A Node.js process that does nothing: what any server pays. */
function bareNode() {
  const t0 = performance.now();
  const out = execFileSync(process.execPath, ['-e', 'process.stdout.write(String(process.memoryUsage().rss/1048576))'], { encoding: 'utf8' });
  return { ms: performance.now() - t0, mb: Number(out) };
}

const own = [];
const bare = [];
for (let i = 0; i < 7; i++) {
  bare.push(bareNode());
  own.push(await startup());
}
rows.push({ what: 'initialize → tools/list, ms', ours: median(own.map((r) => r.ms)), baseline: median(bare.map((r) => r.ms)), bound: 500 });
rows.push({ what: 'initialize → tools/list, peak RSS MB', ours: median(own.map((r) => r.mb)), baseline: median(bare.map((r) => r.mb)), bound: 120 });

console.log('| measure | ours | bare node | ratio | bound |\n|---|---|---|---|---|');
for (const r of rows) console.log(`| ${r.what} | ${r.ours.toFixed(1)} | ${r.baseline.toFixed(1)} | ${(r.ours / r.baseline).toFixed(2)} | ${r.ours <= r.bound ? 'met' : 'MISSED'}: ${r.bound} |`);

// Profiles: the same file read by us and by a script of Python's standard library, one after the other.
const { database, opSummary, timeline } = await import('./generate.mjs');
const part = process.argv.includes('--quick') ? 20 : 1;
const here = (name) => new URL(name, import.meta.url).pathname;
const measure = (program, args) => JSON.parse(execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 20 }));
const ours = (path) => measure(process.execPath, [here('./ours.mjs'), path, dist]);
const python = (kind, path) => measure('python3', [here('./baseline.py'), kind, path]);
const files = [
  { name: 'op_summary_1.csv', kind: 'csv', faster: 30, smaller: 15, count: 2_000_000, tenth: true, make: opSummary },
  { name: 'msprof_1.json', kind: 'timeline', faster: 5, smaller: 4, count: 3_000_000, tenth: true, make: (path, n) => timeline(path, n, false) },
  { name: 'msprof_2.json', kind: 'timeline', faster: 5, smaller: 4, count: 3_000_000, tenth: false, make: (path, n) => timeline(path, n, true) },
  // The whole profile out of the database, against one SQL query over the same join.
  { name: 'msprof_1.db', kind: 'db', faster: 0.25, smaller: null, count: 2_000_000, tenth: false, make: database },
];
console.log('\n| file | ours s | Python s | faster | goal | ours MB | Python MB | smaller | goal |\n|---|---|---|---|---|---|---|---|---|');
const growth = [];
for (const file of files) {
  const path = join(dir, file.name);
  await file.make(path, file.count / part);
  const [own, other] = [ours(path), python(file.kind, path)];
  rmSync(path);
  console.log(`| ${file.name} | ${own.seconds.toFixed(2)} | ${other.seconds.toFixed(2)} | ${(other.seconds / own.seconds).toFixed(2)} | ${file.faster} | ${own.mb.toFixed(0)} | ${other.mb.toFixed(0)} | ${file.smaller === null ? '' : (other.mb / own.mb).toFixed(1)} | ${file.smaller ?? ''} |`);
  if (!file.tenth) continue;
  await file.make(path, file.count / part / 10);
  growth.push({ name: file.name, small: ours(path).seconds, large: own.seconds });
  rmSync(path);
}
console.log('\n| ten times the rows of | s | s | ratio | bound |\n|---|---|---|---|---|');
for (const { name, small, large } of growth) console.log(`| ${name} | ${small.toFixed(2)} | ${large.toFixed(2)} | ${(large / small).toFixed(1)} | 11 |`);
rmSync(dir, { recursive: true, force: true });
process.exitCode = rows.every((r) => r.ours <= r.bound) ? 0 : 1;
