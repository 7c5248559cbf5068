import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foreign, redactText, ToolError } from '../contract/index.js';
import { fileSize, readText, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import type { Offers, Prompt, Resource } from '../mcp/define.js';
import type { Runs } from '../runs/runs.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const scheme = 'xllm-npu://';
/** Newest runs whose files are listed, and how large a file may be to be sent as text; larger ones are opened by their path. */
const listed = { runs: 5, bytes: 1024 * 1024 } as const;

const mime = (path: string): string => (path.endsWith('.json') ? 'application/json' : path.endsWith('.md') ? 'text/markdown' : path.endsWith('.html') ? 'text/html' : 'text/plain');

async function packaged(folder: 'schemas' | 'skills'): Promise<string[]> {
  const files = await walk(join(packageRoot, folder));
  return files.filter((f) => (folder === 'schemas' ? f.endsWith('.schema.json') : f.endsWith('.md')));
}

/** Prompts of the package; schemas, skills and the files of runs as resources. Files of a run are those its ledger knows. */
export function offersOf(host: Host): Offers {
  // Listing tools needs neither runs nor prompts, and their libraries take as long to load as the rest of the server.
  const runs = async (): Promise<Runs> => new (await import('../runs/runs.js')).Runs(host);
  let prompts: Promise<readonly Prompt[]> | null = null;
  const runFiles = async (id: string): Promise<string[]> => [...(await (await (await runs()).open(id)).files()).keys()].sort();
  return {
    prompts: async () => (prompts ??= import('./prompts.js').then((m) => m.readPrompts(join(packageRoot, 'prompts')))),
    templates: [
      { uriTemplate: `${scheme}runs/{run}/{+path}`, name: 'file of a run', description: 'run id and path as run_show what artifacts lists them' },
      { uriTemplate: `${scheme}schemas/{file}`, name: 'schema', description: 'JSON Schema of an artifact' },
      { uriTemplate: `${scheme}skills/{+path}`, name: 'skill', description: 'SKILL.md or a reference of a skill' },
    ],
    resources: async () => {
      const found: Resource[] = [];
      for (const folder of ['schemas', 'skills'] as const) for (const file of await packaged(folder)) found.push({ uri: `${scheme}${folder}/${file}`, name: file, mimeType: mime(file) });
      const newest = (await (await runs()).list()).sort().reverse().slice(0, listed.runs);
      for (const id of newest) {
        const files = await runFiles(id).catch(() => []);
        for (const file of files.filter((f) => /\.(?:json|md|html|yaml)$/.test(f) && !f.includes('/raw/'))) found.push({ uri: `${scheme}runs/${encodeURIComponent(id)}/${file.split('/').map(encodeURIComponent).join('/')}`, name: `${foreign(id, 80)} ${foreign(file, 120)}`, mimeType: mime(file) });
      }
      return found;
    },
    read: async (uri) => {
      const [kind = '', ...rest] = uri.startsWith(scheme) ? uri.slice(scheme.length).split('/') : [];
      let path = '';
      try {
        path = rest.map(decodeURIComponent).join('/');
      } catch {
        throw new ToolError('E_PATH_INVALID', 'the resource has a broken escape', 'take the uri as resources/list gives it');
      }
      const missing = new ToolError('E_PATH_MISSING', `no resource ${foreign(uri, 200)}`, 'take a uri of resources/list, or fill in a template');
      let at: string;
      if (kind === 'schemas' || kind === 'skills') {
        if (!(await packaged(kind)).includes(path)) throw missing;
        at = join(packageRoot, kind, path);
      } else if (kind === 'runs') {
        const [id = '', ...file] = path.split('/');
        const run = await (await runs()).open(id);
        if (!(await run.files()).has(file.join('/'))) throw missing;
        at = join(run.dir, ...file);
      } else throw missing;
      const bytes = await fileSize(at).catch(() => 0);
      if (bytes > listed.bytes) throw new ToolError('E_FILE_UNREADABLE', `the file has ${String(bytes)} bytes`, 'open it by its path on the host');
      const text = await readText(at);
      if (text === null) throw missing;
      return { mimeType: mime(at), text: kind === 'runs' ? redactText(text) : text };
    },
  };
}
