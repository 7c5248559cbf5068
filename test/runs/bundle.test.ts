import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpack } from '../../server/host/archive.js';
import { bundleLines, bundleRun } from '../../server/runs/bundle.js';
import { Run, Runs, type Derivations, type Derive } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: {} };
const canaries = ['hunter2-canary-one', 'sk-canaryCanaryCanary1234', 'canary.three.bearer.token'];
const log = `rank 0 starts --api-key ${canaries[0]}\nkey ${canaries[1]}\nAuthorization: Bearer ${canaries[2]}\n时间 ok 42\n`;
const sha = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** What the logs say, told again: the last number of each file. A truth that redaction does not touch, unless `whole` counts bytes. */
const last: Derive = async (params, _host, runDir) => {
  const paths = String(params['paths']).split(',');
  const texts = await Promise.all(paths.map((p) => readFile(p.startsWith('/') ? p : join(runDir, p), 'utf8')));
  const said = texts.map((t) => (params['whole'] === true ? String(t.length) : (/(\d+)\s*$/.exec(t)?.[1] ?? '')));
  const body = { phase: null, verdict: 'unavailable', chips: [], driver_version: said.join(' '), npu_smi_version: null, cann_version: null, frameworks: [], reasons: [], looked_for: [] };
  return { files: [{ path: 'env/last.json', kind: 'env-snapshot', schema: 'env-snapshot', body }], sources: paths, simulated: false };
};
const derivations: Derivations = { last };

let dir = '';
let run: Run;
const host = () => testHost(dir);
const put = async (path: string, data: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(join(run.dir, path)), { recursive: true });
  await writeFile(join(run.dir, path), data);
};
const compute = async (params: Record<string, unknown>): Promise<unknown> => run.writeComputed(by, { by: 'last', params }, await last(params, host(), run.dir));
const bundled = (name = 'b.tar.gz') => bundleRun(run, host(), derivations, join(dir, name));

/** Another machine: its own folder, nothing of the first one but the archive. */
async function elsewhere(archive: string): Promise<Run> {
  const there = await tempFolder();
  await unpack(archive, there);
  return new Run(run.id, join(there, run.id), testHost(there));
}
const verdict = async (copy: Run) => verifyRun(copy, testHost(dirname(copy.dir)), derivations);

beforeEach(async () => {
  dir = await tempFolder();
  run = await new Runs(host()).create({ purpose: 'truth', level: 'quick' }, by);
  await put('service/001/node_0.log', log);
  await put('perf/001/raw/args.json', `{"api_key": null, "token": 12345, "n": 12345678901234567890}`);
  await put('perf/001/raw/data.bin', new Uint8Array([0, 1, 2, 255, 7]));
  await put('jobs/service-001/job.json', `{"password": "${canaries[0]}"}`);
  await put('weights.safetensors', 'unrecorded');
  await run.recordRaw(by, 'service');
  await run.recordRaw(by, 'perf');
  await compute({ paths: 'service/001/node_0.log' });
});

