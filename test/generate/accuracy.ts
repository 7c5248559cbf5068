import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Small deterministic generator of numbers (mulberry32): the planted truth must be the same on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Counts of items lost and won out of n, for a drop in points and a share of items that flip by chance either way. */
export function plantFlips(random: () => number, n: number, dropPct: number, churn: number): { lost: number; won: number } {
  const [pLost, pWon] = [churn / 2 + dropPct / 100, churn / 2];
  let lost = 0;
  let won = 0;
  for (let i = 0; i < n; i += 1) {
    const u = random();
    if (u < pLost) lost += 1;
    else if (u < pLost + pWon) won += 1;
  }
  return { lost, won };
}

export interface PlantedItem {
  readonly index: number;
  readonly dataset?: string;
  readonly subset?: string;
  readonly prompt?: string;
  readonly target?: string;
  readonly text?: string;
  readonly extracted?: string;
  readonly score: number;
  readonly stop?: string;
}

/** Rows {id, target, prediction, score} as the contract has them. */
export function writeRows(path: string, items: readonly PlantedItem[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, items.map((i) => JSON.stringify({ id: String(i.index), dataset: i.dataset, subset: i.subset, target: i.target ?? '1', prediction: i.text ?? 'The answer is 1.', score: i.score, finish_reason: i.stop, prompt: i.prompt, extracted: i.extracted })).join('\n') + '\n');
}

/** An output folder of evalscope eval, in the layout and with the fields of its ModelResult, ReviewResult and reports. */
export function writeEvaluation(root: string, model: string, items: readonly PlantedItem[], options: { config?: string; requested?: number; generations?: number; targets?: 'text' | 'list' } = {}): void {
  const groups = new Map<string, PlantedItem[]>();
  for (const item of items) {
    const stem = `${item.dataset ?? 'gsm8k'}_${item.subset ?? 'main'}`;
    groups.set(stem, [...(groups.get(stem) ?? []), item]);
  }
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [stem, rows] of groups) {
    const messages = (i: PlantedItem): object[] => [{ id: 'u', role: 'user', content: i.prompt ?? `Question ${i.index}?` }, { id: 'a', role: 'assistant', content: i.text ?? 'The answer is 1.' }];
    const predictions = rows.map((i) => ({ index: i.index, model, model_output: { id: `chatcmpl-${i.index}`, model, choices: [{ message: { role: 'assistant', content: i.text ?? 'The answer is 1.' }, stop_reason: i.stop ?? 'stop', logprobs: null }], usage: { input_tokens: 40, output_tokens: 8, total_tokens: 48 }, time: 1, metadata: null, error: null }, messages: messages(i), metadata: {} }));
    const reviews = rows.map((i) => {
      const group = options.generations === undefined ? i.index : Math.floor(i.index / options.generations);
      return { index: i.index, target: options.targets === 'list' ? [i.target ?? '1'] : (i.target ?? '1'), messages: messages(i), sample_score: { score: { value: { acc: i.score }, extracted_prediction: i.extracted ?? '1', prediction: i.text ?? 'The answer is 1.', explanation: null, metadata: {}, main_score_name: null }, sample_id: i.index, group_id: group, sample_metadata: {} } };
    });
    // Written in the order the answers came, as evalscope does with several workers: not the order of the index.
    put(`predictions/${model}/${stem}.jsonl`, predictions.reverse().map((r) => JSON.stringify(r)).join('\n') + '\n');
    put(`reviews/${model}/${stem}.jsonl`, reviews.map((r) => JSON.stringify(r)).join('\n') + '\n');
  }
  for (const dataset of new Set(items.map((i) => i.dataset ?? 'gsm8k'))) put(`reports/${model}/${dataset}.json`, JSON.stringify({ name: `${model}@${dataset}`, dataset_name: dataset, model_name: model, metrics: [], ...(options.requested === undefined ? {} : { schema_version: 2, execution_summary: { requested: options.requested } }) }));
  if (options.config !== undefined) put('configs/task_config_0123.yaml', options.config);
}

