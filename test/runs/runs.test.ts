import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LessonCard } from '../../server/contract/index.js';
import { verifyRun } from '../../server/runs/verify.js';
import { Runs, type Derivations, type Derive, type Run } from '../../server/runs/runs.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: { note: 'x' } };
let dir = '';
let run: Run;

/** A derivation whose truth is plain: the sum of the numbers in a raw file, as a text and as a checked artifact. */
const sum: Derive = async (params, _host, runDir) => {
  const path = String(params['path']);
  const text = await readFile(path.startsWith('/') ? path : join(runDir, path), 'utf8');
  const total = text.split(/\s+/).filter(Boolean).reduce((a, b) => a + Number(b), 0);
  const body = {
    phase: null,
    verdict: 'unavailable',
    chips: [],
    driver_version: String(total),
    npu_smi_version: null,
    cann_version: null,
    frameworks: [],
    reasons: [],
    looked_for: [],
  };
  return { files: [{ path: 'env/sum.json', kind: 'env-snapshot', schema: 'env-snapshot', body }, { path: 'env/sum.md', kind: 'text', schema: null, body: `sum ${total}\n` }], sources: [path], simulated: false };
};
const derivations: Derivations = { sum };

beforeEach(async () => {
  dir = await tempFolder();
  const host = testHost(dir);
  run = await new Runs(host).create({ purpose: 'truth', level: 'quick' }, by);
  await run.writeRaw(by, [{ path: 'env/raw/numbers.txt', kind: 'raw', text: '1 2 39\n' }]);
  await run.writeComputed(by, { by: 'sum', params: { path: 'env/raw/numbers.txt' } }, await sum({ path: 'env/raw/numbers.txt' }, host, run.dir));
});

const verify = () => verifyRun(run, testHost(dir), derivations);

