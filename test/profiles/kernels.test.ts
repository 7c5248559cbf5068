import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assembly, type CounterUse } from '../../server/profiles/assembly.js';
import { readKernels } from '../../server/profiles/kernels.js';
import { limitsOf, unlimited, unmeasured, type LimitRules } from '../../server/profiles/limits.js';
import { type Profile } from '../../server/profiles/profile.js';
import { tempFolder } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

const dir = await tempFolder();
let count = 0;

async function fast(text: string | Buffer, parts = 1, counters: CounterUse = 'all'): Promise<Profile> {
  const path = join(dir, `op_summary_${count++}.csv`);
  await writeFile(path, text);
  const assembly = new Assembly(undefined, () => undefined, counters);
  await readKernels(assembly, 0, { path, name: basename(path), kind: 'op-summary', bytes: text.length, device: 3, given: true }, { pieces: parts, threads: 1 });
  return assembly.finish(() => 3);
}

interface Row {
  device: number;
  startNs: bigint;
  durationNs: bigint;
  name: string;
  type: string;
  task: string;
  shapes: string;
  stream: number;
  block: number | null;
  ratio: number | null;
}

/** A slow reader of its own: splits by RFC 4180 as msprof writes it (a quote opens a cell only at its beginning), exact decimals by BigInt. */
function plainCells(text: string): string[][] {
  const rows: string[][] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      const quoted = /^[ \t]*"((?:[^"]|"")*)"[ \t\r]*(?=[,\n]|$)/.exec(text.slice(at));
      const cell = quoted?.[0] ?? /^[^,\n]*/.exec(text.slice(at))?.[0] ?? '';
      row.push(cell);
      at += cell.length;
      if (text[at++] !== ',') break;
    }
    if (!(row.length === 1 && (row[0] === '' || row[0] === '\r'))) rows.push(row);
  }
  return rows;
}

const bare = (cell: string): string => cell.replace(/^[ \t\r]+|[ \t\r]+$/g, '').replace(/^"([\s\S]*)"$/, '$1').replaceAll('""', '"').replace(/^"([\s\S]*)"$/, '$1').trim();
const word = (cell: string | undefined): string => (cell === undefined || ['N/A', 'NA'].includes(bare(cell)) ? '' : bare(cell));
const decimal = (cell: string | undefined): string | null => {
  const text = cell === undefined ? '' : bare(cell);
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? text : null;
};
const num = (cell: string | undefined): number | null => {
  const text = decimal(cell);
  return text === null ? null : Number(text);
};

function ns(text: string): bigint {
  if (!/^\d+(?:\.\d*)?$/.test(text)) return BigInt(Math.round(Number(text) * 1000));
  const [whole = '0', rest = ''] = text.split('.');
  return BigInt(whole) * 1000n + BigInt(rest.padEnd(3, '0').slice(0, 3)) + (Number(rest[3] ?? '0') >= 5 ? 1n : 0n);
}

function plain(text: string): { rows: Row[]; dropped: number; ragged: number } {
  const [names = [], ...records] = plainCells(text);
  const column = (name: string): number => names.map(bare).indexOf(name);
  const out: Row[] = [];
  let [dropped, ragged] = [0, 0];
  for (const cells of records) {
    const cell = (name: string): string | undefined => cells[column(name)];
    if (cells.length !== names.length) ragged++;
    const [start, duration] = [decimal(cell('Task Start Time(us)')), num(cell('Task Duration(us)'))];
    if (start === null || start.startsWith('-') || duration === null || cells.length > names.length) {
      dropped++;
      continue;
    }
    const stream = num(cell('Stream ID'));
    out.push({ device: cell('Device_id') === undefined ? 3 : Number(/(\d+)$/.exec(word(cell('Device_id')))?.[1] ?? -1), startNs: ns(start), durationNs: BigInt(Math.round(duration * 1000)), name: word(cell('Op Name')), type: word(cell('OP Type')), task: word(cell('Task Type')), shapes: word(cell('Input Shapes')), stream: stream ?? -1, block: num(cell('Block Num')), ratio: num(cell('aic_mac_ratio')) });
  }
  return { rows: out, dropped, ragged };
}

const known = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : value);

