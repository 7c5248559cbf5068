import type { SimContext } from '../environment.js';
import { assumed } from '../assumptions.js';
import { fromWire } from '../step-record.js';
import { CollectiveMember, type Address, type MasterMessage } from './collective.js';
import type { Glog } from './glog.js';
import type { ProfilingFacts, Rank } from './rank.js';
import { sayLoaded, sayLoading, sayWorkerServer } from './xllm-startup.js';

export interface WorkerPlan {
  readonly log: Glog;
  readonly rank: Rank;
  readonly master: Address;
  readonly masterText: string;
  readonly maxTries: number;
  readonly modelPath: string;
  readonly weightBytes: number;
  readonly tp: number;
  readonly context: SimContext;
  readonly profiling: ProfilingFacts;
}

/** A rank other than 0: joins, loads, keeps step, ends with rank 0. Never returns. */
export async function runWorker(plan: WorkerPlan): Promise<never> {
  const { rank, log } = plan;
  const { id } = rank;
  if (rank.faults.missing) return rank.rest();
  rank.setDevice();
  sayWorkerServer(log, id.rank, id.device);
  const member = await join(plan);
  let over = false;
  member.onEnd = (): void => {
    if (over) return;
    rank.close();
    process.exit(1);
  };
  const handle = async (message: MasterMessage): Promise<void> => {
    switch (message.t) {
      case 'load': {
        sayLoading(log, plan.modelPath, plan.weightBytes, plan.tp);
        const held = await rank.loadWeights(plan.weightBytes);
        sayLoaded(log);
        member.loaded(rank.freeBytes(held), rank.totalBytes); return;
      }
      case 'kv':
        rank.offerProfiling(plan.profiling);
        rank.holdCache(message.bytes);
        return;
      case 'step':
        rank.record(fromWire(message.step));
        return;
      case 'trouble':
        return rank.suffer(message);
      case 'bye':
        over = true;
        rank.close();
        process.exit(0);
    }
  };
  member.onMessage((message) => void handle(message));
  return rank.rest();
}

async function join(plan: WorkerPlan): Promise<CollectiveMember> {
  const { log } = plan;
  const { id } = plan.rank;
  for (let attempt = 0; attempt < plan.maxTries; attempt += 1) {
    const member = await CollectiveMember.join(plan.master, id.rank, id.device);
    if (member !== null) {
      log.info('worker_server.cpp:513', `Worker#${id.rank} connect to ${plan.masterText} success.`);
      return member;
    }
    log.warning('worker_server.cpp:508', `Worker#${id.rank} try connect to engine server error, try again. Error message: [E111]Fail to connect Socket{id=${attempt} addr=${plan.masterText}}: Connection refused`);
    await plan.rank.wait(assumed('joinRetry_ms'));
  }
  log.error('worker_server.cpp:525', `Worker#${id.rank} connect to ${plan.masterText} failed.`);
  log.error('worker_server.cpp:161', 'failed to sync with master node, stop worker startup');
  plan.rank.close();
  process.exit(1);
}
