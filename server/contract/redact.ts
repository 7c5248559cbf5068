/**
 * Secrets never reach a file or a result. Applied at write time and at the tool boundary.
 * Covered: values of secret-looking names (environment, flags, headers, JSON and YAML keys), bearer and basic
 * credentials, user info and secret query parameters in URLs, and well-known token shapes.
 */
export const redacted = '[redacted]';

const secretWord = '(?:api[-_]?key|access[-_]?key|secret|token|passwd|password|passphrase|credential|private[-_]?key|auth(?:orization)?|cookie|session[-_]?key)';
const secretName = new RegExp(`(?:^|[-_.])${secretWord}s?(?:$|[-_.]|id$)|${secretWord}$`, 'i');
/** Names that look secret and are the field's ordinary words. */
const ordinary = /(?:^|[-_.])(?:max|min|num|n|total|input|output|prompt|completion|cached|generated|accepted|draft|mean|avg|per|new|special|pad|bos|eos|mask|stop|speculative|prefill|decode|batched)[-_.]?(?:\w+[-_.])*tokens?$|tokens?[-_.]?(?:per|count|id|ids|type|capacity|s$)|tokenizer|tokens(?:$|[-_.])/i;

export function isSecretName(name: string): boolean {
  return secretName.test(name) && !ordinary.test(name);
}

const shapes: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bhf_[A-Za-z0-9]{20,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bA(?:KIA|SIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];
// After "token" and "basic" only what holds a digit: "token capacity" is no secret.
const bearer = /\b(bearer|(?:basic|token)(?=\s+[A-Za-z+/_.~-]*\d))\s+([A-Za-z0-9+/_.~-]{8,}=*)/gi;
const userInfo = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@:"']*):([^\s/@"']+)@/gi;
/** Anchored on secret words, so that `cmd: TOKEN=x` is seen at TOKEN and not swallowed at cmd. */
const pair = new RegExp(`(["']?)\\b((?:[A-Za-z_][A-Za-z0-9_.-]{0,60}?)?${secretWord}[A-Za-z0-9_.-]{0,60})\\1(\\s*[=:]\\s*)("(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^\\s,;&"'}\\])]+)`, 'gi');
const flag = /(--?[A-Za-z][A-Za-z0-9-]*)(\s+)("[^"]*"|'[^']*'|[^\s"'-][^\s"']*)/g;

/** Text without the secrets in it. */
export function redactText(text: string): string {
  let out = text;
  for (const shape of shapes) out = out.replace(shape, redacted);
  if (out.includes('://')) out = out.replace(userInfo, (_, scheme: string, user: string) => `${scheme}${user}:${redacted}@`);
  out = out.replace(bearer, (_, word: string) => `${word} ${redacted}`);
  out = out.replace(pair, (whole, quote: string, name: string, sep: string, value: string) => {
    if (!isSecretName(name) || value.startsWith(redacted)) return whole;
    if (/^(?:bearer|basic|token)$/i.test(value)) return whole;
    // No secret, and JSON must stay JSON: an absent value, or the start of an object or a list.
    if (/^(?:null|none|true|false|[{[(]+)$/i.test(value)) return whole;
    const q = value.startsWith('"') ? '"' : value.startsWith("'") ? "'" : '';
    return `${quote}${name}${quote}${sep}${q}${redacted}${q}`;
  });
  out = out.replace(flag, (whole, name: string, gap: string) => (isSecretName(name.replace(/^-+/, '')) ? `${name}${gap}${redacted}` : whole));
  return out;
}

/** An argv list without secrets: the value after a secret flag goes too. */
export function redactArgv(argv: readonly string[]): string[] {
  return argv.map((arg, i) => {
    const before = argv[i - 1];
    if (before !== undefined && /^--?[A-Za-z]/.test(before) && !before.includes('=') && isSecretName(before.replace(/^-+/, '')) && !arg.startsWith('-')) return redacted;
    return redactText(arg);
  });
}

/** Any JSON value without secrets: by key, and inside every string. Lists of strings are treated as argv. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.every((v): v is string => typeof v === 'string') ? redactArgv(items) : items.map(redactValue);
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, isSecretName(k) && typeof v === 'string' && v !== '' ? redacted : redactValue(v)]));
  }
  return value;
}
