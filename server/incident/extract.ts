import { yearOf, timeOf } from './clock.js';
import type { Catalogue, Signature } from '../programs/signatures.js';
import type { Evidence, EvidenceProcess, Framework } from './evidence.js';
import { preferred } from './frameworks.js';
import { authorOf, endsOrderly, firstGlog, levelOf, noFailure, placeOf, unwrap, wording, type Author } from './line.js';
import { Literals } from './literals.js';
import { namedCard, networkLiterals, networkOf, queriedCard } from './network.js';
import { hungBy } from './stack.js';
import { stillLines } from './still.js';
import { aboutLiterals, aboutOf, pointsOf } from './points.js';
import { joinedPattern } from '../programs/startup-lines.js';
import { emptyFacts, readLine } from '../programs/service-log.js';
import { foreign } from '../contract/index.js';
import { limits } from './thresholds.js';

/** Words of lines that may matter though no signature knows them. */
const unknownWords = ['[ERROR]', ' ERROR ', 'ERROR:', 'Error:', 'FATAL', 'CRITICAL', 'Exception:', 'terminate called', 'panic:', 'Traceback (most recent call last)'] as const;
/** Begin of a glog line of level E or F: year or month. Only at the start of a line they count. */
const glogHeads = ['20', '01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'].flatMap((n) => [`E${n}`, `F${n}`]);
const glogError = /^[EF](?:20\d{6}|(?:0[1-9]|1[0-2])\d{2}) \d{2}:\d{2}:\d{2}\./;

/** Everything that is looked for in one pass, and whose each literal is. */
interface Search {
  readonly literals: Literals;
  readonly owners: readonly (readonly Signature[])[];
  readonly about: ReadonlySet<number>;
  readonly words: ReadonlySet<number>;
  readonly heads: ReadonlySet<number>;
}

const searches = new WeakMap<Catalogue, Search>();

/** The automaton is built once per catalogue. */
function searchOf(catalogue: Catalogue): Search {
  const known = searches.get(catalogue);
  if (known !== undefined) return known;
  const owners = new Map<string, Signature[]>();
  for (const s of catalogue.signatures) for (const l of s.literals) owners.set(l, [...(owners.get(l) ?? []), s]);
  const told = [...aboutLiterals, ...networkLiterals];
  for (const l of [...told, ...unknownWords, ...glogHeads]) if (!owners.has(l)) owners.set(l, []);
  const literals = [...owners.keys()];
  const at = (words: readonly string[]): ReadonlySet<number> => new Set(words.map((w) => literals.indexOf(w)));
  const made: Search = { literals: new Literals(literals), owners: [...owners.values()], about: at(told), words: at(unknownWords), heads: at(glogHeads) };
  searches.set(catalogue, made);
  return made;
}

/** One text to read: a file, or pasted text. */
export interface Source {
  /** As shown and stored. */
  readonly path: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

interface Draft extends EvidenceProcess {
  readonly key: string;
  /** Process id by the first glog line of its file: the main thread writes it, and its thread id is the process id. */
  main: number | null;
}

/** Gathers what logs say, in one pass, in bounded memory: hits per process and signature, unknown error lines, facts about processes. */
export class Extraction {
  readonly #catalogue: Catalogue;
  readonly #search: Search;
  readonly #now: string;
  readonly #framework: Framework | null;
  readonly #files: Evidence['files'] = [];
  readonly #processes = new Map<string, Draft>();
  readonly #events: { signature: string; key: string; file: number; line: number; ms: number | null; points: ReturnType<typeof pointsOf>; text: string }[] = [];
  readonly #counts = new Map<string, { key: string; signature: string; count: number }>();
  readonly #unmatched: { key: string; file: number; line: number; ms: number | null; count: number; text: string }[] = [];

  /**
   * @param now ISO 8601: the year of lines that name none, when nothing in their file does
   * @param framework of several signatures of one kind that match a line, one of this framework counts
   */
  constructor(catalogue: Catalogue, now: string, framework: Framework | null = null) {
    this.#framework = framework;
    this.#catalogue = catalogue;
    this.#now = now;
    this.#search = searchOf(catalogue);
  }

