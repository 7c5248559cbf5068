import { expect, it } from 'vitest';
import { capacityPlan as t } from '../../server/capacity/tools.js';

it('the definition of the tool stays within 400 tokens (characters / 4)', () => {
  expect((t.name + t.description + JSON.stringify(t.inputSchema)).length / 4).toBeLessThanOrEqual(400);
});
