import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const put = (path: string, rows: readonly object[]): void => writeFileSync(path, rows.map((r) => `${JSON.stringify(r)}\n`).join(''));

export interface PlantedDatasets {
  /** Holds one folder per dataset, as `dataset_dir` wants it. */
  readonly dir: string;
  /** Rows of gsm8k's test split. */
  readonly asked: number;
  /** Rows whose reference answer is wrong by one: a service that computes right fails exactly these. */
  readonly wrong: readonly number[];
}

/**
 * Datasets as a user without network keeps them. gsm8k: a hub mirror (`README.md` names configuration and splits, JSON lines beside it),
 * every question one sum. general_mcq: JSON lines of the user's own, `<subset>_<split>.jsonl`.
 */
export function plantDatasets(dir: string, asked: number, wrong: readonly number[]): PlantedDatasets {
  const gsm8k = join(dir, 'gsm8k');
  mkdirSync(join(gsm8k, 'main'), { recursive: true });
  writeFileSync(join(gsm8k, 'README.md'), '---\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: main/train.jsonl\n  - split: test\n    path: main/test.jsonl\n---\n');
  const row = (i: number, off: number): object => {
    const [a, b] = [17 + i * 3, 5 + i * 7];
    return { question: `A shop has ${a} boxes and gets ${b} more. What is ${a} + ${b}?`, answer: `There are ${a} and ${b} boxes, ${a + b} together.\n#### ${a + b + off}` };
  };
  put(join(gsm8k, 'main/train.jsonl'), Array.from({ length: 6 }, (_, i) => row(100 + i, 0)));
  put(join(gsm8k, 'main/test.jsonl'), Array.from({ length: asked }, (_, i) => row(i, wrong.includes(i) ? 1 : 0)));
  const choices = join(dir, 'general_mcq');
  mkdirSync(choices, { recursive: true });
  put(join(choices, 'default_val.jsonl'), Array.from({ length: 6 }, (_, i) => ({ id: `c${i}`, question: `第${i + 1}题：下面哪一个是水果？`, A: '桌子', B: '苹果', C: '石头', D: '铅笔', answer: 'B' })));
  return { dir, asked, wrong };
}
