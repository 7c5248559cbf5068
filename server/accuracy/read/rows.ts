import { foreign, ToolError } from '../../contract/index.js';
import { readText } from '../../host/files.js';
import { finishOf, isRecord, numberOf, textOf, type Item, type ItemAnswer, type Side } from './items.js';
import { readLines } from './lines.js';

const word = (value: unknown): string | null => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null);

function answerOf(row: Record<string, unknown>): ItemAnswer {
  return { score: numberOf(row['score']), text: textOf(row['prediction']), extracted: word(row['extracted']), finish: finishOf(row['finish_reason']), outputTokens: numberOf(row['output_tokens']) };
}

/** Settings of a request_config.json, flat. */
async function settingsBeside(path: string): Promise<{ settings: Record<string, string>; source: string | null; simulated: boolean }> {
  const text = await readText(path).catch(() => null);
  if (text === null) return { settings: {}, source: null, simulated: false };
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return { settings: {}, source: null, simulated: false };
    const named = isRecord(value['settings']) ? value['settings'] : {};
    return { settings: Object.fromEntries(Object.entries(named).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)])), source: path, simulated: value['simulated'] === true };
  } catch {
    return { settings: {}, source: null, simulated: false };
  }
}

/**
 * Rows `{id, target, prediction, score}`, optionally with dataset, subset, repeat, prompt, extracted, finish_reason, output_tokens.
 * Rows with one id are repeats of one item.
 * @throws ToolError E_FORMAT_UNKNOWN when no row has an id
 */
export async function readRows(path: string, config: string | null): Promise<Side> {
  const { rows, broken } = await readLines(path);
  const items = new Map<string, { item: Omit<Item, 'answers'>; answers: ItemAnswer[] }>();
  let nameless = 0;
  for (const row of rows) {
    const id = word(row['id']);
    if (id === null || !('prediction' in row || 'score' in row)) {
      nameless += 1;
      continue;
    }
    const dataset = word(row['dataset']) ?? '';
    const subset = word(row['subset']) ?? '';
    const key = `${dataset}\n${subset}\n${id}`;
    const known = items.get(key) ?? { item: { id, dataset, subset, target: word(row['target']), prompt: textOf(row['prompt']) }, answers: [] };
    known.answers.push(answerOf(row));
    items.set(key, known);
  }
  if (items.size === 0) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} has no row with an id and a prediction or score`, 'give JSON lines {id, target, prediction, score}, or an evalscope output folder (with reviews/)');
  const beside = config === null ? { settings: {}, source: null, simulated: false } : await settingsBeside(config);
  const notes: { code: string; detail: string }[] = [];
  if (broken > 0) notes.push({ code: 'W-BROKEN-ROWS', detail: `${broken} lines of ${foreign(path, 200)} are not JSON and were left out` });
  if (nameless > 0) notes.push({ code: 'W-BROKEN-ROWS', detail: `${nameless} rows of ${foreign(path, 200)} have no id, or neither prediction nor score, and were left out` });
  return {
    format: 'rows',
    items: [...items.values()].map(({ item, answers }) => ({ ...item, answers })),
    settings: beside.settings,
    requested: null,
    simulated: beside.simulated || rows.some((r) => r['simulated'] === true),
    notes,
    sources: [path, ...(beside.source === null ? [] : [beside.source])],
  };
}
