import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { incompleteCodes } from '../../server/profiles/incomplete.js';
import { taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import type { CaptureForm, WriteOptions } from '../../server/sim/write.js';
import { makeDecodeCapture, writeCapture } from '../generate/captures.js';
import { carriageReturns, dropTables, exportAgain, l0Header, notStopped, oldBlockDim, truncate, unclosedQuote } from '../generate/damage.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { byTask } from '../helpers/tasks.js';

const { capture } = makeDecodeCapture({ layers: 1, steps: 2 });
const [process] = capture.processes;
const kernels = [...process!.tasks].filter((t) => t.kernel !== null).length;

async function written(forms: CaptureForm[], options: WriteOptions = {}): Promise<{ dir: string; prof: string; torch: string; read: (...paths: string[]) => Promise<Profile> }> {
  const dir = await tempFolder();
  const { processes } = await writeCapture(dir, capture, forms, options);
  const host = testHost(dir);
  return { dir, prof: processes[0]!.prof ?? '', torch: processes[0]!.torch ?? '', read: (...paths) => readProfile(paths, host) };
}

const found = async (folder: string, pattern: RegExp): Promise<string> => {
  const name = (await readdir(folder, { recursive: true })).find((n) => pattern.test(basename(n)));
  if (name === undefined) throw new Error(`nothing like ${String(pattern)}`);
  return join(folder, name);
};
const computeTasks = (p: Profile): number => p.tasks.class.filter((c) => c === taskClass.compute).length;
const codes = (p: Profile): string[] => p.incomplete.map((n) => n.code);

describe('what may be given', () => {
  it('a PROF folder, its parent, its output folder, its parts and single files', async () => {
    const { dir, prof, read } = await written(['msprof-db', 'msprof-csv', 'msprof-timeline']);
    const output = join(prof, 'mindstudio_profiler_output');
    for (const path of [dir, prof, output, await found(prof, /^msprof_\d+\.db$/), await found(prof, /^op_summary/), await found(prof, /^msprof_\d+\.json$/)]) {
      const profile = await read(path);
      expect(computeTasks(profile)).toBe(kernels);
      expect(profile.simulated).toBe(true);
      expect(profile.sources.every((s) => s.path.startsWith(dir))).toBe(true);
    }
  });
  it('a torch folder and its output folder, with level and rank from the files above', async () => {
    const { dir, torch, read } = await written(['torch-text']);
    for (const path of [dir, torch, join(torch, 'ASCEND_PROFILER_OUTPUT'), join(torch, 'ASCEND_PROFILER_OUTPUT', 'kernel_details.csv')]) {
      const profile = await read(path);
      expect(computeTasks(profile)).toBe(kernels);
      expect([profile.level, profile.devices[0]?.rank]).toEqual(['Level1', 0]);
    }
  });
  it('several files of one folder are one capture, files that lie loose in a folder too', async () => {
    const { dir, prof, read } = await written(['msprof-csv', 'msprof-timeline']);
    const files = [await found(prof, /^op_summary/), await found(prof, /^msprof_\d+\.json$/)];
    const one = await read(...files);
    expect(computeTasks(one)).toBe(kernels);
    expect(one.devices).toHaveLength(1);
    const loose = join(dir, 'loose');
    await mkdir(loose);
    for (const file of files) await copyFile(file, join(loose, basename(file)));
    const profile = await read(loose);
    expect(computeTasks(profile)).toBe(kernels);
    expect(profile.apis?.length).toBeGreaterThan(0);
  });
  it('files under other names, known by their content', async () => {
    const { dir, prof, read } = await written(['msprof-db', 'msprof-csv', 'msprof-timeline']);
    const renamed = [['a.csv', /^op_summary/], ['b.json', /^msprof_\d+\.json$/], ['c.db', /^msprof_\d+\.db$/]] as const;
    for (const [name, pattern] of renamed) {
      await copyFile(await found(prof, pattern), join(dir, name));
      expect(computeTasks(await read(join(dir, name)))).toBe(kernels);
    }
  });
  it('the same path twice, or a folder and a file in it, counts once', async () => {
    const { prof, read } = await written(['msprof-csv']);
    expect(computeTasks(await read(prof, prof))).toBe(kernels);
  });
});

describe('exports side by side', () => {
  it('the newest export of each kind is read, the older one is not added', async () => {
    const { prof, read } = await written(['msprof-csv']);
    exportAgain(prof, capture, process!);
    const profile = await read(prof);
    expect(computeTasks(profile)).toBe(kernels);
    const stamps = profile.sources.filter((s) => /\d{14}\.csv$/.test(s.path)).map((s) => /(\d{14})\.csv$/.exec(s.path)![1]);
    expect(new Set(stamps).size).toBe(1);
  });
  it('all slices of one export are read', async () => {
    const { prof, read } = await written(['msprof-csv'], { sliceRows: 7 });
    const slices = (await readdir(join(prof, 'mindstudio_profiler_output'))).filter((n) => n.startsWith('op_summary_slice'));
    expect(slices.length).toBeGreaterThan(1);
    const profile = await read(prof);
    expect(computeTasks(profile)).toBe(kernels);
    expect(profile.sources.filter((s) => s.kind === 'op-summary')).toHaveLength(slices.length);
  });
  it('databases of several ranks in one folder are captures of their own', async () => {
    const dir = await tempFolder();
    const two = makeDecodeCapture({ ranks: 2, layers: 1, steps: 1 }).capture;
    await writeCapture(dir, two, ['torch-db']);
    const loose = join(dir, 'loose');
    await mkdir(loose);
    for (const rank of [0, 1]) {
      const db = await found(dir, new RegExp(`^ascend_pytorch_profiler_${rank}\\.db$`));
      await copyFile(db, join(loose, basename(db)));
    }
    const profile = await readProfile([loose], testHost(dir));
    expect(profile.devices.map((d) => [d.rank, d.capture])).toEqual([[0, 0], [1, 1]]);
  });
});

describe('older and damaged exports', () => {
  it('renamed columns, Windows line ends and a header of task-time l0', async () => {
    const { prof, read } = await written(['msprof-csv']);
    const file = await found(prof, /^op_summary/);
    const blocks = byTask((await read(file)).tasks, 'blockNum');
    oldBlockDim(file);
    carriageReturns(file);
    expect(byTask((await read(file)).tasks, 'blockNum')).toEqual(blocks);
    await rm(await found(prof, /^sample\.json$/));
    await rm(join(prof, 'device_0', 'sample.json'), { force: true });
    await rm(join(prof, 'host', 'sample.json'), { force: true });
    l0Header(file);
    const profile = await read(file);
    expect(computeTasks(profile)).toBe(kernels);
    expect(profile.level).toBe('l0');
    expect(codes(profile)).toContain('level-0');
    expect(byTask(profile.tasks, 'blockNum').every((b) => Number.isNaN(b))).toBe(true);
  });
  it('rows without a start or a duration are left out and counted, ragged ones counted', async () => {
    const { dir, read } = await written(['msprof-csv']);
    const path = join(dir, 'op_summary_1.csv');
    await writeFile(path, 'Op Name,OP Type,Task Type,Task Start Time(us),Task Duration(us),Block Num\na,A,AI_CORE,1700000000000000.001\t,1.5,8\nb,B,AI_CORE,N/A,1.5,8\nc,C,AI_CORE,1700000000000000.501\t,1.5\nd,"x",E,AI_CORE,1700000000000000.501\t,1.5,1\n');
    const profile = await read(path);
    expect(profile.tasks.length).toBe(2);
    expect([...profile.tasks.startNs]).toEqual([0, 500]);
    expect(profile.incomplete).toContainEqual({ code: 'csv-rows-dropped', detail: 'op_summary_1.csv: 2 of 4 rows' });
    expect(profile.incomplete).toContainEqual({ code: 'csv-ragged', detail: 'op_summary_1.csv: 2 of 4 rows' });
  });
  it('a broken quote in the file asked for is an error with the line, in a folder with a timeline a note', async () => {
    const { prof, read } = await written(['msprof-csv', 'msprof-timeline']);
    const file = await found(prof, /^op_summary/);
    const text = await readFile(file, 'utf8');
    const at = text.lastIndexOf('"');
    await writeFile(file, text.slice(0, at) + text.slice(at + 1));
    await expect(read(file)).rejects.toMatchObject({ code: 'E_CSV_BROKEN', seen: expect.stringMatching(/line \d+/) });
    const profile = await read(prof);
    expect(computeTasks(profile)).toBe(kernels);
    expect(codes(profile)).toContain('file-broken');
  });
  it('a folder whose only tasks are broken is an error too', async () => {
    const { torch, read } = await written(['torch-text']);
    const csv = await found(torch, /^kernel_details/);
    unclosedQuote(csv);
    const trace = await found(torch, /^trace_view/);
    await rm(trace);
    for (const name of await readdir(dirname(csv))) if (name !== 'kernel_details.csv') await rm(join(dirname(csv), name));
    await expect(read(torch)).rejects.toMatchObject({ code: 'E_CSV_BROKEN' });
  });
  it('a cut timeline gives what is whole and says so', async () => {
    const { prof, read } = await written(['msprof-timeline']);
    const file = await found(prof, /^msprof_\d+\.json$/);
    truncate(file, 0.6);
    const profile = await read(file);
    expect(codes(profile)).toContain('timeline-truncated');
    expect(profile.tasks.length).toBeGreaterThan(0);
    truncate(file, 0.00001);
    await expect(read(file)).rejects.toMatchObject({ code: expect.stringMatching(/^E_(JSON_BROKEN|FILE_EMPTY)$/) });
  });
  it('a cut timeline is completed from task_time', async () => {
    const { prof, read } = await written(['msprof-csv', 'msprof-timeline']);
    const whole = await read(prof);
    truncate(await found(prof, /^msprof_\d+\.json$/), 0.5);
    const profile = await read(prof);
    expect(profile.tasks.length).toBe(whole.tasks.length);
    expect(codes(profile)).toContain('timeline-truncated');
  });
  it('a database without STRING_IDS alone is an error, beside text a note', async () => {
    const { prof, read } = await written(['msprof-db', 'msprof-csv', 'msprof-timeline']);
    const db = await found(prof, /^msprof_\d+\.db$/);
    const whole = await read(prof);
    await dropTables(db, 'STRING_IDS');
    await expect(read(db)).rejects.toMatchObject({ code: 'E_DB_INCOMPLETE', next: expect.stringContaining('msprof --export=on') });
    const profile = await read(prof);
    expect(codes(profile)).toContain('db-truncated');
    expect(profile.tasks.length).toBe(whole.tasks.length);
  });
  it('missing tables leave their part unknown', async () => {
    const { prof, read } = await written(['msprof-db']);
    const db = await found(prof, /^msprof_\d+\.db$/);
    await dropTables(db, 'CANN_API', 'TASK_PMU_INFO');
    const profile = await read(db);
    expect(computeTasks(profile)).toBe(kernels);
    expect(profile.apis).toBeNull();
    expect(profile.tasks.pmu.size).toBe(0);
    expect(codes(profile)).toEqual(expect.arrayContaining(['no-host-api', 'no-pmu']));
    await dropTables(db, 'TASK');
    await expect(read(db)).rejects.toMatchObject({ code: 'E_PROFILE_NO_DEVICE_DATA' });
  });
  it('the files beside a database stay as they are', async () => {
    const { prof, read } = await written(['msprof-db']);
    const db = await found(prof, /^msprof_\d+\.db$/);
    await writeFile(`${db}-shm`, 'left by a viewer');
    const before = await readdir(prof);
    await read(db);
    expect(await readdir(prof)).toEqual(before);
    expect(await readFile(`${db}-shm`, 'utf8')).toBe('left by a viewer');
  });
  it('a path with question mark, percent and hash opens', async () => {
    const { dir, prof, read } = await written(['msprof-db']);
    const odd = join(dir, 'a?b%20#c.db');
    await copyFile(await found(prof, /^msprof_\d+\.db$/), odd);
    expect(computeTasks(await read(odd))).toBe(kernels);
  });
  it('a killed capture is noted by device', async () => {
    const { prof, read } = await written(['msprof-csv']);
    notStopped(prof, 0);
    expect((await read(prof)).incomplete).toContainEqual({ code: 'capture-not-stopped', detail: 'device_0 has no end_info' });
  });
});

describe('what is refused', () => {
  it('each with its own code', async () => {
    const dir = await tempFolder();
    const host = testHost(dir);
    const read = (path: string): Promise<Profile> => readProfile([path], host);
    await mkdir(join(dir, 'photos', 'holiday'), { recursive: true });
    await writeFile(join(dir, 'photos', 'a.png'), 'x');
    await expect(read(join(dir, 'photos'))).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await writeFile(join(dir, 'notes.csv'), 'a,b\n1,2\n');
    await expect(read(join(dir, 'notes.csv'))).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await writeFile(join(dir, 'kernel_details.csv'), '');
    await expect(read(join(dir, 'kernel_details.csv'))).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
    await writeFile(join(dir, 'kernel_details.csv'), 'only,one\n1,2\n');
    await expect(read(join(dir, 'kernel_details.csv'))).rejects.toMatchObject({ code: 'E_CSV_BROKEN' });
    await writeFile(join(dir, 'msprof_1.db'), 'no database at all');
    await expect(read(join(dir, 'msprof_1.db'))).rejects.toMatchObject({ code: 'E_DB_BROKEN' });
    await writeFile(join(dir, 'msprof_1.db'), `SQLite format 3\u0000${'x'.repeat(5000)}`);
    await expect(read(join(dir, 'msprof_1.db'))).rejects.toMatchObject({ code: 'E_DB_BROKEN' });
    await writeFile(join(dir, 'msprof_1.db'), '');
    await expect(read(join(dir, 'msprof_1.db'))).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
    await mkdir(join(dir, 'OPPROF_20260101000000_ABC'));
    await expect(read(join(dir, 'OPPROF_20260101000000_ABC'))).rejects.toMatchObject({ code: 'E_PROFILE_OPERATOR' });
  });
  it('a database of another tool', async () => {
    const dir = await tempFolder();
    const { default: Database } = await import('libsql');
    const database = new Database(join(dir, 'other.db'));
    database.exec('CREATE TABLE memory_allocation (id INTEGER); INSERT INTO memory_allocation VALUES (1)');
    database.close();
    await expect(readProfile([join(dir, 'other.db')], testHost(dir))).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });
  it('a PROF folder that was never exported, with the command that does it', async () => {
    const { dir, prof, read } = await written(['msprof-raw']);
    for (const path of [dir, prof]) await expect(read(path)).rejects.toMatchObject({ code: 'E_PROFILE_NOT_EXPORTED', next: expect.stringContaining('msprof --export=on --output=') });
    const other = await written(['msprof-csv']);
    await rename(other.prof, join(dir, basename(other.prof).replace('000001', '000002')));
    expect(codes(await read(dir))).toContain('capture-not-exported');
  });
  it('a link that leads out of the allowed folders, wherever it lies', async () => {
    const outside = await written(['msprof-csv']);
    const secret = await found(outside.prof, /^op_summary/);
    const { prof, read } = await written(['msprof-csv']);
    const file = await found(prof, /^op_summary/);
    await rm(file);
    await symlink(secret, file);
    await expect(read(prof)).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
    const dir = await tempFolder();
    await symlink(outside.prof, join(dir, basename(outside.prof)));
    await expect(readProfile([dir], testHost(dir))).rejects.toMatchObject({ code: 'E_PATH_OUTSIDE' });
  });
  it('an abort ends the reading', async () => {
    const { prof, dir } = await written(['msprof-csv']);
    const control = new AbortController();
    control.abort();
    await expect(readProfile([prof], testHost(dir), { signal: control.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('notes', () => {
  it('are from the closed list, whose texts say what brings the missing part', () => {
    expect(Object.values(incompleteCodes).every((text) => text.length > 20)).toBe(true);
  });
});