  /** Reads one source to its end. */
  async add(source: Source): Promise<void> {
    const file = this.#files.length;
    const entry: Evidence['files'][number] = { path: source.path, bytes: 0, lines: 0, error_lines: 0, first_ms: null, last_ms: null, stage: null, joined: false, still: 0, ended_ms: null, simulated: false, problem: null };
    this.#files.push(entry);
    const reader = new LogReader(source.path, file, this.#now, this.#catalogue, this.#search, this.#framework, {
      process: (key, make) => {
        const known = this.#processes.get(key);
        if (known !== undefined) {
          if (!known.files.includes(file)) known.files.push(file);
          return known;
        }
        const made: Draft = { key, main: null, ...make, world: null, ip: null, connect_timeout_s: null, exec_timeout_s: null, sync: [], files: [file], lines: 0, network: { well: 0, ill: 0 } };
        this.#processes.set(key, made);
        return made;
      },
      hit: (signature, key, line, ms, text) => {
        const id = `${key}\n${signature}`;
        const seen = this.#counts.get(id);
        if (seen === undefined) this.#counts.set(id, { key, signature, count: 1 });
        else seen.count += 1;
        if ((seen?.count ?? 1) > limits.keptHits.value) return;
        this.#events.push({ signature, key, file, line, ms, points: pointsOf(text), text: foreign(text, limits.keptText.value) });
      },
      unmatched: (hit) => void this.#unmatched.push({ ...hit, file }),
    });
    try {
      for await (const chunk of source.chunks) reader.take(chunk);
    } catch (error) {
      entry.problem = error instanceof Error && /unexpected end|incorrect header|invalid/i.test(error.message) ? 'compressed data that ends early or is damaged' : 'could not be read to its end';
    }
    reader.end(entry);
  }

