/** Reads and computes the arithmetic of a question: whole and decimal numbers, + - * / and parentheses. */

const expression = /-?\d[\d.,]*(?:\s*(?:[-+*/×÷x]|\)|\(|\btimes\b|\bplus\b|\bminus\b|\bdivided by\b)\s*)+\(?-?\d[\d.,]*(?:[\s)]*[-+*/×÷x][\s(]*-?\d[\d.,]*)*\)*/i;

interface Cursor {
  readonly text: string;
  at: number;
}

function sum(c: Cursor): number {
  let value = product(c);
  for (;;) {
    const op = c.text[c.at];
    if (op !== '+' && op !== '-') return value;
    c.at += 1;
    const right = product(c);
    value = op === '+' ? value + right : value - right;
  }
}

function product(c: Cursor): number {
  let value = factor(c);
  for (;;) {
    const op = c.text[c.at];
    if (op !== '*' && op !== '/') return value;
    c.at += 1;
    const right = factor(c);
    value = op === '*' ? value * right : value / right;
  }
}

function factor(c: Cursor): number {
  if (c.text[c.at] === '-') {
    c.at += 1;
    return -factor(c);
  }
  if (c.text[c.at] === '(') {
    c.at += 1;
    const value = sum(c);
    if (c.text[c.at] === ')') c.at += 1;
    return value;
  }
  const digits = /^\d+(?:\.\d+)?/.exec(c.text.slice(c.at));
  if (digits === null) return Number.NaN;
  c.at += digits[0].length;
  return Number(digits[0]);
}

export interface Arithmetic {
  /** As it stood in the question. */
  readonly text: string;
  readonly value: number;
}

/** The last piece of arithmetic in a text, computed; null when there is none. */
export function findArithmetic(text: string): Arithmetic | null {
  let found: Arithmetic | null = null;
  for (const match of text.matchAll(new RegExp(expression, 'gi'))) {
    const raw = match[0].replace(/[\s.,?]+$/, '').trim();
    const before = text.slice(0, match.index);
    // An opening parenthesis just before the first number belongs to it.
    const open = /[(\s]*$/.exec(before)?.[0].replace(/\s/g, '') ?? '';
    const full = open + raw;
    const plain = full.toLowerCase().replace(/\btimes\b|×|x/g, '*').replace(/\bdivided by\b|÷/g, '/').replace(/\bplus\b/g, '+').replace(/\bminus\b/g, '-').replace(/[\s,]/g, '');
    const cursor = { text: plain, at: 0 };
    const value = sum(cursor);
    if (Number.isFinite(value) && cursor.at === plain.length) found = { text: full, value };
  }
  return found;
}

/** A number as a person writes it. */
export function numberText(value: number): string {
  return String(Number(value.toFixed(6)));
}
