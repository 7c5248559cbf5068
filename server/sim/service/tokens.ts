/**
 * The simulator's tokenizer: one token per CJK character, else one per started four characters of a run of other characters, a run being a
 * word with the white space before it. No vocabulary: a token is its text.
 */
const wide = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]/u;
const pieceLength = 4;

export function tokenize(text: string): string[] {
  const out: string[] = [];
  for (const run of text.matchAll(/\s*[^\s]+|\s+/gu)) {
    let piece = '';
    let length = 0;
    const flush = (): void => {
      if (piece !== '') out.push(piece);
      piece = '';
      length = 0;
    };
    for (const c of run[0]) {
      if (wide.test(c)) {
        flush();
        out.push(c);
        continue;
      }
      piece += c;
      length += 1;
      if (length === pieceLength) flush();
    }
    flush();
  }
  return out;
}

/** Tokens of a chat: a few for the frame of each message, then its text. Equal conversations start with equal tokens. */
export function tokenizeChat(messages: readonly { readonly role: string; readonly content: string }[]): string[] {
  return [...messages.flatMap((m) => ['<|im_start|>', m.role, '\n', ...tokenize(m.content), '<|im_end|>', '\n']), '<|im_start|>', 'assistant', '\n'];
}

/** FNV-1a, 32 bits: seeds that depend on text. */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
