import { ToolError } from '../contract/index.js';
import { simContext, type SimContext } from './environment.js';

/** Entry of every stand-in: `main.js <program> <its own arguments>`. Resolves with the exit code. */
type Program = (context: SimContext, argv: readonly string[]) => Promise<number>;

// Each program is loaded only when it is asked for: npu-smi answers without the serving code.
const programs: Readonly<Record<string, Program>> = {
  'npu-smi': async (context, argv) => {
    const { npuSmiNow } = await import('./npu-host.js');
    const answer = npuSmiNow(context, argv);
    process.stdout.write(answer.stdout);
    process.stderr.write(answer.stderr);
    return answer.exitCode;
  },
  dmesg: async (context, argv) => {
    const { dmesg } = await import('./kernel.js');
    const answer = dmesg(context, argv);
    process.stdout.write(answer.stdout);
    process.stderr.write(answer.stderr);
    return answer.exitCode;
  },
  msprof: async (context, argv) => (await import('./msprof.js')).runMsprof(context, argv),
  vllm: async (context, argv) => (await import('./service/vllm.js')).runVllm(context, argv),
  'vllm-worker': async (context, argv) => (await import('./service/vllm-worker.js')).runVllmWorker(context, argv),
  'xllm-check': async (context) => (await import('./service/xllm-check.js')).runXllmCheck(context),
  xllm: async (context, argv) => (await import('./service/xllm.js')).runXllm(context, argv),
};

async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv;
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (program === undefined) {
    process.stderr.write(`simulated NPU host: no program of this name; there are ${Object.keys(programs).join(', ')}\n`);
    return 127;
  }
  try {
    return await program(simContext(process.env), rest);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    process.stderr.write(`simulated NPU host: ${error.code}: ${error.seen}\nnext: ${error.next}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
