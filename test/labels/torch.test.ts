import { describe, it } from 'vitest';
import { checkLabel } from './check.js';
import { labels } from './labels.js';

describe.each(['torch-text', 'torch-db'] as const)('planted causes, %s', (form) => {
  it.each(labels)('$scenario', (label) => checkLabel(label, form));
});