describe('a run root', () => {
  it('untouched is complete and comes out the same again', async () => {
    const { verdict, facts } = await verify();
    expect({ verdict, ...facts }).toMatchObject({ verdict: 'complete', missing: [], violations: [], hash_mismatches: [], recomputed_equal: true, recomputed: 2, unrecorded: [] });
    expect(JSON.parse(await readFile(join(run.dir, 'env/sum.json'), 'utf8'))).toMatchObject({ driver_version: '42', schema: 'env-snapshot', simulated: false, source: [{ path: 'env/raw/numbers.txt', sha256: createHash('sha256').update('1 2 39\n').digest('hex') }] });
  });

  it.each(['env/raw/numbers.txt', 'env/sum.json', 'env/sum.md', 'manifest.yaml'])('one changed byte in %s is tampered and the file is named', async (path) => {
    const bytes = await readFile(join(run.dir, path));
    bytes[bytes.length - 2] = (bytes[bytes.length - 2] ?? 0) ^ 1;
    await writeFile(join(run.dir, path), bytes);
    const { verdict, facts } = await verify();
    expect(verdict).toBe('tampered');
    expect(facts.hash_mismatches).toContain(path);
  });

  it('a computed file rewritten together with its ledger line is found by computing it again', async () => {
    const forged = 'sum 43\n';
    await writeFile(join(run.dir, 'env/sum.md'), forged);
    const lines = (await readFile(join(run.dir, 'events.jsonl'), 'utf8')).trimEnd().split('\n').map((l) => JSON.parse(l));
    let prev = '0'.repeat(64);
    for (const line of lines) {
      for (const f of line.files) if (f.path === 'env/sum.md') f.sha256 = createHash('sha256').update(forged).digest('hex');
      line.prev = prev;
      delete line.hash;
      line.hash = prev = createHash('sha256').update(JSON.stringify(line)).digest('hex');
    }
    await writeFile(join(run.dir, 'events.jsonl'), lines.map((l) => JSON.stringify(l)).join('\n') + '\n');
    await writeFile(join(run.dir, 'events.head'), `${lines.length - 1} ${prev}\n`);
    const { verdict, facts } = await verify();
    expect(facts.hash_mismatches).toEqual([]);
    expect(verdict).toBe('tampered');
    expect(facts).toMatchObject({ recomputed_equal: false, violations: [{ path: 'env/sum.md' }] });
  });

  it.each([
    ['a removed middle line', (l: string[]) => l.toSpliced(1, 1)],
    ['a removed last line', (l: string[]) => l.slice(0, -1)],
    ['swapped lines', (l: string[]) => [l[1]!, l[0]!, ...l.slice(2)]],
    ['an edited line', (l: string[]) => l.with(0, l[0]!.replace('"test"', '"best"'))],
    ['a cut line', (l: string[]) => l.with(-1, l.at(-1)!.slice(0, 40))],
  ])('%s in the ledger shows', async (_, edit) => {
    const path = join(run.dir, 'events.jsonl');
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    await writeFile(path, edit(lines).join('\n') + '\n');
    const { verdict, facts } = await verify();
    expect(verdict).toBe('tampered');
    expect(facts.violations[0]?.path).toBe('events.jsonl');
  });

  it('a lost raw file is incomplete, an unknown file is listed', async () => {
    await rm(join(run.dir, 'env/sum.md'));
    await writeFile(join(run.dir, 'env/extra.txt'), 'x');
    const { facts } = await verifyRun(run, testHost(dir), null);
    expect(facts).toMatchObject({ missing: ['env/sum.md'], unrecorded: ['env/extra.txt'] });
  });

  it('computed by another version is inconclusive, not wrong', async () => {
    const { verdict, notes } = await verifyRun(run, testHost(dir), {});
    expect(verdict).toBe('inconclusive');
    expect(notes).toHaveLength(1);
  });

  it('raw evidence is written once', async () => {
    await expect(run.writeRaw(by, [{ path: 'env/raw/numbers.txt', kind: 'raw', text: '9' }])).rejects.toMatchObject({ code: 'E_ARTIFACT_EXISTS' });
    expect(await readFile(join(run.dir, 'env/raw/numbers.txt'), 'utf8')).toBe('1 2 39\n');
  });

  it('an artifact that breaks its schema is not written, nor its neighbours', async () => {
    const before = await readFile(join(run.dir, 'events.jsonl'), 'utf8');
    const bad = { files: [{ path: 'env/ok.md', kind: 'text', schema: null, body: 'ok' }, { path: 'env/bad.json', kind: 'env-snapshot', schema: 'env-snapshot' as const, body: { phase: 'later' } }], sources: [], simulated: false };
    await expect(run.writeComputed(by, { by: 'x', params: {} }, bad)).rejects.toMatchObject({ code: 'E_ARTIFACT_INVALID' });
    await expect(readFile(join(run.dir, 'env/ok.md'))).rejects.toThrow();
    expect(await readFile(join(run.dir, 'events.jsonl'), 'utf8')).toBe(before);
  });

  it('raw evidence outside the run root is hashed where it lies', async () => {
    const outside = join(dir, 'elsewhere.txt');
    await writeFile(outside, '40 2');
    await run.writeComputed(by, { by: 'sum', params: { path: outside } }, await sum({ path: outside }, testHost(dir), run.dir));
    expect((await verify()).verdict).toBe('complete');
    await appendFile(outside, ' 1');
    const { verdict, facts } = await verify();
    expect(verdict).toBe('tampered');
    expect(facts.hash_mismatches).toEqual([outside]);
  });

  it('a symlink inside the run root is no way out', async () => {
    await mkdir(join(dir, 'out'));
    await symlink(join(dir, 'out'), join(run.dir, 'perf'));
    await expect(run.writeRaw(by, [{ path: 'perf/x.txt', kind: 'raw', text: 'x' }])).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
  });

  it('a source that says it is simulated marks artifact and manifest', async () => {
    const derived = { ...(await sum({ path: 'env/raw/numbers.txt' }, testHost(dir), run.dir)), simulated: true };
    await run.writeComputed(by, { by: 'sum', params: { path: 'env/raw/numbers.txt' } }, derived);
    expect((await run.manifest()).simulated).toBe(true);
    expect(JSON.parse(await readFile(join(run.dir, 'env/sum.json'), 'utf8')).simulated).toBe(true);
  });
});

describe('the manifest', () => {
  it('marks each field captured or stated', async () => {
    await run.updateManifest(by, 'stated', { code: { commit: 'abcdef1' } });
    await run.updateManifest({ tool: 'env_probe', input: {} }, 'captured', { environment: { chip: 'Ascend910B3', devices: [0, 1] } });
    const manifest = await run.manifest();
    expect(manifest.provenance['code.commit']).toMatchObject({ how: 'stated', by: 'test' });
    expect(manifest.provenance['environment.devices']).toMatchObject({ how: 'captured', by: 'env_probe' });
    expect((await verify()).verdict).toBe('complete');
  });
  it('refuses a field that is none', async () => {
    const patch = { code: { comit: 'abcdef1' } } as object;
    await expect(run.updateManifest(by, 'stated', patch)).rejects.toMatchObject({ code: 'E_ARTIFACT_INVALID' });
  });
  it('empty, or not YAML, or of another shape: each says so', async () => {
    const path = join(run.dir, 'manifest.yaml');
    for (const [text, code] of [['', 'E_MANIFEST_EMPTY'], ['a: [1', 'E_MANIFEST_BROKEN'], ['schema: run-manifest\n', 'E_MANIFEST_BROKEN']] as const) {
      await writeFile(path, text);
      await expect(run.manifest()).rejects.toMatchObject({ code });
    }
    expect((await verify()).verdict).toBe('tampered');
  });
  it('survives ten writers at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => run.updateManifest(by, 'stated', { notes: [`note ${i}`] })));
    expect(new Set((await run.manifest()).notes).size).toBe(10);
    expect((await verify()).verdict).toBe('complete');
  });
});

