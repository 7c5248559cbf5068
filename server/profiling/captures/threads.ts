import { Worker } from 'node:worker_threads';
import type { Capture } from '../../profiles/discover.js';
import { answerFor, type Answer } from './portable.js';

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && ('text' in value || 'failure' in value);
}

/** One thread that takes a capture at a time. */
class CaptureThread {
  readonly #worker = new Worker(new URL('./captureWorker.js', import.meta.url));

  /** Null when the thread died: of memory, or of an error that is none of ours. */
  ask(capture: Capture): Promise<Answer | null> {
    return new Promise((resolve) => {
      const worker = this.#worker;
      const end = (answer: unknown): void => {
        for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
        // A later error of a thread that is not asked anything must not end the server.
        worker.on('error', () => undefined);
        resolve(isAnswer(answer) ? answer : null);
      };
      worker.once('message', end).once('error', () => end(null)).once('exit', () => end(null));
      worker.postMessage(capture);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** True where captures can be read in threads: compiled code only, Node.js does not run TypeScript in a thread. */
export function canThread(): boolean {
  return import.meta.url.endsWith('.js');
}

/**
 * Reads captures side by side, at most `threads` at a time, each profile let go as soon as it is analysed: memory grows with the threads,
 * not with the captures. `done` is called as they end, in any order; a failure of one does not stop the others.
 */
export async function readSideBySide(captures: readonly Capture[], threads: number, signal: AbortSignal, done: (index: number, answer: Answer) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    let thread: CaptureThread | null = threads > 1 ? new CaptureThread() : null;
    const stop = (): void => thread?.end();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (let index = next++; index < captures.length; index = next++) {
        signal.throwIfAborted();
        const capture = captures[index];
        if (capture === undefined) return;
        let answer = thread === null ? null : await thread.ask(capture);
        signal.throwIfAborted();
        if (answer === null) {
          thread?.end();
          answer = await answerFor(capture, { signal });
          if (thread !== null) thread = new CaptureThread();
        }
        await done(index, answer);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      thread?.end();
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(threads, captures.length)) }, lane));
}
