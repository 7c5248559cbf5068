import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { runTools } from '../../server/loop/tools.js';
import { Registry } from '../../server/mcp/registry.js';
import { report, type Wanted } from '../../server/report/write.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { hostile, point, put, richRun } from '../generate/report-run.js';
import { tempFolder, testContext, testHost } from '../helpers/temp.js';

const sh = promisify(execFile);
const by = { tool: 'test', input: {} };
const dir = await tempFolder();
const host = testHost(dir);
const rich = await richRun(host);

const fresh = (): Promise<Run> => new Runs(host).create({ purpose: 'notes', level: 'quick' }, by);
async function notes(run: Run, language: Wanted['language'] = 'en'): Promise<string> {
  return (await report(run, { format: 'pr', language })).find((f) => f.path === 'pr_notes.md')?.text ?? '';
}
/** The part of the notes under question n. */
const under = (text: string, n: number): string => text.split(/^## /m).find((s) => s.startsWith(`${String(n)}. `)) ?? '';

describe('pr_notes.md', () => {
  it('answers all seven questions of a run that holds the evidence, with the recorded values', async () => {
    const text = await notes(rich);
    expect(text.split('\n')[2]).toBe('All seven questions are answered.');
    expect(under(text, 1)).toContain(`| model.tokenizer_sha256 | ${'b'.repeat(64)} | captured |`);
    expect(under(text, 2)).toContain("xllm --model /models/Qwen3-8B --note 'it'\\''s $HOME'");
    expect(under(text, 2)).toContain('evalscope eval --datasets gsm8k');
    expect(under(text, 3)).toContain('16 of 16 measured points have request warm-up; 0 failed requests');
    expect(under(text, 4)).toContain('do not overlap');
    expect(under(text, 5)).toContain('| L4 (one-task) | measured | 82.4 | 78.8 | 85.5 | 500 | 88 |');
    expect(under(text, 6)).toContain('| 1 | enable_graph=true | gain | -12 |');
    expect(under(text, 6)).toContain('F-TAIL (caution)');
    expect(under(text, 7)).toContain('comparison/001/report.json');
  });

  it('of an empty run answers nothing and names what each question lacks', async () => {
    const text = await notes(await fresh());
    expect(text.split('\n')[2]).toBe('0 of seven questions are answered; open: 1, 2, 3, 4, 5, 6, 7.');
    for (const n of [1, 2, 3, 4, 5]) expect(under(text, n)).toContain('*this run can not say*');
    expect(under(text, 1)).toMatch(/Missing: model\.name; model\.tokenizer_sha256; model\.dtype; environment\.chip; environment\.devices; code\.commit/);
    expect(under(text, 3)).toContain('no benchmark in this run; env_probe of phase before');
    expect(under(text, 5)).toContain('accuracy_start');
  });

  it.each([
    ['over it', '2026-01-01T00:10:59.000Z', '2026-01-01T00:12:00.000Z', 'A capture overlaps a measured window'],
    ['after it', '2026-01-01T00:11:00.000Z', '2026-01-01T00:12:00.000Z', 'do not overlap'],
    ['at an unknown time', null, null, 'can not be excluded'],
  ])('a capture beside the measured window 00:10 to 00:11, %s', async (_, from, to, said) => {
    const run = await fresh();
    await run.updateManifest(by, 'captured', { service: { profiling_mode: false } });
    await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: [point()] });
    await put(run, 'profiling/001/capture.json', 'capture-record', { attached_at: from, detached_at: to });
    expect(under(await notes(run), 4)).toContain(said);
  });

  it('counts points without warm-up and failed requests', async () => {
    const run = await fresh();
    await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: [point({ warmup: 0 }), point({ id: 'q', failed: 3 })] });
    expect(under(await notes(run), 3)).toContain('1 of 2 measured points have request warm-up; 3 failed requests');
  });

  it('an artifact edited after it was written answers nothing and is named', async () => {
    const run = await fresh();
    await put(run, 'accuracy/001/score.json', 'accuracy-score', { level: 'L2', scope: 'smoke', score_pct: 61.5, items: 40 });
    expect(under(await notes(run), 5)).toContain('61.5');
    const path = join(run.dir, 'accuracy/001/score.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('61.5', '91.5'));
    const text = await notes(run);
    expect(text).not.toContain('91.5');
    expect(under(text, 5)).toContain('*this run can not say*');
    expect(under(text, 7)).toContain('accuracy/001/score.json (changed after it was written)');
  });

  it('in Chinese has the same numbers and open questions', async () => {
    const [en, zh] = [await notes(rich), await notes(rich, 'zh')];
    expect(zh).toContain('七个问题均已回答。');
    expect(under(zh, 5)).toContain('| 82.4 | 78.8 | 85.5 | 500 | 88 |');
    expect(zh.match(/[0-9a-f]{64}/g)).toEqual(en.match(/[0-9a-f]{64}/g));
  });
});

