import { answering } from '../../host/sideBySide.js';
import type { Capture } from '../../profiles/discover.js';
import { answerFor } from './portable.js';

function isCapture(value: unknown): value is Capture {
  return typeof value === 'object' && value !== null && 'root' in value && 'files' in value;
}

answering(isCapture, (capture) => answerFor(capture));
