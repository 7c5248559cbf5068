import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, type ReviewDiffFacts, type ToolFailed, type ToolOk } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Registry } from '../../server/mcp/registry.js';
import { review } from '../../server/review/analyze/analyze.js';
import { reviewDerivations } from '../../server/review/derive.js';
import { cleaned } from '../../server/review/read/clean.js';
import { parseDiff } from '../../server/review/read/diff.js';
import { ruleBook } from '../../server/review/rules.js';
import { sarif } from '../../server/review/sarif.js';
import { reviewDiff } from '../../server/review/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { cleanDiff, diffOf, type FilePart } from '../generate/diffs.js';
import { tempFolder, testContext } from '../helpers/temp.js';
import { cases } from './cases.js';

const book = await ruleBook();
const rulesOf = (parts: readonly FilePart[]): string[] => review(diffOf(parts), book, null).findings.map((f) => f.rule ?? '');
const part = (id: string, which: 'fire' | 'silent'): FilePart => {
  const c = cases[id];
  if (c === undefined) throw new Error(id);
  const fresh = ['B02', 'B04'].includes(id) ? ('new' as const) : id === 'B01' ? ('submodule' as const) : ('changed' as const);
  return { path: c.path, lines: c[which], kind: fresh, ...(c.around === undefined ? {} : { around: c.around }) };
};
/** What stands beside a file so that only the rule under test decides. */
function beside(id: string, which: 'fire' | 'silent'): FilePart[] {
  if (id === 'B01') return which === 'fire' ? [{ path: 'xllm/core/common/y.h', lines: ['int32_t y();'] }] : [];
  if (id === 'B02') return [{ path: 'xllm/core/kernels/npu/CMakeLists.txt', lines: [which === 'fire' ? '    other.cpp' : '    fresh.cpp'] }];
  return id === 'B09' ? [] : [{ path: 'tests/x_test.cpp', lines: ['  EXPECT_TRUE(ok);'] }];
}

describe('rules', () => {
  it('there is a case for every deterministic rule, and a rule for every case', () => {
    expect(Object.keys(cases).sort()).toEqual(book.rules.map((r) => r.rule.id).sort());
    expect(new Set(book.rules.map((r) => r.rule.id)).size).toBe(book.rules.length);
  });
  it.each(Object.keys(cases))('%s fires where it must, and not where it must not', (id) => {
    expect(rulesOf([part(id, 'fire'), ...beside(id, 'fire')]), 'fire').toContain(id);
    expect(rulesOf([part(id, 'silent'), ...beside(id, 'silent')]), 'silent').not.toContain(id);
  });
  it('each points at the line that was added', () => {
    const { findings } = review(diffOf([{ path: 'xllm/core/layers/a.cpp', around: 'one\ntwo\n@@\nthree', lines: ['  x.cpu();', '  y.item<int>();'] }]), book, null);
    expect(findings.map((f) => [f.rule, f.file, f.line])).toEqual([['G01', 'xllm/core/layers/a.cpp', 4], ['G02', 'xllm/core/layers/a.cpp', 3]]);
    expect(findings[1]?.evidence[0]?.detail).toBe('x.cpu();');
  });
  it('context and removed lines, other devices, third-party code and comments are left alone', () => {
    expect(rulesOf([{ path: 'xllm/core/layers/a.cpp', around: '  x.cpu();\n@@', lines: ['  y();'] }])).toEqual([]);
    for (const path of ['third_party/core/layers/a.cpp', 'xllm/core/kernels/cuda/kernels/npu/../a.cpp']) expect(rulesOf([{ path, lines: ['  x.cpu();'] }]), path).toEqual([]);
    expect(rulesOf([{ path: 'xllm/core/layers/a.cpp', lines: ['  /* x.cpu(); */', '  // y.item()', '  const char* s = ".item()";'] }])).toEqual([]);
    expect(review('--- a/xllm/core/layers/a.cpp\n+++ b/xllm/core/layers/a.cpp\n@@ -1,2 +1,1 @@\n-  x.cpu();\n y();\n', book, null).findings).toEqual([]);
  });
  it('a block is seen by its header, not by words nearby', () => {
    const path = 'xllm/core/distributed_runtime/x.cpp';
    expect(rulesOf([{ path, around: '  if (rank_ == 0) {\n    log();\n  }\n@@', lines: ['  all_reduce(x);'] }])).toEqual([]);
    expect(rulesOf([{ path, lines: ['  if (rank_ == 0) { all_reduce(x); }'] }])).toContain('H02');
    expect(rulesOf([{ path, around: '  if (rank_ == 0) {\n    for (auto& t : list) {\n@@\n    }\n  }', lines: ['      all_gather(t);'] }])).toContain('H02');
  });
  it('clean diffs: at most one finding per 200 added lines', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const body = review(cleanDiff(seed, 2000), book, null);
      expect(body.lines_added).toBeGreaterThanOrEqual(2000);
      expect(body.findings.length, body.findings.slice(0, 3).map((f) => `${f.rule ?? ''} ${f.evidence[0]?.detail ?? ''}`).join(' | ')).toBeLessThanOrEqual(body.lines_added / 200);
    }
  });
});

