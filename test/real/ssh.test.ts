import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTransport } from '../../server/host/transport.js';
import { processesOf } from '../../server/host/processes.js';
import { jobMarkOf } from '../../server/jobs/jobs.js';
import type { Run } from '../../server/runs/runs.js';
import { serviceStart, serviceStop } from '../../server/serving/tools.js';
import { ServiceHost, script } from '../helpers/service-host.js';
import { tempFolder } from '../helpers/temp.js';

const sshd = '/usr/sbin/sshd';
// Installing a system package is for machines made for tests only.
if (!existsSync(sshd) && process.env['XLLM_NPU_TEST_INSTALL'] === '1') execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'openssh-server'], { stdio: 'ignore', timeout: 180_000 });
const present = existsSync(sshd) && existsSync('/usr/bin/ssh');
if (!present) console.warn('no sshd on this machine (Debian: openssh-server; XLLM_NPU_TEST_INSTALL=1 installs it): the ssh transport is not tested against a real server');

let dir = '';
let h: ServiceHost;
let run: Run;
let server: ChildProcess | undefined;

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const s = createServer();
    s.listen(0, '127.0.0.1', () => {
      const address = s.address();
      s.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describe.skipIf(!present)('ssh, against a real sshd on loopback', () => {
  beforeAll(async () => {
    dir = await tempFolder();
    h = await ServiceHost.make(dir);
    run = await h.run();
    const port = await freePort();
    for (const key of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, `${key}_key`)]);
    await writeFile(join(dir, 'authorized_keys'), await readFile(join(dir, 'user_key.pub')));
    await chmod(join(dir, 'authorized_keys'), 0o600);
    await mkdir('/run/sshd', { recursive: true }).catch(() => undefined);
    // SetEnv puts the stand-ins on the far side's PATH, as a login profile would.
    await writeFile(join(dir, 'sshd_config'), `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${dir}/host_key\nAuthorizedKeysFile ${dir}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nSetEnv PATH=${dir}/bin:/usr/local/bin:/usr/bin:/bin NPU_STANDIN_STATE=${dir}/state\n`);
    server = spawn(sshd, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: 'ignore' });
    await writeFile(join(dir, 'ssh_config'), `Host npu-1\n  HostName 127.0.0.1\n  Port ${port}\n  User ${userInfo().username}\n  IdentityFile ${dir}/user_key\n  IdentitiesOnly yes\n  UserKnownHostsFile ${dir}/known_hosts\n  StrictHostKeyChecking accept-new\nHost nowhere\n  HostName 127.0.0.1\n  Port 1\n`);
    // The real client with a configuration of the test: OpenSSH takes the user's own from the password file, not from HOME.
    await script(join(dir, 'bin/ssh'), `exec /usr/bin/ssh -F '${dir}/ssh_config' "$@"`);
    const t = openTransport(h.host, { host: 'npu-1' });
    for (let i = 0; i < 40; i += 1) {
      if (await t.exists('/').catch(() => false)) break;
      await sleep(100);
    }
  });
  afterAll(async () => {
    await h.call(serviceStop, { run: run.id, grace_s: 0 }).catch(() => undefined);
    server?.kill('SIGKILL');
  });

  it('arguments arrive byte for byte: no far shell reads them', async () => {
    const t = openTransport(h.host, { host: 'npu-1' });
    const argument = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', "'", '$(id)', '`id`', '\\', '!', '~', '*', '\n', '-', '--', ';', '{a,b}', '=x')).filter((s) => !s.includes('\0') && s.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(argument, { minLength: 1, maxLength: 5 }), async (args) => {
        const result = await t.run(['bash', '--noprofile', '--norc', '-c', 'printf "%s\\0" "$@"', 'bash', ...args]);
        expect(result.stdout.split('\0').slice(0, -1)).toEqual(args);
      }),
      { numRuns: 12 },
    );
  });

  it('files, exit codes, and a host that is not reachable', async () => {
    const t = openTransport(h.host, { host: 'npu-1' });
    await t.writeText(join(dir, "far 'file'"), "a'\nb");
    expect(await t.readText(join(dir, "far 'file'"))).toBe("a'\nb");
    expect((await t.run(['bash', '-c', 'exit 7'])).exitCode).toBe(7);
    await expect(openTransport(h.host, { host: 'nowhere' }).run(['bash', '-c', 'true'])).rejects.toMatchObject({ code: 'E_PROGRAM_FAILED' });
  });

  it('a service starts there, is watched, found by its pids and stopped with nothing left', async () => {
    const a = await h.call(serviceStart, { run: run.id, framework: 'xllm', model_path: h.model, device_count: 2, host: 'npu-1', env_json: '{"HCCL_BUFFSIZE":"it\'s $300"}' });
    expect(a.verdict, JSON.stringify(a)).toBe('ready');
    for (const rank of a.facts.ranks) {
      const environ = (await readFile(`/proc/${rank.pid}/environ`, 'utf8')).split('\0');
      expect(environ).toEqual(expect.arrayContaining([`XLLM_NPU_RANK=${rank.rank}`, "HCCL_BUFFSIZE=it's $300"]));
    }
    expect((await run.manifest()).environment.host).toBe('npu-1');
    const s = await h.call(serviceStop, { run: run.id });
    expect(s).toMatchObject({ verdict: 'stopped', facts: { leftovers: [] } });
    expect(await processesOf({ mark: jobMarkOf(run.id, 'service-001') })).toEqual([]);
  });
});