describe('a bundle', () => {
  it('holds no canary, is complete on another machine and says what was redacted', async () => {
    const made = await bundled();
    const tar = gunzipSync(await readFile(made.path));
    for (const canary of canaries) {
      expect((await readFile(join(run.dir, 'service/001/node_0.log'), 'utf8')).includes(canary)).toBe(true);
      expect(tar.includes(canary), canary).toBe(false);
    }
    expect(made.sha256).toBe(sha(await readFile(made.path)));
    const copy = await elsewhere(made.path);
    const there = await verdict(copy);
    expect(there).toMatchObject({ verdict: 'complete', redacted: ['perf/001/raw/args.json', 'service/001/node_0.log'], facts: { recomputed: 1, recomputed_equal: true, unrecorded: [], missing: [] } });
    expect(await readFile(join(copy.dir, 'service/001/node_0.log'), 'utf8')).toBe('rank 0 starts --api-key [redacted]\nkey [redacted]\nAuthorization: Bearer [redacted]\n时间 ok 42\n');
    expect(await readFile(join(copy.dir, 'perf/001/raw/data.bin'))).toEqual(Buffer.from([0, 1, 2, 255, 7]));
    // Text rules would leave `"token": [redacted]`, which is no JSON.
    expect(JSON.parse(await readFile(join(copy.dir, 'perf/001/raw/args.json'), 'utf8'))).toMatchObject({ api_key: null });
    const list = JSON.parse(await readFile(join(copy.dir, 'bundle.json'), 'utf8'));
    expect(sha(await readFile(join(copy.dir, 'bundle.json')))).toBe(made.listSha256);
    expect(list.left_out.map((f: { path: string; reason: string }) => [f.path, f.reason])).toEqual([['jobs/service-001/job.json', 'job-state'], ['weights.safetensors', 'not-recorded']]);
    for (const file of list.files) expect(sha(await readFile(join(copy.dir, file.path))), file.path).toBe(file.sha256);
    for (const file of list.files) expect(sha(await readFile(join(run.dir, file.path))), file.path).toBe(file.sha256_run);
    expect(bundleLines(made).slice(0, 3)).toEqual([`complete: ${made.path}`, `${(await stat(made.path)).size} bytes, 8 files, 2 redacted, 1 computed again`, `sha256 ${made.sha256}`]);
  });

  it('of one run is the same bytes each time, and leaves the run and its folder as they were', async () => {
    const before = await readdir(run.dir, { recursive: true });
    const one = await bundled('one.tar.gz');
    await new Promise((r) => setTimeout(r, 1100));
    const two = await bundled('two.tar.gz');
    expect(two.sha256).toBe(one.sha256);
    expect(await readdir(run.dir, { recursive: true })).toEqual(before);
    expect(await readdir(join(dir, 'runs'))).toEqual([run.id]);
  });

  it.each<[string, (copy: Run) => Promise<void>, string]>([
    ['a redacted file', async (c) => appendFile(join(c.dir, 'service/001/node_0.log'), '43\n'), 'service/001/node_0.log'],
    ['a file that was not redacted', async (c) => appendFile(join(c.dir, 'perf/001/raw/data.bin'), 'x'), 'perf/001/raw/data.bin'],
    ['an artifact', async (c) => appendFile(join(c.dir, 'env/last.json'), ' '), 'env/last.json'],
    ['bundle.json', async (c) => { const at = join(c.dir, 'bundle.json'); await writeFile(at, (await readFile(at, 'utf8')).replace('"redacted": false', '"redacted": true')); }, 'bundle.json'],
    ['bundle.json, removed', async (c) => rm(join(c.dir, 'bundle.json')), 'service/001/node_0.log'],
  ])('tampering with %s is found', async (_, edit, path) => {
    const copy = await elsewhere((await bundled()).path);
    await edit(copy);
    const { verdict: v, facts } = await verdict(copy);
    expect(v).toBe('tampered');
    expect([...facts.hash_mismatches, ...facts.violations.map((x) => x.path)]).toContain(path);
  });

  it('does not let a sealed list excuse an edited artifact, nor a list of another ledger', async () => {
    const copy = await elsewhere((await bundled()).path);
    const at = join(copy.dir, 'bundle.json');
    const forge = async (change: (list: { files: { path: string; sha256: string; redacted: boolean }[]; ledger: { head: string } }) => void): Promise<void> => {
      const list = JSON.parse(await readFile(at, 'utf8'));
      delete list.seal;
      change(list);
      await writeFile(at, JSON.stringify({ ...list, seal: sha(JSON.stringify(list)) }));
    };
    const artifact = join(copy.dir, 'env/last.json');
    const forged = (await readFile(artifact, 'utf8')).replace('"42"', '"43"');
    await writeFile(artifact, forged);
    await forge((list) => list.files.filter((f) => f.path === 'env/last.json').forEach((f) => Object.assign(f, { sha256: sha(forged), redacted: true })));
    expect(await verdict(copy)).toMatchObject({ verdict: 'tampered', facts: { hash_mismatches: ['env/last.json'] } });
    await forge((list) => Object.assign(list.ledger, { head: '0'.repeat(64) }));
    const { facts } = await verdict(copy);
    expect(facts.violations).toContainEqual({ path: 'bundle.json', problem: 'was made from another ledger' });
  });

  it('names the artifact that redaction would change, and is not made', async () => {
    await compute({ paths: 'service/001/node_0.log', whole: true });
    await expect(bundled()).rejects.toMatchObject({ code: 'E_BUNDLE_DIFFERS', seen: expect.stringMatching(/service\/001\/node_0\.log.*env\/last\.json/) as string });
    expect(await readdir(dir)).toEqual(['runs']);
    expect(await readdir(join(dir, 'runs'))).toEqual([run.id]);
  });

  it.each<[string, () => Promise<void>, string]>([
    ['an edited file', () => appendFile(join(run.dir, 'env/last.json'), ' '), 'env/last.json'],
    ['a lost file', () => rm(join(run.dir, 'perf/001/raw/data.bin')), 'perf/001/raw/data.bin'],
    ['a cut ledger', async () => writeFile(join(run.dir, 'events.jsonl'), (await readFile(join(run.dir, 'events.jsonl'), 'utf8')).split('\n').slice(0, -2).join('\n') + '\n'), 'events.jsonl'],
  ])('is refused for a run with %s, which is named', async (_, damage, path) => {
    await damage();
    await expect(bundled()).rejects.toMatchObject({ code: 'E_RUN_TAMPERED', seen: expect.stringContaining(path) as string });
  });

  it('is refused inside its own run, and for an unpacked bundle', async () => {
    await expect(bundleRun(run, host(), derivations, join(run.dir, 'x.tar.gz'))).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    const copy = await elsewhere((await bundled()).path);
    await expect(bundleRun(copy, testHost(dir), derivations, join(dir, 'again.tar.gz'))).rejects.toMatchObject({ code: 'E_ARTIFACT_EXISTS' });
  });

  it('leaves evidence outside the run where it lies and says what cannot be computed without it', async () => {
    const outside = join(dir, 'elsewhere.log');
    await writeFile(outside, 'seen 7\n');
    await compute({ paths: `service/001/node_0.log,${outside}` });
    const made = await bundled();
    expect(bundleLines(made)).toContain('not computable elsewhere: env/last.json rests on evidence that was left out');
    await rm(outside);
    const there = await verdict(await elsewhere(made.path));
    expect(there).toMatchObject({ verdict: 'inconclusive', leftOut: [outside], without: ['env/last.json'], facts: { missing: [], violations: [] } });
    // The run itself, moved without its evidence, lacks a file; it was not tampered with.
    expect(await verifyRun(run, host(), derivations)).toMatchObject({ verdict: 'incomplete', facts: { missing: [outside], violations: [] } });
  });

  it.each([
    ['a binary file', (secret: string) => Buffer.concat([Buffer.from([0, 1]), Buffer.from(`password=${secret}`), Buffer.from([0])])],
    ['a compressed file', (secret: string) => gzipSync(`line\npassword=${secret}\n`)],
  ])('does not take %s along in which a secret stands', async (_, make) => {
    await put('profiling/001/x.dat', make('canary-four'));
    await run.recordRaw(by, 'profiling');
    const made = await bundled();
    expect(made.leftOut).toContainEqual(expect.objectContaining({ path: 'profiling/001/x.dat', reason: 'secret-in-binary' }));
    const copy = await elsewhere(made.path);
    expect(await verdict(copy)).toMatchObject({ verdict: 'complete', leftOut: ['profiling/001/x.dat'] });
    expect(await readdir(copy.dir)).not.toContain('profiling');
  });
  it('redacts a log that is longer than one piece, line for line', async () => {
    const lines = Array.from({ length: 130_000 }, (_, i) => (i % 1000 === 999 ? `step ${i} password=canary-${i} done` : `step ${i} tokens: ${i * 3} of the scheduler, nothing secret in this line, padding padding`));
    await put('service/002/node_1.log', lines.join('\n'));
    await run.recordRaw(by, 'service');
    const copy = await elsewhere((await bundled()).path);
    const out = (await readFile(join(copy.dir, 'service/002/node_1.log'), 'utf8')).split('\n');
    expect(out.filter((l) => l.includes('canary'))).toEqual([]);
    expect(out).toEqual(lines.map((l) => l.replace(/canary-\d+/, '[redacted]')));
  });
});