describe('suppression', () => {
  const path = 'xllm/core/layers/a.cpp';
  it('a reason on the line or above it suppresses that rule only', () => {
    for (const lines of [['  x.cpu();  // npu-review: ignore G02 once at start-up'], ['  // npu-review: ignore G02 once at start-up', '  x.cpu();']]) {
      const body = review(diffOf([{ path, lines }]), book, null);
      expect(body.findings).toEqual([]);
      expect(body.suppressed).toMatchObject([{ rule: 'G02', file: path, reason: 'once at start-up' }]);
    }
    expect(rulesOf([{ path, lines: ['  // npu-review: ignore G01 once at start-up', '  x.cpu();'] }])).toEqual(['G02']);
  });
  it('without a reason the finding stays', () => {
    expect(rulesOf([{ path, lines: ['  x.cpu();  // npu-review: ignore G02'] }])).toEqual(['G02']);
  });
});

describe('reading diffs', () => {
  it('counts of the hunk header decide: added lines that look like headers are lines', () => {
    const [file, ...others] = parseDiff(diffOf([{ path: 'a.md', lines: ['++ b/evil.cpp', '-- a/x', '@@ -1 +1 @@'] }]));
    expect(others).toEqual([]);
    expect(file).toMatchObject({ path: 'a.md', added: 3 });
  });
  it('renames, binary, deleted, quoted, CRLF and files without a last newline', () => {
    const text = [
      'diff --git a/old.cpp b/new.cpp', 'similarity index 100%', 'rename from old.cpp', 'rename to new.cpp', 'diff --git a/w.bin b/w.bin', 'Binary files a/w.bin and b/w.bin differ',
      'diff --git a/gone.cpp b/gone.cpp', 'deleted file mode 100644', '--- a/gone.cpp', '+++ /dev/null', '@@ -1 +0,0 @@', '-x', 'diff --git "a/s p.cpp" "b/s p.cpp"', '--- "a/s p.cpp"', '+++ "b/s p.cpp"', '@@ -0,0 +1 @@', '+x', '\\ No newline at end of file',
    ].join('\r\n');
    expect(parseDiff(text).map((f) => [f.path, f.kind, f.added, f.removed])).toEqual([['new.cpp', 'changed', 0, 0], ['w.bin', 'binary', 0, 0], ['gone.cpp', 'deleted', 0, 1], ['s p.cpp', 'changed', 1, 0]]);
  });
  it('agrees with git on files and lines of a real repository', async () => {
    const dir = await repository();
    const text = execFileSync('git', ['-C', dir, 'diff', 'HEAD~1'], { encoding: 'utf8' });
    const numstat = execFileSync('git', ['-C', dir, 'diff', '--numstat', 'HEAD~1'], { encoding: 'utf8' }).trim().split('\n').map((l) => l.split('\t'));
    expect(parseDiff(text).map((f) => [String(f.added), String(f.removed), f.path])).toEqual(numstat);
  });
  it('strings and comments are blanked, columns stay', () => {
    expect(cleaned(['a("x.cpu()"); // y', '/* b', 'c */ d', "n = 1'000;"], 'cpp')).toEqual(['a("       ");     ', '    ', '     d', "n = 1'000;"]);
    expect(cleaned(['x = """a', 'b.item()', '""" + c  # d'], 'python').map((l) => l.trim())).toEqual(['x =', '', '+ c']);
  });
});

