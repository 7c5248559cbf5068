import { parentPort } from 'node:worker_threads';
import type { Capture } from '../../profiles/discover.js';
import { answerFor } from './portable.js';

/** The other end is threads.ts of this very version, so the shape is known. */
function isCapture(value: unknown): value is Capture {
  return typeof value === 'object' && value !== null && 'root' in value && 'files' in value;
}

parentPort?.on('message', (message: unknown) => {
  // An error that is none of ours ends the thread; the other end then reads the capture itself and meets it there.
  if (isCapture(message)) void answerFor(message).then((answer) => parentPort?.postMessage(answer));
});
