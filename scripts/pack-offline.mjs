// One tarball with its dependencies inside, for hosts that reach no registry: npm install --offline xllm-npu-workflow-VERSION-PLATFORM-ARCH.tgz.
// It holds the prebuilt binaries of this platform only. Usage: node scripts/pack-offline.mjs [FOLDER]
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const root = new URL('../', import.meta.url).pathname;
const out = resolve(process.argv[2] ?? '.');
const npm = (cwd, ...args) => execFileSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
const work = await mkdtemp(join(tmpdir(), 'xllm-npu-pack-'));
try {
  npm(root, 'pack', '--ignore-scripts', '--pack-destination', work);
  const [plain] = await readdir(work);
  execFileSync('tar', ['-xzf', join(work, plain), '-C', work]);
  const folder = join(work, 'package');
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  // The built code is in the tarball; nothing is to be built on the other host.
  const { devDependencies: _, scripts: __, ...rest } = manifest;
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ ...rest, bundleDependencies: Object.keys(manifest.dependencies) }, null, 2)}\n`);
  for (const path of npm(root, 'ls', '--omit=dev', '--all', '--parseable').split('\n')) {
    const inside = relative(root, path);
    if (!inside.startsWith('node_modules/')) continue;
    await mkdir(dirname(join(folder, inside)), { recursive: true });
    // A package below another comes with a line of its own.
    await cp(path, join(folder, inside), { recursive: true, dereference: true, filter: (source) => source === path || !relative(path, source).startsWith('node_modules') });
  }
  await mkdir(out, { recursive: true });
  npm(folder, 'pack', '--ignore-scripts', '--pack-destination', work);
  const name = plain.replace(/\.tgz$/, `-${process.platform}-${process.arch}.tgz`);
  await cp(join(work, plain), join(out, name));
  process.stdout.write(`${join(out, name)}\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}
