/** A host's name where it has the form that gather expects of one (line.ts placeOf); anything else is foreign text and no part of a sentence. */
export function hostName(host: string | null): string | null {
  return host !== null && /^(?:[a-z]{1,8}[-_]?\d{1,6}|\d{1,3}(?:\.\d{1,3}){3})$/i.test(host) ? host : null;
}

/** Names that logs have by the manuals of CANN, the frameworks and Linux, rotated and compressed ones too. */
const known = /^(?:(?:plog|plog-parser|device|atb)[-_]\d{1,10}[-_]\d{1,20}|(?:node|rank|worker|tp)[-_]?\d{1,4}|dmesg|messages|kern|syslog|journal|xllm\.INFO\.\d{1,10})(?:\.(?:log|txt|\d{1,3}|gz)){0,4}$/i;

/** How a sentence names a file: by its name where that has the form of a log's, else by its place in the order of paths. */
export function fileName(path: string, index: number): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return known.test(name) ? `${name} (file ${index + 1})` : `file ${index + 1}`;
}
