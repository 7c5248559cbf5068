import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeDemoSite, type DemoSite } from '../../server/sim/demo-build.js';
import { simContext } from '../../server/sim/environment.js';
import { parseHost, readHost } from '../../server/sim/host-file.js';
import { planFaults } from '../../server/sim/service/fault-plan.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
const entry = join(import.meta.dirname, '../../dist/sim/main.js');
const git = (cwd: string, ...args: string[]): string => execFileSync('git', ['-C', cwd, ...args], { encoding: 'utf8' }).trim();
/** Exit of the tree's own check at a build. */
const checked = (site: DemoSite, build: 'good' | 'bad' | 'fixed'): number | null => spawnSync(site.check, { cwd: dirname(dirname(site.builds[build]?.program ?? '')), env: { PATH: process.env['PATH'], HOME: dir, XLLM_NPU_SIM_STATE: join(dir, 'state') } }).status;

describe('a simulated build carries the defects of its commit', () => {
  it('accuracy-drop: the check fails in the bad build alone, and the guilty commit is the first whose tree has the defect', () => {
    const site = writeDemoSite(join(dir, 'planted'), 'accuracy-drop', true, entry);
    expect((['good', 'bad', 'fixed'] as const).map((b) => checked(site, b))).toEqual([0, 1, 0]);
    const history = git(site.repo, 'rev-list', '--reverse', 'HEAD').split('\n');
    const broken = history.filter((c) => git(site.repo, 'show', `${c}:defects.json`).includes('accuracy-drop'));
    expect(broken).toHaveLength(2);
    expect(site.guilty).toBe(broken[0]);
    expect(site.builds.bad?.commit).toBe(broken[1]);
    expect(history.at(-1)).toBe(site.builds.fixed?.commit);
    // A dirty tree would not pass the gate of a comparison.
    expect(git(site.repo, 'status', '--porcelain')).toBe('');
  });
  it('without the plant no build fails and no commit is guilty; writing it again starts anew', () => {
    const site = writeDemoSite(join(dir, 'planted'), 'accuracy-drop', false, entry);
    expect([site.guilty, ...(['good', 'bad', 'fixed'] as const).map((b) => checked(site, b))]).toEqual([null, 0, 0, 0]);
    expect(readHost(writeDemoSite(join(dir, 'host'), 'host-bound', false, entry).hostFile).faults).toEqual([]);
    expect(JSON.parse(readFileSync(join(dir, 'host', 'host.json'), 'utf8'))).toMatchObject({ count: 2 });
  });
});

describe('the environment of a build', () => {
  it('adds its defects to those of the host; a list with a fault nobody knows is refused', () => {
    const host = join(dir, 'faulty.json');
    writeFileSync(host, JSON.stringify({ chip: 'Ascend910B3', count: 2, faults: ['host-bound'] }));
    const defects = join(dir, 'defects.json');
    writeFileSync(defects, JSON.stringify([{ name: 'slow-rank', rank: 1 }]));
    const env = { XLLM_NPU_SIM_HOST: host, XLLM_NPU_SIM_STATE: join(dir, 'state'), XLLM_NPU_SIM_BUILD: defects };
    expect(simContext(env).host.faults.map((f) => [f.name, f.rank])).toEqual([['host-bound', null], ['slow-rank', 1]]);
    writeFileSync(defects, JSON.stringify(['slow-rnak']));
    expect(() => simContext(env)).toThrow(expect.objectContaining({ code: 'E_ARG_TYPE' }));
  });
});

describe('fields of a fault', () => {
  it('oom-at-load with needs_bytes spares the load and strikes at the warm-up; accuracy-drop takes its share', () => {
    const host = parseHost({ chip: 'Ascend910B3', count: 2, faults: [{ name: 'oom-at-load', rank: 0, needs_bytes: 1024 }, { name: 'accuracy-drop', share: 0.9 }] });
    expect(planFaults(host, 0, 2)).toMatchObject({ oomAtLoad: false, warmupBytes: 1024, answers: { wrongShare: 0.9 } });
    expect(planFaults(host, 1, 2)).toMatchObject({ oomAtLoad: false, warmupBytes: 0 });
    expect(planFaults(parseHost({ chip: 'Ascend910B3', count: 2, faults: ['oom-at-load'] }), 0, 2)).toMatchObject({ oomAtLoad: true, warmupBytes: 0 });
    expect(() => parseHost({ chip: 'Ascend910B3', count: 2, faults: [{ name: 'accuracy-drop', share: 1.5 }] })).toThrow();
  });
});
