import { type Finding, type OpConstraint } from '../../contract/index.js';
import type { Chip } from '../../hardware/chip.js';
import type { Outcome } from '../outcome.js';
import { width, type DType } from '../tensors/dtypes.js';
import { constraint } from '../thresholds.js';
import type { From } from '../route/table.js';
import type { KernelShape } from './shape.js';

export interface ConstraintInput {
  readonly shape: KernelShape;
  readonly dtype: DType;
  readonly chip: Chip;
  readonly from: From | null;
}

const up = (value: number, to: number): number => Math.ceil(value / to) * to;
const down = (value: number, to: number): number => Math.floor(value / to) * to;

type Rule = Omit<OpConstraint, 'result'>;

/** A rule with its limit: broken above it. */
function capped(rule: Rule, limit: number | null): OpConstraint {
  if (limit === null || rule.value === null) return { ...rule, limit, result: 'unchecked', fit: null };
  const ok = rule.value <= limit;
  return { ...rule, limit, result: ok ? 'ok' : 'violated', fit: ok ? null : rule.fit };
}

const flag = (result: OpConstraint['result'], rule: string, unit: string, why: string, source: string, fit: string | null, value: number | null = null, limit: number | null = null): OpConstraint => ({ rule, result, value, limit, unit, why, fit, source });

/** Bytes of a tile in the unified buffer: every row starts on a block of its own. */
function tileBytes(rows: number, columns: number, bytes: number): number {
  return rows * up(columns * bytes, constraint.ubRow.value);
}

/** The largest tile that fits: all columns and fewer rows, or, when one row is too long, one shorter row. */
function largestTile(rows: number, columns: number, bytes: number, buffers: number, room: number): string {
  const each = Math.floor(room / buffers);
  const fitRows = Math.min(rows, Math.floor(each / tileBytes(1, columns, bytes)));
  if (fitRows >= 1) return `[${fitRows}, ${columns}]`;
  const fitColumns = down(each, constraint.ubRow.value) / bytes;
  return fitColumns >= 1 ? `[1, ${fitColumns}]` : `none: ${buffers} buffers leave ${each} bytes each`;
}

function unifiedBuffer({ shape, dtype, chip }: ConstraintInput): OpConstraint[] {
  if (shape.tile === undefined) return [];
  const [rows, columns] = shape.tile;
  const bytes = width[dtype];
  const buffers = shape.buffers ?? 1;
  const room = chip.sram?.ub_bytes ?? null;
  const value = tileBytes(rows, columns, bytes) * buffers;
  const fit = room === null ? null : largestTile(rows, columns, bytes, buffers, room);
  const row = columns * bytes;
  const padded = up(row, constraint.ubRow.value) / bytes;
  return [
    capped({ rule: 'ub-size', value, limit: room, unit: 'bytes', why: `${buffers} buffers of ${rows} × ${columns} ${dtype}, rows on ${constraint.ubRow.value}-byte blocks`, fit: fit === null ? null : `largest tile ${fit}`, source: chip.sram === null ? 'hardware catalogue' : `hardware catalogue: ${chip.sram.source}` }, room),
    flag(row % constraint.ubRow.value === 0 ? 'ok' : 'violated', 'ub-alignment', 'bytes a row (multiples)', constraint.ubRow.why, constraint.ubRow.source, row % constraint.ubRow.value === 0 ? null : `pad to ${padded} columns, or move with DataCopyPad and a mask`, row, constraint.ubRow.value),
    ...(shape.l0c_tile !== undefined && row % constraint.cubeRow.value !== 0 ? [flag('warning', 'cube-vector-alignment', 'bytes a row (multiples)', constraint.cubeRow.why, constraint.cubeRow.source, `pad to ${up(row, constraint.cubeRow.value) / bytes} columns`, row, constraint.cubeRow.value)] : []),
    capped({ rule: 'ub-buffers', value: buffers, limit: null, unit: 'buffers', why: constraint.buffers.why, fit: `${constraint.buffers.value} buffers`, source: constraint.buffers.source }, constraint.buffers.value),
  ];
}

