import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeConfig, type Config } from '../../server/config.js';
import { openHost, type Host } from '../../server/host/host.js';
import type { Tool, ToolContext } from '../../server/mcp/define.js';
import { Runs, type Run } from '../../server/runs/runs.js';

const helpers = import.meta.dirname;

/** A host of stand-ins: xllm and npu-smi first in PATH, their state in a folder. Simulated, so that its devices are its own. */
export class ServiceHost {
  readonly dir: string;
  readonly config: Config;
  readonly host: Host;
  readonly model: string;
  readonly context: ToolContext;

  constructor(dir: string, env: Record<string, string>) {
    this.dir = dir;
    this.model = join(dir, 'model');
    this.config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir], sim: true, entry: join(helpers, 'service-entry.mjs') }, '0', env, dir);
    this.host = openHost(this.config);
    this.context = { config: this.config, signal: new AbortController().signal, progress: () => undefined };
  }

  static async make(dir: string, chips: readonly object[] = [{}, {}, {}, {}], extra: Record<string, string> = {}): Promise<ServiceHost> {
    await mkdir(join(dir, 'bin'), { recursive: true });
    await mkdir(join(dir, 'state'), { recursive: true });
    await mkdir(join(dir, 'model'), { recursive: true });
    await mkdir(join(dir, 'home'), { recursive: true });
    for (const [name, file] of [['xllm', 'stand-in-xllm.mjs'], ['npu-smi', 'stand-in-npu-smi.mjs']] as const) await script(join(dir, 'bin', name), `exec '${process.execPath}' '${join(helpers, file)}' "$@"`);
    await writeFile(join(dir, 'state/host.json'), JSON.stringify({ chips }));
    // NPU_ is one of the prefixes host/ passes on, so the stand-ins see their state.
    const made = new ServiceHost(dir, { PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: join(dir, 'home'), NPU_STANDIN_STATE: join(dir, 'state'), ...extra });
    await made.behave({});
    return made;
  }

  /** What the stand-in xllm does with this model. */
  async behave(behaviour: object, config: object = { model_type: 'qwen3', torch_dtype: 'bfloat16' }): Promise<void> {
    await writeFile(join(this.model, 'behaviour.json'), JSON.stringify(behaviour));
    await writeFile(join(this.model, 'config.json'), JSON.stringify(config));
  }

  async run(purpose = 'service'): Promise<Run> {
    return new Runs(this.host).create({ purpose, level: 'smoke' }, { tool: 'test', input: {} });
  }

  async call(tool: Tool, args: object): Promise<{ verdict: string; headline: string; facts: any; warnings: { code: string; detail: string }[]; artifacts: { kind: string; path: string }[] }> {
    return tool.invoke(args, this.context);
  }
}

/** An executable shell script. */
export async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}
