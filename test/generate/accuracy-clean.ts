import { seeded } from './accuracy.js';

/** Sound answers of many forms, and the ways real services break them. All made here from word lists; nothing is copied from a model or a dataset. */

export interface CleanText {
  readonly kind: string;
  readonly prompt: string;
  readonly text: string;
}

type Random = () => number;
const pick = <T>(random: Random, list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0];
const whole = (random: Random, low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

const people = ['The teacher', 'A neighbour', 'My sister', 'The old baker', 'Our engineer', 'The committee', 'A young doctor', 'The librarian', 'Each visitor', 'The farmer', 'One of the drivers', 'The city council', 'A small team', 'The reader', 'The author', 'Her brother', 'The museum', 'This method', 'The second model', 'The report'] as const;
const verbs = ['explains', 'measures', 'compares', 'describes', 'repairs', 'questions', 'collects', 'prepares', 'improves', 'mentions', 'records', 'counts', 'studies', 'returns', 'protects', 'replaces', 'observes', 'supports', 'divides', 'summarises'] as const;
const things = ['the results of the survey', 'a wooden bridge', 'seven kinds of apples', 'the water in the valley', 'every page of the letter', 'the price of bread', 'an electric motor', 'the oldest map', 'several short stories', 'the temperature of the lake', 'a list of open questions', 'the rules of the game', 'the first assumption', 'two different solutions', 'the name of the street', 'a garden behind the house', 'the energy of the system', 'the remaining pieces', 'the growth of the town', 'the shape of the curve'] as const;
const ends = ['before the winter begins', 'with great care', 'because the data are incomplete', 'although nobody asked for it', 'in the early morning', 'as the previous section shows', 'while the others are waiting', 'without changing the total', 'for the third time this year', 'when the pressure drops', 'so that children can follow it', 'on the other side of the river', 'in a quiet room', 'after a long discussion', 'to avoid a mistake', 'under normal conditions'] as const;
const links = ['', '', '', 'However, ', 'Therefore, ', 'In addition, ', 'For example, ', 'First, ', 'As a consequence, ', 'On the whole, ', 'Later, '] as const;

function english(random: Random, sentences: number): string {
  return times(sentences, () => {
    const link = pick(random, links);
    const who = pick(random, people);
    const sentence = `${link === '' ? who : who.replace(/^(?:The|A|Our|One|Each|My|Her|This) /, (w) => w.toLowerCase())} ${pick(random, verbs)} ${pick(random, things)}${random() < 0.7 ? ` ${pick(random, ends)}` : ''}`;
    return `${link}${sentence}${random() < 0.08 ? '!' : random() < 0.08 ? '?' : '.'}`;
  }).join(' ');
}

const wer = ['小明', '老师', '这位工程师', '附近的居民', '研究人员', '年轻的医生', '图书管理员', '公司的负责人', '孩子们', '第二个模型', '这篇文章', '村里的老人', '数学家', '旅行者', '观众'] as const;
const tut = ['记录了', '比较了', '解释了', '修好了', '讨论了', '发现了', '计算了', '描述了', '准备好了', '整理了', '改进了', '观察了', '证明了', '购买了', '提到了'] as const;
const was = ['三种不同的方法', '河边的旧桥', '昨天的实验结果', '每个季节的气温', '一份详细的计划', '剩下的苹果', '城市的发展历史', '这个公式的含义', '花园里的植物', '电机的转速', '问题的关键条件', '市场上的价格', '几本有趣的小说', '整个系统的能量', '最后一步的误差'] as const;
const dann = ['，因为数据还不完整', '，所以大家都很满意', '，但是没有改变总数', '，这样更容易理解', '，并且写在了笔记里', '，不过还需要再检查一次', '', '', '，从而避免了错误', '，接着继续往下推导'] as const;

function chinese(random: Random, sentences: number): string {
  return times(sentences, () => `${pick(random, ['', '', '首先，', '其次，', '然而，', '例如，', '因此，'])}${pick(random, wer)}${pick(random, tut)}${pick(random, was)}${pick(random, dann)}。`).join('');
}

const names = ['total', 'count', 'index', 'result', 'value', 'buffer', 'items', 'offset', 'length', 'node', 'left', 'right', 'cache', 'width', 'score'] as const;
const name = (random: Random): string => `${pick(random, names)}${random() < 0.3 ? `_${pick(random, names)}` : ''}`;

function python(random: Random): string {
  const body = times(whole(random, 3, 14), () => {
    const [a, b] = [name(random), name(random)];
    return pick(random, [`    ${a} = ${b} * ${whole(random, 2, 99)} + len(${name(random)})`, `    for ${a} in range(${whole(random, 2, 50)}):\n        ${b}.append(${a} ** 2)`, `    if ${a} > ${b}:\n        return ${a} - ${b}`, `    ${a}[${b}] = max(${a}[${b} - 1], ${whole(random, 0, 9)})`, `    # keep ${a} small enough for ${b}`, `    assert ${a} != ${b}, "unexpected ${a}"`]);
  });
  return `def ${name(random)}(${name(random)}, limit=${whole(random, 1, 20)}):\n${body.join('\n')}\n    return ${name(random)}`;
}

function cpp(random: Random): string {
  const body = times(whole(random, 3, 10), () => pick(random, [`  std::vector<int> ${name(random)}(${whole(random, 2, 64)}, 0);`, `  for (size_t i = 0; i < ${name(random)}.size(); ++i) { ${name(random)} += a[i] * b[i]; }`, `  if (${name(random)} == nullptr) { return -${whole(random, 1, 9)}; }`, `  const auto ${name(random)} = static_cast<float>(${name(random)}) / ${whole(random, 2, 9)}.0f;`]));
  return `int ${name(random)}(const float* a, const float* b) {\n${body.join('\n')}\n  return 0;\n}`;
}

function equations(random: Random, tex: boolean): string {
  return times(whole(random, 3, 9), (i) => {
    const [a, b, c] = [whole(random, 2, 40), whole(random, 2, 40), whole(random, 2, 12)];
    if (tex) return pick(random, [`$$x_{${i}} = \\frac{${a} + ${b}}{${c}} = ${((a + b) / c).toFixed(2)}$$`, `\\[ \\int_0^{${a}} x^{${c}} \\, dx = \\frac{${a}^{${c + 1}}}{${c + 1}} \\]`, `We set $\\alpha = ${a}$ and $\\beta = ${b}$, so $\\alpha\\beta = ${a * b}$.`]);
    return pick(random, [`Step ${i + 1}: ${a} × ${b} = ${a * b}, and ${a * b} − ${c} = ${a * b - c}.`, `(${a} + ${b}) / ${c} = ${((a + b) / c).toFixed(3)}`, `x² + ${a}x − ${b} = 0, therefore Δ = ${a * a + 4 * b}.`, `f(${c}) = ${a}·${c} + ${b} = ${a * c + b}`]);
  }).join('\n');
}

const headings = ['Name', 'Year', 'Price (€)', 'Share %', 'Result', 'Comment', 'Height', 'Class'] as const;
function table(random: Random): string {
  const columns = whole(random, 2, 5);
  const row = (make: (i: number) => string): string => `| ${times(columns, make).join(' | ')} |`;
  return [row(() => pick(random, headings)), `|${times(columns, () => pick(random, ['---', ':---:', '-----------', '---:'])).join('|')}|`, ...times(whole(random, 3, 18), () => row((i) => (i === 0 ? pick(random, names) : random() < 0.6 ? String(whole(random, 1, 9999) / 10) : pick(random, ['yes', 'no', 'unknown', '–', 'n/a']))))].join('\n');
}

const list = (random: Random, make: () => string): string => times(whole(random, 3, 15), (i) => `${random() < 0.5 ? `${i + 1}.` : pick(random, ['-', '*', '•'])} ${make()}`).join('\n');
const letter = (random: Random): string => pick(random, ['A', 'B', 'C', 'D']);
const ask = 'Please answer the question in a few clear sentences and say why.';
const zh = '请用几句话回答这个问题，并说明理由。';
const boxed = 'Solve the task. Please reason step by step, and put your final answer within \\boxed{}.';

const forms: readonly { readonly kind: string; readonly prompt: string; readonly make: (random: Random) => string }[] = [
  { kind: 'english', prompt: ask, make: (r) => times(whole(r, 1, 6), () => english(r, whole(r, 1, 9))).join('\n\n') },
  { kind: 'chinese', prompt: zh, make: (r) => times(whole(r, 1, 5), () => chinese(r, whole(r, 1, 8))).join('\n') },
  { kind: 'short', prompt: ask, make: (r) => pick(r, [letter(r), String(whole(r, -50, 5000)), 'Yes.', '**B**', 'Paris', `${whole(r, 1, 30)} cm`, 'No, it does not.', '(C)']) },
  { kind: 'fenced code', prompt: 'Write a function for this.', make: (r) => `${english(r, 1)}\n\n\`\`\`${r() < 0.5 ? `python\n${python(r)}` : `cpp\n${cpp(r)}`}\n\`\`\`\n\n${english(r, whole(r, 1, 3))}` },
  { kind: 'bare code', prompt: 'Write a function for this. Only code.', make: (r) => (r() < 0.5 ? python(r) : cpp(r)) },
  { kind: 'formulas', prompt: boxed, make: (r) => `${english(r, 1)}\n${equations(r, true)}\n\nSo the answer is $\\boxed{${whole(r, 1, 999)}}$.` },
  { kind: 'plain arithmetic', prompt: boxed, make: (r) => `${equations(r, false)}\nThe answer is \\boxed{${whole(r, 1, 999)}}.` },
  { kind: 'table', prompt: 'Show it as a table.', make: (r) => `${english(r, 1)}\n\n${table(r)}\n\n${english(r, 1)}` },
  { kind: 'list', prompt: ask, make: (r) => `${english(r, 1)}\n${list(r, () => english(r, 1))}` },
  { kind: 'chinese list', prompt: zh, make: (r) => `${chinese(r, 1)}\n${list(r, () => `**${pick(r, was)}**：${chinese(r, 1)}`)}` },
  { kind: 'json', prompt: 'Return JSON only.', make: (r) => JSON.stringify(times(whole(r, 1, 12), (i) => ({ id: i, name: pick(r, names), value: whole(r, 0, 9999) / 100, tags: times(whole(r, 0, 3), () => pick(r, names)), ok: r() < 0.5 })), null, whole(r, 0, 1) * 2) },
  { kind: 'choice', prompt: 'Which is right?\nA) one\nB) two\nC) three\nD) four\nThe last line of your response should be of the form "ANSWER: [LETTER]".', make: (r) => `${english(r, whole(r, 1, 6))}\n\nANSWER: ${letter(r)}` },
  { kind: 'chinese choice', prompt: '回答下面的单项选择题。你的回答的最后一行应该是这样的格式："答案：[LETTER]"（不带引号）。', make: (r) => `${chinese(r, whole(r, 1, 6))}\n\n答案：${letter(r)}` },
  { kind: 'reasoning', prompt: ask, make: (r) => `<think>\n${english(r, whole(r, 2, 12))} Wait, let me check that again. ${english(r, 2)}\n</think>\n\n${english(r, whole(r, 1, 3))}` },
  { kind: 'chinese with terms', prompt: zh, make: (r) => chinese(r, whole(r, 2, 7)).replace(/。/g, () => (r() < 0.5 ? `（${pick(r, ['Transformer', 'KV cache', 'attention mask', 'TTFT', 'PyTorch 2.1', 'batch size'])}）。` : '。')) },
  { kind: 'sections', prompt: ask, make: (r) => times(whole(r, 2, 6), (i) => `## ${i + 1}. ${pick(r, things)}\n\n${english(r, whole(r, 1, 4))}\n\n---`).join('\n\n') },
  { kind: 'numbers', prompt: ask, make: (r) => times(whole(r, 20, 120), (i) => whole(r, 0, 9) + i * whole(r, 1, 3)).join(', ') },
  { kind: 'verse', prompt: 'Write a poem.', make: (r) => { const refrain = english(r, 1); return times(whole(r, 2, 3), () => `${times(3, () => `${pick(r, people)} ${pick(r, verbs)} ${pick(r, things)},`).join('\n')}\n${refrain}`).join('\n\n'); } },
  { kind: 'shell', prompt: 'How do I look at it?', make: (r) => `Run:\n\n\`\`\`bash\n$ ls -la /${pick(r, names)} | grep ${pick(r, names)}\n$ df -h\n\`\`\`\n${english(r, 2)}` },
  { kind: 'letter', prompt: 'Write an e-mail.', make: (r) => `Subject: ${pick(r, things)}\n\nDear colleague,\n\n${english(r, whole(r, 2, 6))}\n\nBest regards,\n${pick(r, ['Ann', 'Li Wei', 'Omar', 'Zoë'])}` },
];

const chorus = (random: Random): string => english(random, 1);
const signs = (random: Random, alphabet: string, n: number): string => times(n, () => alphabet[Math.floor(random() * alphabet.length)] ?? '').join('');
const german = ['Die Geschwindigkeitsbegrenzung', 'Das Bundesverfassungsgericht', 'Der Abstimmungsvorgang', 'Eine Wahrscheinlichkeitsrechnung', 'Die Krankenversicherung', 'Der Donaudampfer'] as const;
const chemistry = ['2,4-dinitrophenylhydrazine', 'acetylsalicylic', 'methylprednisolone', 'hydroxychloroquine', 'dimethylformamide', 'polytetrafluoroethylene', 'cyclohexanecarboxylate', 'trichloroacetaldehyde'] as const;

/** Sound texts that look broken to a counter of characters: chosen to be hard, so their share in real answers is not that of this list. */
const hardForms: typeof forms = [
  { kind: 'binary', prompt: ask, make: (r) => `In binary it is ${signs(r, '01', whole(r, 8, 400))}.` },
  { kind: 'DNA', prompt: ask, make: (r) => `The sequence is ${signs(r, 'ACGT', whole(r, 30, 500))}.` },
  { kind: 'base64', prompt: ask, make: (r) => `${english(r, 1)} ${signs(r, 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/', whole(r, 40, 600))}==` },
  { kind: 'hex dump', prompt: ask, make: (r) => times(whole(r, 4, 24), (i) => `${(i * 16).toString(16).padStart(8, '0')}  ${times(16, () => signs(r, '0123456789abcdef', 2)).join(' ')}`).join('\n') },
  { kind: 'hex dump of zeros', prompt: ask, make: (r) => times(whole(r, 4, 24), (i) => `${(i * 16).toString(16).padStart(8, '0')}  ${times(16, () => (r() < 0.95 ? '00' : 'ff')).join(' ')}`).join('\n') },
  { kind: 'song with a chorus', prompt: 'Write a song.', make: (r) => { const c = `${chorus(r)}\n${chorus(r)}`; return times(whole(r, 3, 6), () => `${english(r, 3)}\n\n${c}`).join('\n\n'); } },
  { kind: 'day plan', prompt: 'Make a plan.', make: (r) => { const [a, b] = [english(r, 1), english(r, 1)]; return times(whole(r, 3, 14), (i) => `Day ${i + 1}: ${a} ${r() < 0.5 ? b : english(r, 1)}`).join('\n'); } },
  { kind: 'same check of many cases', prompt: ask, make: (r) => times(whole(r, 5, 40), () => { const n = whole(r, 2, 99); return `Is ${n} divisible by ${whole(r, 2, 9)}? No, it leaves a remainder.`; }).join(' ') },
  { kind: 'aligned columns', prompt: ask, make: (r) => times(whole(r, 4, 20), () => `${pick(r, names).padEnd(whole(r, 20, 60))}${String(whole(r, 1, 9999)).padStart(10)}`).join('\n') },
  { kind: 'deep indentation', prompt: 'Write the configuration.', make: (r) => times(whole(r, 5, 30), (i) => `${' '.repeat(i * 2)}${pick(r, names)}:`).join('\n') },
  { kind: 'diagram', prompt: 'Draw it.', make: (r) => { const w = whole(r, 8, 60); return `┌${'─'.repeat(w)}┐\n${times(whole(r, 1, 6), () => `│${pick(r, names).padEnd(w)}│`).join('\n')}\n└${'─'.repeat(w)}┘\n${' '.repeat(w >> 1)}│\n${' '.repeat(w >> 1)}▼`; } },
  { kind: 'formulas without TeX', prompt: ask, make: (r) => times(whole(r, 4, 12), () => `∇×E = −∂B/∂t, ∮E·dl = −dΦ/dt, |ψ⟩ = α|${whole(r, 0, 1)}⟩ + β|1⟩, ∀x∈ℝ: x²≥0 ⇒ √(x²)=|x| ≠ ${whole(r, 2, 9)}`).join('\n') },
  { kind: 'German', prompt: ask, make: (r) => times(whole(r, 8, 30), () => `${pick(r, german)} verlangt eine Verhältnismäßigkeitsprüfung.`).join(' ') },
  { kind: 'chemistry', prompt: ask, make: (r) => times(whole(r, 20, 60), () => pick(r, chemistry)).join(', ') },
  { kind: 'Russian names', prompt: ask, make: (r) => `${english(r, 2)} It was written by Лев Толстой (${whole(r, 1800, 1900)}). ${english(r, whole(r, 1, 5))}` },
  { kind: 'emoji list', prompt: ask, make: (r) => times(whole(r, 4, 15), () => `${pick(r, ['✅', '🚀', '🔧', '⚠️', '➡️'])} ${english(r, 1)}`).join('\n') },
  { kind: 'laughter', prompt: ask, make: (r) => `${pick(r, ['Ha', 'ha', 'No', 'Go'])}${pick(r, ['ha', 'o', '!']).repeat(whole(r, 1, 12))} ${english(r, 2)}` },
  { kind: 'English paper in Chinese answer', prompt: zh, make: (r) => `${chinese(r, 2)}原文如下："${english(r, whole(r, 1, 20))}"${chinese(r, 2)}` },
  { kind: 'regular expressions', prompt: ask, make: (r) => times(whole(r, 2, 10), () => `^(?:[^@\\s]{1,${whole(r, 2, 64)}})@[\\w.-]+\\.(?:com|org)$`).join('\n') },
  { kind: 'many digits', prompt: ask, make: (r) => `${whole(r, 1, 9)}/${whole(r, 11, 99)} = 0.${signs(r, '0123456789', whole(r, 1, 6)).repeat(whole(r, 2, 30))}…` },
];

/** `perForm` texts of each form, ordinary or hard; the same for the same seed. */
export function cleanTexts(perForm: number, seed: number, hard = false): CleanText[] {
  const random = seeded(seed);
  return (hard ? hardForms : forms).flatMap(({ kind, prompt, make }) => times(perForm, () => ({ kind, prompt, text: make(random) })));
}

export interface BrokenText {
  readonly kind: string;
  /** Detectors of which one has to see it. */
  readonly by: readonly string[];
  readonly prompt: string;
  readonly text: string;
  readonly finish: 'stop' | 'length';
}

const hangul = '그녀는매일시장에서계란을팔아요우리는함께걷는다'.split('');
const cyrillic = 'онакаждыйденьпродаётяйцанарынке'.split('');
const thai = 'เธอขายไข่ที่ตลาดทุกวัน'.split('');

const breaks: readonly { readonly kind: string; readonly by: readonly string[]; readonly chinese?: boolean; readonly make: (random: Random, sound: string, rest: string) => { text: string; finish?: 'length'; prompt?: string } }[] = [
  { kind: 'nothing', by: ['empty'], make: (r) => ({ text: pick(r, ['', ' ', '\n\n', '<think>\nLet us see.\n</think>', '<think></think>\n\n']) }) },
  { kind: 'cut off', by: ['truncated'], make: (_r, sound) => ({ text: sound, finish: 'length' }) },
  { kind: 'stopped within a box', by: ['premature-end'], make: (r, sound) => ({ text: `${sound} So we get \\boxed{${whole(r, 1, 99)}`, prompt: boxed }) },
  { kind: 'stopped within thought', by: ['premature-end'], make: (_r, sound) => ({ text: `<think>\n${sound}` }) },
  { kind: 'no answer form', by: ['format-break'], make: (_r, sound) => ({ text: sound, prompt: boxed }) },
  { kind: 'replacement characters', by: ['replacement-characters'], make: (r, sound) => ({ text: times(whole(r, 3, 8), () => sound.slice(0, whole(r, 5, 40))).join('\ufffd') }) },
  { kind: 'mojibake', by: ['replacement-characters'], make: (r, sound) => ({ text: sound.replace(/e/g, (e) => (r() < 0.3 ? '\u00c3\u00a9' : e)) }) },
  { kind: 'exclamation marks', by: ['character-run', 'ngram-loop'], make: (r, sound, rest) => ({ text: `${sound}${'!'.repeat(whole(r, 16, 900))}${r() < 0.3 ? rest : ''}` }) },
  { kind: 'one character', by: ['character-run', 'ngram-loop'], make: (r, sound, rest) => ({ text: `${sound}${pick(r, ['a', '0', 'x', '的', '?', ';']).repeat(whole(r, 210, 600))}${r() < 0.3 ? rest : ''}` }) },
  { kind: 'one word', by: ['word-run', 'ngram-loop'], make: (r, sound, rest) => ({ text: `${sound} ${`${pick(r, ['the', 'and', 'answer', 'so', 'we'])} `.repeat(whole(r, 9, 200))}${r() < 0.5 ? rest : ''}` }) },
  { kind: 'loop of a phrase', by: ['ngram-loop'], make: (r, sound) => ({ text: `${sound} ${`${english(r, 1)} `.repeat(whole(r, 4, 20))}`, finish: 'length' }) },
  { kind: 'loop of a phrase, Chinese', by: ['ngram-loop'], chinese: true, make: (r, sound) => ({ text: `${sound}${chinese(r, 1).repeat(whole(r, 6, 30))}`, finish: 'length' }) },
  { kind: 'loop with a counter', by: ['repetition', 'sentence-repeat', 'ngram-loop'], make: (r, sound) => { const said = english(r, 1); return { text: `${sound} ${times(whole(r, 20, 40), (i) => `Step ${i}: ${said}`).join(' ')}`, finish: 'length' }; } },
  { kind: 'sentence again and again', by: ['sentence-repeat', 'repetition'], make: (r) => { const said = english(r, 1); return { text: times(whole(r, 5, 9), () => `${said} ${english(r, whole(r, 1, 2))}`).join(' ') }; } },
  { kind: 'two characters', by: ['entropy-collapse', 'character-run', 'ngram-loop'], make: (r, sound) => ({ text: `${sound} ${times(whole(r, 400, 900), () => pick(r, ['a', 'b', 'a'])).join('')}` }) },
  { kind: 'Hangul', by: ['script-drift'], make: (r, sound, rest) => ({ text: `${sound} ${times(whole(r, 12, 80), () => pick(r, ['그', ...hangul])).join('')} ${times(whole(r, 12, 60), () => pick(r, ['요', ...hangul])).join('')} ${rest.slice(0, 100)}` }) },
  { kind: 'Cyrillic in Chinese', by: ['script-drift'], chinese: true, make: (r, sound, rest) => ({ text: `${sound}${times(whole(r, 8, 60), () => pick(r, ['о', ...cyrillic])).join('')}${rest}` }) },
  { kind: 'scripts mixed', by: ['script-drift'], make: (r, sound) => ({ text: sound.split(' ').map((w) => (r() < 0.2 ? times(3, () => pick(r, ['а', ...cyrillic, ...thai, ...hangul])).join('') : w)).join(' ') }) },
  { kind: 'turns Chinese', by: ['mixed-language'], make: (r, sound) => ({ text: `${sound} ${chinese(r, whole(r, 10, 20))}` }) },
  { kind: 'turns English', by: ['mixed-language'], chinese: true, make: (r, sound) => ({ text: `${sound}${english(r, whole(r, 20, 35))}` }) },
  { kind: 'signs', by: ['symbol-flood'], make: (r) => ({ text: times(whole(r, 150, 500), () => pick(r, ['¤', '§', '^', '@', '¬', '¦', '◊', '‡', '†', '¶', '&', '%', 'a', 'e', ' '])).join('') }) },
  { kind: 'words run together', by: ['word-length'], make: (r) => ({ text: times(whole(r, 35, 90), () => times(5, () => pick(r, names)).join('')).join(' ') }) },
  { kind: 'blanks', by: ['whitespace-run'], make: (r, sound, rest) => ({ text: `${sound}${pick(r, [' ', '\n', '\t']).repeat(whole(r, 60, 900))}${rest}` }) },
  { kind: 'template tokens', by: ['template-artifact'], make: (r, sound, rest) => ({ text: `${sound}${pick(r, ['<|im_end|>', '<|endoftext|>', '[INST]', '<｜end▁of▁sentence｜>', '<|im_start|>assistant', '<end_of_turn>'])}${r() < 0.5 ? rest : ''}` }) },
];

/** `perKind` broken answers of each kind: a sound beginning of random length, then the break. */
export function brokenTexts(perKind: number, seed: number): BrokenText[] {
  const random = seeded(seed);
  return breaks.flatMap(({ kind, by, chinese: wide, make }) =>
    times(perKind, () => {
      const say = wide === true ? chinese : english;
      const made = make(random, say(random, whole(random, 2, 6)), say(random, whole(random, 1, 4)));
      return { kind, by, prompt: made.prompt ?? (wide === true ? zh : ask), text: made.text, finish: made.finish ?? 'stop' };
    }),
  );
}
