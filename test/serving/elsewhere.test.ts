import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTransport } from '../../server/host/transport.js';
import { processesOf } from '../../server/host/processes.js';
import { Jobs, jobMarkOf } from '../../server/jobs/jobs.js';
import type { Run } from '../../server/runs/runs.js';
import { serviceStart, serviceStop } from '../../server/serving/tools.js';
import { ServiceHost, script } from '../helpers/service-host.js';
import { tempFolder } from '../helpers/temp.js';

/** A docker that writes down what it was asked and runs it here, with an environment of its own. */
async function dockerStandIn(dir: string): Promise<void> {
  await script(
    join(dir, 'bin/docker'),
    `for a in "$@"; do printf '%s\\0' "$a"; done >>'${dir}/docker.log'; printf '\\n' >>'${dir}/docker.log'
[ "$1" = exec ] || exit 64
shift
set -- "$@" ::end::
vars=
while [ "$1" != ::end:: ]; do
  case "$1" in
    -e) shift; export "$1"; shift;;
    -*) exit 125;;
    *) break;;
  esac
done
[ "$1" = c1 ] || exit 1
shift
n=$#; i=0
for a in "$@"; do i=$((i+1)); [ $i -lt $n ] && set -- "$@" "$a"; shift; done
unset XLLM_NPU_JOB XLLM_NPU_RANK
exec "$@"`,
  );
}

let dir = '';
let h: ServiceHost;
let run: Run;
beforeAll(async () => {
  dir = await tempFolder();
  h = await ServiceHost.make(dir);
  await dockerStandIn(dir);
  run = await h.run();
});
afterAll(async () => {
  for (const job of await new Jobs(h.host).list(run)) await h.call(serviceStop, { job: `${run.id}/${job.job}`, grace_s: 0 });
});

describe('a container', () => {
  it('gets arguments byte for byte, reads and writes files, tells an absent one apart', async () => {
    const t = openTransport(h.host, { container: 'c1' });
    const odd = ["a'b", '$(id)', '', ' ', '"', '\n', '*', '-x'];
    const result = await t.run(['bash', '--noprofile', '--norc', '-c', 'printf "%s\\0" "$@"', 'bash', ...odd]);
    expect(result.stdout.split('\0').slice(0, -1)).toEqual(odd);
    await t.writeText(join(dir, "it's here"), "x'\n$y");
    expect(await t.readText(join(dir, "it's here"))).toBe("x'\n$y");
    expect(await t.readText(join(dir, 'absent'))).toBeNull();
    expect([await t.exists(dir), await t.exists(join(dir, 'absent'))]).toEqual([true, false]);
    expect((await openTransport(h.host, { container: 'c2' }).run(['bash', '-c', 'true'])).exitCode).toBe(1);
  });

  it('runs a service: started, watched, its own pids found, stopped, nothing left', async () => {
    const a = await h.call(serviceStart, { run: run.id, framework: 'xllm', model_path: h.model, device_count: 2, container: 'c1', env_json: '{"HCCL_BUFFSIZE":"it\'s 300"}' });
    expect(a.verdict, JSON.stringify(a)).toBe('ready');
    const marked = await processesOf({ mark: jobMarkOf(run.id, 'service-001') });
    for (const rank of a.facts.ranks) {
      const environ = (await readFile(`/proc/${rank.pid}/environ`, 'utf8')).split('\0');
      expect(environ).toEqual(expect.arrayContaining([`XLLM_NPU_RANK=${rank.rank}`, "HCCL_BUFFSIZE=it's 300", 'ASCEND_RT_VISIBLE_DEVICES=0,1']));
      expect(marked.map((p) => p.pid)).toContain(rank.pid);
    }
    expect((await run.manifest()).environment.container).toBe('c1');
    const started = (await readFile(join(dir, 'docker.log'), 'utf8')).split('\n').map((l) => l.split('\0')).filter((l) => l.includes('xllm') && l.some((x) => x.startsWith('--node_rank=')));
    expect(started.every((l) => l[0] === 'exec' && l[1] === 'c1')).toBe(true);
    const s = await h.call(serviceStop, { run: run.id });
    expect(s).toMatchObject({ verdict: 'stopped', facts: { leftovers: [] } });
    expect(await processesOf({ mark: jobMarkOf(run.id, 'service-001') })).toEqual([]);
  });
});
