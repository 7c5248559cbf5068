import { readEnds } from '../host/bytes.js';
import { join } from 'node:path';
import { lineTime } from '../programs/log-time.js';
import { emptyFacts, finishFacts, readLine, type StartupFacts } from '../programs/service-log.js';
import { allJoinedPattern, joinedPattern, loadedPattern } from '../programs/startup-lines.js';
import { fatalLines, type FatalOf, type FatalPattern } from './patterns.js';
import { keptHits, reads } from './thresholds.js';

export interface LogFile {
  readonly rank: number;
  /** Relative to the run root. */
  readonly path: string;
  /** Only so many bytes count: what a rank wrote when it was told to end is not why it was. Null or absent for all. */
  readonly bytes?: number | null | undefined;
}

/** A line that ends a service. */
export interface Hit {
  readonly rank: number;
  readonly path: string;
  /** From 1; null behind a part of the log that was left out. */
  readonly line: number | null;
  /** ms of the host's wall clock; of the nearest line before, else behind, that carries a time when this one does not; null when none does. */
  readonly timeMs: number | null;
  readonly pattern: FatalPattern;
  readonly text: string;
}

export interface RankLog {
  readonly rank: number;
  readonly path: string;
  readonly lines: number;
  readonly lastTimeMs: number | null;
  readonly lastLine: string | null;
  readonly joined: boolean;
  readonly loaded: boolean;
  readonly hits: readonly Hit[];
  readonly skippedBytes: number;
}

export interface ServiceLogs {
  readonly ranks: readonly RankLog[];
  readonly facts: StartupFacts;
  readonly allJoined: boolean;
}

/** Characters of one line that are kept. */
const maxText = 400;

/** Takes the logs of all ranks, line by line. Pure. */
export class LogReader {
  readonly facts: StartupFacts = emptyFacts();
  allJoined = false;
  readonly #started: string;
  readonly #fatalOf: FatalOf;

  /** @param started ISO 8601 time of the start, for lines without a date */
  constructor(started: string, fatalOf: FatalOf) {
    this.#started = started;
    this.#fatalOf = fatalOf;
  }

  /** @param parts text pieces with the bytes left out before each */
  rank(file: LogFile, parts: readonly { text: string; skippedBefore: number }[]): RankLog {
    const hits: Hit[] = [];
    let lines = 0;
    let numbered = true;
    let timeMs: number | null = null;
    let firstTimeMs: number | null = null;
    let lastLine: string | null = null;
    let joined = false;
    let loaded = false;
    let skippedBytes = 0;
    for (const { text, skippedBefore } of parts) {
      if (skippedBefore > 0) numbered = false;
      skippedBytes += skippedBefore;
      for (const raw of text.split('\n')) {
        const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
        if (line === '') {
          lines += 1;
          continue;
        }
        lines += 1;
        lastLine = line;
        timeMs = lineTime(line, this.#started) ?? timeMs;
        firstTimeMs ??= timeMs;
        joined ||= joinedPattern.test(line);
        loaded ||= loadedPattern.test(line);
        this.allJoined ||= allJoinedPattern.test(line);
        readLine(line, this.facts);
        const pattern = this.#fatalOf(line);
        if (pattern !== null && hits.filter((h) => h.pattern.consequence === pattern.consequence).length < keptHits) hits.push({ rank: file.rank, path: file.path, line: numbered ? lines : null, timeMs, pattern, text: line.slice(0, maxText) });
      }
      // The piece behind the last line break is no line of its own.
      if (text.endsWith('\n')) lines -= 1;
    }
    const first = firstTimeMs;
    const dated = hits.map((h) => (h.timeMs === null ? { ...h, timeMs: first } : h));
    return { rank: file.rank, path: file.path, lines: lastLine === null ? 0 : lines, lastTimeMs: timeMs, lastLine: lastLine?.slice(0, maxText) ?? null, joined, loaded, hits: dated, skippedBytes };
  }
}

/** Reads the logs of a service from the run root; a log that is not there reads as empty. */
export async function readLogs(runDir: string, files: readonly LogFile[], started: string): Promise<ServiceLogs> {
  const reader = new LogReader(started, await fatalLines());
  const ranks: RankLog[] = [];
  for (const file of files) {
    const ends = await readEnds(join(runDir, file.path), reads.headBytes, reads.tailBytes, file.bytes ?? null);
    ranks.push(reader.rank(file, ends === null ? [] : [{ text: ends.head, skippedBefore: 0 }, ...(ends.tail === '' ? [] : [{ text: ends.tail, skippedBefore: ends.skippedBytes }])]));
  }
  return { ranks, facts: finishFacts(reader.facts), allJoined: reader.allJoined };
}
