import { cell, number, table } from '../contract/index.js';
import type { Body } from './answer.js';

const ms = (us: number): string => `${number(Number((us / 1000).toFixed(3)))} ms`;

/** The answer in one sentence with the number that matters; only our own words and numbers. */
export function headline(b: Body): string {
  const what = `${b.point.phase} of ${number(b.point.batch)} sequences`;
  if (b.time_lower_bound_us === null || b.tokens_per_s_upper_bound === null) return `${what}: ${number(Number((b.flops / 1e12).toFixed(3)))} TFLOP and ${number(Number((b.bytes / 1e9).toFixed(3)))} GB per rank and step; no chip is known, so no time`;
  const bound = b.verdict === 'inconclusive' ? 'links not known' : b.verdict;
  const seen = b.measured === null ? 'not calibrated' : `measured ${ms(b.measured.step_us ?? b.measured.kernel_us)}, MFU ${number(Number(b.measured.mfu_pct.toFixed(1)))} %, MBU ${number(Number(b.measured.mbu_pct.toFixed(1)))} % of kernel time`;
  return `${what}: at least ${ms(b.time_lower_bound_us)} per step on each rank (${bound}), at most ${number(Number(b.tokens_per_s_upper_bound.toFixed(1)))} tokens/s of the replica; ${seen}`;
}

const change = (c: Record<string, unknown>): string => Object.entries(c).map(([k, v]) => `${k} ${String(v)}`).join(', ');

/** compute.md: the answer, the operators, the table of changes and the crossovers. */
export function page(b: Body): string {
  const lines = [
    headline(b), '', '# Compute estimate', '',
    `A lower bound: each operator takes the larger of its work over the cube peak and its bytes over the memory bandwidth. ${b.calibrated ? 'Compared with a profile.' : 'Not calibrated: nothing was measured.'}`, '',
    `Model ${cell(b.model.name)}: ${number(b.params_total)} parameters, ${number(b.params_active)} active. Device: ${b.device === null ? 'not known' : `${b.device.soc} (${b.device.device}), cube ${cell(b.device.cube_fp16_tflops)} TFLOPS FP16, ${number(b.device.memory_bytes_per_s / 1e9)} GB/s, confidence ${b.device.confidence}`}.`, '',
    `Plan: tp ${String(b.point.tp)}, dp ${String(b.point.dp)}, ep ${String(b.point.ep)}, pp ${String(b.point.pp)}; quant ${cell(b.point.quant)}; input ${cell(b.point.input_tokens)}, context ${String(b.point.context_tokens)}; drafts ${String(b.point.num_speculative_tokens)}, acceptance ${cell(b.point.acceptance_rate)}.`, '',
    `Per rank and step: ${number(b.flops)} FLOP, ${number(b.bytes)} bytes from memory, ${number(b.bytes_sent)} bytes sent; compute ${cell(b.compute_us)} us, communication ${cell(b.communication_us)} us, both hidden ${cell(b.time_lower_bound_us)} us, none hidden ${cell(b.time_no_overlap_us)} us.`,
    '', '## Operators', '', table(['op', 'calls', 'FLOP', 'bytes', 'time us', 'bound'], b.ops.map((o) => [o.op, o.calls, o.flops, o.bytes, o.time_us, o.bound])),
  ];
  if (b.measured !== null) {
    lines.push('', '## Measured', '', `${number(b.measured.steps)} steps (${b.measured.steps_source}) on device ${String(b.measured.device)}, the slowest of ${String(b.measured.devices)}: kernels ${number(b.measured.kernel_us)} us, span ${cell(b.measured.step_us)} us a step.`, '');
    lines.push(table(['group', 'measured us', 'bound us', 'op types'], b.measured.groups.map((g) => [g.group, g.measured_us, g.bound_us, g.op_types.join(', ')])));
  }
  if (b.what_if.length > 0) lines.push('', '## What if', '', table(['change', 'bound', 'time us', 'no overlap us', 'tokens/s', 'change %', 'calibrated us', 'fits', 'error'], b.what_if.map((w) => [change(w.change), w.bound, w.time_lower_bound_us, w.time_no_overlap_us, w.tokens_per_s_upper_bound, w.tokens_per_s_change_pct, w.time_calibrated_us, w.fits, w.error])));
  if (b.break_even.length > 0) lines.push('', '## Crossovers', '', table(['what', 'at', 'unit', 'searched to', 'meaning'], b.break_even.map((x) => [x.what, x.at, x.unit, x.searched_to, x.note])));
  if (b.assumptions.length > 0) lines.push('', '## Assumed', '', ...b.assumptions.map((a) => `- ${cell(a, 300)}`));
  return `${lines.join('\n')}\n`;
}
