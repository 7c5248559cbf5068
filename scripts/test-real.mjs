// Runs the tests that need the real evalscope: a virtual environment below the cache folder, evalscope from the package index, then
// test/real-evalscope against the simulated service. Where the index cannot be reached it says so and passes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'xllm-npu', 'evalscope-venv');
const bin = join(cache, 'bin');
const run = (program, args, options = {}) => spawnSync(program, args, { encoding: 'utf8', ...options });
const skip = (why) => {
  console.log(`SKIPPED: the tests with the real evalscope were not run: ${why}`);
  process.exit(0);
};

if (run(join(bin, 'evalscope'), ['--version'], { timeout: 120_000 }).status !== 0) {
  // evalscope wants Python 3.10 or newer.
  const python = ['python3.11', 'python3.12', 'python3.10', 'python3'].find((p) => run(p, ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'], { timeout: 60_000 }).status === 0);
  if (python === undefined) skip('no Python 3.10 or newer with venv');
  mkdirSync(cache, { recursive: true });
  console.log('installing evalscope[perf]');
  if (!existsSync(join(bin, 'pip'))) {
    const made = run(python, ['-m', 'venv', cache], { timeout: 300_000 });
    if (made.status !== 0) skip(`the virtual environment could not be made: ${String(made.stderr ?? made.error).trim().split('\n').at(-1)}`);
  }
  const installed = run(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', 'evalscope[perf]'], { timeout: 1_200_000 });
  if (installed.status !== 0) skip(`the package index cannot be reached, or has no wheel for this machine: ${String(installed.stderr ?? installed.error).trim().split('\n').at(-1)}`);
}
const tests = spawnSync('npx', ['vitest', 'run', 'test/real-evalscope', ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, XLLM_NPU_TEST_EVALSCOPE: bin } });
process.exit(tests.status ?? 1);
