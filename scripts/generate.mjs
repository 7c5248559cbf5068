// Generated files: server/contract/generated/* and schemas/*.md from schemas/*.json (stage "contract"),
// docs/tools.md and docs/profile-tables.md from the built code (stage "docs"). With --check nothing is written; a stale file fails.
import { readFile, writeFile, readdir, mkdir } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { compile } from 'json-schema-to-typescript';

const check = process.argv.includes('--check');
const stage = process.argv.find((a) => a === 'contract' || a === 'docs') ?? 'all';
const root = new URL('../', import.meta.url);
const schemasDir = new URL('schemas/', root);
const stale = [];

async function put(path, text) {
  const url = new URL(path, root);
  const old = await readFile(url, 'utf8').catch(() => null);
  if (old === text) return;
  if (check) return void stale.push(path);
  await mkdir(new URL('.', url), { recursive: true });
  await writeFile(url, text);
  process.stderr.write(`wrote ${path}\n`);
}

const names = (await readdir(schemasDir)).filter((n) => n.endsWith('.schema.json')).sort();
const schemas = new Map();
for (const n of names) schemas.set(n, JSON.parse(await readFile(new URL(n, schemasDir), 'utf8')));

if (stage !== 'docs') {
  await put('server/contract/generated/types.ts', await types());
  for (const [n, s] of schemas) await put(`schemas/${n.replace('.schema.json', '.md')}`, page(n, s));
}
if (stage !== 'contract') {
  const { tablesPage } = await import(new URL('dist/profiling/query/tables.js', root));
  await put('docs/profile-tables.md', tablesPage());
  await put('docs/tools.md', execFileSync(process.execPath, [new URL('dist/main.js', root).pathname, 'tools', '--markdown'], { encoding: 'utf8' }));
}
if (stale.length > 0) {
  process.stderr.write(`stale generated files, run "npm run gen":\n${stale.map((s) => `  ${s}\n`).join('')}`);
  process.exit(1);
}

/** One compilation over all schemas, so that a shared shape becomes one type. */
async function types() {
  const definitions = {};
  for (const [n, s] of schemas) {
    definitions[s.title] = { $ref: n };
    for (const [key, def] of Object.entries(s.$defs ?? {})) if (def.title) definitions[def.title] = { $ref: `${n}#/$defs/${key}` };
  }
  const text = await compile(
    { title: 'AllSchemas', type: 'object', additionalProperties: false, properties: definitions, required: Object.keys(definitions) },
    'AllSchemas',
    { cwd: schemasDir.pathname, bannerComment: '// Generated from schemas/ by scripts/generate.mjs. Do not edit.', unknownAny: true, style: { singleQuote: true, printWidth: 120 } },
  );
  return text;
}

/** A page for people: every field with its type, whether it must be there, and its meaning. */
function page(file, schema) {
  const lines = [`<!-- Generated from ${file} by scripts/generate.mjs. Do not edit. -->`, `# ${schema.title}`, '', schema.description ?? '', ''];
  if (schema.properties?.schema_version) {
    lines.push('## Template', '', '```yaml', ...template(schema, file, 0), '```', '');
  }
  if (schema.properties) lines.push('## Fields', '', ...table(schema, file), '');
  for (const [key, def] of Object.entries(schema.$defs ?? {})) {
    lines.push(`## ${def.title ?? key}`, '', ...(def.description ? [def.description, ''] : []), ...(def.properties ? table(def, file) : [`Type: ${typeOf(def)}`]), '');
  }
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n`;
}

function resolve(ref, file) {
  const [f, pointer = ''] = ref.split('#');
  const home = f === '' ? file : f;
  let node = schemas.get(home);
  for (const part of pointer.split('/').filter(Boolean)) node = node[part];
  return { node, home };
}

function deref(s, file) {
  let at = { node: s, home: file };
  while (at.node.$ref) at = resolve(at.node.$ref, at.home);
  return at;
}

function typeOf(s) {
  if (s.const !== undefined) return `\`${JSON.stringify(s.const)}\``;
  if (s.$ref) return `[${s.$ref.split('/').at(-1).replace('.schema.json', '')}](${s.$ref.split('#')[0].replace('.schema.json', '.md')}#${s.$ref.split('/').at(-1).toLowerCase()})`;
  if (s.enum) return s.enum.map((v) => `\`${v === null ? 'null' : v}\``).join(', ');
  if (s.anyOf) return s.anyOf.map(typeOf).join(' or ');
  const t = [s.type ?? 'any'].flat().join(' or ');
  return s.items ? `${t} of ${typeOf(s.items)}` : t;
}

function table(schema, file, prefix = '') {
  const rows = prefix === '' ? ['| field | type | required | meaning |', '|---|---|---|---|'] : [];
  const required = new Set(schema.required ?? []);
  for (const [key, s] of Object.entries(schema.properties ?? {})) {
    rows.push(`| \`${prefix}${key}\` | ${typeOf(s).replaceAll('|', '\\|')} | ${required.has(key) ? 'yes' : ''} | ${(s.description ?? '').replaceAll('|', '\\|')} |`);
    const inner = s.items ?? s;
    if (inner.properties) rows.push(...table(inner, file, `${prefix}${key}${s.items ? '[]' : ''}.`));
  }
  return rows;
}

function template(schema, file, depth) {
  const pad = '  '.repeat(depth);
  const lines = [];
  for (const [key, raw] of Object.entries(schema.properties ?? {})) {
    const { node: s, home } = deref(raw.anyOf ? raw.anyOf[0] : raw, file);
    const type = [s.type ?? ''].flat()[0];
    if (s.const !== undefined) lines.push(`${pad}${key}: ${s.const}`);
    else if (s.properties) lines.push(`${pad}${key}:`, ...template(s, home, depth + 1));
    else if (type === 'array' && s.items) {
      const { node: item, home: itemHome } = deref(s.items, home);
      if (item.properties) {
        const [first, ...rest] = template(item, itemHome, depth + 2);
        lines.push(`${pad}${key}:`, `${pad}  - ${first.trimStart()}`, ...rest);
      } else lines.push(`${pad}${key}: []  # ${[item.type ?? 'any'].flat().join(' or ')}`);
    } else lines.push(`${pad}${key}: ${s.enum ? `# ${s.enum.join(' | ')}` : `# ${[s.type ?? 'any'].flat().join(' or ')}`}`);
  }
  return lines;
}
