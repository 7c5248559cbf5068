import { resolve } from 'node:path';
import type { SimContext } from './environment.js';
import { Attach, type MsprofIo } from './msprof-attach.js';
import { analyzeFolders, exportFolders, queryFolders } from './msprof-export.js';
import { parseOptions, pidsOf, usage, type Options } from './msprof-options.js';

/**
 * The simulated msprof. Speaks as the real one does: dynamic attach with its prompts, acknowledgements and refusals (raw data only), then
 * `--export`, `--analyze` and `--query` on what was captured. Everything it writes is marked simulated.
 * @param argv without the program's name @returns exit code
 */
export async function msprof(argv: readonly string[], context: SimContext, io: MsprofIo, cwd: string): Promise<number> {
  const parsed = parseOptions(argv);
  if (!parsed.ok) {
    io.write(parsed.message);
    return 1;
  }
  const { options, app } = parsed;
  if (options.has('help') || argv.length === 0) {
    io.write(usage);
    return 0;
  }
  const refused = refusal(options, app);
  if (refused !== null) {
    io.write(`[ERROR] ${refused}\n`);
    return 1;
  }
  const output = resolve(cwd, options.get('output') ?? '.');
  if (options.get('dynamic') === 'on') {
    const pids = pidsOf(options);
    if ('message' in pids) {
      io.write(pids.message);
      return 1;
    }
    return new Attach(io, context, options, output).run(pids.pids);
  }
  if (options.get('export') === 'on') return exportFolders(output, options.get('type') === 'db' ? 'db' : 'text', io.write);
  if (options.get('analyze') === 'on') return analyzeFolders(output, io.write);
  if (options.get('query') === 'on') return queryFolders(output, io.write);
  io.write('[ERROR] The simulated msprof attaches, exports, analyzes and queries; it does not launch applications.\n');
  return 1;
}

/** What the real one refuses before it does anything, in its words. */
function refusal(options: Options, app: readonly string[]): string | null {
  const dynamic = options.get('dynamic') === 'on';
  const application = app.length > 0 || options.has('application');
  if (!dynamic && options.has('pid')) return 'Argument --dynamic=off, but --pid is set.';
  if (dynamic && !application && !options.has('pid')) return 'Argument --dynamic=on, but --application/--pid is all empty.';
  if (dynamic && application && options.has('pid')) return 'Argument --dynamic=on, can not set --application/--pid at the same time.';
  if (options.get('analyze') === 'on' && !options.has('rule')) return 'Argument --rule: expected one argument';
  if (options.has('rule') && !(options.get('rule') ?? '').split(',').every((r) => r === 'communication' || r === 'communication_matrix')) return `Argument --rule: invalid value: ${options.get('rule') ?? ''}.`;
  if (options.has('model-id') !== options.has('iteration-id')) return 'Argument --model-id and --iteration-id must be set at the same time.';
  return null;
}

/** The same on this process's own streams. */
export async function runMsprof(context: SimContext, argv: readonly string[]): Promise<number> {
  const code = await msprof(argv, context, { input: process.stdin, write: (text) => void process.stdout.write(text) }, process.cwd());
  // An open standard input would keep the process alive behind its last command.
  process.stdin.destroy();
  return code;
}