function matrixUnit({ shape, dtype, chip }: ConstraintInput): OpConstraint[] {
  const bytes = width[dtype];
  const found: OpConstraint[] = [];
  const [m, n] = shape.l0c_tile ?? [null, null];
  const sram = chip.sram;
  const source = sram === null ? 'hardware catalogue' : `hardware catalogue: ${sram.source}`;
  if (m !== null) {
    const room = sram?.l0c_bytes ?? null;
    const value = m * n * constraint.accumulator.value;
    const most = (share: number): number => (room === null ? 0 : down((room * share) / constraint.accumulator.value / n, constraint.matrix.value));
    found.push(capped({ rule: 'l0c-size', value, limit: room, unit: 'bytes', why: `${m} × ${n} sums of ${constraint.accumulator.value} bytes`, fit: most(1) > 0 ? `largest tile [${most(1)}, ${n}]` : `N too wide: at most ${room === null ? 0 : down(room / constraint.accumulator.value / constraint.matrix.value, constraint.matrix.value)} with M ${constraint.matrix.value}`, source }, room));
    if (room !== null && value <= room && value > room * constraint.l0cShare.value) found.push(flag('warning', 'l0c-double-buffer', 'bytes', constraint.l0cShare.why, constraint.l0cShare.source, `[${most(constraint.l0cShare.value)}, ${n}] keeps room for two`, value, room * constraint.l0cShare.value));
    const aligned = m % constraint.matrix.value === 0 && n % constraint.matrix.value === 0;
    found.push(flag(aligned ? 'ok' : 'violated', 'matrix-alignment', 'elements', constraint.matrix.why, constraint.matrix.source, aligned ? null : `pad to [${up(m, constraint.matrix.value)}, ${up(n, constraint.matrix.value)}]`, m % constraint.matrix.value === 0 ? n : m, constraint.matrix.value));
    const typed = ['int8', 'fp16', 'bf16', 'fp32', 'fp8_e4m3', 'fp8_e5m2'].includes(dtype);
    found.push(flag(typed ? 'ok' : 'violated', 'matrix-dtype', 'dtype', `the matrix unit takes int8, fp16, bf16 and fp32, not ${dtype}`, 'Ascend agent-skills, Triton-Ascend', typed ? null : 'cast to fp32 before the product'));
  }
  const deep = shape.l1_k ?? shape.block_k;
  if (m !== null && deep !== undefined) {
    const copies = shape.l1_buffers ?? 1;
    const room = sram?.l1_bytes ?? null;
    const step = Math.max(1, constraint.ubRow.value / bytes);
    const most = room === null ? 0 : down(room / ((m + n) * bytes * copies), step);
    found.push(capped({ rule: 'l1-size', value: (m + n) * deep * bytes * copies, limit: room, unit: 'bytes', why: `${copies} × (${m} + ${n}) × ${deep} ${dtype} of both operands`, fit: most > 0 ? `l1_k ${most}` : 'fewer buffers, or a smaller tile', source }, room));
  }
  const k = shape.block_k;
  if (k === undefined) return found;
  const step = Math.max(1, constraint.ubRow.value / bytes);
  found.push(flag(k % step === 0 ? 'ok' : 'violated', 'block-k-alignment', 'elements', `K of one step is a multiple of 32 bytes, ${step} ${dtype}`, 'Triton-Ascend programming guide', k % step === 0 ? null : `${up(k, step)}`, k, step));
  if (m === null) return found;
  const buffer = (rule: string, rows: number, room: number | null): OpConstraint => {
    const most = room === null ? 0 : down(room / (rows * bytes), step);
    return capped({ rule, value: rows * k * bytes, limit: room, unit: 'bytes', why: `${rows} × ${k} ${dtype}`, fit: most > 0 ? `block_k ${most}` : 'fewer rows', source }, room);
  };
  found.push(buffer('l0a-size', m, sram?.l0a_bytes ?? null), buffer('l0b-size', n, sram?.l0b_bytes ?? null));
  return found;
}

function launch({ shape, chip }: ConstraintInput): OpConstraint[] {
  const found: OpConstraint[] = [];
  if (shape.grid !== undefined) {
    const blocks = shape.grid.reduce((a, n) => a * n, 1);
    const cube = shape.l0c_tile !== undefined;
    const cores = cube ? chip.cube_cores : chip.vector_cores;
    found.push(capped({ rule: 'grid-size', value: blocks, limit: null, unit: 'blocks', why: constraint.grid.why, fit: `grid [${cores.value}] and a loop inside, or TRITON_ALL_BLOCKS_PARALLEL=1`, source: constraint.grid.source }, constraint.grid.value));
    if (shape.grid.length > 1) found.push(flag('warning', 'grid-dimensions', 'dimensions', 'a one-dimensional grid maps to cores without a remainder', constraint.grid.source, `[${Math.min(blocks, cores.value)}]`, shape.grid.length, 1));
    if (blocks < cores.value) found.push(flag('warning', 'grid-cores', 'blocks', `${cores.value} ${cube ? 'cube' : 'vector'} cores, some idle`, `hardware catalogue: ${cores.source}`, `[${cores.value}]`, blocks, cores.value));
    else if (blocks % cores.value !== 0) found.push(flag('warning', 'grid-tail', 'blocks', 'the last wave leaves cores idle', `hardware catalogue: ${cores.source}`, `[${cores.value}] and a loop inside`, blocks, cores.value));
  }
  if (shape.repeat !== undefined) found.push(capped({ rule: 'repeat', value: shape.repeat, limit: null, unit: 'repeats', why: constraint.repeat.why, fit: `${constraint.repeat.value} a call, in a loop`, source: constraint.repeat.source }, constraint.repeat.value));
  if (shape.threads !== undefined) found.push(capped({ rule: 'threads', value: shape.threads, limit: null, unit: 'threads', why: constraint.threads.why, fit: '1 or 2', source: constraint.threads.source }, constraint.threads.value));
  return found;
}

