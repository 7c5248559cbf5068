import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellJoin, shellQuote } from '../../server/contract/index.js';
import { remoteCommand } from '../../server/host/transport.js';
import { commandScript } from '../../server/programs/script.js';

/** What a POSIX shell makes of a line: its arguments, NUL-separated. */
function throughShell(line: string, shell = 'sh'): string[] {
  return execFileSync(shell, ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

const argument = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', "'", "''", '"', '$(id)', '`id`', '\\', "\\'", '!', '~', '*', 'a b', '\n', '\t', '-', '--', ';', '&', '|', '#', '=x', '{a,b}')).filter((s) => !s.includes('\0') && s.isWellFormed());

describe('the one quoting function', () => {
  it('gives every argument back byte for byte, in sh and bash', () => {
    for (const shell of ['sh', 'bash']) {
      fc.assert(
        fc.property(fc.array(argument, { minLength: 1, maxLength: 6 }), (args) => {
          expect(throughShell(shellJoin(args), shell)).toEqual(args);
        }),
        { numRuns: 150 },
      );
    }
  });
  it('refuses what no argument can hold', () => {
    expect(() => shellQuote('a\0b')).toThrow(/NUL/);
  });
  it('is what ssh sends: one string, that the far shell splits into the argv again, a container inside included', () => {
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), argument, (args, value) => {
        const { program, args: client } = remoteCommand({ host: 'npu-1', container: null }, args, { X: value });
        expect([program, client.slice(-3, -1)]).toEqual(['ssh', ['--', 'npu-1']]);
        expect(throughShell(client.at(-1) ?? '')).toEqual(['env', `X=${value}`, ...args]);
        const both = remoteCommand({ host: 'npu-1', container: 'c1' }, args, { X: value }).args;
        expect(throughShell(both.at(-1) ?? '')).toEqual(['docker', 'exec', '-e', `X=${value}`, 'c1', ...args]);
        expect(remoteCommand({ host: null, container: 'c1' }, args, { X: value })).toEqual({ program: 'docker', args: ['exec', '-e', `X=${value}`, 'c1', ...args] });
      }),
      { numRuns: 80 },
    );
  });
});

describe('command_rank_N.sh', () => {
  it('gives the program exactly its arguments and environment, and nothing of the caller', () => {
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 4 }), argument, (args, value) => {
        const script = commandScript({ title: 't\nrm -rf /', argv: ['/usr/bin/printf', '%s\\0', ...args, 'END'], env: { A_B: value, PATH: '/usr/bin:/bin' }, cwd: '/' });
        const out = execFileSync('sh', ['-s'], { input: script, encoding: 'utf8', env: { PATH: '/usr/bin:/bin', CANARY: 'x' } });
        expect(out.split('\0').slice(0, -1)).toEqual([...args, 'END']);
        const envs = execFileSync('sh', ['-s'], { input: commandScript({ title: 't', argv: ['/usr/bin/env', '-0'], env: { A_B: value, PATH: '/usr/bin' }, cwd: '/' }), encoding: 'utf8', env: { PATH: '/bin', CANARY: 'x' } });
        expect(envs.split('\0').filter((e) => e !== '').sort()).toEqual([`A_B=${value}`, 'PATH=/usr/bin'].sort());
      }),
      { numRuns: 40 },
    );
  });
});
