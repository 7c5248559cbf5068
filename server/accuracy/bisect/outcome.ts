/** What one run of the bisect command says. */
export interface Outcome {
  readonly verdict: 'good' | 'bad' | 'skip';
  /** Why it is not judged; `none` when it is. */
  readonly reason: 'none' | 'asked' | 'build' | 'environment' | 'oom' | 'hccl' | 'device' | 'timeout' | 'signal' | 'exit' | 'service' | 'checkout' | 'submodules';
  readonly exit: number | null;
}

/** Texts that mean that the build, the host or the network failed, and not the answer. First match counts. */
const signatures: readonly (readonly [Outcome['reason'], RegExp])[] = [
  ['oom', /out of memory|\bEL0004\b|error code is 207001|MemoryError|std::bad_alloc|\bKilled process\b/i],
  ['hccl', /\bE[IJ]0\d{3}\b|\bEI9999\b|HCCL (?:function )?error|hccl\w* (?:timeout|failed)|notify wait timeout/i],
  ['device', /error code is 507\d{3}|runtime result = 507\d{3}|aicore exception|device (?:is )?(?:lost|not available)|drvDeviceOpen/i],
  ['build', /^(?:make(?:\[\d+\])?: \*\*\*|ninja: build stopped|CMake Error|FAILED: |ld: |collect2: error)|\bfatal error: |: error: |error: command .* failed|subprocess-exited-with-error/m],
  ['environment', /ModuleNotFoundError|ImportError|error while loading shared libraries|cannot open shared object|command not found|No such file or directory|Address already in use|No space left on device|Permission denied/],
];

/**
 * Exit codes mean what `git bisect run` gives them, more strictly: 0 good, 1 bad, 125 not judged; every other code, a signal and a
 * timeout are not judged either. The log can only take a "bad" back, never make one: a build that fails exits 1 as well.
 * @param output beginning and end of what the command printed
 */
export function outcomeOf(end: { readonly code: number | null; readonly timedOut: boolean }, output: string): Outcome {
  const seen = signatures.find(([, test]) => test.test(output))?.[0];
  if (end.timedOut) return { verdict: 'skip', reason: 'timeout', exit: null };
  if (end.code === 0) return { verdict: 'good', reason: 'none', exit: 0 };
  if (end.code === 125) return { verdict: 'skip', reason: 'asked', exit: 125 };
  if (end.code === 1) return seen === undefined ? { verdict: 'bad', reason: 'none', exit: 1 } : { verdict: 'skip', reason: seen, exit: 1 };
  return { verdict: 'skip', reason: seen ?? (end.code === null ? 'signal' : 'exit'), exit: end.code };
}

/** Reasons that may be gone at the next try. */
export const transient: ReadonlySet<Outcome['reason']> = new Set(['oom', 'hccl', 'device', 'timeout', 'service']);