/** A sound answer to break. */
export const soundEnglish =
  'We first look at what the question gives us. Janet has sixteen eggs a day, eats three of them for breakfast and bakes muffins with four more. ' +
  'That leaves nine eggs for the market. Each fresh egg brings two dollars, so she earns eighteen dollars every day. ' +
  'To check the result we can count the other way round: nine eggs at two dollars are eighteen dollars, and seven eggs were used at home, which makes sixteen again.\n\nANSWER: $\\boxed{18}$';
export const soundChinese =
  '我们先看题目给出的条件。小明有十二个苹果，送给妹妹五个，又从商店买来八个，最后和朋友分享了三个。先用十二减去五得到七，再加上买来的八个，一共是十五个。' +
  '接着减去分享的三个，还剩十二个苹果。我们可以反过来验证：十二加三等于十五，十五减八等于七，七加五正好是十二，与题目一致。\n\n答案：A';
export const englishPrompt = 'Janet\'s ducks lay sixteen eggs per day. She eats three for breakfast and bakes muffins with four. How much does she make?\nPlease reason step by step, and put your final answer within \\boxed{}.';
export const chinesePrompt = '回答下面的单项选择题。你的回答的最后一行应该是这样的格式："答案：[LETTER]"（不带引号）。问题：小明有十二个苹果，送给妹妹五个，又买了八个，分享三个，还剩多少个？';

const half = soundEnglish.slice(0, 200);
const halfChinese = soundChinese.slice(0, 60);

/** One broken answer for each detector: what is planted, and the detector that must see it. */
export const garbles: readonly { readonly detector: string; readonly text: string; readonly prompt: string; readonly finish: 'stop' | 'length' }[] = [
  { detector: 'empty', text: ' \n ', prompt: englishPrompt, finish: 'stop' },
  { detector: 'empty', text: '<think>let us see</think>\n', prompt: englishPrompt, finish: 'stop' },
  { detector: 'truncated', text: half, prompt: englishPrompt, finish: 'length' },
  { detector: 'premature-end', text: `${half} so that \\boxed{1`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'premature-end', text: `<think>${half}`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'format-break', text: half, prompt: englishPrompt, finish: 'stop' },
  { detector: 'format-break', text: halfChinese, prompt: chinesePrompt, finish: 'stop' },
  { detector: 'replacement-characters', text: soundEnglish.replace(/eggs/g, 'eg\ufffd\ufffds'), prompt: englishPrompt, finish: 'stop' },
  { detector: 'replacement-characters', text: soundEnglish.replace('sixteen', 'â€œsixteen').replace('nine', 'Ã©nine').replace('fresh', 'Ã¤fresh'), prompt: englishPrompt, finish: 'stop' },
  { detector: 'character-run', text: `${half}${'!!!!'.repeat(40)}`, prompt: englishPrompt, finish: 'length' },
  { detector: 'character-run', text: `${halfChinese}${'的'.repeat(30)}。答案：A`, prompt: chinesePrompt, finish: 'stop' },
  { detector: 'word-run', text: `${half} the the the the the the the the the end \\boxed{18}`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'ngram-loop', text: `${half} She has nine eggs left. She has nine eggs left. She has nine eggs left. She has nine`, prompt: englishPrompt, finish: 'length' },
  { detector: 'ngram-loop', text: `${halfChinese}${'一共是十五个苹果，所以'.repeat(8)}`, prompt: chinesePrompt, finish: 'length' },
  { detector: 'repetition', text: Array.from({ length: 14 }, (_, i) => `In step ${i} she takes the nine eggs to the market and sells every egg for two dollars to a friend.`).join(' '), prompt: 'Tell me about eggs.', finish: 'stop' },
  { detector: 'sentence-repeat', text: Array.from({ length: 5 }, (_, i) => `Case ${i} is next. She sells the eggs that are left on the market. ${soundEnglish.split('. ')[i] ?? ''}.`).join(' '), prompt: 'Tell me about eggs.', finish: 'stop' },
  { detector: 'entropy-collapse', text: `${half}${Array.from({ length: 400 }, (_, i) => 'ab'[(i * i + (i >> 3)) % 2]).join('')}`, prompt: englishPrompt, finish: 'length' },
  { detector: 'script-drift', text: `${half} 그녀는 매일 시장에서 계란을 팔아요 \\boxed{18}`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'script-drift', text: `${halfChinese}потом она продаёт яйца на рынке。答案：A`, prompt: chinesePrompt, finish: 'stop' },
  { detector: 'mixed-language', text: `${half} ${soundChinese.repeat(2)}`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'mixed-language', text: `${halfChinese} ${soundEnglish} ${soundEnglish.slice(0, 380)} 答案：A`, prompt: chinesePrompt, finish: 'stop' },
  { detector: 'symbol-flood', text: `she takes nine eggs to the market ${'¤§ eggs ^@ ¬¦◊ are ‡†¶ ^@& nine §¤¬ ¦◊‡ and †¶^ two @&§ '.repeat(2)}¤¬¦◊‡†¶^@&§¤¬¦◊‡†¶^@&§¤¬¦ \\boxed{1}`, prompt: 'Count the eggs, and show every step of it in \\boxed{}.', finish: 'stop' },
  { detector: 'word-length', text: Array.from({ length: 40 }, (_, i) => `eggmarketbreakfastmuffin${'abcdefghij'[i % 10] ?? ''}${'klmnopqrst'[(i * 7) % 10] ?? ''}`).join(' '), prompt: 'Tell me about eggs.', finish: 'stop' },
  { detector: 'whitespace-run', text: `${half}${' '.repeat(80)}eighteen \\boxed{18}`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'template-artifact', text: `${soundEnglish}<|im_end|>\n<|im_start|>user`, prompt: englishPrompt, finish: 'stop' },
  { detector: 'template-artifact', text: `${soundEnglish}<｜end▁of▁sentence｜>`, prompt: englishPrompt, finish: 'stop' },
];

