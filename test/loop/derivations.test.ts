import { describe, expect, it } from 'vitest';
import { envDerivations } from '../../server/environment/derive.js';
import { profilingDerivations } from '../../server/profiling/derive.js';
import { servingDerivations } from '../../server/serving/derive.js';
import { tempFolder, testHost } from '../helpers/temp.js';

// A forged ledger line may name any parameters; a derivation takes only those its own tool writes.
describe('a derivation with parameters its tool never wrote', () => {
  it.each(Object.entries({ ...envDerivations, ...servingDerivations, ...profilingDerivations }))('%s is refused as tampered', async (_, derive) => {
    const dir = await tempFolder();
    for (const params of [{}, { path: '/etc/passwd' }, { paths: '/etc/passwd', raw: 7, job: [] }]) {
      await expect(derive(params, testHost(dir), dir)).rejects.toMatchObject({ code: 'E_RUN_TAMPERED' });
    }
  });
});
