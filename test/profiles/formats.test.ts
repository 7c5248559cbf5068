import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import type { CaptureForm } from '../../server/sim/write.js';
import { makeDecodeCapture, writeCapture } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const { capture } = makeDecodeCapture({ layers: 1, steps: 2 });
const planted = capture.processes.flatMap((p) => [...p.tasks]).flatMap((t) => (t.kernel === null ? [] : [t.name])).sort();

/** Names of the kernels that were read, in the order of the names. */
const kernels = ({ tasks, strings }: Profile): string[] => [...tasks.name].filter((_, i) => tasks.class[i] === taskClass.compute).map((id) => strings.get(id)).sort();

async function found(folder: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(folder, { recursive: true })).find((n) => pattern.test(basename(n)));
  if (name === undefined) throw new Error(`nothing like ${String(pattern)}`);
  return join(folder, name);
}
async function edit(folder: string, pattern: RegExp, change: (text: string) => string): Promise<void> {
  const path = await found(folder, pattern);
  await writeFile(path, change(await readFile(path, 'utf8')));
}
const summary = /^op_summary/;
const timeline = /^msprof_\d+\.json$/;
const strange = (text: string): string => text.replaceAll('aclnn', 'other');

/** What a form may look like besides the one the generators write: each must give every planted kernel. */
const forms: readonly { name: string; of: CaptureForm[]; change: (dir: string) => Promise<void> }[] = [
  { name: '*_ascend_ms', of: ['torch-text'], change: async (dir) => {
    const folder = (await readdir(dir)).find((n) => n.endsWith('_ascend_pt')) ?? '';
    await rename(join(dir, folder), join(dir, folder.replace(/_pt$/, '_ms')));
  } },
  { name: 'DB preferred to CSV and timeline', of: ['msprof-db', 'msprof-csv', 'msprof-timeline'], change: async (dir) => {
    await edit(dir, summary, strange);
    await edit(dir, timeline, strange);
  } },
  { name: 'CSV preferred to timeline', of: ['msprof-csv', 'msprof-timeline'], change: (dir) => edit(dir, timeline, strange) },
  { name: 'NA for N/A', of: ['msprof-csv'], change: (dir) => edit(dir, summary, (text) => text.replaceAll('N/A', 'NA')) },
  { name: 'timeline as {traceEvents}', of: ['msprof-timeline'], change: (dir) => edit(dir, timeline, (text) => `{"displayTimeUnit":"ns","traceEvents":${text}}`) },
  { name: 'timeline with ts as a number', of: ['msprof-timeline'], change: (dir) => edit(dir, timeline, (text) => text.replace(/"ts":\s*"([\d.]+)"/g, '"ts":$1')) },
  { name: 'timeline that is not terminated', of: ['msprof-timeline'], change: (dir) => edit(dir, timeline, (text) => text.trimEnd().replace(/\]$/, '')) },
  { name: 'DB without indexes', of: ['msprof-db'], change: async (dir) => {
    const { default: Database } = await import('libsql');
    const database = new Database(await found(dir, /^msprof_\d+\.db$/));
    for (const index of ['TaskIndex', 'CommunicationTaskIndex']) database.exec(`DROP INDEX IF EXISTS ${index}`);
    database.close();
  } },
];

/** Forms that have their test elsewhere: file and a piece of its title. */
const elsewhere: readonly (readonly [form: string, file: string, title: string])[] = [
  ['PROF_*, its parent, mindstudio_profiler_output, a lone db/csv/json', 'inputs', 'a PROF folder, its parent, its output folder, its parts and single files'],
  ['*_ascend_pt, ASCEND_PROFILER_OUTPUT', 'inputs', 'a torch folder and its output folder'],
  ['a parent with many', 'forms', 'every device task is the planted one, to the nanosecond'],
  ['OPPROF_*', '../opprof/opprof', 'reads the layouts of several operators, runs and devices'],
  ['the newest export per kind', 'inputs', 'the newest export of each kind is read'],
  ['slices merged', 'inputs', 'all slices of one export are read'],
  ['renamed columns, CRLF', 'inputs', 'renamed columns, Windows line ends and a header of task-time l0'],
  ['TAB, quoted shapes, N/A', 'csv', 'takes quoted shapes, TABs, a BOM'],
  ['multi-line cells', 'csv', 'numbers lines through multi-line cells'],
  ['timeline unsorted, ts as a string', 'timeline', 'unsorted events, names after the events'],
  ['ns as int64', 'numbers', 'keeps every nanosecond of 19 digits'],
  ['ns of a DB as TEXT', 'database', 'times as TEXT'],
];

describe('every form of a capture', () => {
  it.each(forms)('$name', async ({ of, change }) => {
    const dir = await tempFolder();
    await writeCapture(dir, capture, of);
    await change(dir);
    expect(kernels(await readProfile([dir], testHost(dir)))).toEqual(planted);
  });
  it.each(elsewhere)('%s: see %s', async (_, file, title) => {
    expect(await readFile(join(import.meta.dirname, `${file}.test.ts`), 'utf8')).toContain(title);
  });
});