const dir = await tempFolder();
const ctx = testContext(dir);
const registry = new Registry([reviewDiff], (line) => console.error(line));
let n = 0;
async function repository(): Promise<string> {
  const repo = join(dir, `repo-${String((n += 1))}`);
  await mkdir(join(repo, 'xllm/core/layers'), { recursive: true });
  const git = (...args: string[]): string => execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  await writeFile(join(repo, 'xllm/core/layers/a.cpp'), 'void f() {\n  one();\n  two();\n}\n');
  git('add', '.');
  git('commit', '-qm', 'feat: first.');
  await writeFile(join(repo, 'xllm/core/layers/a.cpp'), 'void f() {\n  one();\n  x.cpu();\n}\n');
  await writeFile(join(repo, 'b.md'), 'x\ny\n');
  git('add', '.');
  git('commit', '-qm', 'feat: second.');
  return repo;
}
async function call(args: Record<string, unknown>): Promise<ToolOk & { facts: ReviewDiffFacts }> {
  const answer = await registry.call('review_diff', args, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as ToolOk & { facts: ReviewDiffFacts };
}
const fail = async (args: Record<string, unknown>): Promise<ToolFailed['error']> => ((await registry.call('review_diff', args, ctx)).structured as ToolFailed).error;

describe('review_diff', () => {
  it('a repository: finding, question, SARIF, and the same bytes again', async () => {
    const repo = await repository();
    const answer = await call({ repo, base: 'HEAD~1', head: 'HEAD' });
    expect(answer).toMatchObject({ verdict: 'findings', facts: { repository_kind: 'xllm', files_changed: 2, lines_added: 3, counts: { high: 0, medium: 1, low: 0 } } });
    expect(answer.findings).toMatchObject([{ rule: 'G02', file: 'xllm/core/layers/a.cpp', line: 3 }]);
    const file = answer.artifacts.find((a) => a.kind === 'sarif')?.path ?? '';
    const log = JSON.parse(await readFile(file, 'utf8')) as { version: string; runs: { results: { ruleId: string; level: string; locations: { physicalLocation: { region: { startLine: number } } }[] }[] }[] };
    expect(log.version).toBe('2.1.0');
    expect(log.runs[0]?.results[0]).toMatchObject({ ruleId: 'G02', level: 'warning', locations: [{ physicalLocation: { region: { startLine: 3 } } }] });
    const run = await new Runs(openHost(ctx.config)).open(answer.facts.run);
    expect((await verifyRun(run, openHost(ctx.config), reviewDerivations)).facts.recomputed_equal).toBe(true);
    await writeFile(join(repo, 'xllm/core/layers/a.cpp'), 'void f() {\n  y.item<int>();\n}\n');
    expect((await call({ repo, base: 'HEAD' })).findings.map((f) => f.rule)).toEqual(['G01']);
  });
  it('a diff file: a key in it is found and kept nowhere', async () => {
    const key = `sk-${'a1B2'.repeat(8)}`;
    await writeFile(join(dir, 'k.diff'), diffOf([{ path: 'scripts/run.sh', lines: [`export KEY=${key}`] }]));
    const answer = await call({ diff_path: join(dir, 'k.diff') });
    expect(answer.findings.map((f) => f.rule)).toContain('B10');
    for (const artifact of answer.artifacts) expect(await readFile(artifact.path, 'utf8')).not.toContain(key);
    expect(JSON.stringify(answer)).not.toContain(key);
  });
  it('SARIF has what its schema requires, and names with marks of a URI stay names', () => {
    const body = review(diffOf([{ path: 'xllm/core/layers/a#b?c d.cpp', lines: ['  x.cpu();'] }, ...Object.keys(cases).map((id) => part(id, 'fire'))]), book, null);
    const log = JSON.parse(sarif(body, book)) as { version: string; runs: { tool: { driver: { name: string; rules: { id: string }[] } }; results: { ruleId: string; level: string; message: { text: string }; locations: { physicalLocation: { artifactLocation: { uri: string }; region?: { startLine: number } } }[] }[] }[] };
    // Required by sarif-schema-2.1.0: version, runs; tool.driver.name; message; unique rule ids; startLine from 1; a level of the list.
    expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: expect.stringMatching(/./) } } }] });
    const [run] = log.runs;
    const ids = run?.tool.driver.rules.map((r) => r.id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    expect(run?.results).toHaveLength(body.findings.length);
    for (const r of run?.results ?? []) {
      expect(ids).toContain(r.ruleId);
      expect(['none', 'note', 'warning', 'error']).toContain(r.level);
      expect(r.message.text).not.toBe('');
      const { artifactLocation, region } = r.locations[0]!.physicalLocation;
      const url = new URL(artifactLocation.uri, 'file:///root/');
      expect([url.search, url.hash]).toEqual(['', '']);
      expect(body.findings.map((f) => f.file)).toContain(decodeURIComponent(url.pathname.slice('/root/'.length)));
      if (region !== undefined) expect(region.startLine).toBeGreaterThanOrEqual(1);
    }
  });
  it('nothing to look at is inconclusive, not clean', async () => {
    await writeFile(join(dir, 'bin.diff'), 'diff --git a/w.bin b/w.bin\nBinary files a/w.bin and b/w.bin differ\n');
    expect((await call({ diff_path: join(dir, 'bin.diff') })).verdict).toBe('inconclusive');
  });
  it('wrong input gets its code', async () => {
    const repo = await repository();
    await writeFile(join(dir, 'empty.diff'), '');
    await writeFile(join(dir, 'text.diff'), 'hello\n');
    expect((await fail({})).code).toBe('E_ARG_CONFLICT');
    expect((await fail({ diff_path: join(dir, 'k.diff'), repo })).code).toBe('E_ARG_CONFLICT');
    expect((await fail({ diff_path: join(dir, 'empty.diff') })).code).toBe('E_FILE_EMPTY');
    expect((await fail({ diff_path: join(dir, 'text.diff') })).code).toBe('E_FORMAT_UNKNOWN');
    expect((await fail({ diff_path: '/etc/passwd' })).code).toBe('E_PATH_OUTSIDE');
    for (const base of ['--output=/tmp/x', 'nope', 'HEAD..HEAD']) expect((await fail({ repo, base })).code, base).toBe('E_ARG_TYPE');
    expect((await fail({ repo, base: 'HEAD', head: 'HEAD' })).code).toBe('E_FILE_EMPTY');
    expect((await fail({ diff_path: join(dir, 'bin.diff'), focus: 'nothing at all' })).code).toBe('E_ARG_TYPE');
  });
  it('rules of the package pass their own schema', () => {
    for (const { rule } of book.rules) expect(check('review-rule', rule)).toMatchObject({ ok: true });
    expect(book.questions.length).toBeGreaterThanOrEqual(35);
  });
});
