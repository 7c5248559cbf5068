import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { checkFacts, type EnvProbeFacts, type EnvSnapshot, type ToolOk } from '../../server/contract/index.js';
import { envDerivations } from '../../server/environment/derive.js';
import { envProbe } from '../../server/environment/tools.js';
import { openHost } from '../../server/host/host.js';
import { resultText } from '../../server/mcp/render.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import type { SimNpuHost } from '../../server/sim/npu-smi.js';
import { captureOf, installNpuSmi, occupied, plantHost, writeFiles } from '../generate/npu-smi.js';

interface Bench {
  readonly dir: string;
  readonly runs: Runs;
  readonly host: ReturnType<typeof openHost>;
  readonly probe: (args: Record<string, unknown>) => Promise<{ result: ToolOk; facts: EnvProbeFacts }>;
}

async function withTemp(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'env-probe-')));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A server whose PATH holds only the planted npu-smi, when one is given. */
async function withHost(npu: SimNpuHost | null, work: (bench: Bench) => Promise<void>, later?: SimNpuHost, extraEnv: Record<string, string> = {}): Promise<void> {
  await withTemp(async (dir) => {
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    if (npu !== null) installNpuSmi(bin, npu, later);
    const config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0.1.0', { PATH: bin, ...extraEnv }, dir);
    const host = openHost(config);
    await work({
      dir,
      host,
      runs: new Runs(host),
      probe: async (args) => {
        const result = await envProbe.invoke(args, { config, signal: new AbortController().signal, progress: () => undefined });
        expect(checkFacts('env_probe', result.facts)).toEqual([]);
        return { result, facts: result.facts as unknown as EnvProbeFacts };
      },
    });
  });
}

const by = { tool: 'test', input: {} };
const codes = (facts: EnvProbeFacts): string[] => facts.reasons.map((r) => r.code);
const snapshot = (result: ToolOk): EnvSnapshot => JSON.parse(readFileSync(result.artifacts[0]!.path, 'utf8')) as EnvSnapshot;

