import { foreign, type HistorySearchFacts, type ToolOk, type Warning } from '../../contract/index.js';
import { openHost } from '../../host/host.js';
import type { ToolContext } from '../../mcp/define.js';
import { shippedCards } from './cards.js';
import { search, words, type Query } from './search.js';
import { admitCard, noteSearch, ownCards, storeCard, type Card } from './store.js';

/** Cards of one answer; the rest is reached by a narrower question. */
const shown = 6;

const effects = (card: Card): string[] =>
  card.effect.map((e) => `${e.metric}${e.before === null || e.after === null ? '' : ` ${String(e.before)} -> ${String(e.after)}`}${e.delta_pct === null ? '' : ` (${e.delta_pct > 0 ? '+' : ''}${String(e.delta_pct)} %)`}; ${e.conditions}`);

/** history_search: shipped cards and those of this host, by relevance; or one more card. */
export async function history(args: Query & { readonly record_json?: string | undefined }, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const { record_json: recorded, ...query } = args;
  const empty = { findings: [], artifacts: [] };
  const facts = (cards: HistorySearchFacts['cards'], searched: number): ToolOk['facts'] => ({ cards, searched });
  const row = (card: Card, score: number | null, path: string | null): HistorySearchFacts['cards'][number] => ({
    id: card.id, title: foreign(card.title, 160), score, status: card.status, effect: effects(card).slice(0, 3).map((e) => foreign(e, 200)),
    risk: card.risks.slice(0, 3).map((r) => foreign(r, 200)), next_checks: card.next_checks.slice(0, 3).map((c) => foreign(c, 200)), path,
  });
  if (recorded !== undefined) {
    const card = await admitCard(recorded, host);
    if (shippedCards.some((c) => c.id === card.id)) card.id = `${card.id}-own`;
    const path = await storeCard(host, card);
    return { ...empty, verdict: 'recorded', headline: `the lesson is recorded as ${card.id}, status ${card.status}`, facts: facts([row(card, null, path)], 0), warnings: [], next: [{ tool: 'loop_update', why: 'action submit: the record gate asks for this card' }] };
  }
  const own = await ownCards(host);
  const paths = new Map(own.cards.map(({ card, path }) => [card.id, path]));
  const all = [...own.cards.map((c) => c.card), ...shippedCards];
  const hits = search(all, query);
  await noteSearch(host, words(query));
  const warnings: Warning[] = own.broken.length === 0 ? [] : [{ code: 'W-CARD-BROKEN', detail: `${String(own.broken.length)} files of the lessons folder are no lesson cards` }];
  if (hits.length > shown) warnings.push({ code: 'W-CUT', detail: `${String(shown)} of ${String(hits.length)} cards; ask narrower` });
  const verified = hits.filter((h) => h.card.status === 'verified').length;
  return {
    ...empty,
    verdict: hits.length === 0 ? 'none' : 'found',
    headline: hits.length === 0 ? `none of ${String(all.length)} lessons is about it` : `${String(hits.length)} of ${String(all.length)} lessons, ${String(verified)} of them verified by a formal comparison on this host`,
    facts: facts(hits.slice(0, shown).map((h) => row(h.card, h.score, paths.get(h.card.id) ?? null)), all.length),
    warnings,
    next: hits.length === 0 ? [] : [{ tool: 'bench_compare', why: 'a lesson is a hypothesis here until it is measured here' }],
  };
}