/** A tar of our own making: names and types a packer would refuse to write. */
function tarOf(entries: readonly { path: string; type?: 'File' | 'SymbolicLink' | 'Link' | 'FIFO'; body?: string; link?: string; size?: number }[]): Buffer {
  const blocks = entries.flatMap(({ path, type = 'File', body = '', link, size }) => {
    const head = Buffer.alloc(512);
    new Header({ path, type, mode: 0o644, size: size ?? Buffer.byteLength(body), ...(link === undefined ? {} : { linkpath: link }), mtime: new Date(0) }).encode(head);
    return [head, Buffer.from(body), Buffer.alloc((512 - (Buffer.byteLength(body) % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

describe('an archive from elsewhere', () => {
  it.each([
    ['..', tarOf([{ path: 'a/../../evil.txt', body: 'x' }])],
    ['an absolute name', tarOf([{ path: '/tmp/xllm-npu-evil.txt', body: 'x' }])],
    ['a symbolic link', tarOf([{ path: 'out', type: 'SymbolicLink', link: '..' }, { path: 'out/evil.txt', body: 'x' }])],
    ['a hard link', tarOf([{ path: 'passwd', type: 'Link', link: '/etc/passwd' }])],
    ['a FIFO', tarOf([{ path: 'pipe', type: 'FIFO' }])],
    ['a name twice', tarOf([{ path: 'a.txt', body: '1' }, { path: 'a.txt', body: '2' }])],
    ['too many files', tarOf(Array.from({ length: 12 }, (_, i) => ({ path: `${i}.txt`, body: 'x' })))],
    ['a file too large by its header', tarOf([{ path: 'a.bin', size: 2_000_000 }])],
    ['a bomb', tarOf([{ path: 'a.bin', body: '\0'.repeat(900_000) }])],
    ['zeros after its end', gzipSync(Buffer.alloc(8_000_000))],
    ['a cut-off end', tarOf([{ path: 'a.bin', body: 'x'.repeat(5000) }]).subarray(0, 60)],
  ])('with %s is refused and nothing lies outside its folder', async (_, data) => {
    const there = await tempFolder();
    await mkdir(join(there, 'in'));
    await writeFile(join(there, 'x.tar.gz'), data);
    await expect(unpack(join(there, 'x.tar.gz'), join(there, 'in'), { files: 10, bytes: 1_000_000, ratio: 100 })).rejects.toMatchObject({ code: 'E_ARCHIVE_REFUSED' });
    expect((await readdir(there)).sort()).toEqual(['in', 'x.tar.gz']);
    await expect(stat('/tmp/xllm-npu-evil.txt')).rejects.toThrow();
  });
});

describe('the command line', () => {
  const cli = (cwd: string, ...args: string[]) => promisify(execFile)(process.execPath, [mainJs, '--runs-dir', join(cwd, 'runs'), ...args], { cwd, env: { PATH: process.env['PATH'], HOME: cwd } }).then((r) => ({ code: 0, ...r }), (e: { code: number; stdout: string; stderr: string }) => e);
  it('bundles here and validates there: the archive, and the folder it unpacks to', async () => {
    const plain = await new Runs(host()).create({ purpose: 'plain', level: 'quick' }, by);
    await mkdir(join(plain.dir, 'service'), { recursive: true });
    await writeFile(join(plain.dir, 'service/node_0.log'), log);
    await plain.recordRaw(by, 'service');
    const made = await cli(dir, 'bundle', plain.id);
    expect(made.stdout).toMatch(/^complete: /);
    const hash = /^sha256 ([0-9a-f]{64})$/m.exec(made.stdout)?.[1] ?? '';
    const list = /^sha256 of its bundle\.json ([0-9a-f]{64})$/m.exec(made.stdout)?.[1] ?? '';
    const there = await tempFolder();
    await copyFile(join(dir, `${plain.id}.bundle.tar.gz`), join(there, 'b.tar.gz'));
    const seen = await cli(there, 'validate', 'b.tar.gz', '--sha256', hash);
    expect({ code: seen.code, out: seen.stdout }).toEqual({ code: 0, out: expect.stringMatching(/^\*\*complete\*\*: every file of run \S+ is as it was bundled[\s\S]*W-REDACTED[^\n]*1 raw files/) as string });
    await unpack(join(there, 'b.tar.gz'), there);
    expect((await cli(there, 'validate', plain.id, '--sha256', list)).code).toBe(0);
    expect(await cli(there, 'validate', 'b.tar.gz', '--sha256', list)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^E_ARCHIVE_REFUSED/) as string });
    expect(await cli(dir, 'bundle', '20200101-000000-none-0000')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^E_RUN_MISSING/) as string });
  });
});
