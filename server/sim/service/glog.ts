import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { clockText } from './clock.js';

/** glog lines: everything goes to stderr and, with `--log_dir`, to a file. */
export class Glog {
  #file: number | null = null;

  /** Opens `xllm.INFO.<pid>` in the folder, as glog does when the folder exists. */
  open(folder: string): void {
    if (folder === '') return;
    try {
      mkdirSync(folder, { recursive: true });
      this.#file = openSync(join(folder, `xllm.INFO.${process.pid}`), 'a');
    } catch {
      // glog goes on without a file when the folder cannot be written.
      this.#file = null;
    }
  }

  info(where: string, message: string): void {
    this.#line('I', where, message);
  }

  warning(where: string, message: string): void {
    this.#line('W', where, message);
  }

  error(where: string, message: string): void {
    this.#line('E', where, message);
  }

  /** LOG(FATAL) or CHECK: the line, the head of the stack, then abort. Never returns. */
  fatal(where: string, message: string): never {
    this.#line('F', where, message);
    this.raw('*** Check failure stack trace: ***\n    @     0xffff9a1c5c18  google::LogMessage::Fail()\n    @     0xffff9a1c8fb0  google::LogMessage::SendToLog()\n    @     0xffff9a1c9a44  google::LogMessageFatal::~LogMessageFatal()\n');
    return abort('SIGABRT');
  }

  /** Text of libraries below xLLM, without prefix. */
  raw(text: string): void {
    this.#write(text);
  }

  #line(level: string, where: string, message: string): void {
    const { date, time, micros } = clockText();
    this.#write(`${level}${date.replaceAll('-', '')} ${time}.${micros} ${String(process.pid).padStart(5)} ${where}] ${message}\n`);
  }

  #write(text: string): void {
    // Synchronous: the last words of a dying process must be on disk before it ends.
    for (const fd of [2, this.#file]) {
      if (fd === null) continue;
      try {
        writeSync(fd, text);
      } catch {
        // A closed stderr ends nobody.
      }
    }
  }
}

/** Ends this process by the signal the real one dies of. Never returns. */
export function abort(signal: 'SIGABRT' | 'SIGSEGV'): never {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // The signal may be delivered a moment later; nothing else may run until then.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  process.exit(signal === 'SIGABRT' ? 134 : 139);
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** xLLM's readable_size: two decimals, 1024-based, whatever the unit's name says. The argument is unsigned there: a negative size prints as a huge one. */
export function readableSize(bytes: number): string {
  let value = bytes < 0 ? 2 ** 64 + bytes : bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(2)} ${units[unit] ?? 'TB'}`;
}
