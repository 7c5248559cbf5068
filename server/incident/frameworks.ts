import type { Framework } from './evidence.js';

/** Signatures whose wording is one framework's own (catalogue sources; domain.md I75–I97). Those of CANN, PyTorch and Linux belong to all. */
const own: Readonly<Record<Framework, ReadonlySet<string>>> = {
  xllm: new Set(['shm-segment', 'flag-conflict', 'etcd', 'kv-layout', 'kv-linear-state', 'kv-speculative', 'join-failed', 'init-failed', 'check-failed', 'worker-gone', 'ops-precompile']),
  'vllm-ascend': new Set(['version-plugin', 'quantisation-mismatch', 'startup-memory', 'out-of-shared-blocks', 'engine-dead', 'graph-sizes']),
  sglang: new Set(['engine-dead', 'worker-gone', 'c10d-rendezvous']),
};

/** 1 when a signature is this framework's own: between equals it goes first. 0 for all others, and without a framework. */
export function preferred(framework: Framework | null, signature: string): 0 | 1 {
  return framework !== null && own[framework].has(signature) ? 1 : 0;
}
