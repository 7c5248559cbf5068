import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';

// Opt-in: packing and unpacking the binaries takes a minute.
const wanted = process.env['XLLM_NPU_TEST_OFFLINE'] === '1';
if (!wanted) console.warn('XLLM_NPU_TEST_OFFLINE is not 1: the tarball with its dependencies inside is not installed');
const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe.skipIf(!wanted)('the tarball with its dependencies inside', () => {
  it('installs with an empty cache and no registry in reach, starts, and reads a profile with its binaries', async () => {
    const dir = await tempFolder();
    await run(process.execPath, [join(root, 'scripts/pack-offline.mjs'), join(dir, 'out')], { maxBuffer: 1e8 });
    const [name = ''] = await readdir(join(dir, 'out'));
    await writeFile(join(dir, 'package.json'), '{"private":true}');
    // Port 9 (discard) answers nobody: what is not in the tarball cannot come.
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--registry', 'http://127.0.0.1:9/', '--cache', join(dir, 'cache'), join(dir, 'out', name)], { cwd: dir, maxBuffer: 1e8 });
    const call = async (tool: string, args: object): Promise<Record<string, unknown>> => JSON.parse((await run(process.execPath, [join(dir, 'node_modules/xllm-npu-workflow/dist/main.js'), 'call', tool, JSON.stringify(args)], { cwd: dir, maxBuffer: 1e8 })).stdout) as Record<string, unknown>;
    await writeFile(join(dir, 'op_summary_20260101000000.csv'), 'Device_id,Op Name,OP Type,Task Type,Task Start Time(us),Task Duration(us)\n0,MatMul_1,MatMulV2,AI_CORE,1736408883697900.000\t,10\n0,MatMul_2,MatMulV2,AI_CORE,1736408883697920.000\t,30\n');
    expect(await call('profile_query', { path: join(dir, 'op_summary_20260101000000.csv'), sql: 'SELECT sum(duration_us) AS us FROM tasks' })).toMatchObject({ facts: { rows: [[40]] } });
  }, 300_000);
});
