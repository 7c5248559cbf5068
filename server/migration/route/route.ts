import { foreign, type OpExisting, type OpRoute, type OpRouteChoice } from '../../contract/index.js';
import type { Chip } from '../../hardware/chip.js';
import type { Outcome } from '../outcome.js';
import { existing, places, questions, table, words, type From, type Work } from './table.js';

const plain = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^(?:aclnn|npu)_/, '').replace(/_(?:kernel|fwd|forward|npu)$/, '').replace(/^_+|_+$/g, '');

const glued = (name: string): string => plain(name).replaceAll('_', '');

/** Kernels of that name, else those whose name holds it or that it holds; names of fewer than four letters tell nothing. */
function kernelsLike(op: string): { readonly exact: boolean; readonly kernels: OpExisting[] } {
  const wanted = glued(op);
  const exact = existing.filter((k) => glued(k.name) === wanted);
  if (exact.length > 0) return { exact: true, kernels: exact };
  const near = wanted.length < 4 ? [] : existing.filter((k) => glued(k.name).includes(wanted) || (glued(k.name).length >= 4 && wanted.includes(glued(k.name))));
  return { exact: false, kernels: near };
}

/** What the operator needs, by its name. */
export function workOf(op: string): Work {
  const name = plain(op);
  return words.find((w) => w.of.test(name))?.work ?? 'unknown';
}

/**
 * The way an operator is best brought to the NPU, by the decision table; an existing kernel goes first.
 * `pass`: a choice was made; `fail`: no route is left on this chip; `inconclusive`: the name does not say what the operator computes.
 */
export function chooseRoute(op: string, from: From, chip: Chip | null): Outcome & { readonly route: OpRouteChoice } {
  const work = workOf(op);
  const { exact, kernels } = kernelsLike(op);
  const choices: Omit<OpRoute, 'rank'>[] = [];
  const first = kernels[0];
  if (exact && first !== undefined) choices.push({ route: first.kind, why: 'xLLM has this kernel: only the runtime integration and its accuracy are left', where: first.where });
  for (const row of table) {
    const fits = row.from.includes(from) && (work !== 'unknown' && row.work.includes(work));
    // AOT kernels are compiled with --device a2 or a3 only.
    const compiled = row.route !== 'tilelang' || chip === null || chip.family === 'A2' || chip.family === 'A3';
    if (fits && compiled && !choices.some((c) => c.route === row.route)) choices.push({ route: row.route, why: row.why, where: places[row.route] });
  }
  const ranked = choices.map((c, i): OpRoute => ({ ...c, rank: i + 1 }));
  const chosen = ranked[0]?.route ?? 'none';
  const open = [...(kernels.length > 0 && !exact ? [`Does one of the near kernels of xLLM do it already, or with an added specialisation?`] : []), ...questions];
  const route: OpRouteChoice = { chosen, from, work, choices: ranked, existing: kernels, questions: open };
  if (chosen !== 'none') return { verdict: 'pass', reasons: [], findings: [], incomplete: [], route };
  if (work === 'unknown') return { verdict: 'inconclusive', reasons: [`the name ${foreign(op, 60)} does not say whether the operator needs the matrix unit, the vector unit or both: give a name that does (matmul, attention, norm, rope …)`], findings: [], incomplete: [], route };
  return { verdict: 'fail', reasons: [`no route is left for ${work} work on this chip`], findings: [], incomplete: [], route };
}
