// Reads plogs in 16 files with incident triage and with `grep -E` of ten of its patterns, in the same run. Prints seconds, their ratio
// and peak RSS. Arguments: total MB (default 2048), folder of the compiled server (default ../../dist).
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const [mode, ...rest] = process.argv.slice(2);

if (mode === 'ours') {
  const [folder, dist] = rest;
  const load = (path) => import(new URL(path, dist).href);
  const [{ catalogue }, { Extraction }, { openLog }, { reportOf }] = await Promise.all(['catalogue', 'extract', 'gather', 'report'].map((f) => load(`incident/${f}.js`)));
  const begin = performance.now();
  const known = await catalogue();
  const extraction = new Extraction(known, '2026-11-24T00:00:00.000Z');
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    await extraction.add(await openLog({ real: path, shown: path }, null, new AbortController().signal));
  }
  const body = reportOf(extraction.finish(), known);
  console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000, mb: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024, lines: body.input.lines, primary: `${body.primary?.id} rank ${body.primary?.origin.rank} line ${body.primary?.origin.line}` }));
} else {
  const total = Number(mode ?? 2048) * 1024 * 1024;
  const dist = new URL(`${rest[0] ?? '../../dist'}/`, import.meta.url).href;
  const folder = mkdtempSync(join(tmpdir(), 'incident-bench-'));
  try {
    for (let rank = 0; rank < 16; rank += 1) {
      const pid = 5000 + rank;
      const line = (level, module, second, text) => `[${level}] ${module}(${pid},python3):2026-08-05-03:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}.123.456 [source_file.cc:${100 + (second % 900)}]${pid} ${text}\n`;
      let block = line('INFO', 'HCCL', 0, `[HCCL_TRACE]SetupAgent rankNum[16], rank[${rank}], rootInfo identifier[g_1], server[10.0.0.1%eth0], logicDevId[${rank}], phydevId[${rank}]`);
      for (let i = 0; block.length < 1024 * 1024; i += 1) block += i % 40 === 0 ? line('ERROR', 'RUNTIME', i % 3600, `Unknown wording number ${i}: retry of the stream, value 0x${(i * 2654435761 >>> 0).toString(16)}`) : line(i % 3 === 0 ? 'EVENT' : 'INFO', ['RUNTIME', 'HCCL', 'GE', 'ASCENDCL'][i % 4], i % 3600, `StreamSynchronize: task_id=${i}, stream_id=${i % 64}, sq_id=${i % 32}, count[${i * 7}], time cost ${i % 977} us, src[0x12c0c0013000], dst[0x12c0c0014000]`);
      const file = openSync(join(folder, `plog-${pid}_20260805030000000.log`), 'w');
      for (let written = 0; written < total / 16; written += block.length) writeSync(file, block);
      writeSync(file, rank === 11 ? line('ERROR', 'RUNTIME', 3599, 'rtStreamSynchronize:ErrCode=507035, desc=[vector core exception], InnerCode=0x715005e') : line('ERROR', 'RUNTIME', 3599, 'rtStreamSynchronize:ErrCode=507057, desc=[suspect remote error], InnerCode=0x7150063'));
      closeSync(file);
    }
    const patterns = ['EI0002|[Nn]otify wait timeout|Notify register has not received', 'EL0004|halMemAlloc.*fail', '\\b507015\\b|aicore exception', '\\b507035\\b|vector core exception', '\\b507057\\b|SUSPECT REMOTE ERROR', 'EJ0003|listen on ip.*and specific port.*fail', 'NPU out of memory\\. Tried to allocate', 'cqe err(or)? status', 'Cluster Exception Location', 'EI0006|[Gg]etting socket times out'];
    const files = readdirSync(folder).map((n) => join(folder, n));
    // Both read from a warm page cache, as far as it holds the files.
    spawnSync('cat', files, { stdio: ['ignore', 'ignore', 'inherit'] });
    const begin = performance.now();
    const hits = execFileSync('grep', ['-E', '-c', patterns.join('|'), ...files], { encoding: 'utf8' }).trim().split('\n').reduce((sum, l) => sum + Number(l.split(':').at(-1)), 0);
    const grep = (performance.now() - begin) / 1000;
    const ours = JSON.parse(execFileSync(process.execPath, [self, 'ours', folder, dist], { encoding: 'utf8' }));
    console.log(JSON.stringify({ mb_read: Math.round(total / 1024 / 1024), files: 16, grep_s: Number(grep.toFixed(2)), grep_locale: process.env.LC_ALL ?? process.env.LANG ?? 'C', grep_hits: hits, ours_s: Number(ours.seconds.toFixed(2)), ratio: Number((ours.seconds / grep).toFixed(2)), ours_rss_mb: Math.round(ours.mb), lines: ours.lines, primary: ours.primary }, null, 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
