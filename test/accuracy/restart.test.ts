import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processesOf } from '../../server/host/processes.js';
import { git, plantRepository } from '../generate/accuracy-bisect.js';
import { RawClient } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';

// The compiled server and its detached worker, as a client starts them; each may die while a bisection is under way.
describe('a bisection under way', () => {
  it('outlives its server, and is taken over when its worker is killed too', async () => {
    const dir = await tempFolder();
    const [count, culprit] = [16, 11];
    const plant = plantRepository(dir, Array.from({ length: count }, () => 'plain' as const), culprit, 1);
    const script = join(dir, 'tools/slow.sh');
    await mkdir(join(dir, 'tools'), { recursive: true });
    await writeFile(script, `#!/bin/sh\nsleep 0.6\nexec '${plant.script}'\n`);
    await chmod(script, 0o755);
    const open = async (): Promise<{ client: RawClient; call: (name: string, args: object) => Promise<any> }> => {
      const client = new RawClient(['mcp', '--runs-dir', join(dir, 'runs'), '--allow', dir], plant.repo, { PATH: process.env['PATH'], HOME: dir });
      await client.initialize('2025-11-25');
      let id = 1;
      return { client, call: async (name, args) => (await client.request((id += 1), 'tools/call', { name, arguments: args })).result?.['structuredContent'] };
    };
    const first = await open();
    const run = String((await first.call('run_create', { purpose: 'bisect', level: 'smoke' })).facts.run);
    const asked = { run, endpoint: 'http://127.0.0.1:9', model: 'm', level: 'L2', bisect_good: plant.commits[0], bisect_bad: 'main', bisect_command: script, repeats: 1 };
    const started = await first.call('accuracy_start', asked);
    expect(started).toMatchObject({ verdict: 'started', facts: { method: 'bisect', job: `${run}/bisect-001` } });
    const job = async (name: string): Promise<any> => JSON.parse(await readFile(join(dir, 'runs', run, 'jobs', name, 'job.json'), 'utf8'));
    const steps = async (name: string): Promise<number> => readFile(join(dir, 'runs', run, 'jobs', name, 'bisect.json'), 'utf8').then((text) => JSON.parse(text).steps.length, () => 0);
    await expect.poll(() => steps('bisect-001'), { timeout: 20_000, interval: 50 }).toBeGreaterThanOrEqual(1);
    first.client.child.kill('SIGKILL');
    const atDeath = await steps('bisect-001');

    // A fresh server finds the job at work; the same question again is the same job.
    const second = await open();
    expect(await second.call('accuracy_start', asked)).toMatchObject({ facts: { job: `${run}/bisect-001` } });
    await expect.poll(() => steps('bisect-001'), { timeout: 20_000, interval: 50 }).toBeGreaterThan(atDeath);
    // Another question about the same work tree has to wait, in whatever run.
    const other = String((await second.call('run_create', { purpose: 'another', level: 'smoke' })).facts.run);
    expect(await second.call('accuracy_start', { ...asked, run: other })).toMatchObject({ error: { code: 'E_ARG_CONFLICT' } });
    // What a power cut leaves: no worker, another commit in the work tree.
    process.kill((await job('bisect-001')).worker.pid, 'SIGKILL');
    expect((await second.call('job_wait', { job: `${run}/bisect-001`, wait_s: 20 })).facts).toMatchObject({ state: 'lost' });
    const kept = await steps('bisect-001');
    expect(kept).toBeGreaterThan(atDeath);
    expect(git(plant.repo, 'rev-parse', 'HEAD')).not.toBe(plant.commits[count - 1]);

    expect(await second.call('accuracy_start', asked)).toMatchObject({ verdict: 'started', facts: { job: `${run}/bisect-002` } });
    // The command of the killed worker is ended before the next commit is looked at.
    await expect.poll(() => processesOf({ mark: `${run}/bisect-001` }), { timeout: 20_000 }).toEqual([]);
    const ended = await second.call('job_wait', { job: `${run}/bisect-002`, wait_s: 40 });
    expect(ended.facts).toMatchObject({ state: 'completed', result: { verdict: 'found', commit: plant.commits[culprit], resumed: kept } });
    expect(git(plant.repo, 'symbolic-ref', '--short', 'HEAD')).toBe('main');
    await second.client.close();
  }, 60_000);
});
