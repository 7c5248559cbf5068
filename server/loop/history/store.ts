import { join, relative, sep } from 'node:path';
import { check, foreign, isRunId, redactText, redactValue, ToolError, type AllSchemas } from '../../contract/index.js';
import { appendLine, listFolder, readText, writeAtomic } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { readArtifact } from '../../runs/runs.js';

export type Card = AllSchemas['LessonCard'];

const folderOf = (host: Host): string => join(host.runsDir, '.lessons');
const searchFile = 'searches.jsonl';
/** Bytes of the searches kept in mind; older lines are not needed by any gate. */
const searchBytes = 4 * 1024 * 1024;

export interface Stored {
  readonly card: Card;
  readonly path: string;
}

/** Cards of this host; files that are no cards are left out and named. */
export async function ownCards(host: Host): Promise<{ cards: Stored[]; broken: string[] }> {
  const cards: Stored[] = [];
  const broken: string[] = [];
  for (const file of await listFolder(folderOf(host))) {
    if (!file.endsWith('.json')) continue;
    const path = join(folderOf(host), file);
    const checked = check('lesson-card', await readArtifact(path));
    if (checked.ok) cards.push({ card: checked.value, path });
    else broken.push(file);
  }
  return { cards, broken };
}

/** For the record gate: each card with the runs its evidence lies in. */
export async function cardsOf(host: Host): Promise<{ id: string; created_at: string; runs: string[] }[]> {
  const { cards } = await ownCards(host);
  return cards.map(({ card }) => ({
    id: card.id,
    created_at: card.created_at,
    runs: card.evidence.flatMap((e) => (e.path === undefined ? [] : [relative(host.runsDir, e.path).split(sep)[0] ?? ''])).filter(isRunId),
  }));
}

/** That somebody looked: the history gate asks for a search, not for a hit. */
export async function noteSearch(host: Host, words: string): Promise<void> {
  await writeAtomic(join(folderOf(host), '.keep'), '');
  await appendLine(join(folderOf(host), searchFile), JSON.stringify({ at: host.now(), words: redactText(foreign(words, 300)) }));
}

/** Newest first. */
export async function searchesOf(host: Host): Promise<{ at: string; words: string }[]> {
  const text = (await readText(join(folderOf(host), searchFile), searchBytes).catch(() => null)) ?? '';
  const found: { at: string; words: string }[] = [];
  for (const line of text.split('\n')) {
    const hit = /^\{"at":"([^"]+)","words":(".*")\}$/.exec(line);
    if (hit !== null) found.push({ at: hit[1] ?? '', words: String(JSON.parse(hit[2] ?? '""')) });
  }
  return found.reverse();
}

/** Writes a card once. @throws ToolError E_ARTIFACT_EXISTS */
export async function storeCard(host: Host, card: Card): Promise<string> {
  const path = join(folderOf(host), `${card.id}.json`);
  await writeAtomic(path, `${JSON.stringify(redactValue(card), null, 2)}\n`, { exclusive: true });
  return path;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

const slug = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60);

/**
 * A card given as JSON: checked, its evidence looked up. `id` is made of the title and `created_at` is now where absent.
 * @throws ToolError E_JSON_BROKEN, E_ARG_TYPE with what is missing, E_PATH_* for evidence that is not there, E_ARG_CONFLICT for a status the evidence does not carry
 */
export async function admitCard(text: string, host: Host): Promise<Card> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', 'record_json is not valid JSON', 'give one lesson card; fields in schemas/lesson-card.md', { cause });
  }
  const fields = record(given);
  const id = fields['id'] ?? (typeof fields['title'] === 'string' ? slug(fields['title']) : undefined);
  const checked = check('lesson-card', { ...fields, id: id === '' ? `card-${host.randomHex(4)}` : id, created_at: fields['created_at'] ?? host.now() });
  if (!checked.ok) throw new ToolError('E_ARG_TYPE', `the card is refused: ${checked.problems.slice(0, 4).map((p) => foreign(p, 120)).join('; ')}`, 'a lesson has at least one evidence with path or url and a note; fields in schemas/lesson-card.md');
  const card = checked.value;
  let proven = false;
  for (const e of card.evidence) {
    if (e.path === undefined) {
      if (!/^https?:\/\/\S+$/.test(e.url ?? '')) throw new ToolError('E_ARG_TYPE', 'an evidence url is none', 'give an http(s) url, or the path of an artifact');
      continue;
    }
    const path = await host.admit(e.path);
    e.path = path;
    const report = check('comparison-report', await readArtifact(path));
    if (report.ok && ['formal', 'reproduced'].includes(report.value.grade) && ['supported', 'refuted', 'equivalent'].includes(report.value.verdict)) proven = true;
  }
  if (card.status === 'verified' && !proven) throw new ToolError('E_ARG_CONFLICT', 'status verified without a comparison-report of grade formal or reproduced among the evidence', 'name that report as evidence, or record the lesson as suspected or pending');
  return card;
}
