/** Reading what tools answer, as a client that knows only JSON. */

export type Answer = Record<string, unknown>;

export function isRecord(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value inside nested facts; undefined when it is not there. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of path) here = typeof key === 'number' ? (Array.isArray(here) ? here[key] : undefined) : isRecord(here) ? here[key] : undefined;
  return here;
}

/** A string inside nested facts; empty when it is not there. */
export function text(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** A number inside nested facts; null when it is not there. */
export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | null {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : null;
}

export function list(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Path of the artifact of an answer whose path ends so; empty when it has none. */
export function artifactOf(answer: Answer, ending: string): string {
  return list(answer, 'artifacts').map((a) => text(a, 'path')).find((path) => path.endsWith(ending)) ?? '';
}
