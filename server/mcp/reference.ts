import type { Tool } from './define.js';

/** What counts towards the token budget: name, description and input schema, characters / 4. */
export function tokenCost(tool: Tool): number {
  return Math.ceil((tool.name.length + tool.description.length + JSON.stringify(tool.inputSchema).length) / 4);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(schema: Record<string, unknown>): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((v) => `\`${String(v)}\``).join(', ');
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].filter(isRecord).map(typeOf).join(' or ');
  if (schema['type'] === 'array' && isRecord(schema['items'])) return `list of ${typeOf(schema['items'])}`;
  return typeof schema['type'] === 'string' ? schema['type'] : 'any';
}

/** The reference page, made from the definitions. */
export function reference(tools: readonly Tool[]): string {
  const total = tools.reduce((sum, t) => sum + tokenCost(t), 0);
  const lines = [
    '<!-- Generated from the tool definitions by "npm run gen". Do not edit. -->',
    '# Tools',
    '',
    `${tools.length} tools, about ${total} tokens in a client's context (characters / 4). Every tool answers the object of [tool-result](../schemas/tool-result.md); its facts are in [tool-facts](../schemas/tool-facts.md).`,
    '',
  ];
  for (const tool of tools) {
    const properties = isRecord(tool.inputSchema['properties']) ? tool.inputSchema['properties'] : {};
    const required = Array.isArray(tool.inputSchema['required']) ? tool.inputSchema['required'] : [];
    const a = tool.annotations;
    lines.push(`## ${tool.name}`, '', tool.description, '', `Verdicts: ${tool.verdicts.map((v) => `\`${v}\``).join(', ')}.`);
    lines.push(`Hints: ${[a.readOnlyHint ? 'read-only' : 'writes', a.destructiveHint ? 'destructive' : 'not destructive', a.idempotentHint ? 'idempotent' : 'not idempotent', a.openWorldHint ? 'open world' : 'closed world'].join(', ')}.`, '');
    if (Object.keys(properties).length === 0) lines.push('No arguments.', '');
    else {
      lines.push('| argument | type | required | default | meaning |', '|---|---|---|---|---|');
      for (const [name, schema] of Object.entries(properties)) {
        if (!isRecord(schema)) continue;
        const fallback = schema['default'] === undefined ? '' : `\`${JSON.stringify(schema['default'])}\``;
        lines.push(`| \`${name}\` | ${typeOf(schema)} | ${required.includes(name) ? 'yes' : ''} | ${fallback} | ${typeof schema['description'] === 'string' ? schema['description'] : ''} |`);
      }
      lines.push('');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
