// Compiles the byte scanners of scripts/scan (AssemblyScript) to WebAssembly and writes them as one TypeScript file of text.
// With --check nothing is written; a stale file fails.
import { readFile, writeFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const root = new URL('../', import.meta.url);
const target = new URL('server/profiles/scan/generated.ts', root);
const flags = ['--runtime', 'stub', '-O3', '--noAssert', '--enable', 'simd'];

async function compiled(name) {
  let binary = null;
  const { error, stderr } = await asc.main([`scripts/scan/${name}.ts`, '--outFile', 'out.wasm', '--baseDir', root.pathname, ...flags], {
    writeFile: (_, contents) => void (binary = contents),
  });
  if (error !== null || binary === null) throw new Error(`${name}: ${error?.message ?? 'no output'}\n${stderr.toString()}`);
  return Buffer.from(binary).toString('base64');
}

const parts = [];
for (const name of ['csv', 'events', 'pages']) parts.push(`export const ${name}Module =\n  '${await compiled(name)}';\n`);
const text = `// Generated from scripts/scan by scripts/scan.mjs. Do not edit.\n${parts.join('')}`;
const old = await readFile(target, 'utf8').catch(() => null);
if (old !== text) {
  if (process.argv.includes('--check')) {
    process.stderr.write('stale: server/profiles/scan/generated.ts, run "node scripts/scan.mjs"\n');
    process.exitCode = 1;
  } else await writeFile(target, text);
}
