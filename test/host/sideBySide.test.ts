import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { sideBySide, type Work } from '../../server/host/sideBySide.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
const path = join(dir, 'worker.mjs');

/** Doubles a number and says which thread did; dies of 13, answers 14 with something else, never answers 99. */
beforeAll(() =>
  writeFile(
    path,
    `import { parentPort, threadId } from 'node:worker_threads';
     parentPort.on('message', (n) => {
       if (n === 13) throw new Error('no luck');
       if (n === 14) return parentPort.postMessage('what?');
       if (n !== 99) parentPort.postMessage({ twice: n * 2, thread: threadId });
     });`,
  ),
);

interface Twice {
  readonly twice: number;
  readonly thread: number;
}
const here: number[] = [];
const work: Work<number, Twice> = {
  module: pathToFileURL(path),
  isAnswer: (value): value is Twice => typeof value === 'object' && value !== null && 'twice' in value,
  here: (n) => {
    here.push(n);
    return Promise.resolve({ twice: n * 2, thread: 0 });
  },
};

async function run(items: readonly number[], lanes: number, signal = new AbortController().signal): Promise<Twice[]> {
  here.length = 0;
  const answers: Twice[] = [];
  await sideBySide(items, lanes, work, signal, (index, answer) => void (answers[index] = answer));
  return answers;
}

describe('work side by side', () => {
  it('every item is answered once, in its place, by as many threads as there are lanes', async () => {
    const items = Array.from({ length: 40 }, (_, i) => i + 100);
    const answers = await run(items, 3);
    expect(answers.map((a) => a.twice)).toEqual(items.map((n) => n * 2));
    expect(here).toEqual([]);
    expect(new Set(answers.map((a) => a.thread)).size).toBe(3);
  });

  it('one lane is this thread', async () => {
    expect((await run([1, 2, 3], 1)).map((a) => a.thread)).toEqual([0, 0, 0]);
    expect(here).toEqual([1, 2, 3]);
  });

  it('what a thread died of, or did not understand, is done here; those after it by a new thread', async () => {
    const answers = await run([1, 13, 2, 14, 3, 4], 2);
    expect(answers.map((a) => a.twice)).toEqual([2, 26, 4, 28, 6, 8]);
    expect([...here].sort()).toEqual([13, 14]);
  });

  it('an abort ends threads that never answer', async () => {
    const abort = new AbortController();
    const running = run([99, 99, 99], 2, abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 200);
    await expect(running).rejects.toThrow('enough');
  });

  it('an error of what is done here reaches the caller', async () => {
    const failing = { ...work, here: () => Promise.reject(new Error('broken')) };
    await expect(sideBySide([13], 2, failing, new AbortController().signal, () => undefined)).rejects.toThrow('broken');
  });
});
