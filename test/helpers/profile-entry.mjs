// A worker entry with the job kinds of services and captures, started the way main.js starts the real one: … worker DIR.
import { makeConfig } from '../../dist/config.js';
import { openHost } from '../../dist/host/host.js';
import { runWorker } from '../../dist/jobs/worker.js';
import { profilingJobs } from '../../dist/profiling/capture/job.js';
import { servingJobs } from '../../dist/serving/job.js';

const argv = process.argv.slice(2);
const allow = argv.flatMap((a, i) => (a === '--allow' ? [argv[i + 1]] : []));
process.exitCode = await runWorker(argv.at(-1), { ...servingJobs, ...profilingJobs }, openHost(makeConfig({ runsDir: argv[argv.indexOf('--runs-dir') + 1], allow }, '0', process.env)));