describe('replay.sh', () => {
  it('lists its steps and starts nothing; a step gets exactly the arguments that were recorded', async () => {
    const run = rich;
    await run.writeRaw(by, [{ path: 'perf/bench-009/p/raw/pass.json', kind: 'bench-pass', text: JSON.stringify({ command: ['evalscope', 'perf', hostile, 'two\nlines'] }) }]);
    await run.writeReport(by, await report(run, { format: 'pr', language: 'en' }));
    const bin = join(dir, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'evalscope'), '#!/bin/sh\nprintf "%s\\0" "$@"\n');
    await chmod(join(bin, 'evalscope'), 0o755);
    const options = { cwd: dir, env: { PATH: `${bin}:/usr/bin:/bin` } };
    const before = await readdir(dir);
    const listed = (await sh('sh', [join(run.dir, 'replay.sh')], options)).stdout.trim().split('\n').map((l) => l.split('\t')[0] ?? '');
    expect(listed).toContain('verify');
    expect(listed).toContain('service-1');
    expect(listed.filter((s) => s.startsWith('bench-'))).toHaveLength(17);
    expect(listed).toContain('analysis-2');
    expect((await sh('sh', [join(run.dir, 'replay.sh'), 'accuracy-1', 'accuracy-1'], options)).stdout).toBe('eval\0--datasets\0gsm8k\0'.repeat(2));
    expect((await sh('sh', [join(run.dir, 'replay.sh'), 'bench-17'], options)).stdout.split('\0').slice(0, -1)).toEqual(['perf', hostile, 'two\nlines']);
    await expect(sh('sh', [join(run.dir, 'replay.sh'), 'bench-99'], options)).rejects.toMatchObject({ code: 2 });
    expect(await readdir(dir)).toEqual(before);
  });
});

describe('run_report', () => {
  it('writes every format without one, the one asked for else; again gives the same bytes; what is open comes as warnings', async () => {
    const registry = new Registry(runTools({ derivations: () => Promise.resolve({}), report }), () => undefined);
    const run = await fresh();
    const call = async (args: Record<string, unknown>): Promise<any> => (await registry.call('run_report', { run: run.id, ...args }, testContext(dir))).structured;
    const names = async (args: Record<string, unknown>): Promise<string[]> => (await call(args)).facts.files.map((f: string) => f.slice(run.dir.length + 1));
    expect(await names({})).toEqual(['summary.md', 'report.html', 'pr_notes.md', 'replay.sh']);
    const first = await Promise.all(['summary.md', 'report.html', 'pr_notes.md', 'replay.sh'].map((f) => readFile(join(run.dir, f), 'utf8')));
    await call({});
    expect(await Promise.all(['summary.md', 'report.html', 'pr_notes.md', 'replay.sh'].map((f) => readFile(join(run.dir, f), 'utf8')))).toEqual(first);
    expect(await names({ format: 'pr', language: 'zh' })).toEqual(['pr_notes.md', 'replay.sh']);
    expect(await readFile(join(run.dir, 'pr_notes.md'), 'utf8')).toContain('本 run 无法回答');
    expect((await call({ format: 'pr' })).warnings.map((x: { code: string }) => x.code)).toEqual(Array(7).fill('W-UNANSWERED'));
    const tool = registry.list().find((t) => t.name === 'run_report');
    expect(Math.ceil(((tool?.name ?? '') + (tool?.description ?? '') + JSON.stringify(tool?.inputSchema)).length / 4)).toBeLessThanOrEqual(95);
  });

  it('what is written is what was made: none of our own words is taken for a secret', async () => {
    const run = rich;
    const files = await report(run, { format: null, language: 'en' });
    await run.writeReport(by, files);
    for (const file of files) expect(await readFile(join(run.dir, file.path), 'utf8'), file.path).toBe(file.text);
  });

  it('a secret in a command never shows', async () => {
    const run = await fresh();
    await run.writeRaw(by, [{ path: 'perf/bench-009/p/raw/pass.json', kind: 'bench-pass', text: JSON.stringify({ command: ['evalscope', '--api-key', 'sk-abcdefghijklmnop1234'] }) }]);
    for (const file of await report(run, { format: null, language: 'en' })) expect(file.text, file.path).not.toContain('sk-abcdefghij');
  });
});
