import { isAbsolute, resolve } from 'node:path';
import { ToolError } from '../../contract/index.js';
import type { SimContext } from '../environment.js';
import { invalidDevice, Plog } from './cann-log.js';
import { parseAddress } from './collective.js';
import { planFaults } from './fault-plan.js';
import { helpText, type Flags } from './gflags.js';
import { Glog } from './glog.js';
import { draftSpec, loadModel, weightBytes, type LoadedModel } from './model.js';
import { weightsPerRank } from '../../models/weights.js';
import { deviceOf, profilingFacts, Rank } from './rank.js';
import { runMaster } from './xllm-master.js';
import { parseXllm, resolveOptions, xllmFlagGroups, type XllmOptions } from './xllm-options.js';
import { dumpConfig, sayRole } from './xllm-startup.js';
import { runWorker } from './xllm-worker.js';

/** The `xllm` stand-in. Resolves with an exit code, or serves and never returns. */
export async function runXllm(context: SimContext, argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText(xllmFlagGroups));
    return 0;
  }
  if (argv[0] === 'serve') {
    process.stderr.write('simulated NPU host: the launcher xllm serve is not simulated; start one process per rank with --nnodes and --node_rank\n');
    return 1;
  }
  const parsed = parseXllm(argv);
  if (!parsed.ok) {
    process.stderr.write(`${parsed.errors.join('\n')}\n`);
    return 1;
  }
  const { flags } = parsed;
  if (flags.text('model') === '') {
    process.stderr.write('Error: --model flag is required\n\n');
    process.stdout.write("USAGE: xllm --model <PATH> [OPTIONS]\nTry 'xllm --help' for more information.\n");
    return 1;
  }
  const log = new Glog();
  log.open(flags.text('log_dir'));
  return start(context, flags, log);
}

async function start(context: SimContext, flags: Flags, log: Glog): Promise<never> {
  const model = readModel(log, flags.text('model'));
  const master = parseAddress(flags.text('master_node_addr'));
  const host = flags.text('host');
  sayRole(log, master !== null && (host === '' || host === master.host || (host === 'localhost' && master.host === '127.0.0.1')));
  const resolved = resolveOptions(flags);
  if (!resolved.ok) log.fatal(resolved.where, resolved.message);
  const { options } = resolved;
  if (options.rank === 0) dumpConfig(log, flags);
  const placed = deviceOf(context, options.rank);
  if ('invalid' in placed) {
    log.raw(invalidDevice(new Plog(context.home, 'xllm'), placed.invalid, context.host.count));
    log.fatal('npu_process_group.h:68', 'ACL set device id 0 failed. Error : 107001');
  }
  const draft = options.draftModel === '' ? null : readModel(log, options.draftModel);
  const bytes = sizeWeights(log, model, draft, options);
  const rank = new Rank(context, { rank: options.rank, world: options.world, device: placed.device, framework: 'xllm', processName: 'xllm' }, planFaults(context.host, options.rank, options.world), log);
  rank.offerProfiling(profilingFacts(model, draft, options.parallel, flags.number('block_size'), flags.bool('enable_graph'), rank.faults.launch_us));
  if (options.rank === 0) return runMaster({ rank, log, flags, options, model, draft, weightBytes: bytes });
  if (master === null) log.fatal('worker_server.cpp:138', 'Failed to select a local address for master');
  return runWorker({ rank, log, master, masterText: flags.text('master_node_addr'), maxTries: flags.number('max_reconnect_count'), modelPath: model.path, weightBytes: bytes, tp: options.parallel.tp, context, profiling: profilingFacts(model, draft, options.parallel, flags.number('block_size'), flags.bool('enable_graph'), rank.faults.launch_us) });
}

/** Dies with xLLM's words when there is no usable model. */
function readModel(log: Glog, given: string): LoadedModel {
  const path = isAbsolute(given) ? given : resolve(given);
  const loaded = loadModel(path);
  if ('model' in loaded) return loaded.model;
  switch (loaded.failure) {
    case 'no-path':
      return log.fatal('xllm.cpp:442', `Model path ${given} does not exist.`);
    case 'no-config':
      return log.fatal('xllm.cpp:352', `Please check config.json or model_index.json file, one of them should exist in the model path: "${given}"`);
    case 'bad-config':
      return log.fatal('xllm.cpp:345', `Please check config.json file in model path: "${given}", it should contain model_type or model_name key.`);
    case 'unsupported':
      return log.fatal('xllm.cpp:338', `Model is not supported currently, model type: ${loaded.modelType}`);
  }
}

function sizeWeights(log: Glog, model: LoadedModel, draft: LoadedModel | null, options: XllmOptions): number {
  try {
    return weightBytes(model, options.parallel) + (draft === null ? 0 : Math.ceil(weightsPerRank(draftSpec(model, draft), options.parallel).weights_bytes));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    // The plan does not divide the model: the loader's own words.
    return log.fatal('state_dict.cpp:160', `can't divide tensor evenly on ${model.spec.hidden} with dim: 0 world_size: ${options.parallel.tp}`);
  }
}