function types({ dtype, chip, shape }: ConstraintInput): OpConstraint[] {
  const old = chip.family === 'A2' || chip.family === 'A3';
  if (dtype === 'fp64') return [flag('violated', 'dtype', 'dtype', 'no unit computes fp64', 'Ascend agent-skills', 'fp32')];
  if (dtype.startsWith('fp8') && (old || chip.family === '310P')) return [flag('violated', 'dtype', 'dtype', `${chip.family} has no fp8`, 'vLLM-Ascend', 'dequantise to bf16 when it is loaded')];
  if (dtype === 'bf16' && chip.family === '310P') return [flag('violated', 'dtype', 'dtype', '310P has no bf16', 'hardware catalogue', 'fp16')];
  if ((dtype === 'int64' || dtype === 'uint64') && old && shape.l0c_tile === undefined) return [flag('warning', 'dtype', 'dtype', 'additions and comparisons of 64-bit integers run one by one on A2 and A3', 'Triton-Ascend programming guide', 'int32 where the range allows it')];
  return [flag('ok', 'dtype', 'dtype', `${dtype} is computed on ${chip.family}`, 'Ascend agent-skills', null)];
}

function capture({ shape, from }: ConstraintInput): OpConstraint[] {
  const found: OpConstraint[] = [];
  if (shape.dynamic === true) found.push(flag('violated', 'dynamic-tile', 'tiles', 'tile sizes are compile-time constants on every route; only the number of tiles may vary', 'Triton-Ascend programming guide; xLLM TileLang-Ascend kernel guide', from === 'triton' ? 'constexpr tiles from the wrapper, tl.range over a runtime count, do_not_specialize for varying scalars' : 'one specialisation a size, a fallback for the rest'));
  if (shape.graph === true && shape.host_sync === true) found.push(flag('violated', 'graph-host-sync', 'calls', 'a value read back to the host is frozen into the captured graph', 'xLLM review rules', 'keep the value on the device'));
  if (shape.graph === true && shape.host_sync === undefined) found.push(flag('unchecked', 'graph-host-sync', 'calls', 'a kernel in a graph may not read values back', 'xLLM review rules', 'say host_sync true or false'));
  if (shape.graph === true && shape.host_sync === false) found.push(flag('ok', 'graph-host-sync', 'calls', 'nothing is read back', 'xLLM review rules', null));
  return found;
}

/** Rules of chip, launch and compiler over one kernel. Pure. fails closed: a rule that could not be checked is not passed. */
export function checkConstraints(input: ConstraintInput): Outcome & { readonly constraints: OpConstraint[] } {
  const order = { violated: 0, unchecked: 1, warning: 2, ok: 3 };
  const constraints = [...unifiedBuffer(input), ...matrixUnit(input), ...launch(input), ...types(input), ...capture(input)].sort((a, b) => order[a.result] - order[b.result]);
  const broken = constraints.filter((c) => c.result === 'violated');
  const unchecked = constraints.filter((c) => c.result === 'unchecked');
  const say = (c: OpConstraint): string => `${c.rule}${c.value === null ? '' : ` ${c.value} ${c.unit}`}${c.limit === null ? '' : `, limit ${c.limit}`}`;
  const findings = broken.map((c): Finding => ({
    id: `constraint-${c.rule}`, title: `The kernel breaks the rule ${c.rule}`, severity: 'high', value: c.value, unit: c.unit,
    evidence: [{ path: 'shapes', where: c.rule, detail: c.why }], confidence: 'high', action: c.fit ?? 'Change the kernel so that it keeps the limit.',
  }));
  const verdict = broken.length > 0 ? 'fail' : unchecked.length > 0 ? 'inconclusive' : 'pass';
  const reasons = broken.length > 0 ? broken.map(say) : unchecked.map((c) => `${c.rule} could not be checked: ${c.limit === null && c.fit === null ? `the size is not known for ${input.chip.soc}` : c.why}`);
  return { verdict, reasons, findings, incomplete: [], constraints };
}
