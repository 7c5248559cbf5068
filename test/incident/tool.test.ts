import { mkdir, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeConfig, type Config } from '../../server/config.js';
import { check, checkFacts } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { computeIncident, incidentDerivations } from '../../server/incident/derive.js';
import { incidentTriage } from '../../server/incident/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { plant } from '../generate/incident.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
const config: Config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0.0.0', {}, dir);
const ctx = { config, signal: new AbortController().signal, progress: () => undefined };

async function incident(): Promise<string> {
  const folder = join(dir, 'logs');
  for (const f of plant('silent', 8, 5).files) {
    const path = join(folder, f.path.replace('/logs/', ''));
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, f.text);
  }
  return folder;
}

describe('incident_triage', () => {
  it('answers by its schema, keeps its evidence, and comes out the same again from that alone', async () => {
    const path = await incident();
    const result = await incidentTriage.invoke({ path }, ctx);
    expect(result.verdict).toBe('diagnosed');
    expect(checkFacts('incident_triage', result.facts)).toEqual([]);
    // The line read at night: who, what, since when, what to do.
    const { origin } = plant('silent', 8, 5);
    expect(result.headline).toMatch(new RegExp(`^Rank ${origin} \\(card \\d, pid \\d+, on worker-\\d\\): said nothing while the others waited for it \\(silent-rank, class hccl\\), since about 2026-08-05T[\\d:.]+; 7 ranks report consequences\\. First: look at that rank before restarting anything`));
    expect(result.next.map((n) => n.tool)).toEqual(['incident_triage', 'run_report']);
    expect(result.facts['primary']).toMatchObject({ id: 'silent-rank', origin: { rank: plant('silent', 8, 5).origin, file: null, line: null } });
    const report = result.artifacts.find((a) => a.kind === 'incident-report');
    const text = await readFile(report?.path ?? '', 'utf8');
    expect(check('incident-report', JSON.parse(text)).ok).toBe(true);
    const host = openHost(config);
    const run = await new Runs(host).open(String(result.facts['run']));
    const again = await computeIncident({ folder: 'incident/001' }, run.dir);
    const derived = await incidentDerivations['incident.report']?.({ folder: 'incident/001' }, host, run.dir);
    expect(derived).toEqual(again.derived);
    expect(JSON.parse(text)).toMatchObject({ ...again.body });
  });
  it('pasted text is stored with the run; secrets in it are not', async () => {
    const result = await incidentTriage.invoke({ text: 'EL0004: [PID: 7] 2026-08-05-03:00:00.000.000 Failed to allocate memory. API_KEY=sk-abcdefghijklmnop1234\n' }, ctx);
    expect(result.verdict).toBe('diagnosed');
    for (const a of result.artifacts) expect(await readFile(a.path, 'utf8')).not.toContain('sk-abcdefghijklmnop1234');
  });
  it('collect lists every command with its outcome, on a host without an NPU too', async () => {
    const result = await incidentTriage.invoke({ collect: true }, { ...ctx, config: makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0.0.0', { PATH: '/nonexistent', HOME: dir }, dir) });
    const commands = result.facts['commands'];
    expect(commands).toEqual(expect.arrayContaining([{ command: 'npu-smi info', outcome: 'missing', bytes: 0 }, expect.objectContaining({ command: 'read /proc/meminfo', outcome: 'ok' })]));
  });
  it.each([
    [{}, 'E_ARG_MISSING'],
    [{ text: '  ' }, 'E_ARG_TYPE'],
    [{ path: '/etc/passwd' }, 'E_PATH_OUTSIDE'],
    [{ path: 'no-such-log' }, 'E_PATH_MISSING'],
    [{ text: 'x', run: 'no-such-run' }, 'E_RUN'],
  ])('%j is %s', async (args, code) => {
    await expect(incidentTriage.invoke(args, ctx)).rejects.toThrow(code);
  });
  it('costs at most 180 tokens', () => {
    const { name, description, inputSchema } = incidentTriage;
    expect((name.length + description.length + JSON.stringify(inputSchema).length) / 4).toBeLessThanOrEqual(180);
  });
});
