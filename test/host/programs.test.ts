import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allowedEnvironment, programEnvironment } from '../../server/host/environment.js';
import { identify } from '../../server/host/processes.js';
import { findProgram, runProgram } from '../../server/host/programs.js';
import { tempFolder } from '../helpers/temp.js';

let dir = '';
let env: Record<string, string> = {};

/** A stand-in for an allowed program, first in PATH. */
async function standIn(script: string): Promise<void> {
  await mkdir(join(dir, 'bin'), { recursive: true });
  await writeFile(join(dir, 'bin/npu-smi'), `#!/bin/bash\n${script}\n`);
  await chmod(join(dir, 'bin/npu-smi'), 0o755);
}

beforeAll(async () => {
  dir = await tempFolder();
  env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, HOME: dir };
});

describe('programs', () => {
  it('outside the list are refused, absent ones are named', async () => {
    await expect(runProgram('rm', ['-rf', '/'], env)).rejects.toMatchObject({ code: 'E_PROGRAM_UNKNOWN' });
    await expect(runProgram('npu-smi', ['info'], { PATH: '/nowhere' })).rejects.toMatchObject({ code: 'E_PROGRAM_MISSING' });
    expect(await findProgram('git', 'bin:.:relative')).toBeNull();
  });

  it('get arguments as they are: no shell reads them', async () => {
    await standIn('printf "%s\\n" "$@"');
    const result = await runProgram('npu-smi', ['$(id)', '; touch /tmp/x', '`id`', '*'], env);
    expect(result.stdout).toBe('$(id)\n; touch /tmp/x\n`id`\n*\n');
    expect(result.exitCode).toBe(0);
  });

  it('answer a non-zero exit with both streams', async () => {
    await standIn('echo out; echo bad >&2; exit 7');
    expect(await runProgram('npu-smi', [], env)).toMatchObject({ stdout: 'out\n', stderr: 'bad\n', exitCode: 7, timedOut: false });
  });

  it('are ended with their whole group when time runs out', async () => {
    await standIn(`trap '' TERM; sleep 300 & echo $! > ${join(dir, 'child.pid')}; echo $$ > ${join(dir, 'own.pid')}; wait; sleep 300`);
    const result = await runProgram('npu-smi', [], env, { timeoutMs: 400 });
    expect(result.timedOut).toBe(true);
    const pids = await Promise.all(['child.pid', 'own.pid'].map(async (f) => Number(await readFile(join(dir, f), 'utf8'))));
    // A dead process that nobody has reaped yet does not live.
    await expect.poll(() => Promise.all(pids.map(identify)), { timeout: 5000 }).toEqual([null, null]);
  });

  it('that cannot be ended, or whose pipe a stranger holds, do not hold us', async () => {
    await standIn(`setsid sleep 20 & echo $! > ${join(dir, 'stranger.pid')}; trap '' TERM; sleep 300`);
    const result = await runProgram('npu-smi', [], env, { timeoutMs: 300 });
    expect(result).toMatchObject({ timedOut: true, exitCode: null });
    process.kill(Number(await readFile(join(dir, 'stranger.pid'), 'utf8')), 'SIGKILL');
  });

  it('have bounded output', async () => {
    await standIn('yes npu | head -c 3000000');
    const result = await runProgram('npu-smi', [], env, { maxBytes: 100_000 });
    expect(result.truncated).toBe(true);
    expect(result.stdout.length).toBeLessThanOrEqual(100_000);
  });

  it('see no environment but the allowlist', async () => {
    await standIn('/usr/bin/env');
    const passed = allowedEnvironment({ ...env, ASCEND_HOME_PATH: '/a', HCCL_IF_IP: '1', OPENAI_API_KEY: 'canary', LD_PRELOAD: '/evil.so', MY_VAR: 'x', ASCEND_TOKEN: 'canary' });
    const { stdout } = await runProgram('npu-smi', [], passed);
    const names = stdout.trim().split('\n').map((l) => l.split('=')[0]);
    expect(names).toEqual(expect.arrayContaining(['PATH', 'HOME', 'ASCEND_HOME_PATH', 'HCCL_IF_IP']));
    expect(names.filter((n) => !['PATH', 'HOME', 'ASCEND_HOME_PATH', 'HCCL_IF_IP', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(n ?? ''))).toEqual([]);
  });
});

describe('the CANN environment of a client that hands over almost nothing', () => {
  it('comes from the set_env.sh scripts, without LD_PRELOAD and secrets', async () => {
    const script = join(dir, 'set_env.sh');
    await writeFile(script, 'echo noise\nexport ASCEND_TOOLKIT_HOME=/usr/local/Ascend/latest\nexport LD_LIBRARY_PATH=$ASCEND_TOOLKIT_HOME/lib64:$LD_LIBRARY_PATH\nexport LD_PRELOAD=/evil.so\nexport API_TOKEN=canary\nexport PATH=$ASCEND_TOOLKIT_HOME/bin:$PATH\n');
    const made = await programEnvironment({ PATH: '/usr/bin:/bin', HOME: dir }, [join(dir, 'absent.sh'), script]);
    expect(made).toMatchObject({ ASCEND_TOOLKIT_HOME: '/usr/local/Ascend/latest', PATH: '/usr/local/Ascend/latest/bin:/usr/bin:/bin' });
    expect(made['LD_LIBRARY_PATH']).toContain('/usr/local/Ascend/latest/lib64');
    expect(Object.keys(made)).not.toContain('LD_PRELOAD');
    expect(Object.keys(made)).not.toContain('API_TOKEN');
  });
});