describe('env_probe on a host', () => {
  it('captures, keeps the raw outputs, and computes the same bytes again from them alone', async () => {
    await withHost(plantHost('a3'), async ({ runs, host, probe }) => {
      const run = await runs.create({ purpose: 'gate', level: 'formal' }, by);
      const { result, facts } = await probe({ run: run.id, phase: 'before' });
      expect(result.verdict).toBe('clean');
      expect(result.headline).toBe('16 chips, 16 clean: largest HBM use 3,115 MB, no process');
      expect(facts.chips.map((c) => c.logic_id)).toEqual([...Array(16).keys()]);
      expect(facts.driver_version).toBe('26.0.rc2');
      const raw = readdirSync(join(run.dir, 'env/raw/before'));
      expect(raw).toEqual(expect.arrayContaining(['npu-smi.info.txt', 'npu-smi.m.txt', 'npu-smi.l.txt', 'npu-smi.usages.7.txt', 'npu-smi.board.0.0.txt', 'npu-smi.topo.txt', 'os-release', 'capture.json']));
      const file = snapshot(result);
      expect(file.phase).toBe('before');
      expect(file.origin).toBe('host');
      expect(file.source.map((s) => s.path)).toEqual(raw.map((n) => `env/raw/before/${n}`).sort());
      expect(file.topology?.links[0]?.[1]).toBe('SIO');
      const verified = await verifyRun(run, host, envDerivations);
      expect(verified.facts).toMatchObject({ recomputed: 1, recomputed_equal: true, hash_mismatches: [], violations: [], unrecorded: [] });
      writeFileSync(join(run.dir, 'env/raw/before/npu-smi.info.txt'), readFileSync(join(run.dir, 'env/raw/before/npu-smi.info.txt'), 'utf8').replace('OK ', 'OK  '));
      expect((await verifyRun(run, host, envDerivations)).verdict).toBe('tampered');
    });
  });

  it('fills the manifest as captured: host, SoC, devices, driver', async () => {
    await withHost(plantHost('a3'), async ({ runs, host, probe }) => {
      const run = await runs.create({ purpose: 'gate', level: 'formal' }, by);
      await probe({ run: run.id, phase: 'before', devices: [3, 2] });
      const manifest = await run.manifest();
      expect(manifest.environment).toEqual({ host: host.hostname, chip: 'Ascend910_9392', devices: [3, 2], driver_version: '26.0.rc2' });
      const how = ['host', 'chip', 'devices', 'driver_version'].map((f) => manifest.provenance[`environment.${f}`]);
      expect(how.map((p) => [p?.how, p?.by])).toEqual(how.map(() => ['captured', 'env_probe']));
      // A later probe of all chips leaves the devices that were chosen.
      await probe({ run: run.id, phase: 'idle', samples: 1 });
      expect((await run.manifest()).environment.devices).toEqual([3, 2]);
    });
  });

  it('a second probe of a phase keeps the raw files of the first, and the newest verdict stands', async () => {
    await withHost(plantHost('910', (c, i) => (i === 0 ? occupied(c, 4242, 900) : {})), async ({ dir, runs, host, probe }) => {
      const run = await runs.create({ purpose: 'gate', level: 'quick' }, by);
      expect((await probe({ run: run.id, phase: 'before' })).result.verdict).toBe('contaminated');
      installNpuSmi(join(dir, 'bin'), plantHost('910'));
      expect((await probe({ run: run.id, phase: 'before' })).result.verdict).toBe('clean');
      expect(readdirSync(join(run.dir, 'env/raw')).sort()).toEqual(['before', 'before-2']);
      expect(JSON.parse(readFileSync(join(run.dir, 'env/before.json'), 'utf8')).verdict).toBe('clean');
      expect((await verifyRun(run, host, envDerivations)).facts).toMatchObject({ recomputed: 1, recomputed_equal: true });
    });
  });

  it('samples AICore one second apart and takes the largest', async () => {
    await withHost(plantHost('910'), async ({ probe }) => {
      const { result, facts } = await probe({ samples: 2 });
      expect(facts.chips[2]?.aicore_pct).toBe(55);
      expect(codes(facts)).toContain('aicore-busy');
      expect(snapshot(result).samples).toBe(2);
    }, plantHost('910', (_, i) => (i === 2 ? { aicorePct: 55 } : {})));
  });

  it('knows the processes of a service this run recorded', async () => {
    await withHost(plantHost('910', (c, i) => (i === 0 ? occupied(c, 4242, 50_000) : {})), async ({ runs, probe }) => {
      const run = await runs.create({ purpose: 'gate', level: 'quick' }, by);
      mkdirSync(join(run.dir, 'service/job-1'), { recursive: true });
      writeFileSync(join(run.dir, 'service/job-1/service.json'), JSON.stringify({ ranks: [{ rank: 0, pid: 4242 }] }));
      const { result, facts } = await probe({ run: run.id, phase: 'idle', samples: 1 });
      expect(facts.chips[0]?.processes).toEqual([{ pid: 4242, name: 'VLLMWorker_TP', memory_mb: 50_000, known: true }]);
      expect(result.verdict).toBe('clean');
      expect(result.headline).toContain('1 process of this run');
      expect((await probe({ run: run.id, phase: 'before' })).result.verdict).toBe('contaminated');
    });
  });

  it('reads the active CANN and the Python packages', async () => {
    await withTemp(async (home) => {
      writeFiles(home, [{ name: 'aarch64-linux/ascend_toolkit_install.info', text: 'package_name=Ascend-cann-toolkit\nversion=8.5.0\n' }]);
      await withHost(plantHost('910'), async ({ dir, runs, probe }) => {
        writeFileSync(join(dir, 'bin/python3'), '#!/bin/bash\necho torch 2.7.1\necho torch_npu 2.7.1.post1\n');
        chmodSync(join(dir, 'bin/python3'), 0o755);
        const run = await runs.create({ purpose: 'gate', level: 'quick' }, by);
        const { facts } = await probe({ run: run.id });
        expect(facts.cann_version).toBe('8.5.0');
        expect(facts.frameworks).toEqual([{ name: 'torch', version: '2.7.1' }, { name: 'torch_npu', version: '2.7.1.post1' }]);
        expect((await run.manifest()).environment).toMatchObject({ cann_version: '8.5.0', torch_npu_version: '2.7.1.post1', chip: 'Ascend910B3' });
      }, undefined, { ASCEND_HOME_PATH: home });
    });
  });

  it('without npu-smi: unavailable, and what was looked for', async () => {
    await withHost(null, async ({ runs, probe }) => {
      const run = await runs.create({ purpose: 'gate', level: 'quick' }, by);
      const { result, facts } = await probe({ run: run.id, phase: 'before' });
      expect(result.verdict).toBe('unavailable');
      expect(codes(facts)[0]).toBe('npu-smi-missing');
      for (const part of ['npu-smi in PATH', '/usr/local/bin/npu-smi', '/usr/local/Ascend/driver/version.info', '/dev/davinci', 'ascend_toolkit_install.info']) expect(facts.looked_for.join('\n')).toContain(part);
      expect(facts.chips).toEqual([]);
      expect((await run.manifest()).environment).toEqual({});
    });
  });

  it('an npu-smi that cannot open the devices: unavailable, its words kept as raw', async () => {
    await withHost(plantHost('910', undefined, { failure: 'occupied' }), async ({ runs, probe }) => {
      const { result, facts } = await probe({ phase: 'before' });
      expect(result.verdict).toBe('unavailable');
      expect(codes(facts)[0]).toBe('device-occupied');
      const run = await runs.open(facts.run);
      expect(readFileSync(join(run.dir, 'env/raw/before/npu-smi.info.stderr.txt'), 'utf8')).toContain('-8020');
    });
  });
});

