import type { IncidentClass } from '../contract/index.js';

/**
 * What a failure of one class brings about in the others. Source: domain.md 2.1 (priority of classes: hardware before host memory before
 * operators before links before graphs before waiting) and the pairs seen in the public logs cited in 1.2.
 */
const follows: Readonly<Record<IncidentClass, readonly IncidentClass[]>> = {
  device: ['aicore', 'aicpu', 'runtime', 'hccl', 'link', 'graph', 'framework', 'driver', 'host-os'],
  driver: ['device', 'runtime', 'hccl', 'graph', 'framework', 'configuration'],
  'host-os': ['hccl', 'link', 'framework', 'runtime', 'device', 'weights-load'],
  disk: ['framework', 'host-os', 'weights-load', 'build'],
  'hbm-oom': ['runtime', 'device', 'graph', 'hccl', 'link', 'framework', 'kv-exhaustion', 'aicpu', 'host-os'],
  'kv-exhaustion': ['framework', 'hccl', 'host-os'],
  aicore: ['runtime', 'graph', 'hccl', 'link', 'framework', 'aicpu', 'host-os'],
  aicpu: ['runtime', 'graph', 'hccl', 'link', 'framework', 'host-os'],
  link: ['hccl', 'runtime', 'framework', 'graph', 'host-os'],
  port: ['hccl', 'framework', 'link', 'host-os'],
  configuration: ['framework', 'runtime', 'hccl', 'device', 'graph', 'aicore', 'build', 'host-os'],
  'weights-load': ['framework', 'hccl', 'host-os'],
  build: ['framework', 'runtime', 'graph', 'aicore', 'hccl', 'device', 'host-os'],
  graph: ['runtime', 'framework', 'hccl', 'host-os', 'hbm-oom'],
  hccl: ['runtime', 'framework', 'graph', 'host-os', 'link'],
  runtime: ['framework', 'hccl', 'host-os'],
  framework: ['host-os', 'hccl'],
  unknown: [],
};

/** Whether a failure of class `cause` can bring about one of class `effect`. */
export function explains(cause: IncidentClass, effect: IncidentClass): boolean {
  return cause === effect || follows[cause].includes(effect);
}

/** Whether `cause` lies deeper: it explains the other and not the other way round. */
export function deeper(cause: IncidentClass, effect: IncidentClass): boolean {
  return follows[cause].includes(effect) && !follows[effect].includes(cause);
}
