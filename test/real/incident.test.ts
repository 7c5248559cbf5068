import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { triageFiles, triageText } from '../incident/helpers.js';
import { docLabels } from './incident-labels-docs.js';
import { issueLabels } from './incident-labels-issues.js';
import { plogLabels } from './incident-labels-plogs.js';

const data = join(import.meta.dirname, '../../../shared/data');
const labels = [...issueLabels, ...docLabels, ...plogLabels];
const folders = ['issue-logs', 'plog', 'doc-logs', 'serving-logs'];

/** Answers of npu-smi and hccn_tool, a folder each: class and signature of what they show, null when the card is well. */
const answers: readonly { path: string; cls: string | null; id?: string }[] = [
  { path: 'npu-smi/fail-8005-console', cls: 'driver', id: 'dcmi-init' },
  { path: 'npu-smi/a3-alarm-busy-truncated', cls: 'device', id: 'device-alarm' },
  { path: 'npu-smi/910B2-25.5.6-idle', cls: null },
  // hccn_tool: records of the start and a check that does not succeed, nothing that failed; the second listing has `Health Status : Alarm`.
  { path: 'npu-smi/mindcluster-envcheck', cls: null },
  { path: 'npu-smi/mindcluster-kgparse', cls: 'device', id: 'device-alarm' },
  { path: 'npu-smi/a3-26.1.1-vllm-16die', cls: null },
];

function names(path: string): string[] {
  const full = join(data, path);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((f) => join(path, f))
    .filter((f) => statSync(join(data, f)).isFile());
}

const read = (path: string): { path: string; text: string }[] => names(path).map((f) => ({ path: join(data, f), text: readFileSync(join(data, f), 'utf8') }));

describe.runIf(existsSync(data))('shared logs are what their sources say', () => {
  it('every file has a label', () => {
    expect(folders.flatMap(names).filter((f) => !labels.some((l) => l.path === f))).toEqual([]);
    expect(new Set(labels.map((l) => l.path)).size).toBe(labels.length);
  });

  it.each(labels)('$path', async (label) => {
    const { body } = await triageFiles(read(label.path));
    const seen = JSON.stringify(body.primary);
    expect(body.verdict, seen).toBe(label.verdict);
    expect(body.incidents, JSON.stringify(body.incidents.map((i) => i.id))).toHaveLength(label.incidents);
    expect(label.shown.filter((line) => !body.unmatched.some((u) => u.line === line))).toEqual([]);
    if (label.classes.length === 0) return;
    expect(label.classes, seen).toContain(body.primary?.class);
    expect(label.lines, seen).toContain(body.primary?.origin.line);
    expect(label.ranks, seen).toContain(body.primary?.origin.rank);
    if (label.device !== undefined) expect(body.primary?.origin.device, seen).toBe(label.device);
    if (label.named !== undefined) expect(body.primary?.ranks, seen).toEqual(label.named);
  });

  it('lines put together from many programs give no incident twice', async () => {
    for (const path of ['plog/mindcluster-kg_parse', 'plog/mindcluster-st_testcase']) {
      const { body } = await triageFiles(read(path));
      const where = body.incidents.map(({ id, origin }) => `${id} ${origin.file ?? ''} ${origin.device ?? ''}`);
      expect(new Set(where).size, where.join('\n')).toBe(where.length);
    }
  });

  it('a chain of waits leads to the rank that waits for nobody else', async () => {
    // The fixture gives all ranks the process id 69402; here each has that of its file's name.
    const files = read('plog/mindcluster-rc_diag/rc_remote_local').map(({ path, text }) => ({ path, text: text.replaceAll('(69402,', `(${/(\d+)-1\.log$/.exec(path)?.[1] ?? ''},`) }));
    const { body } = await triageFiles(files);
    expect(body.primary).toMatchObject({ id: 'wait-chain', class: 'hccl', origin: { rank: 2, line: null } });
    expect(body.verdict).toBe('suspected');
  });

  it('the one rank that rank 0 does not list at the rendezvous is the origin', async () => {
    const lines = read('plog/mindcluster-rc_parse/example.log')[0]?.text.split('\n').slice(6, 21) ?? [];
    const body = await triageText(`${lines.join('\n')}\n`);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'absent-ranks', origin: { rank: 7, line: null } } });
  });

  it('a kernel of a collective that crashed waited for nobody', async () => {
    const [waited] = read('issue-logs/aicore-507014-timeout-4972/err2.log');
    const [crashed] = read('issue-logs/aicore-0x800000-sglang-glmocr232/err.log');
    const own = (waited?.text ?? '').split('\n').filter((l) => l.includes('fault kernel_name')).join('\n');
    const body = await triageText(`${crashed?.text ?? ''}${own}\n`);
    expect(body.incidents.map((i) => i.class)).toEqual(['aicore']);
    expect(body.verdict).toBe('diagnosed');
  });

  it('what the device side logs belongs to the process its file is named by', async () => {
    const path = join(data, 'plog/oamtools-gatherv3-2025/device-155320_20250508095615632.log');
    const body = await triageText(`${readFileSync(path, 'utf8')}[ERROR] CCECPU(12790,aicpu_scheduler):2025-05-08-09:56:20.000.000 [a.cpp:1][tid:1] aicpu exception\n`, path);
    expect(body.primary).toMatchObject({ class: 'aicpu', origin: { pid: 155320 } });
  });

  it.each(answers)('$path', async ({ path, cls, id }) => {
    const { body } = await triageFiles(read(path));
    expect(body.primary?.class ?? null).toBe(cls);
    expect(body.primary?.id).toBe(id);
    expect(body.verdict).toBe(cls === null ? 'no-known-signature' : 'diagnosed');
  });

  it('above the line with which the trouble begins nothing is diagnosed', async () => {
    let long = 0;
    const wrong: string[] = [];
    for (const { path, begins } of labels) {
      if (begins === Infinity || begins === 1 || statSync(join(data, path)).isDirectory()) continue;
      const text = readFileSync(join(data, path), 'utf8').split('\n').slice(0, begins - 1).join('\n');
      if (begins > 20) long += 1;
      const body = await triageText(`${text}\n`, join(data, path));
      // A log that is cut while weights are loaded is suspected to hang there, or to go on: both is so.
      const told = body.incidents.filter((i) => i.id !== 'stalled-start' || body.verdict === 'diagnosed');
      if (told.length > 0) wrong.push(`${path}: ${told[0]?.id ?? ''}`);
    }
    expect(wrong).toEqual([]);
    expect(long).toBeGreaterThanOrEqual(4);
  });
});