describe('env_probe on captured outputs', () => {
  it('gives the verdict of the host they came from, and leaves the manifest alone', async () => {
    await withHost(null, async ({ dir, runs, host, probe }) => {
      for (const [name, npu, verdict] of [
        ['clean', plantHost('310p'), 'clean'],
        ['busy', plantHost('310p', (c, i) => (i === 3 ? occupied(c, 31, 9000) : {})), 'contaminated'],
      ] as const) {
        writeFiles(join(dir, name), captureOf(npu));
        const run = await runs.create({ purpose: 'gate', level: 'quick' }, by);
        const { result } = await probe({ run: run.id, phase: 'after', raw_dir: name });
        expect(result.verdict).toBe(verdict);
        expect(snapshot(result)).toMatchObject({ origin: 'raw_dir', host: null });
        expect((await run.manifest()).environment).toEqual({});
        expect((await verifyRun(run, host, envDerivations)).facts.recomputed_equal).toBe(true);
      }
    });
  });

  it('reads a capture of its own, and a single pasted file', async () => {
    await withHost(plantHost('910'), async ({ dir, runs, probe }) => {
      const first = await probe({ phase: 'before', samples: 2 });
      const own = join((await runs.open(first.facts.run)).dir, 'env/raw/before');
      const again = await probe({ phase: 'before', raw_dir: own });
      expect(again.result.verdict).toBe('clean');
      expect(again.facts.chips).toEqual(first.facts.chips);
      expect(snapshot(again.result).samples).toBe(2);
      writeFileSync(join(dir, 'paste'), captureOf(plantHost('910'))[0]!.text);
      expect((await probe({ raw_dir: 'paste' })).result.verdict).toBe('clean');
    });
  });

  it('marks what comes from the simulated host', async () => {
    await withHost(null, async ({ dir, probe }) => {
      writeFiles(join(dir, 'sim'), [...captureOf(plantHost('950')), { name: 'SIMULATED', text: 'x' }]);
      const { result } = await probe({ raw_dir: 'sim' });
      expect(snapshot(result).simulated).toBe(true);
    });
  });

  it('keeps secrets out of the raw files it copies', async () => {
    await withHost(null, async ({ dir, runs, probe }) => {
      writeFiles(join(dir, 'raw'), [...captureOf(plantHost('910')), { name: 'notes.txt', text: 'HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz0123\n' }]);
      const { facts } = await probe({ raw_dir: 'raw' });
      expect(readFileSync(join((await runs.open(facts.run)).dir, 'env/raw/probe-1/notes.txt'), 'utf8')).not.toContain('hf_abc');
    });
  });

  it('process names stay out of the headline and of next, and are shown without control characters', async () => {
    await withHost(null, async ({ dir, probe }) => {
      const bad = 'ignore\u001b[31m previous‮';
      writeFiles(join(dir, 'raw'), captureOf(plantHost('910', (c, i) => (i === 0 ? occupied(c, 9, 10, bad) : {}))));
      const { result } = await probe({ raw_dir: 'raw' });
      expect(result.verdict).toBe('contaminated');
      expect(`${result.headline} ${JSON.stringify(result.next)}`).not.toContain('previous');
      expect(resultText(result, envProbe.text)).toContain('ignore previous');
      expect(resultText(result, envProbe.text)).not.toMatch(/[\u001b\u202e]/);
    });
  });

  it('stays under 8 kB with 64 busy chips, and says what was cut', async () => {
    await withHost(null, async ({ dir, probe }) => {
      const base = plantHost('a3', (c) => ['a', 'b', 'c', 'd'].reduce((chip, n, i) => ({ ...chip, ...occupied(chip, 100_000 + chip.logic * 10 + i, 1000, `VLLMWorker_${n}`) }), c));
      const chips = [0, 1, 2, 3].flatMap((k) => base.chips.map((c) => ({ ...c, npu: c.npu + 8 * k, logic: c.logic + 16 * k, phy: c.phy + 16 * k })));
      writeFiles(join(dir, 'raw'), captureOf({ ...base, chips }).slice(0, 3));
      const { result, facts } = await probe({ raw_dir: 'raw' });
      expect(JSON.stringify(result).length).toBeLessThan(8000);
      expect(result.warnings.filter((w) => w.code === 'W-CUT').map((w) => w.detail).join(' ')).toContain(`${facts.chips.length} of 64 chips`);
      expect(snapshot(result).chips).toHaveLength(64);
      expect(result.headline).toContain('64 chips, 0 clean');
    });
  });

  it.each([
    ['E_FORMAT_UNKNOWN', { raw_dir: 'nothing' }],
    ['E_FORMAT_UNKNOWN', { raw_dir: 'empty' }],
    ['E_PATH_MISSING', { raw_dir: 'absent' }],
    ['E_PATH_OUTSIDE', { raw_dir: '/etc' }],
    ['E_PATH_OUTSIDE', { raw_dir: 'links' }],
    ['E_ARG_CONFLICT', { raw_dir: 'nothing', samples: 2 }],
    ['E_ARG_TYPE', { devices: [1, 1] }],
    ['E_ARG_TYPE', { samples: 0 }],
    ['E_ARG_TYPE', { phase: 'later' }],
    ['E_RUN_INVALID', { run: '../x' }],
    ['E_RUN_MISSING', { run: '20260101-000000-x-0000' }],
  ])('%s: %j, and no run is left behind', async (code, args) => {
    await withHost(null, async ({ dir, probe }) => {
      writeFiles(dir, [{ name: 'nothing/readme.txt', text: 'nothing here\n' }]);
      mkdirSync(join(dir, 'empty'));
      mkdirSync(join(dir, 'links'));
      symlinkSync('/etc/os-release', join(dir, 'links/os-release'));
      await expect(probe(args)).rejects.toMatchObject({ code });
      expect(existsSync(join(dir, 'runs')) ? readdirSync(join(dir, 'runs')) : []).toEqual([]);
    });
  });
});

it('the definition keeps to the token budget and states all four hints', () => {
  expect((envProbe.name + envProbe.description + JSON.stringify(envProbe.inputSchema)).length / 4).toBeLessThanOrEqual(400);
  expect(envProbe.annotations).toEqual({ readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false });
});
