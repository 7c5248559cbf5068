/**
 * The built-in probe set: small, bilingual, with answers that a rule decides. Ours; no dataset is copied.
 * They ask what breaks first when kernels, graphs or caches are wrong: numbers, exact copies, form, long prompts, plain prose.
 */

export type Rule =
  | { readonly kind: 'number'; readonly value: number }
  /** A letter of the choices, or its value. */
  | { readonly kind: 'choice'; readonly letter: string; readonly value: string }
  | { readonly kind: 'copy'; readonly text: string }
  | { readonly kind: 'json'; readonly value: Readonly<Record<string, string | number>> }
  /** Any sound text of at least this many words or ideographs. */
  | { readonly kind: 'prose'; readonly units: number };

export interface Probe {
  readonly id: string;
  readonly subset: 'arithmetic' | 'choice' | 'copy' | 'format' | 'prose' | 'long';
  readonly prompt: string;
  readonly rule: Rule;
  /** Lowest level that asks it. */
  readonly level: 'L1' | 'L2';
}

const actors = ['clerk', 'pilot', 'gardener', 'teacher', 'baker', 'sailor', 'painter', 'doctor', 'farmer', 'tailor', 'miller', 'singer', 'driver'];
const acts = ['opens', 'closes', 'carries', 'paints', 'counts', 'repairs', 'borrows', 'measures', 'cleans', 'finds', 'sells'];
const things = ['the old door', 'a small boat', 'the red lamp', 'a heavy box', 'the long table', 'a quiet clock', 'the green chair', 'a wooden spoon', 'the stone bridge'];
const times = ['before noon', 'after the rain', 'in the evening', 'near the harbour', 'without a word', 'with great care', 'on the way home'];

/** About `sentences` × 9 tokens in which nothing is asked; no two sentences in a row are alike. */
function filler(sentences: number): string {
  const pick = (list: readonly string[], n: number): string => list[n % list.length] ?? '';
  return Array.from({ length: sentences }, (_, i) => `The ${pick(actors, i)} ${pick(acts, i * 3 + 1)} ${pick(things, i * 5 + 2)} ${pick(times, i * 2 + 3)}.`).join(' ');
}

const english = 'The scheduler admits forty-two requests, then waits for the slowest rank before the next step begins, and so the queue grows while the card is idle.';
const chinese = '缓存块在序列结束后释放，调度器随后接纳下一个请求，而设备仍在等待最慢的一张卡，所以队列变长、吞吐下降。';
const object = { name: 'probe', chips: 8, dtype: 'bfloat16', blocks: 4096 } as const;
const code = 'for step in range(10): total = total + step * step';

export const probes: readonly Probe[] = [
  { id: 'copy-en', subset: 'copy', level: 'L1', prompt: `Repeat the following sentence exactly, and write nothing else: "${english}"`, rule: { kind: 'copy', text: english } },
  { id: 'prose-zh', subset: 'prose', level: 'L1', prompt: '用大约八句话介绍水在自然界中怎样循环。', rule: { kind: 'prose', units: 30 } },
  { id: 'number-product', subset: 'arithmetic', level: 'L1', prompt: 'What is 17 * 23? Answer with only the number.', rule: { kind: 'number', value: 391 } },
  { id: 'number-boxed', subset: 'format', level: 'L2', prompt: 'What is (12 + 8) * 3? Please reason step by step, and put your final answer within \\boxed{}.', rule: { kind: 'number', value: 60 } },
  { id: 'number-zh', subset: 'arithmetic', level: 'L2', prompt: '计算 36 / 4 + 7，只回答数字。', rule: { kind: 'number', value: 16 } },
  { id: 'number-negative', subset: 'arithmetic', level: 'L2', prompt: 'What is 7 - 12? Answer with only the number.', rule: { kind: 'number', value: -5 } },
  { id: 'number-sum', subset: 'arithmetic', level: 'L2', prompt: 'What is 128 + 256 - 64? Answer with only the number.', rule: { kind: 'number', value: 320 } },
  { id: 'choice-product', subset: 'choice', level: 'L2', prompt: 'Which of these is 9 * 8?\nA. sixty-three\nB. seventy-two\nC. eighty-one\nD. seventy\nAnswer with only the letter.', rule: { kind: 'choice', letter: 'B', value: '72' } },
  { id: 'copy-zh', subset: 'copy', level: 'L2', prompt: `请原样重复，不要写别的内容：“${chinese}”`, rule: { kind: 'copy', text: chinese } },
  { id: 'copy-json', subset: 'format', level: 'L2', prompt: `Repeat exactly this JSON object: ${JSON.stringify(object)}`, rule: { kind: 'json', value: object } },
  { id: 'copy-code', subset: 'format', level: 'L2', prompt: `Repeat exactly this line of code: ${code}`, rule: { kind: 'copy', text: code } },
  { id: 'prose-en', subset: 'prose', level: 'L2', prompt: 'Explain in about eight sentences how a small shop keeps the goods people ask for most often close to the counter.', rule: { kind: 'prose', units: 20 } },
  { id: 'long-prompt', subset: 'long', level: 'L2', prompt: `Read this text, which has nothing to do with the question.\n\n${filler(260)}\n\nNow the question. What is 47 + 58? Answer with only the number.`, rule: { kind: 'number', value: 105 } },
];

export function probesOf(level: 'L1' | 'L2'): readonly Probe[] {
  return level === 'L2' ? probes : probes.filter((p) => p.level === 'L1');
}

/** What a rule wants, as text for the record. */
export function targetOf(rule: Rule): string {
  switch (rule.kind) {
    case 'number':
      return String(rule.value);
    case 'choice':
      return rule.letter;
    case 'copy':
      return rule.text;
    case 'json':
      return JSON.stringify(rule.value);
    case 'prose':
      return `sound text of at least ${rule.units} words`;
  }
}
