import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { onLines, parseLine } from '../profiling-socket.js';
import { stepWire, type StepWire } from '../step-record.js';

/** How the ranks of one service find each other: every rank joins rank 0 at `--master_node_addr`. */

const fromWorker = z.discriminatedUnion('t', [
  z.object({ t: z.literal('join'), rank: z.int(), device: z.int() }),
  z.object({ t: z.literal('loaded'), free: z.number(), total: z.number() }),
]);

const fromMaster = z.discriminatedUnion('t', [
  z.object({ t: z.literal('load') }),
  z.object({ t: z.literal('kv'), bytes: z.number() }),
  z.object({ t: z.literal('step'), step: stepWire }),
  z.object({ t: z.literal('trouble'), kind: z.enum(['stall', 'aicore', 'oom', 'crash']), rank: z.int(), index: z.int(), lost: z.boolean(), issued: z.string() }),
  z.object({ t: z.literal('bye') }),
]);
export type MasterMessage = z.infer<typeof fromMaster>;
export type Trouble = Extract<MasterMessage, { t: 'trouble' }>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; null when it is not that. */
export function parseAddress(text: string): Address | null {
  const match = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  return match === null || port < 1 || port > 65_535 ? null : { host: match[1] === '' || match[1] === undefined ? '127.0.0.1' : match[1], port };
}

export interface Loaded {
  readonly free: number;
  readonly total: number;
}

/** Rank 0's side. */
export class CollectiveServer {
  readonly #world: number;
  readonly #server: Server;
  readonly #members = new Map<number, Socket>();
  readonly #loaded = new Map<number, Loaded>();
  #allJoined: () => void = () => undefined;
  #allLoaded: () => void = () => undefined;
  /** A rank went away. */
  onLost: (rank: number) => void = () => undefined;
  onJoined: (rank: number) => void = () => undefined;

  constructor(world: number) {
    this.#world = world;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @throws Error when the address cannot be listened on */
  listen(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  /** Resolves when every other rank is there. No timeout: rank 0 waits for ever. */
  joined(): Promise<void> {
    return new Promise((resolve) => {
      this.#allJoined = resolve;
      this.#check();
    });
  }

  /** Tells all ranks to load; resolves with what each has left, by rank from 1. */
  load(): Promise<ReadonlyMap<number, Loaded>> {
    this.send({ t: 'load' });
    return new Promise((resolve) => {
      this.#allLoaded = (): void => resolve(this.#loaded);
      this.#check();
    });
  }

  send(message: MasterMessage): void {
    const line = `${JSON.stringify(message)}\n`;
    for (const socket of this.#members.values()) if (socket.writable) socket.write(line);
  }

  step(step: StepWire): void {
    if (this.#members.size > 0) this.send({ t: 'step', step });
  }

  /** Says goodbye; resolves when the words are on their way. */
  async close(): Promise<void> {
    this.onLost = (): void => undefined;
    await Promise.all([...this.#members.values()].map((socket) => new Promise<void>((resolve) => socket.end(`${JSON.stringify({ t: 'bye' })}\n`, resolve))));
    this.#server.close();
  }

  #check(): void {
    if (this.#members.size === this.#world - 1) this.#allJoined();
    if (this.#loaded.size === this.#world - 1) this.#allLoaded();
  }

  #accept(socket: Socket): void {
    let rank: number | null = null;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (rank === null || this.#members.get(rank) !== socket) return;
      this.#members.delete(rank);
      this.onLost(rank);
    });
    onLines(socket, (text) => {
      const message = parseLine(text, fromWorker);
      if (message?.t === 'join' && !this.#members.has(message.rank) && message.rank > 0 && message.rank < this.#world) {
        rank = message.rank;
        this.#members.set(rank, socket);
        this.onJoined(rank);
        this.#check();
      } else if (message?.t === 'loaded' && rank !== null) {
        this.#loaded.set(rank, { free: message.free, total: message.total });
        this.#check();
      }
    });
  }
}

/** Another rank's side. */
export class CollectiveMember {
  readonly #socket: Socket;
  #handle: (message: MasterMessage) => void = () => undefined;
  #early: MasterMessage[] = [];
  onEnd: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    onLines(socket, (text) => {
      const message = parseLine(text, fromMaster);
      if (message !== null) this.#handle(message);
    });
    this.#handle = (message): void => void this.#early.push(message);
    socket.on('error', () => undefined);
    socket.on('close', () => this.onEnd());
  }

  /** One try to join; null when nobody listens. */
  static join(address: Address, rank: number, device: number): Promise<CollectiveMember | null> {
    return new Promise((resolve) => {
      const socket = createConnection(address.port, address.host);
      socket.once('error', () => resolve(null));
      socket.once('connect', () => {
        const member = new CollectiveMember(socket);
        socket.write(`${JSON.stringify({ t: 'join', rank, device })}\n`);
        resolve(member);
      });
    });
  }

  onMessage(handle: (message: MasterMessage) => void): void {
    this.#handle = handle;
    for (const message of this.#early.splice(0)) handle(message);
  }

  loaded(free: number, total: number): void {
    this.#socket.write(`${JSON.stringify({ t: 'loaded', free, total })}\n`);
  }
}
