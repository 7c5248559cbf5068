import { parentPort, Worker } from 'node:worker_threads';

/** A thread that takes one item at a time. */
class Thread<Item> {
  readonly #worker: Worker;

  constructor(module: URL) {
    this.#worker = new Worker(module);
  }

  /** Undefined when the thread died: of memory, or of an error that is none of ours. */
  ask(item: Item): Promise<unknown> {
    return new Promise((resolve) => {
      const worker = this.#worker;
      const end = (answer: unknown): void => {
        for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
        // A later error of a thread that is not asked anything must not end the server.
        worker.on('error', () => undefined);
        resolve(answer);
      };
      worker.once('message', end).once('error', () => end(undefined)).once('exit', () => end(undefined));
      worker.postMessage(item);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** True where work can be done in threads: compiled code only, Node.js does not run TypeScript in a thread. */
export function canThread(): boolean {
  return import.meta.url.endsWith('.js');
}

/** Work on one item, in a thread or on this one. */
export interface Work<Item, Answer> {
  /** Compiled module that calls {@link answering}. */
  readonly module: URL;
  readonly isAnswer: (value: unknown) => value is Answer;
  /** The same on this thread: where there is one lane only, and for an item whose thread died. */
  readonly here: (item: Item) => Promise<Answer>;
}

/**
 * Works on items side by side in at most `lanes` threads, one item at a time each: memory grows with the lanes, not with the items.
 * One lane is this thread. `done` is called as items end, in any order.
 * @throws what `here` and `done` throw, and the reason of `signal`
 */
export async function sideBySide<Item, Answer>(items: readonly Item[], lanes: number, work: Work<Item, Answer>, signal: AbortSignal, done: (index: number, answer: Answer) => void | Promise<void>): Promise<void> {
  const open = items.entries();
  const lane = async (): Promise<void> => {
    let thread = lanes > 1 ? new Thread<Item>(work.module) : null;
    const stop = (): void => thread?.end();
    const here = async (item: Item): Promise<Answer> => {
      thread?.end();
      const answer = await work.here(item);
      if (thread !== null) thread = new Thread<Item>(work.module);
      return answer;
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (const [index, item] of open) {
        signal.throwIfAborted();
        const answer = await thread?.ask(item);
        signal.throwIfAborted();
        await done(index, work.isAnswer(answer) ? answer : await here(item));
      }
    } finally {
      signal.removeEventListener('abort', stop);
      thread?.end();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(lanes, items.length)) }, lane));
}

/**
 * The thread's end of {@link sideBySide}: answers each item with one message. An error that `answer` throws ends the thread; the other
 * end then does the work itself and meets it there.
 * @param isItem the other end is of this very version, so the shape is known
 */
export function answering<Item>(isItem: (value: unknown) => value is Item, answer: (item: Item) => Promise<unknown>): void {
  const port = parentPort;
  port?.on('message', (message: unknown) => {
    if (isItem(message)) void answer(message).then((value) => port.postMessage(value));
  });
}
