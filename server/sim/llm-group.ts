import type { DecodeOptions } from './llm-options.js';

/** Group names are opaque in real captures: address, interface, port, ordinal, time. The address is from the documentation range (RFC 5737). */
export function simulatedGroup(options: DecodeOptions): string {
  return `192.0.2.${1 + (options.seed % 200)}%enp0s0_60000_0_${options.startNs / 1000n}`;
}
