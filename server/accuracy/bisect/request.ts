import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { foreign, ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { baseUrl } from '../../programs/endpoint.js';
import type { StartArgs } from '../start/request.js';
import { bisectLimits } from '../thresholds.js';
import { Repository } from './git.js';

export const bisectShape = z.object({
  /** Top of the work tree. */
  repo: z.string(),
  /** Full hashes. */
  good: z.string(),
  bad: z.string(),
  argv: z.array(z.string()).min(1),
  repeats: z.number().int(),
  endpoint: z.string(),
  model: z.string(),
  temperature: z.number(),
  max_tokens: z.number().int(),
});
export type BisectRequest = z.output<typeof bisectShape>;

/** The words of a command without a shell. @throws ToolError E_ARG_TYPE */
export function commandWords(command: string): string[] {
  if (/["'`$\\;|&<>(){}*?\0\r\n]/.test(command)) throw new ToolError('E_ARG_TYPE', 'bisect_command needs a shell', 'put it into an executable script and give its path with plain arguments');
  const words = command.split(/\s+/).filter((w) => w !== '');
  if (words.length === 0) throw new ToolError('E_ARG_TYPE', 'bisect_command is empty', 'give the path of an executable script');
  return words;
}

/**
 * The bisection a call means: the repository is the one the server works in, else the one the script lies in.
 * @throws ToolError E_ARG_MISSING, E_ARG_TYPE, E_ARG_CONFLICT, E_PATH_*
 */
export async function readBisect(args: StartArgs, defaultMaxTokens: number, host: Host): Promise<{ request: BisectRequest; commits: number }> {
  const { bisect_good: good, bisect_bad: bad, bisect_command: command } = args;
  if (good === undefined || bad === undefined || command === undefined) throw new ToolError('E_ARG_MISSING', 'a bisection needs bisect_good, bisect_bad and bisect_command', 'give all three');
  const [program = '', ...rest] = commandWords(command);
  const file = await host.admit(isAbsolute(program) ? program : join(host.cwd, program));
  const repo = (await Repository.around(host.cwd, host)) ?? (await Repository.around(join(file, '..'), host));
  if (repo === null) throw new ToolError('E_ARG_CONFLICT', 'neither the working folder of the server nor the folder of the command lies in a git work tree', 'start the server in the repository to bisect');
  if (await repo.tracks(file)) throw new ToolError('E_ARG_CONFLICT', `${foreign(file, 200)} is tracked by the repository and changes with every commit`, 'copy it to a place git does not track, inside an allowed folder');
  const [from, to] = [await repo.commit(good), await repo.commit(bad)];
  const commits = await repo.between(from, to);
  return {
    commits: commits.length,
    request: { repo: repo.top, good: from, bad: to, argv: [file, ...rest], repeats: args.repeats ?? bisectLimits.repeats.value, endpoint: baseUrl(args.endpoint), model: args.model, temperature: args.temperature ?? 0, max_tokens: args.max_tokens ?? defaultMaxTokens },
  };
}
