// Speed and memory of whole processes, each against a baseline in the same run. Prints one Markdown table on stdout, what it does on
// stderr. A goal that was missed is printed and changes no exit code. Options: --quick (a twentieth of the size), --only=NAME,NAME,
// --dist=FOLDER (another build).
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rowsOf } from './rows.mjs';
import { line, markdown } from './table.mjs';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, dist: { type: 'string' } } });
const dist = values.dist === undefined ? new URL('../../dist', import.meta.url).pathname : resolve(values.dist);
const note = (text) => void process.stderr.write(`${text}\n`);

const dir = mkdtempSync(join(tmpdir(), 'xllm-npu-bench-'));
try {
  const part = values.quick ? 20 : 1;
  const names = Object.keys(rowsOf({ dist, dir, part, note }));
  const wanted = values.only === undefined ? names : values.only.split(',');
  const unknown = wanted.filter((n) => !names.includes(n));
  if (unknown.length > 0) {
    note(`no measure ${unknown.join(', ')}; there are ${names.join(', ')}`);
    process.exitCode = 2;
  } else {
    const rows = [];
    const load = () => loadavg()[0].toFixed(1);
    const before = load();
    for (const name of wanted) {
      const own = join(dir, name);
      mkdirSync(own);
      const begin = performance.now();
      try {
        const measured = await rowsOf({ dist, dir: own, part, note })[name]();
        for (const row of measured) note(line(row));
        rows.push(...measured);
      } catch (error) {
        note(error instanceof Error ? error.message : String(error));
        rows.push({ what: name, ours: 'not measured: failed', baseline: '', ratio: null, goal: '', met: null });
      }
      note(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s in all`);
      // The files of one measure can have some GB.
      rmSync(own, { recursive: true, force: true });
    }
    console.log(markdown(rows));
    // Other work on the same cores changes between the two sides of a row: its seconds are then worth little.
    console.log(`\n${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.versions.node}${values.quick ? ', --quick' : ''}; load average ${before} before, ${load()} after.`);
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}