describe('secrets', () => {
  const canary = 'cAnArY90210value';
  it('planted in raw text, inputs, computed text and manifest never reach a file of the run root', async () => {
    const input = { argv: ['vllm', 'serve', '--api-key', canary], env: { HF_TOKEN: canary }, url: `https://u:${canary}@h/x`, json: `{"password":"${canary}"}` };
    await run.writeRaw({ tool: 'test', input }, [{ path: 'service/log.txt', kind: 'raw', text: `OPENAI_API_KEY=${canary}\nAuthorization: Bearer ${canary}\n` }]);
    await run.writeReport({ tool: 'test', input }, [{ path: 'summary.md', kind: 'summary', text: `token: ${canary}` }]);
    await run.writeComputed({ tool: 'test', input }, { by: 'sum', params: { path: 'env/raw/numbers.txt', argv: ['xllm', `--header=Authorization: Bearer ${canary}`], env: { HF_TOKEN: canary } } }, await sum({ path: 'env/raw/numbers.txt' }, testHost(dir), run.dir));
    await run.updateManifest({ tool: 'test', input }, 'stated', { service: { command: [['xllm', '--api_key', canary]] } });
    const { stdout } = await promisify(execFile)('grep', ['-rc', canary, run.dir]).catch((e: { stdout: string }) => e);
    expect(stdout.split('\n').filter((l) => /:[1-9]/.test(l))).toEqual([]);
    expect(await readFile(join(run.dir, 'service/log.txt'), 'utf8')).toContain('OPENAI_API_KEY=[redacted]');
  });
});

describe('the runs folder', () => {
  it('lists newest first, refuses ids that are paths, and misses what is not there', async () => {
    const runs = new Runs(testHost(dir));
    expect(await runs.list()).toEqual([run.id]);
    await expect(runs.open('../../etc')).rejects.toMatchObject({ code: 'E_RUN_INVALID' });
    await expect(runs.open('20200101-000000-x-0000')).rejects.toMatchObject({ code: 'E_RUN_MISSING' });
  });
  it('a run root moved elsewhere still verifies', async () => {
    const moved = join(dir, 'moved');
    await mkdir(moved);
    await rename(run.dir, join(moved, run.id));
    const { openHost } = await import('../../server/host/host.js');
    const { makeConfig } = await import('../../server/config.js');
    const host = openHost(makeConfig({ runsDir: moved }, '0', {}, dir));
    expect((await verifyRun(await new Runs(host).open(run.id), host, derivations)).verdict).toBe('complete');
  });
});

describe('a foreign lock', () => {
  it('is waited for, then named', async () => {
    const { lock } = await import('proper-lockfile');
    const release = await lock(run.dir, { lockfilePath: join(run.dir, '.lock') });
    await expect(run.updateManifest(by, 'stated', { notes: ['x'] })).rejects.toMatchObject({ code: 'E_LOCKED' });
    await release();
  });
});

// The lesson-card schema has no writer yet; its rule is already fixed: no card without evidence.
describe('lesson-card', () => {
  it('without evidence breaks its schema', async () => {
    const { check } = await import('../../server/contract/index.js');
    const card: LessonCard = { id: 'x', title: 'x', framework: 'xllm', model_family: 'qwen3', scenario: 's', change: 'c', effect: [], evidence: [{ note: 'n', path: 'perf/metrics.json' }], touched_paths: [], risks: [], next_checks: [], status: 'pending', confidence: 'low', created_at: '2026-11-24T00:00:00Z' };
    expect(check('lesson-card', card).ok).toBe(true);
    expect(check('lesson-card', { ...card, evidence: [] }).ok).toBe(false);
    expect(check('lesson-card', { ...card, evidence: [{ note: 'n' }] }).ok).toBe(false);
  });
});
