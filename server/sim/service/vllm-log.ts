import { writeSync } from 'node:fs';
import { clockText } from './clock.js';

/** Lines of vLLM's loggers: `(EngineCore_DP0 pid=804) INFO 12-16 02:10:29 [kv_cache_utils.py:1286] …`, all on stderr. */
export class VllmLog {
  readonly #tag: string;

  /** @param name `APIServer`, `EngineCore_DP0`, `Worker_TP2`; @param pid whose line it is */
  constructor(name: string, pid: number = process.pid) {
    this.#tag = `(${name} pid=${pid}) `;
  }

  info(where: string, message: string): void {
    this.#line('INFO', where, message);
  }

  warning(where: string, message: string): void {
    this.#line('WARNING', where, message);
  }

  error(where: string, message: string): void {
    for (const line of message.split('\n')) this.#line('ERROR', where, line);
  }

  /** Text of libraries, each line with the process's tag. */
  raw(text: string): void {
    this.#write(text.replace(/\n$/, '').split('\n').map((l) => `${this.#tag}${l}\n`).join(''));
  }

  /** uvicorn's own form. */
  plain(message: string): void {
    this.#write(`${this.#tag}INFO:     ${message}\n`);
  }

  #line(level: string, where: string, message: string): void {
    const { date, time } = clockText();
    this.#write(`${this.#tag}${level} ${date.slice(5)} ${time} [${where}] ${message}\n`);
  }

  #write(text: string): void {
    try {
      writeSync(2, text);
    } catch {
      // A closed stderr ends nobody.
    }
  }
}
