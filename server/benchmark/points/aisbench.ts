import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint, type PerfTokens } from '../../contract/index.js';
import { boxRows, printedNumber } from './tables.js';
import type { Load } from './types.js';
import { checkedPoint, defined, emptyPoint, isFields, loadId, scaled } from './value.js';

/** One run of AISBench: the rows of <dataset>.csv and the metrics of <dataset>.json, as texts with units. */
export interface AisbenchTables {
  readonly name: string;
  /** Header first. */
  readonly parameters: readonly (readonly string[])[];
  readonly common: ReadonlyMap<string, string>;
  readonly stage: string | null;
}

const toMs: ReadonlyMap<string, number> = new Map([['ms', 1], ['s', 1000], ['us', 0.001], ['μs', 0.001], ['µs', 0.001]]);

/** A number with its unit behind it, `50.3 ms`. @throws ToolError E_FORMAT_UNKNOWN another unit than those expected */
function withUnit(cell: string | undefined, units: ReadonlyMap<string, number>, name: string): number | null {
  const found = /^(-?[\d.]+(?:e[-+]?\d+)?)\s*(\S*)$/i.exec((cell ?? '').trim());
  const value = found === null ? null : printedNumber(found[1]);
  if (found === null || value === null) return null;
  const scale = units.get(found[2] ?? '');
  if (scale === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} has a value in ${foreign(found[2] === '' ? 'no unit' : (found[2] ?? ''), 20)}, expected ${[...units.keys()].join(', ')}`, 'tell which AISBench version wrote it');
  return scaled(value, scale);
}

const perSecond: ReadonlyMap<string, number> = new Map([['token/s', 1], ['req/s', 1]]);
const plain: ReadonlyMap<string, number> = new Map([['', 1]]);
const stable = 'over the stable stage only: from the second request at full concurrency to the last time at it (AISBench stable_stage)';

/** @throws ToolError E_FORMAT_UNKNOWN cut tables, unknown units */
export function aisbenchLoad(tables: AisbenchTables, version: string | null): Load {
  const { name, common } = tables;
  const header = tables.parameters[0] ?? [];
  const at = (row: readonly string[] | undefined, column: string): string | undefined => (row === undefined ? undefined : row[header.indexOf(column)]);
  const rowOf = (metric: string): readonly string[] | undefined => tables.parameters.find((r) => r[0] === metric);
  const metric = (label: string, units: ReadonlyMap<string, number>): number | null => withUnit(common.get(label), units, name);
  const whole = (label: string): number | null => {
    const n = metric(label, plain);
    return n !== null && Number.isInteger(n) && n >= 0 ? n : null;
  };
  const [total, success] = [whole('Total Requests'), whole('Success Requests')];
  if (total === null || success === null || rowOf('E2EL') === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} is a part of an AISBench result: latencies or request counts are cut off`, 'give performances/<model>/<dataset>.csv with its .json, or the whole printed tables');
  const definition = tables.stage === 'stable' ? stable : null;
  const latency = (label: string): PerfLatency => {
    const row = rowOf(label);
    const of = (column: string): number | null => withUnit(at(row, column), toMs, name);
    const [min, max] = [of('Min'), of('Max')];
    return defined({ mean: of('Average'), p50: of('Median'), p90: of('P90'), p95: of('P95'), p99: of('P99'), ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) }, definition);
  };
  const tokens = (label: string, ...totals: string[]): PerfTokens => {
    const row = rowOf(label);
    const of = (column: string): number | null => withUnit(at(row, column), plain, name);
    return { mean: of('Average'), p50: of('Median'), p90: of('P90'), p95: of('P95'), p99: of('P99'), min: of('Min'), max: of('Max'), total: totals.map(whole).find((t) => t !== null) ?? null, source: 'client' };
  };
  const parallel = whole('Max Concurrency');
  const notes: Incomplete[] = definition === null ? [] : [{ code: 'stable-stage', detail: 'latencies and throughput are of the stable stage, the request counts may be too' }];
  const milliseconds = metric('Benchmark Duration', toMs);
  const point: PerfPoint = {
    ...emptyPoint('aisbench', version, null),
    id: loadId(parallel === 0 ? null : parallel, null, total),
    parallel: parallel === 0 ? null : parallel,
    number: total,
    success,
    failed: whole('Failed Requests'),
    duration_s: milliseconds === null ? null : milliseconds / 1000,
    stream: rowOf('TTFT') === undefined ? null : true,
    ttft_ms: latency('TTFT'),
    tpot_ms: latency('TPOT'),
    itl_ms: latency('ITL'),
    e2el_ms: latency('E2EL'),
    output_tps: metric('Output Token Throughput', perSecond),
    total_tps: metric('Total Token Throughput', perSecond),
    request_tps: metric('Request Throughput', perSecond),
    input_tokens: tokens('InputTokens', 'Total Input Tokens'),
    output_tokens: tokens('OutputTokens', 'Total Generated Tokens', 'Total generated tokens', 'Total Output Tokens'),
  };
  return checkedPoint(point, notes);
}

/** The common metrics of <dataset>.json: `{"Benchmark Duration": {"total": "98409.4916 ms"}}`; null when it is something else. */
export function aisbenchCommon(value: unknown): { common: ReadonlyMap<string, string>; stage: string | null } | null {
  if (!isFields(value) || !isFields(value['Benchmark Duration']) || !('Total Requests' in value)) return null;
  const stage = Object.keys(value['Benchmark Duration'])[0] ?? null;
  const common = new Map<string, string>();
  for (const [label, stages] of Object.entries(value)) {
    const shown: unknown = isFields(stages) && stage !== null ? stages[stage] : null;
    if (typeof shown === 'string' || typeof shown === 'number') common.set(label, String(shown));
  }
  return { common, stage };
}

/** The printed pairs of tables, one pair a data set. */
export function aisbenchPrinted(text: string, name: string): AisbenchTables[] {
  const found: { parameters: string[][]; common: Map<string, string>; stage: string | null }[] = [];
  let common = false;
  for (const row of boxRows(text)) {
    const [first = '', stage = '', value = ''] = row;
    if (first === 'Performance Parameters') {
      found.push({ parameters: [row], common: new Map(), stage: null });
      common = false;
      continue;
    }
    const at = found.at(-1);
    if (at === undefined) continue;
    if (first === 'Common Metric') common = true;
    else if (common) {
      at.common.set(first, value);
      at.stage = stage;
    } else at.parameters.push(row);
  }
  return found.map((f) => ({ name, ...f }));
}

/** Whether a CSV header is that of AISBench's latency table. */
export function isAisbenchHeader(header: readonly string[]): boolean {
  return header[0] === 'Performance Parameters' && header.includes('Average');
}

