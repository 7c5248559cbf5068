import { availableParallelism } from 'node:os';

/** Cores this process may use. */
export function cores(): number {
  return availableParallelism();
}