function rowsOf(profile: Profile): { kernels: Row[]; ops: Omit<Row, 'task' | 'shapes' | 'stream' | 'block' | 'ratio'>[] } {
  const { tasks, commOps, strings, baseNs, devices } = profile;
  const id = (device: number | undefined): number => devices[device ?? -1]?.id ?? -1;
  const kernels = Array.from({ length: tasks.length }, (_, i) => ({
    device: id(tasks.device[i]), startNs: baseNs + BigInt(tasks.startNs[i] ?? NaN), durationNs: BigInt(tasks.durationNs[i] ?? NaN), name: strings.get(tasks.name[i] ?? -1), type: strings.get(ofTask(tasks, 'opType', i)), task: strings.get(ofTask(tasks, 'taskType', i)),
    shapes: strings.get(ofTask(tasks, 'inputShapes', i)), stream: tasks.stream[i] ?? NaN, block: known(ofTask(tasks, 'blockNum', i)), ratio: known(tasks.pmu.get('aic_mac_ratio')?.[i]),
  }));
  const ops = Array.from({ length: commOps?.length ?? 0 }, (_, i) => ({ device: id(commOps?.device[i]), startNs: baseNs + BigInt(commOps?.startNs[i] ?? NaN), durationNs: BigInt(commOps?.durationNs[i] ?? NaN), name: strings.get(commOps?.name[i] ?? -1), type: strings.get(commOps?.opType[i] ?? -1) }));
  return { kernels, ops };
}

const byPlace = (a: { device: number; startNs: bigint }, b: { device: number; startNs: bigint }): number => a.device - b.device || (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0);

function same(profile: Profile, text: string): void {
  const want = plain(text);
  const got = rowsOf(profile);
  expect(got.kernels).toEqual(want.rows.filter((r) => r.task !== 'COMMUNICATION').sort(byPlace));
  const ops = want.rows.filter((r) => r.task === 'COMMUNICATION').sort(byPlace);
  expect(got.ops).toEqual(ops.map(({ device, startNs, durationNs, name, type }) => ({ device, startNs, durationNs, name, type })));
  const note = (code: string): string => profile.incomplete.find((n) => n.code === code)?.detail ?? '';
  expect(note('csv-rows-dropped').includes(`: ${want.dropped} of`)).toBe(want.dropped > 0);
  expect(note('csv-ragged').includes(`: ${want.ragged} of`)).toBe(want.ragged > 0);
}

