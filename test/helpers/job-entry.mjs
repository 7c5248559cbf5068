// A worker entry with job kinds of the tests, started the way main.js starts the real one: … worker DIR.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeConfig } from '../../dist/config.js';
import { openHost } from '../../dist/host/host.js';
import { runWorker } from '../../dist/jobs/worker.js';
import { ToolError } from '../../dist/contract/index.js';

const argv = process.argv.slice(2);
const runsDir = argv[argv.indexOf('--runs-dir') + 1];
const dir = argv.at(-1);

const kinds = {
  /** Sleeps, obeys cancellation. */
  nap: async (request, ctx) => {
    await ctx.report('napping', { done: 0, total: request.ms });
    await sleep(request.ms, undefined, { signal: ctx.signal });
    return { slept_ms: request.ms, token: 'sk-cAnArYcAnArYcAnArY12' };
  },
  /** Has a child and a grandchild that left the group, and ignores every request to end. */
  stubborn: async (request, ctx) => {
    process.removeAllListeners('SIGTERM');
    process.on('SIGTERM', () => undefined);
    spawn('sleep', ['600'], { stdio: 'ignore' });
    spawn('setsid', ['sleep', '601'], { stdio: 'ignore', env: process.env });
    await ctx.report('holding');
    await sleep(600_000);
    return {};
  },
  /** Reports as often as it can. */
  chatty: async (request, ctx) => {
    for (let i = 0; i < request.times; i++) await ctx.report('counting', { done: i, total: request.times }, { counted: i });
    return { counted: request.times };
  },
  refuse: async () => {
    throw new ToolError('E_PATH_MISSING', 'nothing there', 'look elsewhere');
  },
  crash: async () => {
    throw new TypeError('a defect');
  },
};
process.exitCode = await runWorker(dir, kinds, openHost(makeConfig({ runsDir }, '0', process.env)));
