import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Schema = Record<string, any>;
const folder = join(import.meta.dirname, '../../schemas');
const files = new Map<string, Schema>();
const file = (name: string): Schema => {
  const known = files.get(name) ?? (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Schema);
  files.set(name, known);
  return known;
};

/** The smallest value a schema of schemas/ (`name`, or `name.schema.json#/$defs/part`) allows: null where it may be null, empty lists, the first word of an enumeration. */
export function minimal(name: string, over: Record<string, unknown> = {}): Record<string, unknown> {
  const [home = '', pointer] = name.includes('#') ? name.split('#') : [`${name}.schema.json`];
  return { ...(value({ $ref: `${home}#${pointer ?? ''}` }, home) as Record<string, unknown>), ...over };
}

function value(schema: Schema, home: string): unknown {
  if (schema['$ref'] !== undefined) {
    const [path = '', pointer = ''] = (schema['$ref'] as string).split('#');
    const at = path === '' ? home : path;
    let node: Schema = file(at);
    for (const key of pointer.split('/').filter((k) => k !== '')) node = node[key] as Schema;
    return value(node, at);
  }
  if ('const' in schema) return schema['const'];
  if (schema['enum'] !== undefined) return (schema['enum'] as unknown[]).includes(null) ? null : (schema['enum'] as unknown[])[0];
  const options = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined;
  if (options !== undefined && schema['type'] === undefined) return options.some((o) => o['type'] === 'null') ? null : value(options[0] ?? {}, home);
  const types = ([] as string[]).concat((schema['type'] as string | string[] | undefined) ?? 'object');
  if (types.includes('null')) return null;
  switch (types[0]) {
    case 'array':
      return Array.from({ length: (schema['minItems'] as number | undefined) ?? 0 }, () => value((schema['items'] as Schema | undefined) ?? {}, home));
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return (schema['minimum'] as number | undefined) ?? ((schema['exclusiveMinimum'] as number | undefined) === undefined ? 0 : 1);
    case 'string':
      return text(schema);
    default:
      return Object.fromEntries(((schema['required'] as string[] | undefined) ?? []).map((key) => [key, value(((schema['properties'] as Record<string, Schema>)[key] ?? {}), home)]));
  }
}

function text(schema: Schema): string {
  const pattern = schema['pattern'] as string | undefined;
  if (schema['format'] === 'date-time' || pattern?.includes('T') === true) return '2026-01-01T00:00:00.000Z';
  if (pattern?.includes('{64}') === true) return '0'.repeat(64);
  if (pattern?.includes('\\.') === true) return '1.0.0';
  return pattern === undefined ? 'x'.repeat((schema['minLength'] as number | undefined) ?? 0) : 'abcdef0';
}
