import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const dir = await tempFolder();
const main = join(dir, 'package/dist/main.js');
let listed: string[] = [];

async function call(tool: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await run(process.execPath, [main, '--runs-dir', join(dir, 'runs'), 'call', tool, JSON.stringify(args)], { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir } }).catch((e: { stdout: string }) => e);
  return JSON.parse(answer.stdout) as Record<string, unknown>;
}

/** The tarball as npm would publish it, unpacked beside the dependencies of the checkout: no registry is asked. */
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as { filename: string; files: { path: string }[] }[];
  listed = (packed?.files ?? []).map((f) => f.path);
  await run('tar', ['-xzf', join(dir, packed?.filename ?? '')], { cwd: dir });
  await symlink(join(root, 'node_modules'), join(dir, 'package/node_modules'));
}, 120_000);

describe('the packed tarball', () => {
  it('holds the built code, skills, schemas, prompts, rules and manifests, and no sources, tests or machine files', () => {
    for (const path of ['dist/main.js', 'skills/xllm-npu-profiler/SKILL.md', 'schemas/perf-metrics.schema.json', 'dist/data/rules.json', 'dist/data/catalogue.json', 'dist/data/validators/perf-metrics.cjs', '.claude-plugin/plugin.json', '.codex-plugin/plugin.json', '.opencode/plugins/xllm-npu-workflow.js', 'server.json', 'README.md', 'LICENSE']) expect(listed).toContain(path);
    expect(listed.filter((p) => /^(?:test|scripts|node_modules|runs|\.ci)\//.test(p) || (p.endsWith('.ts') && !p.endsWith('.d.ts')))).toEqual([]);
  });
  it('starts and lists every tool', async () => {
    const here = JSON.parse((await run(process.execPath, [join(root, 'dist/main.js'), 'tools', '--json'], { maxBuffer: 1e8 })).stdout) as { name: string }[];
    const there = JSON.parse((await run(process.execPath, [main, 'tools', '--json'], { cwd: dir, maxBuffer: 1e8 })).stdout) as { name: string }[];
    expect(there.map((t) => t.name)).toEqual(here.map((t) => t.name));
  });
  it('finds its rules, its catalogue and its lessons from where it lies', async () => {
    await mkdir(join(dir, 'in'), { recursive: true });
    await writeFile(join(dir, 'in/x.diff'), 'diff --git a/xllm/core/layers/a.cpp b/xllm/core/layers/a.cpp\n--- a/xllm/core/layers/a.cpp\n+++ b/xllm/core/layers/a.cpp\n@@ -0,0 +1 @@\n+  x.cpu();\n');
    expect(await call('review_diff', { diff_path: join(dir, 'in/x.diff') })).toMatchObject({ verdict: 'findings', findings: [{ rule: 'G02' }] });
    expect(await call('history_search', { query: 'mtp' })).toMatchObject({ verdict: 'found' });
    const triage = await call('incident_triage', { text: '[ERROR] HCCL(1,python):2026-01-01-00:00:00.000.000 [x.cc:1] nothing known' });
    expect(triage['error']).toBeUndefined();
  });
});
