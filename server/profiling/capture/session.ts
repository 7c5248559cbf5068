import { ToolError } from '../../contract/index.js';
import type { Dialog } from '../../host/dialog.js';
import type { Host } from '../../host/host.js';
import { identify } from '../../host/processes.js';
import { attachArgs, isPrompt, readReply, type AttachRequest, type MsprofCommand, type MsprofEvent } from '../../programs/msprof.js';
import { limits } from './thresholds.js';

/** What a process answered to a command: an event of msprof, or that none came. */
export type Answer = MsprofEvent | 'no-answer' | 'profiler-ended';

export interface Ack {
  readonly pid: number | null;
  readonly event: string;
  readonly at: string;
}

const answersTo: Readonly<Record<MsprofCommand, readonly MsprofEvent[]>> = {
  start: ['start-ok', 'start-failed', 'already-started', 'no-device', 'process-gone'],
  stop: ['stop-ok', 'stop-failed', 'not-started', 'process-gone'],
  quit: ['quit-ok', 'quit-failed', 'process-gone'],
};

interface Talk {
  readonly dialog: Dialog;
  readonly pids: readonly number[];
  /** Lines before this one were answered to already. */
  read: number;
}

const printed = (talk: Talk): string => [...talk.dialog.lines, talk.dialog.rest].join('\n');

/** A pid msprof was given, whose text names no pid: the only one of its dialog. */
function pidOf(talk: Talk, named: number | null): number | null {
  return named ?? (talk.pids.length === 1 ? (talk.pids[0] ?? null) : null);
}

/** msprof attached to running processes. Whoever opens one closes it: {@link leave} always gets msprof out of the processes. */
export class Session {
  readonly #host: Host;
  readonly #talks: readonly Talk[];
  readonly acks: Ack[] = [];
  readonly pids: readonly number[];

  private constructor(host: Host, talks: readonly Talk[]) {
    this.#host = host;
    this.#talks = talks;
    this.pids = talks.flatMap((t) => t.pids);
  }

  /**
   * Attaches to all processes in one msprof (`keep` gets what it printed when that fails); where msprof takes only one pid (CANN before 8.2), in one msprof each. Waits for the prompt.
   * @throws ToolError E_PROGRAM_MISSING; E_PROFILE_ATTACH when one of the processes is refused: nothing stays attached then
   */
  static async open(host: Host, request: AttachRequest, options: { readonly mark: string; readonly signal: AbortSignal; readonly keep: (transcript: string) => void }): Promise<Session> {
    const { mark, signal } = options;
    const start = async (pids: readonly number[]): Promise<Talk> => ({ dialog: await host.dialog('msprof', attachArgs({ ...request, pids }), { cwd: request.output, mark }), pids, read: 0 });
    const talks: Talk[] = [];
    try {
      const first = await start(request.pids);
      talks.push(first);
      let refusal = await ready(first, signal);
      if (refusal === 'pid-list-refused' && request.pids.length > 1) {
        await first.dialog.close(0);
        talks.length = 0;
        refusal = null;
        for (const pid of request.pids) {
          const talk = await start([pid]);
          talks.push(talk);
          refusal ??= await ready(talk, signal);
        }
      }
      if (refusal !== null) throw refused(refusal, talks);
      return new Session(host, talks);
    } catch (error) {
      for (const talk of talks) {
        talk.dialog.send('quit');
        await talk.dialog.close(limits.exitMs.value);
      }
      options.keep(talks.map(printed).join('\n'));
      throw error;
    }
  }

  /** Exact commands that run. */
  get command(): readonly (readonly string[])[] {
    return this.#talks.map((t) => t.dialog.command);
  }

  /** Everything msprof printed: text of another program. */
  transcript(): string {
    return this.#talks.map(printed).join('\n');
  }

  get ended(): boolean {
    return this.#talks.some((t) => t.dialog.exit !== null);
  }

