import { z } from 'zod';
import { ToolError } from '../../contract/index.js';
import type { SimContext } from '../environment.js';
import { fromWire } from '../step-record.js';
import { CollectiveMember, type MasterMessage } from './collective.js';
import { planFaults } from './fault-plan.js';
import { deviceOf, Rank } from './rank.js';
import { VllmLog } from './vllm-log.js';

/** What the engine process tells a worker on its command line. */
const order = z.object({ port: z.int(), rank: z.int(), world: z.int(), weightBytes: z.number() });
export type WorkerOrder = z.infer<typeof order>;

/** Name of a worker in logs. */
export function workerName(rank: number, world: number): string {
  return world === 1 ? 'EngineCore_DP0' : `Worker_TP${rank}`;
}

/** One worker process of `vllm serve`: holds a device's memory until the engine process ends. */
export async function runVllmWorker(context: SimContext, argv: readonly string[]): Promise<number> {
  const parsed = order.safeParse(JSON.parse(argv[0] ?? 'null'));
  if (!parsed.success) throw new ToolError('E_INTERNAL', 'a simulated worker was started by hand', 'start vllm serve');
  const { port, rank: index, world, weightBytes } = parsed.data;
  const log = new VllmLog(workerName(index, world));
  const placed = deviceOf(context, index);
  if ('invalid' in placed) return 1;
  const rank = new Rank(context, { rank: index, world, device: placed.device, framework: 'vllm-ascend', processName: world === 1 ? 'VLLM::EngineCor' : 'VLLM::Worker_TP' }, planFaults(context.host, index, world), log);
  if (rank.faults.missing) return watchParent(rank);
  rank.setDevice();
  const member = await CollectiveMember.join({ host: '127.0.0.1', port }, index + 1, placed.device);
  if (member === null) return 1;
  member.onEnd = (): void => {
    rank.close();
    process.exit(0);
  };
  const handle = async (message: MasterMessage): Promise<void> => {
    switch (message.t) {
      case 'load': {
        // A failed load is told by the process's end.
        const free = rank.freeBytes(0);
        await rank.loadWeights(weightBytes);
        log.info('model_runner_v1.py:3571', `Loading model weights took ${(weightBytes / 1024 ** 3).toFixed(4)} GB`);
        member.loaded(free, rank.totalBytes); return;
      }
      case 'kv':
        rank.holdCache(message.bytes);
        return;
      case 'step':
        rank.record(fromWire(message.step));
        return;
      case 'trouble':
        return rank.suffer(message);
      case 'bye':
        rank.close();
        process.exit(0);
    }
  };
  member.onMessage((message) => void handle(message));
  return rank.rest();
}

/** A worker that never joins still ends with its parent: its standard input closes. */
function watchParent(rank: Rank): Promise<never> {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  return rank.rest();
}
