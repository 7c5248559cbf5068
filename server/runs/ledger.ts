import { join } from 'node:path';
import { check, type RunEvent } from '../contract/index.js';
import { appendLine, readText, sha256, writeAtomic } from '../host/files.js';

const zero = '0'.repeat(64);
export const ledgerName = 'events.jsonl';
/** Sequence number and hash of the newest line, so that a removed last line shows too. */
export const headName = 'events.head';

export type NewEvent = Omit<RunEvent, 'seq' | 'prev' | 'hash'>;

function seal(event: Omit<RunEvent, 'hash'>): RunEvent {
  return { ...event, hash: sha256(JSON.stringify(event)) };
}

export interface Ledger {
  readonly events: RunEvent[];
  /** What is wrong with the chain; empty when every line is as it was written. */
  readonly breaks: string[];
}

/** Reads and verifies the whole ledger. A missing ledger is a break, not an error. */
export async function readLedger(dir: string): Promise<Ledger> {
  const text = await readText(join(dir, ledgerName));
  if (text === null) return { events: [], breaks: [`${ledgerName} is missing`] };
  const events: RunEvent[] = [];
  const breaks: string[] = [];
  let prev = zero;
  const lines = text.split('\n');
  if (lines.pop() !== '') breaks.push('the last line was cut off');
  for (const [i, line] of lines.entries()) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      breaks.push(`line ${i + 1} is not JSON`);
      continue;
    }
    const checked = check('run-event', parsed);
    if (!checked.ok) {
      breaks.push(`line ${i + 1} breaks its schema`);
      continue;
    }
    const { hash, ...rest } = checked.value;
    if (sha256(JSON.stringify(rest)) !== hash) breaks.push(`line ${i + 1} was edited`);
    if (rest.prev !== prev || rest.seq !== events.length) breaks.push(`line ${i + 1} does not follow the line before it`);
    prev = hash;
    events.push(checked.value);
  }
  const head = (await readText(join(dir, headName)))?.trim().split(' ');
  if (head === undefined) breaks.push(`${headName} is missing`);
  else {
    const [seq, hash] = head;
    if (events[Number(seq)]?.hash !== hash) breaks.push('lines were removed at the end');
  }
  return { events, breaks };
}

/** Appends one event; the caller holds the run's lock. */
export async function appendEvent(dir: string, event: NewEvent): Promise<RunEvent> {
  const { events } = await readLedger(dir);
  const sealed = seal({ seq: events.length, ...event, prev: events.at(-1)?.hash ?? zero });
  await appendLine(join(dir, ledgerName), JSON.stringify(sealed));
  await writeAtomic(join(dir, headName), `${sealed.seq} ${sealed.hash}\n`);
  return sealed;
}