const header = ['Device_id', 'Stream ID', 'Op Name', 'OP Type', 'Task Type', 'Task Start Time(us)', 'Task Duration(us)', 'Task Wait Time(us)', 'Block Num', 'Input Shapes', 'aic_mac_ratio', 'aic_mac_time(us)'];
const padded = (cells: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(fc.constantFrom('', '', '', ' ', '\t'), cells, fc.constantFrom('', '', '\t', ' ', '  ')).map((p) => p.join(''));
const missing = fc.constantFrom('N/A', 'NA', '', 'null', '-', '.', '1.2.3', '0x1F', '1e', 'nan');
const numbers = fc.oneof(
  fc.tuple(fc.nat(99_999), fc.nat(999)).map(([a, b]) => `${a}.${String(b).padStart(3, '0')}`),
  fc.nat().map(String),
  fc.tuple(fc.bigInt(0n, 10n ** 17n), fc.nat(6)).map(([n, d]) => `${String(n)}.${'7'.repeat(d)}`),
  fc.constantFrom('.5', '5.', '00.250', '1e3', '2.5E-2', '+4', '-3.25', '-0.5', '0', '123456789012345', '12345678.1234567', '1234567890123456789'),
);
const times = fc.tuple(fc.nat(2_000_000), fc.constantFrom('', '.', '.1', '.12', '.123', '.1234', '.1235', '.9996', '.123456')).map(([us, rest]) => `${1_719_000_000_000_000 + us}${rest}`);
const names = fc.oneof(fc.constantFrom('MatMulV3', 'Add', 'model.layers.7.mlp.down_proj', 'Mat"Mul"', '"two,cells"', '"a\nb"', '"a\r\n""b"""', '算子', 'x'.repeat(70), 'x'.repeat(69), 'N/A', ''), fc.string({ unit: fc.constantFrom('a', '1', '.', '_', ';', '"', 'é'), maxLength: 20 }).map((s) => `n${s}`));
const durations = fc.oneof({ weight: 9, arbitrary: fc.tuple(fc.nat(9999), fc.nat(999)).map(([a, b]) => `${a}.${String(b).padStart(3, '0')}`) }, { weight: 1, arbitrary: missing });
const shapes = fc.constantFrom('"32,4096;4096,512"', '"""1,2"""', '"1,2', 'N/A', '""', '" 3,4 "');
const record = fc.tuple(padded(fc.constantFrom('0', '1')), padded(fc.oneof(fc.nat(70_000).map(String), missing)), names, names, fc.constantFrom('AI_CORE', 'AI_VECTOR_CORE', 'COMMUNICATION'), padded(fc.oneof({ weight: 12, arbitrary: times }, { weight: 1, arbitrary: missing })), padded(durations), padded(fc.oneof(numbers, missing)), padded(fc.oneof(numbers, missing)), shapes, padded(fc.oneof(numbers, missing)), padded(numbers));
/** Whole, short of some cells, or with some too many. */
const shaped = fc.tuple(record, fc.oneof({ weight: 10, arbitrary: fc.constant(12) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 11 }) }, { weight: 1, arbitrary: fc.integer({ min: 13, max: 15 }) })).map(([cells, n]) => [...cells, 'a', 'b', 'c'].slice(0, n));
const whole = (cells: readonly string[]): boolean => !cells.some((c) => c.startsWith('"1,2') && !c.endsWith('"')) && !cells.slice(0, 9).some((c) => /^\s*"/.test(c) && !/^\s*"(?:[^"]|"")*"[ \t\r]*$/.test(c));

const bytes = (data: Int32Array | Float64Array | Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe('kernels by the byte scanner', () => {
  it('reads what a plain reader reads, whatever is in the cells, however lines end and wherever the file is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(shaped.filter(whole), { minLength: 1, maxLength: 40 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 4 }), async (rows, end, bom, last, parts) => {
        const text = `${bom ? '\ufeff' : ''}${[header, ...rows].map((r) => r.join(',')).join(end)}${last ? end : ''}`;
        same(await fast(text, parts), text);
      }),
      { numRuns: 60 },
    );
  });

  it('reads what a plain reader reads of files with hardly an odd row, whose records are cut all at once', async () => {
    const tidy = fc.tuple(fc.constantFrom('0', '1'), fc.nat(70_000).map(String), fc.oneof({ weight: 20, arbitrary: fc.constantFrom('MatMulV3', 'model.layers.7.mlp.down_proj', '"two,cells"', '"a\nb,\r\nc"', '"""q"",\n"', '""', '算子', 'x'.repeat(70)) }, { weight: 1, arbitrary: names }), fc.constantFrom('MatMulV3', '"A,B"'), fc.constantFrom('AI_CORE', 'COMMUNICATION'), times, durations, numbers, fc.oneof({ weight: 5, arbitrary: fc.constant('8') }, { weight: 1, arbitrary: missing }), fc.constantFrom('"32,4096;4096,512"', '" 3,4 "', '"1"', 'N/A'), numbers, numbers);
    const sometimes = tidy.chain((cells) => fc.oneof({ weight: 30, arbitrary: fc.constant(12) }, { weight: 1, arbitrary: fc.constantFrom(11, 13) }).map((n) => [...cells, 'a'].slice(0, n)));
    await fc.assert(
      fc.asyncProperty(fc.array(sometimes.filter(whole), { minLength: 30, maxLength: 90 }), fc.constantFrom('\n', '\n', '\r\n', '\n\n'), fc.boolean(), fc.integer({ min: 1, max: 3 }), async (rows, end, last, parts) => {
        const text = `${[header, ...rows].map((r) => r.join(',')).join(end)}${last ? end : ''}`;
        same(await fast(text, parts), text);
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same columns and the same ids from one piece and from several', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => (i % 50 === 49 ? `1,N/A,hcom_allReduce__428_${i}_1,hcom_allReduce_,COMMUNICATION,${1_719_000_000_000_000 + i * 9}.5\t,5,0,N/A,N/A,N/A,N/A` : `${i % 2},7,"op ${i % 311}\nof ${i % 7}",T${i % 13},AI_CORE,${1_719_000_000_000_000 + i * 9}.25\t,3.5,0,${i % 40},"${i % 5},4096",0.${i % 1000},1.5`));
    const text = [header.join(','), ...rows].join('\n');
    const one = await fast(text, 1);
    expect(one.tasks.length).toBe(29_400);
    expect(one.commOps?.length).toBe(600);
    expect(one.strings.get(one.tasks.name[0] ?? -1)).toBe('op 0\nof 0');
    for (const parts of [2, 3, 4]) {
      const several = await fast(text, parts);
      expect(several.baseNs).toBe(one.baseNs);
      expect(several.strings.size).toBe(one.strings.size);
      expect(several.tasks.operators).toEqual(one.tasks.operators);
      for (const key of ['device', 'stream', 'startNs', 'durationNs', 'name', 'operator', 'class', 'connection'] as const) {
        expect(Buffer.compare(bytes(several.tasks[key]), bytes(one.tasks[key]))).toBe(0);
      }
      expect(several.tasks.pmu).toEqual(one.tasks.pmu);
      expect(several.commOps).toEqual(one.commOps);
    }
  });

  it('reads cells that stand side by side as one word, in any order and with a column between that nobody asks for', async () => {
    const orders = [
      ['Op Name', 'OP Type', 'OP State', 'Task Type', 'Task Start Time(us)', 'Task Duration(us)', 'Block Num', 'Mix Block Num', 'HF32 Eligible', 'Input Shapes', 'Input Data Types', 'Output Shapes'],
      ['Output Shapes', 'Input Shapes', 'HF32 Eligible', 'Task Duration(us)', 'Block Num', 'Op Name', 'Task Start Time(us)', 'Task Type', 'Mix Block Num', 'Input Data Types', 'OP State', 'OP Type'],
      ['OP Type', 'HF32 Eligible', 'Op Name', 'Task Start Time(us)', 'Task Duration(us)', 'Input Data Types', 'Output Shapes', 'OP State', 'Block Num', 'Input Shapes', 'Mix Block Num', 'Task Type'],
    ];
    const cellOf = (name: string, i: number): string =>
      ({ 'Op Name': `op_${i % 11}`, 'OP Type': ['MatMulV3', '"a,b"', 'N/A'][i % 3] ?? '', 'OP State': ['static', 'dynamic'][i % 2] ?? '', 'Task Type': ['AI_CORE', 'MIX_AIC'][i % 2] ?? '', 'Task Start Time(us)': String(1000 + i), 'Task Duration(us)': '0.5', 'Block Num': ['8', 'N/A', '20\t'][i % 3] ?? '', 'Mix Block Num': String(i % 2), 'HF32 Eligible': ['YES', 'NO'][i % 2] ?? '', 'Input Shapes': ['"32,4096;4096,512"', '""', '" 3,4 "'][i % 3] ?? '', 'Input Data Types': 'DT_BF16;DT_BF16', 'Output Shapes': '"1,2"' })[name] ?? '';
    for (const order of orders) {
      const text = [order.join(','), ...Array.from({ length: 60 }, (_, i) => order.map((name) => cellOf(name, i)).join(','))].join('\n');
      const { tasks, strings } = await fast(text, 2);
      const got = Array.from({ length: tasks.length }, (_, i) => [strings.get(tasks.name[i] ?? -1), ...(['opType', 'opState', 'taskType', 'inputShapes', 'inputTypes', 'outputShapes'] as const).map((key) => strings.get(ofTask(tasks, key, i))), known(ofTask(tasks, 'blockNum', i)), known(ofTask(tasks, 'mixBlockNum', i))]);
      expect(got).toEqual(Array.from({ length: 60 }, (_, i) => [...['Op Name', 'OP Type', 'OP State', 'Task Type', 'Input Shapes', 'Input Data Types', 'Output Shapes'].map((name) => word(cellOf(name, i))), num(cellOf('Block Num', i)), i % 2]));
      // 60 rows, and the combinations of what differs by 2 and by 3.
      expect(tasks.operators.length).toBe(1 + 6);
    }
  });

  it('counters of one rule that end at different rows both count', () => {
    const rules: LimitRules = { minimumNs: 0, rules: [{ stems: ['a', 'b'], threshold: 0.5, highestOnly: false }] };
    const pmu = new Map([['a', Float64Array.of(0.9, NaN)], ['b', Float64Array.of(0.1, 0.6, 0.7, 0.2)]]);
    const { rule, ratio, counters } = limitsOf(rules, pmu, Float64Array.of(1, 1, 1, 1));
    expect([[...rule], [...ratio], counters]).toEqual([[0, 0, 0, unlimited], [9000, 6000, 7000, 0], true]);
  });

  it('says what limits a kernel as the rules do on counters that are kept', async () => {
    const rules: LimitRules = {
      minimumNs: 10_000,
      rules: [
        { stems: ['aic_mac_ratio', 'mac_ratio'], threshold: 0.8, highestOnly: false },
        { stems: ['aiv_vec_ratio'], threshold: 0.6, highestOnly: false },
        { stems: ['aic_scalar_ratio'], threshold: 0.5, highestOnly: true },
      ],
    };
    const ratio = fc.oneof({ weight: 8, arbitrary: fc.nat(1000).map((n) => (n / 1000).toFixed(3)) }, { weight: 2, arbitrary: missing });
    const row = fc.tuple(fc.constantFrom('9.999', '9.9994', '9.9996', '10', '10.5', '250', '1e1', '+9.99', '00000000000000000010'), fc.constantFrom('AI_CORE', 'COMMUNICATION'), ratio, ratio, ratio, ratio);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (some, parts) => {
        // More than two batches, so that the last are read with the knowledge that there are counters.
        const rows = Array.from({ length: 2500 }, (_, i) => some[i % some.length] ?? some[0]!);
        const head = 'Op Name,Task Type,Task Start Time(us),Task Duration(us),aic_mac_ratio,mac_ratio,aiv_vec_ratio,aic_scalar_ratio';
        const { tasks } = await fast([head, ...rows.map(([us, type, ...r], i) => ['op', type, 1000 + i, us, ...r].join(','))].join('\n'), parts, rules);
        const kernels = rows.filter(([, type]) => type === 'AI_CORE');
        const want = kernels.map(([us, , mac, old, vec, scalar]): (number | null)[] => {
          const [cube, vector, last] = [num(mac) ?? num(old), num(vec), num(scalar)];
          if (Math.round(Number(us) * 1000) < 10_000 || (cube === null && vector === null && last === null)) return [unmeasured, null];
          if (cube !== null && cube >= 0.8) return [0, cube];
          if (vector !== null && vector >= 0.6) return [1, vector];
          return last !== null && last >= 0.5 && last >= Math.max(cube ?? 0, vector ?? 0) ? [2, last] : [unlimited, null];
        });
        expect([...(tasks.limits?.rule ?? [])]).toEqual(want.map(([rule]) => rule));
        for (const [i, [, value]] of want.entries()) if (value != null) expect(tasks.limits?.ratio[i]).toBe(Math.round(value * 10_000));
        expect(tasks.limits?.counters).toBe(kernels.some((r) => r.slice(2).some((cell) => num(cell) !== null)));
        expect(tasks.pmu.size).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it.each([['by half', 150], ['many times', 1500]])('reads a file whose rows are longer %s where their length is looked at', async (_, long) => {
    const lines = [header.join(',')];
    // The places looked at are an eighth of a piece apart and as long as 16 kB.
    for (let [i, at] = [0, 0]; at < 2 << 20; i++) {
      const line = `0,1,${'n'.repeat(at % 131_072 < 40_000 ? long : 20)}${i % 50},T,AI_CORE,${1_719_000_000_000_000 + i},2,0,8,"1,2",0.5,1`;
      lines.push(line);
      at += line.length + 1;
    }
    const text = lines.join('\n');
    same(await fast(text, 2), text);
  });

  it('reads records longer than its window and words longer than its memory had room for', async () => {
    const long = 'w'.repeat(700_000);
    const rows = Array.from({ length: 300 }, (_, i) => `0,1,${i % 100 === 3 ? `"${long}\n${i}"` : `op${i}`},T,AI_CORE,${1_719_000_000_000_000 + i},2,0,8,"1,2",0.5,1`);
    const text = [header.join(','), ...rows].join('\n');
    for (const parts of [1, 3]) {
      const { tasks, strings } = await fast(text, parts);
      expect(tasks.length).toBe(300);
      expect(strings.get(tasks.name[103] ?? -1)).toBe(`${long}\n103`);
      expect(strings.get(tasks.name[299] ?? -1)).toBe('op299');
    }
  });

  it('a quote that is never closed is refused with its line, in one piece and in several', async () => {
    const rows = Array.from({ length: 500 }, (_, i) => `0,1,op${i},T,AI_CORE,${1_719_000_000_000_000 + i},2,0,8,${i === 400 ? '"1,2' : '"1,2"'},0.5,1`);
    const text = [header.join(','), ...rows].join('\n');
    for (const parts of [1, 2, 3]) await expect(fast(text, parts)).rejects.toMatchObject({ code: 'E_CSV_BROKEN', seen: expect.stringContaining('line 402') });
  });
});
