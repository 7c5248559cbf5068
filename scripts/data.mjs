// What the build makes of the package's data, in dist/data: a validator per schema (schemas/*.json), so that a call loads a few small
// functions and no schema compiler, and the YAML of the rules and the signatures as JSON, so that it loads no YAML parser.
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { parse } from 'yaml';

const root = new URL('../', import.meta.url);
const data = new URL(`dist/data-${process.pid}/`, root);
const served = new URL('dist/data', root);

async function files(folder, ending) {
  const names = (await readdir(new URL(folder, root))).filter((name) => name.endsWith(ending)).sort();
  return Promise.all(names.map(async (name) => [name.slice(0, -ending.length), await readFile(new URL(folder + name, root), 'utf8')]));
}

await mkdir(new URL('validators/', data), { recursive: true });

const schemas = (await files('schemas/', '.schema.json')).map(([name, text]) => [name, JSON.parse(text)]);
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, code: { source: true } });
for (const [, schema] of schemas) ajv.addSchema(schema);
/** An artifact by its name, the facts of a tool as `facts.<tool>`. */
const wanted = schemas.flatMap(([name, schema]) => {
  if (name === 'common') return [];
  return name === 'tool-facts' ? Object.keys(schema.$defs).map((tool) => [`facts.${tool}`, `${name}.schema.json#/$defs/${tool}`]) : [[name, `${name}.schema.json`]];
});
for (const [name, ref] of wanted) await writeFile(new URL(`validators/${name}.cjs`, data), standalone.default(ajv, ajv.getSchema(ref) ?? ajv.compile({ $ref: ref })));

for (const [name, folder] of [['rules', 'server/review/rules/'], ['catalogue', 'server/incident/catalogue/']]) {
  const lists = (await files(folder, '.yaml')).map(([file, text]) => [file, parse(text)]);
  for (const [file, list] of lists) if (!Array.isArray(list)) throw new TypeError(`${folder}${file}.yaml is not a list`);
  await writeFile(new URL(`${name}.json`, data), JSON.stringify(Object.fromEntries(lists)));
}

// Put in place at once: a test or a call beside the build finds the old files or the new.
await rm(served, { recursive: true, force: true });
await rename(data, served);
