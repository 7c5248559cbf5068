import type { SimContext } from '../environment.js';
import { answerTokens } from './answer.js';
import { planFaults } from './fault-plan.js';

/** Sums asked; few, so that a bisection stays quick. */
const sums = Array.from({ length: 12 }, (_, i) => ({ text: `What is ${17 + 3 * i} * ${23 + i}? Answer with only the number.`, value: (17 + 3 * i) * (23 + i) }));

/** `xllm-check`: the self-test of a simulated build, without a service. Exit 0 when all sums are right, 1 otherwise. */
export function runXllmCheck(context: SimContext): number {
  const { answers } = planFaults(context.host, 0, 1);
  const right = sums.filter(({ text, value }) => {
    const { tokens, length } = answerTokens(text, { seed: context.host.seed, greedy: true, draw: 0, wrongShare: answers.wrongShare, garbledAfter: answers.garbledAfter });
    const said: string[] = [];
    for (let i = 0; i < length; i += 1) said.push(tokens.next().value);
    return said.join('').trim() === String(value);
  });
  process.stdout.write(`${right.length} of ${sums.length} sums right\n`);
  return right.length === sums.length ? 0 : 1;
}
