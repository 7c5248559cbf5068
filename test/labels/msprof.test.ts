import { describe, it } from 'vitest';
import { checkLabel } from './check.js';
import { labels } from './labels.js';

describe.each(['msprof-db', 'msprof-csv', 'msprof-timeline'] as const)('planted causes, %s', (form) => {
  it.each(labels)('$scenario', (label) => checkLabel(label, form));
});