/** Sound texts that look odd: none may be pointed at. */
export const falseFriends: readonly { readonly name: string; readonly text: string; readonly prompt: string }[] = [
  { name: 'English', text: soundEnglish, prompt: englishPrompt },
  { name: 'Chinese', text: soundChinese, prompt: chinesePrompt },
  { name: 'one letter', text: 'B', prompt: 'Which one? A or B.' },
  { name: 'code', text: `Here it is:\n\`\`\`python\nfor i in range(10):\n${'    '.repeat(16)}print(i)\n# ${'-'.repeat(70)}\n\`\`\`\nIt prints ten numbers.`, prompt: 'Write a loop.' },
  { name: 'table', text: `| step | eggs |\n|${'-'.repeat(60)}|${'-'.repeat(60)}|\n${Array.from({ length: 12 }, (_, i) => `| ${i} | ${16 - i} |`).join('\n')}`, prompt: 'Show a table.' },
  { name: 'rules', text: `Title\n${'='.repeat(80)}\n\nFirst part.\n\n---\n\nSecond part.\n\n---\n`, prompt: 'Write a short text.' },
  { name: 'a refrain', text: 'Row the boat, row the boat, row it to the sea.\nGently now we go.\nRow the boat, row the boat, row it to the sea.\nMerrily we row.', prompt: 'Write a song.' },
  { name: 'a third', text: `The value is 0.${'3'.repeat(50)} and so on.`, prompt: 'What is one third?' },
  { name: 'formulas', text: 'We use $\\alpha + \\beta = \\gamma$ and μ₀ε₀∂E/∂t = 0, then ∇·B = μ₀ρₘ holds, so λ ≈ 5.5 ± 0.1 Å. The Greek letters α, β, γ, δ, ε and ζ name the angles here.', prompt: 'Which equation changes?' },
  { name: 'a translation', text: 'Она продаёт яйца на рынке каждый день.', prompt: 'Translate into Russian: she sells eggs every day.' },
  { name: 'an English quotation in a Chinese answer', text: `${soundChinese.slice(0, 110)}原文是 "the quick brown fox jumps over the lazy dog near the river bank today"，所以这个说法是正确的。\n答案：A`, prompt: chinesePrompt },
  { name: 'numbers', text: Array.from({ length: 100 }, (_, i) => i + 1).join(', '), prompt: 'Count to one hundred.' },
  { name: 'a split character at the end', text: `${soundEnglish}\ufffd`, prompt: englishPrompt },
  { name: 'an open list', text: 'a) yes\nb) no\nc) maybe :)', prompt: 'List three.' },
];
