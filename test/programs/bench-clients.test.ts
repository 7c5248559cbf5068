import { describe, expect, it } from 'vitest';
import { aisbenchCommand, aisbenchConfigText } from '../../server/programs/aisbench.js';
import { atLeast, lastBar, ownPrompts, versionOf, type ClientRun } from '../../server/programs/bench-client.js';
import { evalscopeAbilities, evalscopeCommand, evalscopeVersion, evalscopeWindow, readEvalscopeProgress } from '../../server/programs/evalscope.js';
import { packageVersion, sglangCommand } from '../../server/programs/sglang-bench.js';
import { vllmCommand, vllmVersion } from '../../server/programs/vllm-bench.js';

const run: ClientRun = {
  endpoint: 'http://127.0.0.1:8010', model: 'Qwen3-8B', tokenizer: '/models/Qwen3-8B', dataset: 'random', datasetPath: null, inputTokens: 512, outputTokens: 128, parallel: 4, rate: null, number: 40,
  warmup: 8, stream: true, temperature: 0, topP: null, topK: null, seed: 7, ignoreEos: true, durationS: null, offset: 96, out: '/runs/r/out',
};

/** Value behind a flag; undefined when it is not there. */
function value(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

describe('evalscope', () => {
  // Which tag brought which flag: difference of its argument parser over the tags.
  const brought: readonly [string, string][] = [['--warmup-num', '1.7.1'], ['--dataset-offset', '1.7.0'], ['--open-loop', '1.7.0'], ['--duration', '1.8.0'], ['--enable-progress-tracker', '1.5.0'], ['--no-timestamp', '1.4.0']];
  const order = ['1.3.9', '1.4.0', '1.4.2', '1.5.0', '1.6.0', '1.6.1', '1.7.0', '1.7.1', '1.8.0', '1.9.1', '1.10.0', '1.14.1'];

  it('gives a flag to exactly the versions that have it', () => {
    for (const [flag, since] of brought) {
      for (const version of order) {
        const asked = { ...run, durationS: 60, ...(flag === '--open-loop' ? { parallel: null, rate: 2 } : {}) };
        expect([flag, version, evalscopeCommand(asked, version).args.includes(flag)]).toEqual([flag, version, order.indexOf(version) >= order.indexOf(since)]);
      }
    }
  });

  it('takes an unknown version for the oldest, and says what it then cannot do', () => {
    expect(evalscopeCommand(run, null).args).not.toContain('--warmup-num');
    expect(evalscopeAbilities(null)).toEqual({ warmup: false, openLoop: false, duration: false, freshPrompts: false });
    expect(evalscopeAbilities('1.14.1').warmup).toBe(true);
  });

  it('asks for fixed lengths, counts warm-up apart and passes over the prompts of earlier passes', () => {
    const { program, args } = evalscopeCommand(run, '1.14.1');
    expect([program, args[0]]).toEqual(['evalscope', 'perf']);
    expect(['--number', '--warmup-num', '--parallel', '--dataset-offset', '--max-tokens', '--min-tokens', '--min-prompt-length', '--max-prompt-length', '--url'].map((f) => value(args, f))).toEqual(['40', '8', '4', '96', '128', '128', '512', '512', 'http://127.0.0.1:8010/v1/chat/completions']);
    expect(JSON.parse(value(args, '--extra-args') ?? '')).toEqual({ ignore_eos: true });
  });

  it('leaves the fixed length out when answers may end by themselves', () => {
    const { args } = evalscopeCommand({ ...run, ignoreEos: false }, '1.14.1');
    expect(args).not.toContain('--extra-args');
    expect(args).not.toContain('--min-tokens');
  });

  it('sends our own prompts line by line, without an offset into them', () => {
    const { args } = evalscopeCommand({ ...run, dataset: ownPrompts, datasetPath: '/runs/r/prompts.txt', tokenizer: null }, '1.14.1');
    expect([value(args, '--dataset'), value(args, '--dataset-path'), args.includes('--dataset-offset'), args.includes('--tokenizer-path')]).toEqual(['line_by_line', '/runs/r/prompts.txt', false, false]);
  });

  it('an open loop has a rate and no slots', () => {
    const { args } = evalscopeCommand({ ...run, parallel: null, rate: 2.5 }, '1.10.0');
    expect([args.includes('--parallel'), value(args, '--rate'), args.includes('--open-loop')]).toEqual([false, '2.5', true]);
  });

  it('reads its version, progress file and the opening of the window', () => {
    expect(evalscopeVersion('evalscope 1.14.1\n')).toBe('1.14.1');
    expect(evalscopeVersion('2026-11-24 - INFO: x\nevalscope, version 1.6.0\n')).toBe('1.6.0');
    expect(evalscopeVersion('command not found')).toBeNull();
    expect(readEvalscopeProgress('{"status": "running", "pipeline": "perf", "total_count": 24, "processed_count": 7, "percent": 29.17}')).toEqual({ done: 7, total: 24 });
    // As 1.14.1 prints it: both bars stand there from the start.
    const begun = 'Warmup[parallel_4_number_24]:   0%|          | 0/4 [00:00<?, ?it/s]\u001b[A\rProcessing[parallel_4_number_24]:   0%|          | 0/24 [00:00<?, ?it/s]';
    expect(evalscopeWindow(4).test(begun)).toBe(false);
    expect(evalscopeWindow(0).test(begun)).toBe(true);
    expect(evalscopeWindow(4).test(`${begun}\rWarmup[parallel_4_number_24]: 100%|██████████| 4/4 [00:00<00:00,  6.78it/s]`)).toBe(true);
  });
});

describe('the other clients', () => {
  it('vllm bench serve: fixed lengths, percentiles that comparisons judge, no warm-up of its own', () => {
    const { args } = vllmCommand(run);
    expect(args.slice(0, 2)).toEqual(['bench', 'serve']);
    expect(['--random-input-len', '--random-output-len', '--num-prompts', '--max-concurrency', '--seed', '--metric-percentiles', '--temperature'].map((f) => value(args, f))).toEqual(['512', '128', '40', '4', '7', '50,90,95,99', '0']);
    expect(args).toContain('--ignore-eos');
    expect(args).not.toContain('--num-warmups');
    expect(args).not.toContain('--request-rate');
    expect(vllmVersion('INFO 11-24 06:25:28 [__init__.py:216] Automatically detected platform ascend.\n0.11.0rc1\n')).toBe('0.11.0rc1');
  });

  it('sglang: lengths are fixed, for its default draws them from zero up', () => {
    const { program, args } = sglangCommand(run);
    expect([program, ...args.slice(0, 2)]).toEqual(['python3', '-m', 'sglang.bench_serving']);
    expect(['--random-range-ratio', '--warmup-requests', '--dataset-name'].map((f) => value(args, f))).toEqual(['1', '0', 'random-ids']);
    expect(args).not.toContain('--disable-ignore-eos');
    expect(sglangCommand({ ...run, ignoreEos: false }).args).toContain('--disable-ignore-eos');
    expect(packageVersion('0.5.5\n')).toBe('0.5.5');
  });

  it('aisbench: concurrency and lengths stand in its configuration, failures are not retried, texts cannot leave their quotes', () => {
    const text = aisbenchConfigText({ ...run, model: 'a"\nimport os' });
    expect(text).toContain('models[0]["batch_size"] = 4\n');
    expect(text).toContain('models[0]["retry"] = 0\n');
    expect(text).toContain('"RequestCount": 40,');
    expect(text).toContain('"Params": {"MinValue": 512, "MaxValue": 512}');
    expect(text).toContain('models[0]["model"] = "a\\"\\nimport os"\n');
    expect(text).toContain('models[0]["host_port"] = 8010\n');
    expect(aisbenchCommand(run).args).toEqual(['/runs/r/out/config.py', '--mode', 'perf', '--work-dir', '/runs/r/out']);
  });
});

describe('what they share', () => {
  it('compares versions by their numbers, not as text', () => {
    expect(atLeast('1.10.0', '1.7.1')).toBe(true);
    expect(atLeast('1.7.0', '1.7.1')).toBe(false);
    expect(atLeast('0.11.0rc1', '0.11.0')).toBe(true);
    expect(atLeast(null, '0.0.1')).toBe(false);
    expect(versionOf('no numbers')).toBeNull();
  });

  it('reads the newest bar', () => {
    expect(lastBar('Processing[parallel_4_number_24]:  21%|██        | 5/24 [00:01<00:04]\rProcessing[parallel_4_number_24]:  38%|███▊      | 9/24 [00:02<00:02]')).toEqual({ name: 'Processing[parallel_4_number_24]', done: 9, total: 24 });
    expect(lastBar('nothing')).toBeNull();
  });
});
