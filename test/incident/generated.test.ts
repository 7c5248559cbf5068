import { describe, expect, it } from 'vitest';
import { kinds, plant, type Kind } from '../generate/incident.js';
import { triageFiles } from './helpers.js';

const sizes = [2, 3, 4, 8, 16, 32, 64];
const classOf: Record<Kind, string | null> = { aicore: 'aicore', oom: 'hbm-oom', silent: 'hccl', killed: 'host-os', port: 'port', clean: null };

describe('planted incidents', () => {
  it('the origin rank is right in at least 98 %, its class always', async () => {
    let all = 0;
    const wrong: string[] = [];
    for (const kind of kinds) {
      for (const ranks of sizes) {
        for (let seed = 1; seed <= 6; seed += 1) {
          const planted = plant(kind, ranks, seed * 1000 + ranks);
          const { body } = await triageFiles(planted.files);
          if (kind === 'clean') {
            expect(body.verdict, `clean ${ranks}/${seed}`).toBe('no-known-signature');
            expect(body.unmatched).toEqual([]);
            continue;
          }
          all += 1;
          expect(body.primary?.class, `${kind} ${ranks}/${seed}`).toBe(classOf[kind]);
          if (body.primary?.origin.rank !== planted.origin) wrong.push(`${kind} ${ranks}/${seed}: ${body.primary?.origin.rank ?? 'none'} for ${planted.origin}`);
          expect(body.incidents, `${kind} ${ranks}/${seed}`).toHaveLength(1);
          if (kind === 'silent') expect(body.primary?.origin).toMatchObject({ file: null, line: null });
        }
      }
    }
    expect(all).toBeGreaterThanOrEqual(200);
    expect(wrong.length / all, wrong.join('\n')).toBeLessThanOrEqual(0.02);
  });

  it('clocks of hosts are aligned by the moment they share: a later error of a host whose clock is behind stays later', async () => {
    const line = (host: number, pid: number, text: string, time: string): string => `[ERROR] RUNTIME(${pid},python3):2026-08-05-${time} [a.cc:1]${pid} ${text}\n`;
    const sync = (pid: number, rank: number, time: string): string => `[INFO] HCCL(${pid},python3):2026-08-05-${time} [b.cc:1]HcclCommInitRootInfo success,take time [1]us, rankNum[2], rank[${rank}],rootInfo identifier[g_1], server[10.0.0.${rank}%eth0], logicDevId[0]\n`;
    // Host 1 runs 300 s behind: its crash at 02:58 is really at 03:03, after that of host 0 at 03:02.
    const { body } = await triageFiles([
      { path: '/l/worker-0/plog-1_20260805000000000.log', text: sync(1, 0, '03:00:00.000.000') + line(0, 1, 'x:ErrCode=507035, desc=[vector core exception]', '03:02:00.000.000') },
      { path: '/l/worker-1/plog-2_20260805000000000.log', text: sync(2, 1, '02:55:00.000.000') + line(1, 2, 'x:ErrCode=507015, desc=[aicore exception]', '02:58:00.000.000') },
    ]);
    expect(body.primary?.origin.rank).toBe(0);
    expect(body.notes.map((n) => n.code)).toContain('N-CLOCK');
  });

  it('two failures that do not explain each other are two incidents, in the order of time', async () => {
    const { body } = await triageFiles([
      { path: '/l/node_0.log', text: '2026-08-05 03:00:00.000 OSError: [Errno 28] No space left on device\n2026-08-05 05:30:00.000 RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 0; 61.27 GiB total capacity)\n' },
    ]);
    expect(body.incidents.map((i) => i.class)).toEqual(['disk', 'hbm-oom']);
  });
});
