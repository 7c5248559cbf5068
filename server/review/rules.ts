import { z } from 'zod';
import { check, ToolError, type AllSchemas } from '../contract/index.js';
import { packagedLists } from '../host/packaged.js';

export type Rule = AllSchemas['ReviewRule'];

export interface Question {
  readonly id: string;
  readonly topic: string;
  readonly touches: RegExp;
  readonly ask: string;
}

export interface Compiled {
  readonly rule: Rule;
  /** File the rule stands in: graph, memory, kernels, distributed. */
  readonly family: string;
  readonly applies: (path: string) => boolean;
  readonly pattern: RegExp | null;
  readonly unless: RegExp | null;
  readonly inside: readonly RegExp[];
  readonly notIn: RegExp | null;
  readonly near: { readonly pattern: RegExp; readonly lines: number } | null;
  readonly unlessNear: { readonly pattern: RegExp; readonly lines: number } | null;
}

export interface RuleBook {
  readonly rules: readonly Compiled[];
  readonly questions: readonly Question[];
}

export const families = ['graph', 'memory', 'kernels', 'distributed'] as const;
/** Code of others, and of other devices. */
const foreignCode = /(?:^|\/)third_party\/|kernels\/(?:cuda|mlu|dcu|ilu|musa)\//;

const question = z.strictObject({ id: z.string(), topic: z.string(), touches: z.string(), ask: z.string() });

function compiled(rule: Rule, family: string): Compiled {
  const any = (list: readonly string[]): RegExp => new RegExp(list.map((p) => `(?:${p})`).join('|'));
  const paths = any(rule.scope.paths);
  const not = rule.scope.not === undefined ? null : any(rule.scope.not);
  const one = (text: string | undefined): RegExp | null => (text === undefined ? null : new RegExp(text));
  const within = (near: { pattern: string; lines: number } | undefined): Compiled['near'] => (near === undefined ? null : { pattern: new RegExp(near.pattern), lines: near.lines });
  return {
    rule, family,
    applies: (path) => paths.test(path) && !(not?.test(path) ?? false) && !foreignCode.test(path),
    pattern: one(rule.pattern),
    unless: one(rule.unless),
    inside: [rule.inside, rule.also_inside].flatMap((p) => (p === undefined ? [] : [new RegExp(p)])),
    notIn: one(rule.not_in),
    near: within(rule.near),
    unlessNear: within(rule.unless_near),
  };
}

let book: Promise<RuleBook> | null = null;

/** The rules of the package, checked against review-rule. @throws ToolError E_INTERNAL for a broken installation */
export function ruleBook(): Promise<RuleBook> {
  book ??= (async () => {
    const lists = await packagedLists('rules');
    const rules: Compiled[] = [];
    for (const family of families) {
      for (const value of lists[family] ?? []) {
        const checked = check('review-rule', value);
        if (!checked.ok) throw new ToolError('E_INTERNAL', `a rule of ${family} is broken: ${checked.problems[0] ?? ''}`, 'install the package again');
        rules.push(compiled(checked.value, family));
      }
    }
    const questions = (lists['judgement'] ?? []).map((value) => {
      const q = question.parse(value);
      return { ...q, touches: new RegExp(q.touches, 'i') };
    });
    return { rules, questions };
  })();
  return book;
}