  /**
   * Gives a command to every process and waits for what each answers; never for a fixed time.
   * @param timeoutMs null: as long as msprof itself waits for its processes
   */
  async give(command: MsprofCommand, options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<Map<number, Answer>> {
    const answers = new Map<number, Answer>();
    await Promise.all(
      this.#talks.map(async (talk) => {
        talk.dialog.send(command);
        const deadline = performance.now() + (options.timeoutMs ?? limits.commandMs.value * talk.pids.length);
        for (;;) {
          const slice = Math.min(limits.lookMs.value, deadline - performance.now());
          const all = await talk.dialog.until(() => (this.#collect(talk, command, answers) ? true : null), Math.max(1, slice), options.signal);
          if (all === true || talk.dialog.exit !== null || options.signal?.aborted === true || performance.now() >= deadline) break;
          // A process that is gone answers no more, whether msprof has noticed or not.
          for (const pid of talk.pids) if (!answers.has(pid) && (await identify(pid)) === null) answers.set(pid, 'process-gone');
        }
        for (const pid of talk.pids) if (!answers.has(pid)) answers.set(pid, talk.dialog.exit === null ? 'no-answer' : 'profiler-ended');
      }),
    );
    return answers;
  }

  /** Reads new lines. True when every process of the dialog has answered. */
  #collect(talk: Talk, command: MsprofCommand, answers: Map<number, Answer>): boolean {
    for (; talk.read < talk.dialog.lines.length; talk.read += 1) {
      const reply = readReply(talk.dialog.lines[talk.read] ?? '');
      if (reply === null) continue;
      const pid = pidOf(talk, reply.pid);
      this.acks.push({ pid, event: reply.event, at: this.#host.now() });
      if (pid !== null && talk.pids.includes(pid) && answersTo[command].includes(reply.event)) answers.set(pid, reply.event);
    }
    return talk.pids.every((pid) => answers.has(pid));
  }

  /** Gets msprof out of the processes, however it stands; after this no process of it is left. */
  async leave(): Promise<void> {
    await this.give('quit', { timeoutMs: limits.quitMs.value });
    await Promise.all(this.#talks.map((t) => t.dialog.close(limits.exitMs.value)));
  }
}

/** Waits for the prompt. Null when it is there, else why it will not come. */
async function ready(talk: Talk, signal: AbortSignal): Promise<MsprofEvent | 'no-answer' | 'profiler-ended' | null> {
  const refusal = (): MsprofEvent | null => {
    for (const line of talk.dialog.lines) {
      const reply = readReply(line);
      if (reply !== null) return reply.event;
    }
    return null;
  };
  const seen = await talk.dialog.until(() => refusal() ?? (isPrompt(talk.dialog.rest) ? 'prompt' : null), limits.attachMs.value, signal);
  // With several processes a refusal of one may stand in front of the prompt of the others.
  const why = refusal();
  if (why !== null) return why;
  if (seen === 'prompt') return null;
  return talk.dialog.exit === null ? 'no-answer' : 'profiler-ended';
}

function refused(event: Answer, talks: readonly Talk[]): ToolError {
  const named = talks.flatMap((t) => t.dialog.lines.flatMap((line) => readReply(line)?.pid ?? [])).join(', ');
  const who = named === '' ? 'the service' : `process ${named}`;
  switch (event) {
    case 'busy':
      return new ToolError('E_PROFILE_ATTACH', `${who} has another profiler attached; a process takes one`, 'quit the other msprof (a lost one keeps its place until it is ended), then call again');
    case 'cannot-connect':
    case 'no-socket':
    case 'process-gone':
      return new ToolError('E_PROFILE_ATTACH', `msprof cannot connect to ${who}`, 'its socket is stale or the process has ended: check with job_wait that the service still runs, else start it again with profiling: true');
    case 'argument-refused':
    case 'pid-list-refused':
      return new ToolError('E_PROGRAM_FAILED', 'this msprof refused an argument of the attach', 'compare the command with msprof --help of this CANN version; the transcript lies in the run root');
    case 'profiler-ended':
      return new ToolError('E_PROGRAM_FAILED', 'msprof ended before its prompt', 'run the command of dry_run by hand and read what it prints');
    default:
      return new ToolError('E_PROGRAM_FAILED', `msprof showed no prompt within ${limits.attachMs.value / 1000} s`, 'run the command of dry_run by hand and read what it prints');
  }
}
