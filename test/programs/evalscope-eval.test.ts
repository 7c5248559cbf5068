import { describe, expect, it } from 'vitest';
import { evalscopeVersion } from '../../server/programs/evalscope.js';
import { evalArgs, subsetsBy, type EvalRequest } from '../../server/programs/evalscope-eval.js';

const request: EvalRequest = { model: 'Qwen3-0.6B', endpoint: 'http://127.0.0.1:8010', datasets: ['gsm8k', 'ceval'], subsets: [], limit: null, temperature: 0, maxTokens: 4096, batchSize: 8, repeats: 1, seed: 42, datasetDir: null, mirrors: {}, workDir: '/runs/x/raw' };
/** Flags of the argument parser of evalscope at 1.10, as its documentation lists them. */
const offered = new Set(['model', 'api-url', 'api-key', 'eval-type', 'datasets', 'dataset-args', 'dataset-dir', 'generation-config', 'eval-batch-size', 'limit', 'work-dir', 'no-timestamp', 'repeats', 'seed', 'use-cache']);
const valueOf = (args: readonly string[], flag: string): string | undefined => args[args.indexOf(flag) + 1];

describe('evalscope eval', () => {
  it('speaks to a service, greedily, with an answer length of its own', () => {
    const args = evalArgs(request, offered, '1.10.0');
    expect(args[0]).toBe('eval');
    expect(valueOf(args, '--api-url')).toBe('http://127.0.0.1:8010/v1');
    expect(valueOf(args, '--eval-type')).toBe('openai_api');
    // Without max_tokens the server's default cuts answers off.
    expect(JSON.parse(valueOf(args, '--generation-config') ?? '')).toEqual({ temperature: 0, max_tokens: 4096 });
    expect(args.slice(args.indexOf('--datasets') + 1, args.indexOf('--datasets') + 3)).toEqual(['gsm8k', 'ceval']);
    expect(args).not.toContain('--limit');
    expect(args).not.toContain('--repeats');
  });
  it('subsets and local mirrors go into one JSON by dataset', () => {
    const args = evalArgs({ ...request, subsets: ['ceval/law', 'gsm8k/main', 'ceval/physics'], mirrors: { gsm8k: '/data/gsm8k' }, limit: 20, repeats: 4 }, offered, '1.10.0');
    expect(JSON.parse(valueOf(args, '--dataset-args') ?? '')).toEqual({ gsm8k: { subset_list: ['main'], dataset_id: '/data/gsm8k' }, ceval: { subset_list: ['law', 'physics'] } });
    expect([valueOf(args, '--limit'), valueOf(args, '--repeats')]).toEqual(['20', '4']);
  });
  it('older versions get their own word, and no flag they lack', () => {
    const few = new Set([...offered].filter((f) => f !== 'no-timestamp' && f !== 'seed'));
    const args = evalArgs(request, few, '0.17.1');
    expect(valueOf(args, '--eval-type')).toBe('service');
    expect(args).not.toContain('--no-timestamp');
    expect(evalArgs(request, offered, null)).toContain('service');
  });
  it('refuses what the installed version can not do', () => {
    const without = (flag: string): Set<string> => new Set([...offered].filter((f) => f !== flag));
    const code = (f: () => unknown): string => {
      try {
        f();
        return 'accepted';
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(() => evalArgs(request, without('api-url'), '1.0.0'))).toBe('E_ARG_CONFLICT');
    expect(code(() => evalArgs({ ...request, limit: 5 }, without('limit'), '1.0.0'))).toBe('E_ARG_CONFLICT');
    expect(code(() => evalArgs({ ...request, repeats: 2 }, without('repeats'), '1.0.0'))).toBe('E_ARG_CONFLICT');
    expect(code(() => subsetsBy(['a', 'b'], ['x']))).toBe('E_ARG_CONFLICT');
  });
  it.each([['evalscope, version 1.4.2', '1.4.2'], ['1.10.0\n', '1.10.0'], ['evalscope 0.17.1rc0', '0.17.1rc0'], ['none', null]])('version in %s', (text, version) => {
    expect(evalscopeVersion(text)).toBe(version);
  });
});