  /** Everything found; commands are added by the caller. */
  finish(): Evidence {
    const keys = [...this.#processes.keys()].sort();
    const merged = merge(keys.flatMap((k) => this.#processes.get(k) ?? []));
    const index = (key: string): number => merged.index.get(key) ?? 0;
    const counts = new Map<string, Evidence['counts'][number]>();
    for (const c of this.#counts.values()) {
      const id = `${index(c.key)} ${c.signature}`;
      const known = counts.get(id);
      if (known === undefined) counts.set(id, { process: index(c.key), signature: c.signature, count: c.count });
      else known.count += c.count;
    }
    return {
      kind: 'incident-evidence',
      files: this.#files,
      processes: merged.processes,
      events: this.#events.map(({ key, ...e }) => ({ ...e, process: index(key) })),
      counts: [...counts.values()].sort((a, b) => a.process - b.process || a.signature.localeCompare(b.signature, 'en')),
      unmatched: this.#unmatched.map(({ key, ...u }) => ({ ...u, process: index(key) })),
      state: null,
      framework: this.#framework,
      commands: [],
    };
  }
}

/** A file's own process and the one process id its lines name are the same; ranks then pass between files of one process. */
function merge(drafts: readonly Draft[]): { processes: EvidenceProcess[]; index: Map<string, number> } {
  const index = new Map<string, number>();
  const processes: EvidenceProcess[] = [];
  const pids = drafts.filter((d) => d.pid !== null);
  const add = (d: Draft): number => {
    const { host, pid, rank, device, ip, world, connect_timeout_s, exec_timeout_s, sync, lines, network } = d;
    return processes.push({ host, pid, rank, device, ip, world, connect_timeout_s, exec_timeout_s, sync, lines, network, files: [...d.files].sort((a, b) => a - b) }) - 1;
  };
  for (const d of pids) index.set(d.key, add(d));
  for (const d of drafts.filter((x) => x.pid === null)) {
    const own = pids.filter((p) => d.files.length === 1 && p.files.includes(d.files[0] ?? -1) && p.host === d.host && (d.rank === null || p.rank === null || d.rank === p.rank));
    // A card that a listing tells about is not the process that wrote beside it.
    const same = own.length === 1 && d.key.includes('file:') && (d.device === null || d.device === own[0]?.device) ? processes[index.get(own[0]?.key ?? '') ?? -1] : undefined;
    if (same === undefined || own[0] === undefined) {
      index.set(d.key, add(d));
      continue;
    }
    same.rank ??= d.rank;
    same.device ??= d.device;
    same.world ??= d.world;
    same.lines += d.lines;
    index.set(d.key, index.get(own[0].key) ?? 0);
  }
  // The kernel and plogs name a process by its id alone; its framework's log tells the rank.
  for (const p of processes.filter((x) => x.pid !== null && x.rank === null)) {
    const [named, other] = drafts.filter((d) => d.main === p.pid && d.host === p.host && d.rank !== null);
    if (named !== undefined && other === undefined) p.rank = named.rank;
  }
  return { processes, index };
}

interface Sink {
  process(key: string, make: { host: string | null; pid: number | null; rank: number | null; device: number | null }): Draft;
  hit(signature: string, key: string, line: number, ms: number | null, text: string): void;
  unmatched(hit: { key: string; line: number; ms: number | null; count: number; text: string }): void;
}

class LogReader {
  readonly #place: ReturnType<typeof placeOf>;
  readonly #path: string;
  readonly #catalogue: Catalogue;
  readonly #search: Search;
  readonly #framework: Framework | null;
  /** Card that the last query of hccn_tool above asks about. */
  #card: number | null;
  #lines = 0;
  readonly #sink: Sink;
  readonly #unknown = new Map<string, { key: string; line: number; ms: number | null; count: number; text: string }>();
  #started: string;
  #rest: Uint8Array = new Uint8Array(0);
  #bytes = 0;
  #errors = 0;
  #unknownSeen = 0;
  #head = '';
  #tail: Uint8Array = new Uint8Array(0);
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(path: string, file: number, now: string, catalogue: Catalogue, search: Search, framework: Framework | null, sink: Sink) {
    this.#path = path;
    this.#framework = framework;
    this.#place = placeOf(path);
    this.#card = queriedCard(path);
    this.#catalogue = catalogue;
    this.#search = search;
    this.#sink = sink;
    this.#started = now;
  }

  take(chunk: Uint8Array): void {
    if (this.#bytes === 0) {
      this.#head = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, limits.endBytes.value)).toString('utf8');
      const year = yearOf(this.#head);
      if (year !== null) this.#started = `${year}${this.#started.slice(4)}`;
    }
    this.#bytes += chunk.length;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const last = bytes.lastIndexOf(10);
    if (last < 0 && bytes.length < limits.longestLineBytes.value) {
      this.#rest = bytes.slice();
      return;
    }
    const cut = last < 0 ? bytes.length : last + 1;
    this.#scan(bytes.subarray(0, cut));
    this.#rest = bytes.slice(cut);
  }

  end(entry: Evidence['files'][number]): void {
    if (this.#rest.length > 0) this.#scan(this.#rest);
    for (const u of this.#unknown.values()) this.#sink.unmatched(u);
    const tail = Buffer.from(this.#tail).toString('utf8').split('\n').slice(this.#bytes > limits.endBytes.value ? 1 : 0);
    const head = this.#head.split('\n');
    const facts = emptyFacts();
    let at: number | null = null;
    for (const line of this.#bytes > limits.endBytes.value ? [...head, ...tail] : tail) {
      for (const inner of unwrap(line)) {
        const { stage } = facts;
        readLine(inner, facts);
        // Who listens may capture graphs later; only another start begins anew.
        if (stage === 'listening' && facts.stage !== 'joining' && facts.stage !== 'loading weights') facts.stage = stage;
        at = timeOf(inner, this.#started) ?? at;
        if (endsOrderly.test(inner)) entry.ended_ms ??= at;
      }
    }
    const times = (lines: readonly string[]): number | null => lines.map((l) => timeOf(l, this.#started)).find((t) => t !== null) ?? null;
    entry.bytes = this.#bytes;
    entry.lines = this.#lines;
    entry.error_lines = this.#errors;
    entry.first_ms = times(head);
    entry.last_ms = times([...tail].reverse());
    entry.stage = facts.stage;
    entry.joined = [...head, ...tail].some((l) => joinedPattern.test(l));
    entry.still = stillLines(tail.flatMap((l) => unwrap(l)));
    entry.simulated = facts.simulated || this.#head.includes('simulated NPU host');
    // Everybody whose file it is counts as heard, so that a rank with nothing to report is known too.
    const own = this.#process(null);
    own.lines += this.#lines;
    if (own.pid === null) own.main = Number(firstGlog.exec(this.#head)?.[1] ?? 'NaN') || null;
  }

  #scan(bytes: Uint8Array): void {
    this.#chunk = bytes;
    this.#lines = this.#search.literals.scan(bytes, this.#lines, (start, end, line, hits) => this.#line(start, end, line, hits));
    const end = limits.endBytes.value;
    this.#tail = bytes.length >= end ? bytes.slice(bytes.length - end) : Buffer.concat([this.#tail.subarray(Math.max(0, this.#tail.length + bytes.length - end)), bytes]);
  }

  #text(start: number, end: number): string {
    return Buffer.from(this.#chunk.buffer, this.#chunk.byteOffset + start, Math.min(end - start, limits.lineBytes.value)).toString('utf8');
  }

  /** The head of the block a line stands in: the nearest line above that names its author or its time. */
  #above(start: number): { author: Author | null; ms: number | null } {
    let author: Author | null = null;
    let ms: number | null = null;
    let end = start - 1;
    for (let n = 0; n < limits.headerLines.value && end > 0 && (author === null || ms === null); n += 1) {
      const from = this.#chunk.lastIndexOf(10, end - 1) + 1;
      const line = this.#text(from, end).replace(/^\{"log":"/, '');
      author ??= authorOf(line);
      // A change record of a link has a time of its own, not that of what stands below it.
      if (namedCard(line) === null) ms ??= timeOf(line, this.#started);
      end = from - 1;
    }
    return { author, ms };
  }

  /** The rank whose c10d line right above announces this block: the block itself names a process only. */
  #announced(start: number): number | null {
    const from = this.#chunk.lastIndexOf(10, start - 2) + 1;
    const found = start < 2 ? null : /^\[rank(\d+)\]:\[[WEF]\d.{0,400}(?:Inner Error!|error code is \d)/.exec(this.#text(from, start - 1));
    return found === null ? null : Number(found[1]);
  }

  /** Lines of this piece behind a line, as far as the stack of a task goes. */
  #below(end: number): string[] {
    const out: string[] = [];
    for (let from = end + 1; out.length < limits.headerLines.value && from < this.#chunk.length; ) {
      const next = this.#chunk.indexOf(10, from);
      const to = next < 0 ? this.#chunk.length : next;
      out.push(...unwrap(this.#text(from, to)));
      from = to + 1;
    }
    return out;
  }

  #process(author: Author | null): Draft {
    const host = this.#place.host;
    // Lines of the device side carry ids of the card's own system; its files are named by the process of the host.
    const pid = this.#place.deviceSide ? this.#place.pid : (author?.pid ?? this.#place.pid);
    const rank = author?.rank ?? this.#place.rank;
    const who = pid !== null ? `pid:${pid}` : author?.rank != null ? `file:${this.#path} rank:${author.rank}` : author?.device != null ? `file:${this.#path} card:${author.device}` : `file:${this.#path}`;
    const process = this.#sink.process(`${host ?? ''} ${who}`, { host, pid, rank, device: author?.device ?? null });
    process.rank ??= rank;
    process.device ??= author?.device ?? null;
    return process;
  }

  #line(start: number, end: number, line: number, hits: ReadonlySet<number>): void {
    let about = false;
    let word = false;
    let head = false;
    const signatures = new Set<Signature>();
    for (const hit of hits) {
      about ||= this.#search.about.has(hit);
      word ||= this.#search.words.has(hit);
      head ||= this.#search.heads.has(hit);
      for (const s of this.#search.owners[hit] ?? []) signatures.add(s);
    }
    if (word) this.#errors += 1;
    word ||= head && glogError.test(this.#text(start, Math.min(end, start + 32)));
    if (!word && !about && signatures.size === 0) return;
    if (signatures.size === 0 && !about) {
      // Lines of a flood that nobody knows are counted, not read.
      this.#unknownSeen += 1;
      if (this.#unknownSeen > limits.unmatchedLines.value) return;
    }
    for (const text of unwrap(this.#text(start, end))) this.#inner(text, start, end, line, signatures, about, word);
  }

  #inner(text: string, start: number, end: number, line: number, signatures: ReadonlySet<Signature>, about: boolean, word: boolean): void {
    const level = levelOf(text);
    let author = authorOf(text);
    let ms = timeOf(text, this.#started);
    const candidates = [...signatures].filter((s) => (level !== 'low' || s.any_level === true) && s.test(text));
    const first = (role: Signature['role']): Signature | undefined => candidates.filter((s) => s.role === role).sort((a, b) => preferred(this.#framework, b.id) - preferred(this.#framework, a.id) || a.order - b.order)[0];
    const matched = first('root') ?? first('timeout') ?? first('cascade');
    const unknown = matched === undefined && word && level !== 'low' && !noFailure.test(text);
    if (matched === undefined && !unknown && !about) return;
    if ((matched !== undefined || unknown) && this.#catalogue.harmless.test(text)) return;
    const card = queriedCard(text);
    if (card !== null) {
      this.#card = card;
      if (matched === undefined && !unknown) return;
    }
    const network = networkOf(text);
    if (network !== null || matched?.id.startsWith('nic-') === true) {
      // An answer of hccn_tool names no process, and only its change records have a time.
      const device = namedCard(text) ?? this.#card;
      const answered = this.#process({ pid: null, rank: null, device });
      if (network !== null) answered.network[network] += 1;
      if (matched !== undefined) this.#sink.hit(matched.id, answered.key, line, ms, text);
      return;
    }
    if (author === null || ms === null) {
      const above = this.#above(start);
      author ??= above.author;
      ms ??= above.ms;
    }
    if (matched !== undefined && author !== null && author.pid !== null && author.rank === null) author = { ...author, rank: this.#announced(start) };
    const process = this.#process(author);
    if (about) this.#learn(process, text, ms);
    if (matched !== undefined) this.#sink.hit(matched.id === 'hung-task' ? hungBy(this.#below(end)) : matched.id, process.key, line, ms, text);
    else if (unknown) this.#keep(process.key, line, ms, text);
  }

  #learn(process: Draft, text: string, ms: number | null): void {
    const told = aboutOf(text);
    process.rank ??= told.rank;
    process.device ??= told.device;
    process.world ??= told.world;
    process.ip ??= told.ip;
    process.connect_timeout_s ??= told.connect_timeout_s;
    process.exec_timeout_s ??= told.exec_timeout_s;
    if (told.sync !== null && ms !== null && process.sync.length < 4 && !process.sync.some((s) => s.id === told.sync)) process.sync.push({ id: told.sync, ms });
  }

  #keep(key: string, line: number, ms: number | null, text: string): void {
    const same = `${key} ${wording(text)}`;
    const known = this.#unknown.get(same);
    if (known !== undefined) known.count += 1;
    else if (this.#unknown.size < limits.unmatchedKinds.value) this.#unknown.set(same, { key, line, ms, count: 1, text: foreign(text, limits.keptText.value) });
  }
}
