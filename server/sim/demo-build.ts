import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolError } from '../contract/index.js';
import { simVariables } from './environment.js';
import { commitsOf, hostFaults, type DemoCommit, type PlantName } from './demo-plants.js';
import { writeDemoFiles } from './demo.js';

/** One built state of the simulated engine. */
export interface DemoBuild {
  readonly commit: string;
  /** The program that was built from it. */
  readonly program: string;
}

/** What a scenario runs on: a host, a model, a draft and the engine's repository, built at each state a run needs. */
export interface DemoSite {
  readonly hostFile: string;
  readonly modelFolder: string;
  readonly draftFolder: string;
  readonly repo: string;
  readonly builds: Readonly<Record<DemoCommit['build'], DemoBuild | null>>;
  /** Exits 0 when the work tree it is called in answers sums right; not tracked. */
  readonly check: string;
  /** The commit that brought the defect; null when none did. */
  readonly guilty: string | null;
}

const defectsFile = 'defects.json';
const author = { GIT_AUTHOR_NAME: 'demo', GIT_AUTHOR_EMAIL: 'demo@localhost', GIT_COMMITTER_NAME: 'demo', GIT_COMMITTER_EMAIL: 'demo@localhost', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

function git(dir: string, ...args: string[]): string {
  try {
    return execFileSync('git', ['-C', dir, '-c', 'init.defaultBranch=main', '-c', 'commit.gpgsign=false', ...args], { env: { ...process.env, ...author }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (cause) {
    throw new ToolError('E_PROGRAM_FAILED', 'git could not make the repository of the simulated engine', 'install git: a claim needs the commit a service was built from', { cause });
  }
}

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A stand-in that carries the defects of the tree it was built in. */
function script(entry: string, defects: string, program: string): string {
  return `#!/bin/sh\nulimit -c 0\nexport ${simVariables.build}=${defects}\nexec ${quote(process.execPath)} ${quote(entry)} ${program} "$@"\n`;
}

/** Identity of weights and tokenizer as hashes see them; the simulated engine reads config.json only. */
function writeIdentity(folder: string): void {
  const header = Buffer.from('{"__metadata__":{"simulated":"true"}}', 'utf8');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  put(join(folder, 'model.safetensors'), Buffer.concat([length, header]).toString('latin1'));
  put(join(folder, 'tokenizer.json'), '{"simulated":true}\n');
}

/** A draft of four layers beside the 8B target. */
const draftConfig = { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', hidden_size: 1024, intermediate_size: 3072, num_hidden_layers: 4, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, vocab_size: 151_936, max_position_embeddings: 40_960, tie_word_embeddings: true, torch_dtype: 'bfloat16' };

/**
 * Writes a scenario anew. @param planted false leaves the defect out: the same walk must then find nothing
 * @param entry path of the built `sim/main.js`, when it does not lie beside this file
 * @throws ToolError E_PROGRAM_FAILED without git
 */
export function writeDemoSite(folder: string, plant: PlantName, planted: boolean, entry = fileURLToPath(new URL('./main.js', import.meta.url))): DemoSite {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { hostFile, modelFolder } = writeDemoFiles(folder);
  put(hostFile, `${JSON.stringify({ chip: 'Ascend910B3', count: 2, seed: 1, framework: 'xllm', faults: planted ? hostFaults[plant] : [] }, null, 2)}\n`);
  writeIdentity(modelFolder);
  const draftFolder = join(folder, 'Qwen3-8B-draft');
  put(join(draftFolder, 'config.json'), `${JSON.stringify(draftConfig, null, 2)}\n`);
  const repo = join(folder, 'xllm');
  mkdirSync(repo);
  git(repo, 'init', '--quiet');
  const builds: Record<DemoCommit['build'], DemoBuild | null> = { good: null, bad: null, fixed: null };
  let guilty: string | null = null;
  for (const commit of commitsOf(plant)) {
    for (const [name, text] of Object.entries(commit.files)) put(join(repo, name), text);
    put(join(repo, defectsFile), `${JSON.stringify(planted ? commit.defects : [], null, 2)}\n`);
    git(repo, 'add', '--all');
    git(repo, 'commit', '--quiet', '--allow-empty', '--message', commit.message);
    const tree = join(folder, `build-${commit.build}`);
    const hash = git(repo, 'rev-parse', 'HEAD');
    if (planted && commit.defects.length > 0) guilty ??= hash;
    // The last commit of a state is the one that is built; earlier ones are only history.
    if (builds[commit.build] !== null) git(repo, 'worktree', 'remove', '--force', tree);
    git(repo, 'worktree', 'add', '--quiet', '--detach', tree, hash);
    const program = join(tree, 'build', 'xllm');
    put(program, script(entry, quote(join(tree, defectsFile)), 'xllm'), 0o755);
    builds[commit.build] = { commit: hash, program };
  }
  const check = join(folder, 'check');
  put(check, script(entry, `"$PWD/${defectsFile}"`, 'xllm-check'), 0o755);
  return { hostFile, modelFolder, draftFolder, repo, builds, check, guilty };
}
