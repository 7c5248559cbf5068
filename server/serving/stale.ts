import type { Transport } from '../host/transport.js';

/**
 * msprof's dynamic attach leaves `dynamic_profiling_socket_<pid>` in the home folder of a process that was killed; a later process
 * with that pid could not open its own. Only sockets whose process is gone are removed.
 */
const script = 'for f in "$HOME"/dynamic_profiling_socket_*; do p="${f##*_}"; case "$p" in ""|*[!0-9]*) continue;; esac; [ -d "/proc/$p" ] && continue; rm -f -- "$f" && printf "%s\\n" "$p"; done; true';

/** Removes stale sockets where the service will run. @returns the dead pids they belonged to */
export async function removeStaleSockets(transport: Transport): Promise<number[]> {
  const result = await transport.run(['bash', '--noprofile', '--norc', '-c', script], { timeoutMs: 15_000 });
  return result.stdout.split('\n').filter((l) => /^\d+$/.test(l)).map(Number);
}
