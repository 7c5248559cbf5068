import { answerTokens } from './answer.js';
import type { TextRequest } from './chat-request.js';
import type { Engine } from './engine.js';
import { blockHashes } from './kv-blocks.js';
import type { FinishReason, Sequence } from './sequence.js';
import { tokenize, tokenizeChat } from './tokens.js';

/** What the planted faults do to answers. */
export interface AnswerFaults {
  readonly wrongShare: number;
  readonly garbledAfter: number | null;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
}

export interface CompletionEvents {
  /** Text of one choice. */
  text(index: number, text: string): void;
  finished(index: number, reason: FinishReason): void;
  /** All choices ended. */
  done(usage: Usage): void;
  failed(message: string): void;
}

/** Token ids of a prompt as the simulator's tokens. */
export function promptTokens(request: TextRequest): string[] {
  if (request.ids !== null) return request.ids.map((id) => `#${id}`);
  return request.messages === null ? tokenize(request.prompt) : tokenizeChat(request.messages);
}

/** One request in the engine: `n` sequences that share a prompt. */
export class Completion {
  readonly prompt: readonly string[];
  readonly sequences: Sequence[] = [];
  readonly #engine: Engine;
  #open: number;

  constructor(engine: Engine, request: TextRequest, settings: { readonly maxTokens: number; readonly blockSize: number; readonly seed: number; readonly draw: number; readonly faults: AnswerFaults; readonly prompt: readonly string[] }, events: CompletionEvents) {
    this.#engine = engine;
    this.prompt = settings.prompt;
    this.#open = request.n;
    const hashes = blockHashes(this.prompt, settings.blockSize);
    const greedy = (request.temperature ?? 0) === 0;
    for (let index = 0; index < request.n; index += 1) {
      const answer = answerTokens(request.prompt, { seed: settings.seed, greedy: greedy && request.n === 1, draw: settings.draw * 17 + index, wrongShare: settings.faults.wrongShare, garbledAfter: settings.faults.garbledAfter });
      const listener = {
        output: (text: string, _tokens: number, finish: FinishReason | null): void => {
          if (text !== '') events.text(index, text);
          if (finish === null) return;
          events.finished(index, finish);
          this.#open -= 1;
          if (this.#open === 0) events.done(this.usage);
        },
        failed: (message: string): void => {
          this.cancel();
          events.failed(message);
        },
      };
      this.sequences.push(engine.submit({ prompt: this.prompt, hashes, maxTokens: settings.maxTokens, ignoreEos: request.ignoreEos, stop: request.stop, answer: answer.tokens, length: answer.length, listener }));
    }
  }

  get usage(): Usage {
    return { promptTokens: this.prompt.length, completionTokens: this.sequences.reduce((sum, s) => sum + s.generated, 0), cachedTokens: this.sequences[0]?.cachedTokens ?? 0 };
  }

  cancel(): void {
    for (const sequence of this.sequences) this.#engine.cancel(sequence);
  }
}
