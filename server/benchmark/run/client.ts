import { ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { programPlaces, type ProgramName } from '../../host/programs.js';
import { aisbenchAbilities, aisbenchCommand, aisbenchConfig, aisbenchConfigText } from '../../programs/aisbench.js';
import type { BenchClient, ClientAbilities, ClientCommand, ClientRun } from '../../programs/bench-client.js';
import { evalscopeAbilities, evalscopeCommand, evalscopeVersion, evalscopeWindow } from '../../programs/evalscope.js';
import { packageVersion, packageVersionArgs, sglangAbilities, sglangCommand } from '../../programs/sglang-bench.js';
import { vllmAbilities, vllmCommand, vllmVersion, vllmWindow } from '../../programs/vllm-bench.js';
import { limits } from './thresholds.js';

/** A benchmark client as this host has it. */
export interface Client {
  readonly name: BenchClient;
  /** Null: it does not say. */
  readonly version: string | null;
  readonly can: ClientAbilities;
  /** Output that says the measured window is open; null: it is open from the start. */
  readonly window: (run: ClientRun) => RegExp | null;
  readonly command: (run: ClientRun) => ClientCommand;
  /** Files it reads that have to be written first, by name below the output folder. */
  readonly inputs: (run: ClientRun) => readonly { readonly name: string; readonly text: string }[];
}

const none = (): readonly never[] => [];
type Outside = Exclude<BenchClient, 'probe'>;

const programs: Readonly<Record<Outside, { readonly program: ProgramName; readonly args: readonly string[]; readonly read: (stdout: string) => string | null }>> = {
  evalscope: { program: 'evalscope', args: ['--version'], read: evalscopeVersion },
  vllm: { program: 'vllm', args: ['--version'], read: vllmVersion },
  sglang: { program: 'python3', args: packageVersionArgs('sglang'), read: packageVersion },
  aisbench: { program: 'python3', args: packageVersionArgs('ais_bench_benchmark'), read: packageVersion },
};

function withVersion(name: Outside, version: string | null): Client {
  switch (name) {
    case 'evalscope':
      return { name, version, can: evalscopeAbilities(version), window: (run) => evalscopeWindow(run.warmup), command: (run) => evalscopeCommand(run, version), inputs: none };
    case 'vllm':
      return { name, version, can: vllmAbilities, window: () => vllmWindow, command: vllmCommand, inputs: none };
    case 'sglang':
      return { name, version, can: sglangAbilities, window: () => null, command: sglangCommand, inputs: none };
    case 'aisbench':
      return { name, version, can: aisbenchAbilities, window: () => null, command: aisbenchCommand, inputs: (run) => [{ name: aisbenchConfig, text: aisbenchConfigText(run) }] };
  }
}

/** The client and its version. @throws ToolError E_PROGRAM_MISSING */
export async function findClient(name: Outside, host: Host, timeoutMs: number = limits.versionMs.value): Promise<Client> {
  const { program, args, read } = programs[name];
  const needed: ProgramName = name === 'aisbench' ? 'ais_bench' : program;
  const missing = new ToolError('E_PROGRAM_MISSING', `client ${name} is not on this host; looked for ${programPlaces(needed).join(', ')}`, `install it (${name === 'evalscope' ? "pip install 'evalscope[perf]'" : name}) and put it in PATH; client probe needs nothing and serves a smoke test only`);
  if ((await host.has(needed)) === null) throw missing;
  const answer = await host.run(program, args, { timeoutMs });
  // Python is everywhere; the package is what counts.
  if (program === 'python3' && answer.exitCode !== 0) throw missing;
  return withVersion(name, read(answer.stdout) ?? read(answer.stderr));
}
