import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seeded } from './accuracy.js';

export type Kind = 'plain' | 'flaky' | 'broken';

/** What each commit of a planted line is: 15 % answer wrongly three times of ten, 10 % do not build. */
export function plantKinds(count: number, seed: number, flaky = 0.15, broken = 0.1): Kind[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const u = random();
    return u < flaky ? 'flaky' : u < flaky + broken ? 'broken' : 'plain';
  });
}

export function git(repo: string, ...args: string[]): string {
  return execFileSync('git', ['-C', repo, '-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

export interface PlantedRepository {
  readonly repo: string;
  /** Commit 0 is good, the last is bad. */
  readonly commits: readonly string[];
  readonly script: string;
}

/**
 * A repository with one file per commit state, and a script outside of it that "builds and runs" a commit: from `culprit` on the case
 * fails; a flaky commit flips on the runs `flips` says; a broken one fails as builds, cards and collectives do.
 */
export function plantRepository(dir: string, kinds: readonly Kind[], culprit: number, seed: number): PlantedRepository {
  const repo = join(dir, 'repo');
  mkdirSync(repo, { recursive: true });
  git(repo, 'init', '-q', '-b', 'main');
  // One process for all commits: a stream of git fast-import.
  const stream = kinds.map((kind, i) => {
    const [text, message] = [`${i} ${kind} ${i >= culprit ? 'bad' : 'good'}\n`, `change ${i}`];
    return `commit refs/heads/main\ncommitter test <test@example.org> ${1700000000 + i} +0000\ndata ${message.length}\n${message}\nM 100644 inline state\ndata ${text.length}\n${text}\n`;
  });
  execFileSync('git', ['-C', repo, 'fast-import', '--quiet'], { input: stream.join('') });
  git(repo, 'checkout', '-q', 'main');
  const commits = git(repo, 'rev-list', '--reverse', 'main').split('\n');
  const script = join(dir, 'tools/probe.sh');
  mkdirSync(dirname(script), { recursive: true });
  mkdirSync(join(dir, 'flips'), { recursive: true });
  const random = seeded(seed);
  for (const i of kinds.keys()) writeFileSync(join(dir, 'flips', String(i)), Array.from({ length: 40 }, () => (random() < 0.3 ? '1' : '0')).join('\n'));
  // What a broken commit prints and exits with, in turn. Exit 1 is what a failed build gives as well.
  const broken = ["echo 'make: *** [all] Error 1'; exit 1", 'exit 2', "echo 'NPU out of memory. Tried to allocate 2 GiB'; exit 1", "echo 'EI0006: notify wait timeout'; exit 1", 'exit 125'];
  writeFileSync(
    script,
    `#!/bin/sh\nread i kind truth < state\nn=$XLLM_NPU_BISECT_RUN\necho "commit $i run $n"\nif [ "$kind" = broken ]; then case $((i % ${broken.length})) in\n${broken.map((b, k) => `${k}) ${b};;`).join('\n')}\nesac; fi\nflip=0\n[ "$kind" = flaky ] && flip=$(sed -n "\${n}p" '${join(dir, 'flips')}'/$i)\nif [ "$truth" = bad ]; then [ "$flip" = 1 ] && exit 0; exit 1; fi\n[ "$flip" = 1 ] && exit 1\nexit 0\n`,
  );
  chmodSync(script, 0o755);
  return { repo, commits, script };
}
