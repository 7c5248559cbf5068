import MiniSearch from 'minisearch';
import type { Card } from './store.js';

export interface Query {
  readonly query?: string | undefined;
  readonly model?: string | undefined;
  readonly framework?: string | undefined;
  readonly scenario?: string | undefined;
}

/** Words of the field said in Chinese, so that a Chinese question finds an English card. */
const synonyms: Readonly<Record<string, string>> = {
  投机: 'speculative mtp draft', 接受率: 'acceptance', 气泡: 'bubble', 显存: 'memory hbm', 内存: 'memory', 乱码: 'garbled', 精度: 'accuracy precision', 掉分: 'accuracy drop', 图模式: 'graph', 图捕获: 'graph capture', 转置: 'transpose', 前缀缓存: 'prefix cache', 通信: 'communication allreduce', 首字: 'ttft', 吞吐: 'throughput', 算子: 'operator kernel', 环境: 'environment', 干净: 'clean', 并发: 'concurrency', 预填充: 'prefill', 解码: 'decode', 回退: 'revert', 草稿: 'draft',
};

/** Latin words and numbers as they are, Chinese as pairs of characters. */
export function tokens(text: string): string[] {
  const found: string[] = [];
  for (const [run] of text.toLowerCase().matchAll(/[\p{Script=Han}]+|[a-z0-9]+(?:\.[0-9]+)*/gu)) {
    if (!/\p{Script=Han}/u.test(run)) found.push(run);
    else if (run.length === 1) found.push(run);
    else for (let i = 0; i + 2 <= run.length; i += 1) found.push(run.slice(i, i + 2));
  }
  return found;
}

const asked = (q: Query): string => {
  const words = [q.query, q.model, q.scenario].filter((w) => w !== undefined).join(' ');
  const added = Object.entries(synonyms).filter(([zh]) => words.includes(zh)).map(([, en]) => en);
  return [words, ...added].join(' ');
};

/** What was asked, in words, for the record of the search. */
export const words = (q: Query): string => Object.entries(q).map(([k, v]) => `${k}=${String(v)}`).join(' ');

const fields = ['title', 'model_family', 'scenario', 'change', 'effect', 'risks', 'next_checks', 'touched_paths'] as const;

function text(card: Card, field: (typeof fields)[number]): string {
  if (field === 'effect') return card.effect.map((e) => `${e.metric} ${e.conditions}`).join(' ');
  const value = card[field];
  return typeof value === 'string' ? value : value.join(' ');
}

/**
 * Cards by relevance: BM25 over their words; title and model weigh twice. A framework leaves out cards of another one.
 * Without any word every card of the framework comes, score null.
 */
export function search(cards: readonly Card[], q: Query): { readonly card: Card; readonly score: number | null }[] {
  const candidates = cards.filter((c) => q.framework === undefined || c.framework === 'any' || c.framework === q.framework);
  const question = asked(q).trim();
  if (question === '') return candidates.map((card) => ({ card, score: null }));
  const index = new MiniSearch<Card>({
    fields: [...fields],
    idField: 'id',
    tokenize: tokens,
    processTerm: (term) => term,
    extractField: (card, field) => (field === 'id' ? card.id : text(card, fields.find((f) => f === field) ?? 'title')),
    searchOptions: { boost: { title: 2, model_family: 2 }, prefix: (term) => term.length >= 4 && /^[a-z]/.test(term), combineWith: 'OR' },
  });
  index.addAll([...candidates]);
  const byId = new Map(candidates.map((c) => [c.id, c]));
  return index.search(question).flatMap((hit) => {
    const card = byId.get(String(hit.id));
    return card === undefined ? [] : [{ card, score: Number(hit.score.toFixed(3)) }];
  });
}
