import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandWords, readBisect } from '../../server/accuracy/bisect/request.js';
import { accuracyJobs } from '../../server/accuracy/start/job.js';
import { accuracyStart } from '../../server/accuracy/tools.js';
import { checkFacts } from '../../server/contract/index.js';
import { openHost, type Host } from '../../server/host/host.js';
import { git, plantKinds, plantRepository, type PlantedRepository } from '../generate/accuracy-bisect.js';
import { tempFolder, testConfig } from '../helpers/temp.js';
import { newRun, work } from './helpers.js';

let dir: string;
beforeAll(async () => {
  dir = await tempFolder();
});

/** A host that works in the repository, as a client started there does. */
function inside(place: string, repo: string): Host {
  return openHost({ ...testConfig(place), cwd: repo });
}

async function request(host: Host, plant: PlantedRepository, more: object = {}): Promise<Record<string, unknown>> {
  return { ...(await readBisect({ run: 'r', endpoint: 'http://127.0.0.1:9', model: 'm', level: 'L1', bisect_good: plant.commits[0], bisect_bad: plant.commits.at(-1), bisect_command: plant.script, ...more }, 64, host)).request };
}

describe('a planted repository', () => {
  it('of 64 commits finds the planted one, keeps the log of every run, puts the work tree back', async () => {
    const place = join(dir, 'planted');
    const [count, culprit] = [64, 41];
    const kinds = plantKinds(count, 5);
    kinds[0] = 'plain';
    kinds[count - 1] = 'plain';
    // The culprit and its neighbour can be judged, so that one commit is the answer; the culprit itself is flaky.
    kinds[culprit] = 'flaky';
    if (kinds[culprit - 1] === 'broken') kinds[culprit - 1] = 'plain';
    expect([kinds.filter((k) => k === 'flaky').length, kinds.filter((k) => k === 'broken').length].every((n) => n >= 5)).toBe(true);
    const plant = plantRepository(place, kinds, culprit, 99);
    const host = inside(place, plant.repo);
    const run = await newRun(host);
    const { result } = await work(accuracyJobs['bisect'], await request(host, plant), host, run, 'bisect-001');
    expect(result).toMatchObject({ verdict: 'found', commit: plant.commits[culprit] });
    expect(result.judged).toBeLessThanOrEqual(10);
    expect([git(plant.repo, 'symbolic-ref', '--short', 'HEAD'), git(plant.repo, 'status', '--porcelain')]).toEqual(['main', '']);
    const folder = join(run.dir, 'accuracy/bisect-001');
    const report = JSON.parse(await readFile(join(folder, 'bisect.json'), 'utf8'));
    const ran = report.steps.filter((s: any) => s.log !== null);
    expect(ran.length).toBe(report.runs);
    for (const step of ran) expect(readFileSync(join(run.dir, step.log), 'utf8')).toContain(`commit ${plant.commits.indexOf(step.commit)} run ${step.run}`);
    // No broken commit was called bad, whatever it exited with.
    for (const step of report.steps) if (kinds[plant.commits.indexOf(step.commit)] === 'broken') expect(step.verdict).toBe('skip');
    // Its log is one that git itself can replay, to the same end.
    git(plant.repo, 'bisect', 'replay', join(folder, 'git-bisect.log'));
    expect(git(plant.repo, 'rev-parse', 'refs/bisect/bad')).toBe(plant.commits[culprit]);
    git(plant.repo, 'bisect', 'reset');
    // All of it is in the ledger.
    const files = await run.files();
    expect(readdirSync(join(folder, 'raw')).every((f) => files.has(`accuracy/bisect-001/raw/${f}`))).toBe(true);
  }, 60_000);

  it('goes on where a killed worker stopped, and puts back the first work tree', async () => {
    const place = join(dir, 'resumed');
    const plant = plantRepository(place, Array.from({ length: 16 }, () => 'plain' as const), 9, 1);
    const host = inside(place, plant.repo);
    const run = await newRun(host);
    const asked = await request(host, plant, { repeats: 2 });
    // A cancelled job leaves its steps; after the fourth run the signal comes.
    const controller = new AbortController();
    const stop = setInterval(() => {
      const file = join(run.dir, 'jobs/bisect-001/bisect.json');
      if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).steps.length >= 4) controller.abort();
    }, 5);
    await work(accuracyJobs['bisect'], asked, host, run, 'bisect-001', controller.signal).catch(() => undefined);
    clearInterval(stop);
    expect(controller.signal.aborted).toBe(true);
    // A kill also leaves another commit checked out.
    git(plant.repo, 'checkout', '-q', '--detach', plant.commits[3] ?? '');
    const left = JSON.parse(await readFile(join(run.dir, 'jobs/bisect-001/bisect.json'), 'utf8'));
    expect([left.done, left.origin]).toEqual([false, 'main']);
    const { result } = await work(accuracyJobs['bisect'], asked, host, run, 'bisect-002');
    expect(result).toMatchObject({ verdict: 'found', commit: plant.commits[9], resumed: left.steps.length });
    expect(git(plant.repo, 'symbolic-ref', '--short', 'HEAD')).toBe('main');
    // Nothing that was judged before was run again: ends are 2 runs each, then 4 commits, then 2 confirmed.
    expect(result.runs).toBeLessThanOrEqual(2 * 2 + 4 * 2 + 2 * 2 + 1);
  }, 60_000);

  it('refuses a dirty tree, ends that are not what they are said to be, and a command that moves with the commits', async () => {
    const place = join(dir, 'refused');
    const plant = plantRepository(place, Array.from({ length: 8 }, () => 'plain' as const), 5, 1);
    const host = inside(place, plant.repo);
    const run = await newRun(host);
    const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'accepted', (e: { code: string }) => e.code);
    expect(await code(request(host, plant, { bisect_good: plant.commits.at(-1), bisect_bad: plant.commits[0] }))).toBe('E_ARG_CONFLICT');
    expect(await code(request(host, plant, { bisect_good: 'nowhere' }))).toBe('E_ARG_TYPE');
    expect(await code(request(host, plant, { bisect_good: '--all' }))).toBe('E_ARG_TYPE');
    expect(await code(request(host, plant, { bisect_command: '/bin/sh' }))).toBe('E_PATH_OUTSIDE');
    expect(await code(request(host, plant, { bisect_command: `${plant.script}; rm -rf /` }))).toBe('E_ARG_TYPE');
    expect(await code(request(host, plant, { bisect_command: undefined }))).toBe('E_ARG_MISSING');
    expect(await code(request(host, plant, { bisect_command: join(plant.repo, 'state') }))).toBe('E_ARG_CONFLICT');
    // What would be done is said first, and nothing is touched.
    const context = { config: { ...testConfig(place), cwd: plant.repo }, signal: new AbortController().signal, progress: () => undefined };
    const planned = await accuracyStart.invoke({ run: run.id, endpoint: 'http://127.0.0.1:9', model: 'm', level: 'L2', bisect_good: plant.commits[0], bisect_bad: 'main', bisect_command: `${plant.script} --quick`, dry_run: true }, context);
    expect(checkFacts('accuracy_start', planned.facts)).toEqual([]);
    expect(planned).toMatchObject({ verdict: 'planned', facts: { method: 'bisect', job: null, command: [[plant.script, '--quick']] }, warnings: [{ code: 'W-WORK-TREE' }] });
    // Good at both ends.
    const good = await request(host, plant, { bisect_bad: plant.commits[4] });
    expect(await code(work(accuracyJobs['bisect'], good, host, run, 'bisect-001'))).toBe('E_ARG_CONFLICT');
    expect(git(plant.repo, 'symbolic-ref', '--short', 'HEAD')).toBe('main');
    await writeFile(join(plant.repo, 'state'), 'edited');
    expect(await code(work(accuracyJobs['bisect'], await request(host, plant), host, run, 'bisect-002'))).toBe('E_ARG_CONFLICT');
    expect(await readFile(join(plant.repo, 'state'), 'utf8')).toBe('edited');
  }, 60_000);

  it('a service the command leaves running is judged by the failed cases, and ended before the next commit', async () => {
    const place = join(dir, 'served');
    const plant = plantRepository(place, Array.from({ length: 4 }, () => 'plain' as const), 2, 1);
    const script = join(place, 'tools/serve.mjs');
    const port = 20000 + (process.pid % 20000);
    // Starts a service in the background that answers by the state of the commit, waits until it answers, exits 0.
    await mkdir(join(place, 'tools'), { recursive: true });
    await writeFile(
      script,
      `#!${process.execPath}\nimport { spawn } from 'node:child_process';\nimport { readFileSync } from 'node:fs';\nimport { createServer } from 'node:http';\n` +
        `if (process.argv[2] === 'serve') {\n  const bad = readFileSync('state', 'utf8').includes('bad');\n  createServer((q, r) => { let b = ''; q.on('data', (c) => (b += c)); q.on('end', () => { const p = b === '' ? '' : JSON.parse(b).messages[0].content; r.end(JSON.stringify({ choices: [{ message: { content: p.includes('6 * 7') ? (bad ? '43' : '42') : 'no' }, finish_reason: 'stop' }] })); }); }).listen(${port}, '127.0.0.1');\n} else {\n  spawn(process.execPath, [process.argv[1], 'serve'], { detached: true, stdio: 'ignore' }).unref();\n  for (;;) { try { await fetch('http://127.0.0.1:${port}/'); break; } catch { await new Promise((d) => setTimeout(d, 20)); } }\n}\n`,
    );
    await chmod(script, 0o755);
    const host = inside(place, plant.repo);
    const run = await newRun(host);
    const failed = { id: 'gsm8k/main/7', dataset: 'gsm8k', subset: 'main', repeat: 0, prompt: 'What is 6 * 7?', target: '42', prediction: '43', extracted: '43', score: 0, finish_reason: 'stop', output_tokens: 1, cause: 'wrong', detectors: [] };
    await run.writeRaw({ tool: 'test', input: {} }, [{ path: 'accuracy/accuracy-001/failed_cases.jsonl', kind: 'failed-cases', text: `${JSON.stringify(failed)}\n` }]);
    const { result } = await work(accuracyJobs['bisect'], { ...(await request(host, plant, { bisect_command: script, endpoint: `http://127.0.0.1:${port}`, repeats: 1 })) }, host, run, 'bisect-001');
    expect(result).toMatchObject({ verdict: 'found', commit: plant.commits[2] });
    const report = JSON.parse(await readFile(join(run.dir, 'accuracy/bisect-001/bisect.json'), 'utf8'));
    expect(report.steps.every((s: any) => s.by === 'cases')).toBe(true);
    expect(await fetch(`http://127.0.0.1:${port}/`).then(() => 'up', () => 'gone')).toBe('gone');
  }, 60_000);

  it('words of a command are words: nothing is left to a shell', () => {
    expect(commandWords('/a/b.sh  --fast 3')).toEqual(['/a/b.sh', '--fast', '3']);
    for (const bad of ['', '   ', 'a $(b)', 'a | b', 'a `b`', 'a > b', "a 'b'", 'a\nb']) expect(() => commandWords(bad)).toThrow();
  });
});
