import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, type HistorySearchFacts, type ToolFailed, type ToolOk } from '../../server/contract/index.js';
import { shippedCards } from '../../server/loop/history/cards.js';
import { search, tokens } from '../../server/loop/history/search.js';
import { historySearch } from '../../server/loop/loop-tools.js';
import { Registry } from '../../server/mcp/registry.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const registry = new Registry([historySearch], () => undefined);
async function call(args: Record<string, unknown>): Promise<ToolOk & { facts: HistorySearchFacts }> {
  const answer = await registry.call('history_search', args, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as ToolOk & { facts: HistorySearchFacts };
}
async function fail(card: unknown): Promise<ToolFailed['error']> {
  const answer = await registry.call('history_search', { record_json: typeof card === 'string' ? card : JSON.stringify(card) }, ctx);
  expect(answer.isError).toBe(true);
  return (answer.structured as ToolFailed).error;
}
const ids = async (args: Record<string, unknown>): Promise<string[]> => (await call(args)).facts.cards.map((c) => c.id);
const lesson = { title: 'Bigger blocks', framework: 'xllm', model_family: 'Qwen3', scenario: 'decode', change: 'block_size=256', effect: [], touched_paths: [], risks: [], next_checks: [], status: 'pending', confidence: 'low' };

describe('shipped lessons', () => {
  it('are valid cards with evidence, none called verified, ids unique', () => {
    for (const card of shippedCards) expect(check('lesson-card', card), card.id).toMatchObject({ ok: true });
    expect(new Set(shippedCards.map((c) => c.id)).size).toBe(shippedCards.length);
    expect(shippedCards.map((c) => c.status)).not.toContain('verified');
  });
  // The ratios of the depth scan and of the transpose record, worked out by hand.
  it('state their effect in percent of what they print', () => {
    const pct = (id: string, at: number): number | null | undefined => shippedCards.find((c) => c.id === id)?.effect[at]?.delta_pct;
    expect(pct('mtp-depth-scan', 0)).toBe(44);
    expect(pct('mtp-layout-transpose', 1)).toBe(9.5);
    expect(pct('mtp-layout-transpose', 0)).toBe(-93.3);
    expect(pct('mtp-first-draft-token', 0)).toBe(20.9);
  });
});

describe('search', () => {
  it.each([
    [{ query: 'speculative depth' }, 'mtp-depth-scan'],
    [{ query: '乱码 长 prompt 感叹号' }, 'gdn-prefill-fp16'],
    [{ query: '图模式 掉分' }, 'vllm-graph-chunked-accuracy'],
    [{ query: '环境不干净 残留进程' }, 'contaminated-host'],
    [{ query: 'first request garbled after start' }, 'graph-warmup-garbled-first'],
    [{ query: 'TransData transpose' }, 'mtp-layout-transpose'],
    [{ scenario: 'MTP', model: 'GLM-4.5' }, 'glm-moe-mtp'],
  ])('%o finds %s first or second', async (query, id) => {
    expect((await ids(query)).slice(0, 2)).toContain(id);
  });
  it('a framework leaves out the others, a word nobody used finds nothing', async () => {
    expect(await ids({ framework: 'vllm-ascend', query: 'graph' })).toContain('vllm-graph-chunked-accuracy');
    expect(await ids({ framework: 'vllm-ascend', query: 'speculative' })).not.toContain('mtp-depth-scan');
    expect((await call({ query: 'zzyzx' })).verdict).toBe('none');
  });
  it('rarer words weigh more: BM25 worked out for two cards', () => {
    const [a, b] = shippedCards;
    if (a === undefined || b === undefined) throw new Error('no cards');
    const many = Array.from({ length: 8 }, (_, i) => ({ ...a, id: `many-${String(i)}`, title: 'common word', scenario: 'x', change: 'x', risks: [], next_checks: [], effect: [] }));
    const rare = { ...b, id: 'rare', title: 'common rareword', scenario: 'x', change: 'x', risks: [], next_checks: [], effect: [] };
    expect(search([...many, rare], { query: 'common rareword' })[0]?.card.id).toBe('rare');
  });
  it('Chinese is cut into pairs, numbers stay whole', () => {
    expect(tokens('图模式 TP4 0.95')).toEqual(['图模', '模式', 'tp4', '0.95']);
  });
});

describe('recording', () => {
  it('a card with evidence is kept and found again; a second of the same name is refused, nothing is overwritten', async () => {
    await writeFile(join(dir, 'notes.md'), 'x');
    const first = await call({ record_json: JSON.stringify({ ...lesson, evidence: [{ path: 'notes.md', note: 'what I saw' }] }) });
    expect(first).toMatchObject({ verdict: 'recorded', facts: { cards: [{ id: 'bigger-blocks' }] } });
    const kept = await readFile(first.facts.cards[0]?.path ?? '', 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ id: 'bigger-blocks', evidence: [{ path: join(dir, 'notes.md') }] });
    expect((await call({ query: 'block_size' })).facts.cards[0]).toMatchObject({ id: 'bigger-blocks', path: first.facts.cards[0]?.path });
    expect((await fail({ ...lesson, evidence: [{ path: 'notes.md', note: 'again' }] })).code).toBe('E_ARTIFACT_EXISTS');
    expect(await readFile(first.facts.cards[0]?.path ?? '', 'utf8')).toBe(kept);
  });
  it('no evidence, evidence that is not there or outside, and an unproven "verified" are refused', async () => {
    expect((await fail({ ...lesson, evidence: [] })).code).toBe('E_ARG_TYPE');
    expect((await fail({ ...lesson, evidence: [{ note: 'trust me' }] })).code).toBe('E_ARG_TYPE');
    expect((await fail({ ...lesson, evidence: [{ path: 'absent.json', note: 'x' }] })).code).toBe('E_PATH_MISSING');
    expect((await fail({ ...lesson, evidence: [{ path: '/etc/hostname', note: 'x' }] })).code).toBe('E_PATH_OUTSIDE');
    expect((await fail({ ...lesson, evidence: [{ url: 'javascript:alert(1)', note: 'x' }] })).code).toBe('E_ARG_TYPE');
    expect((await fail({ ...lesson, status: 'verified', evidence: [{ path: 'notes.md', note: 'x' }] })).code).toBe('E_ARG_CONFLICT');
    expect((await fail('{')).code).toBe('E_JSON_BROKEN');
  });
  it('a secret in a card is not kept; a broken file beside the cards is named, not fatal', async () => {
    const { facts } = await call({ record_json: JSON.stringify({ ...lesson, title: 'Secret', change: 'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789', evidence: [{ url: 'https://example.org/x', note: 'x' }] }) });
    expect(await readFile(facts.cards[0]?.path ?? '', 'utf8')).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789');
    await mkdir(join(dir, 'runs/.lessons'), { recursive: true });
    await writeFile(join(dir, 'runs/.lessons/broken.json'), '{');
    expect((await call({ query: 'mtp' })).warnings.map((w) => w.code)).toContain('W-CARD-BROKEN');
    expect((await readdir(join(dir, 'runs/.lessons'))).filter((f) => f.endsWith('.json')).sort()).toEqual(['bigger-blocks.json', 'broken.json', 'secret.json']);
  });
});
