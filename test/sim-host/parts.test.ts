import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToolError } from '../../server/contract/index.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { weightsPerRank } from '../../server/models/weights.js';
import { parseHost } from '../../server/sim/host-file.js';
import { findArithmetic } from '../../server/sim/service/arithmetic.js';
import { parseFlags } from '../../server/sim/service/gflags.js';
import { bucketOf, Graphs, warmupBuckets } from '../../server/sim/service/graphs.js';
import { readableSize } from '../../server/sim/service/glog.js';
import { BlockPool, type Block } from '../../server/sim/service/kv-blocks.js';
import { planKv } from '../../server/sim/service/kv-plan.js';
import { Scheduler } from '../../server/sim/service/scheduler.js';
import { Sequence } from '../../server/sim/service/sequence.js';
import { tokenize } from '../../server/sim/service/tokens.js';
import { qwen06 } from './helpers.js';

describe('host file', () => {
  it('takes the contract\'s fields and fills the rest from the catalogue', () => {
    const host = parseHost({ chip: '910B3', count: 8, seed: 3, framework: 'xllm', faults: ['hang', { name: 'slow-rank', rank: 2, after: 9 }] });
    expect(host.chip.soc).toBe('Ascend910B3');
    expect(host.hbmBytes).toBe(65_452_113_920);
    expect(host.faults).toEqual([{ name: 'hang', rank: null, after: null, listed: true }, { name: 'slow-rank', rank: 2, after: 9, listed: true }]);
  });

  it.each([
    [{ chip: '910B3', count: 8, colour: 'red' }, 'E_ARG_UNKNOWN', 'colour'],
    [{ chip: '910B3', count: 8, faults: ['no-such-fault'] }, 'E_ARG_TYPE', 'faults'],
    [{ chip: '910B3', count: 8, faults: [{ name: 'hang', when: 3 }] }, 'E_ARG_UNKNOWN', 'when'],
    [{ chip: '910B99', count: 8 }, 'E_ARG_TYPE', '910B99'],
    [{ chip: '910B3', count: 0 }, 'E_ARG_TYPE', 'count'],
  ])('refuses %j', (value, code, word) => {
    try {
      parseHost(value);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ToolError);
      expect((error as ToolError).code).toBe(code);
      expect((error as ToolError).seen).toContain(word);
    }
  });
});

describe('gflags', () => {
  const groups = [{ name: 'G', flags: [['model', 'string', '', 'm'], ['enable_graph', 'bool', 'false', 'g'], ['nnodes', 'int32', '1', 'n']] as const }];
  it('reads every form, the last one wins', () => {
    const parsed = parseFlags(['--model', 'a', ' ', '-enable_graph', '--nnodes=2', '--noenable_graph', '--nnodes', '4'], groups);
    expect(parsed.ok && [parsed.flags.text('model'), parsed.flags.bool('enable_graph'), parsed.flags.number('nnodes'), parsed.flags.isDefault('model')]).toEqual(['a', false, 4, false]);
  });
  it('reports unknown flags, values of a wrong type and missing values', () => {
    expect(parseFlags(['--devices=npu:0', '--nnodes=two'], groups)).toEqual({ ok: false, errors: ["ERROR: unknown command line flag 'devices'", "ERROR: illegal value 'two' specified for int32 flag 'nnodes'"] });
    expect(parseFlags(['--model'], groups).ok).toBe(false);
  });
});

/** Qwen3-8B as published: 36 layers, 32 query and 8 KV heads of 128, 8.19 billion parameters. */
const qwen8 = { ...qwen06, hidden_size: 4096, num_hidden_layers: 36, num_attention_heads: 32, intermediate_size: 12288, tie_word_embeddings: false };

describe('KV cache of xLLM', () => {
  const spec = parseModelConfig(qwen8);
  const plan = (utilization: number): number => {
    const total = 65_452_113_920;
    const result = planKv({ spec, draftLayers: 0, tp: 1, blockSize: 128, utilization, maxCacheBytes: 0, prefixCache: true, maxSeqs: 200, maxLinearSlots: 0, speculativeTokens: 0, indexerInt8: false, freeBytes: [total - 16_381_470_720], totalBytes: total });
    return result.ok ? result.plan.blocks : Number.NaN;
  };
  it('gives the worked reference case: 1906, 2114 and 2253 blocks at 0.8, 0.86 and 0.9', () => {
    expect(weightsPerRank(spec, { tp: 1, dp: 1, ep: 1, pp: 1 }).weights_bytes).toBe(16_381_470_720);
    expect([plan(0.8), plan(0.86), plan(0.9)]).toEqual([1906, 2114, 2253]);
  });
  it('charges a draft the slot of its target', () => {
    const free = 40e9;
    const base = { spec, tp: 1, blockSize: 128, utilization: 1, maxCacheBytes: 0, prefixCache: true, maxSeqs: 200, maxLinearSlots: 0, speculativeTokens: 2, indexerInt8: false, freeBytes: [free], totalBytes: 64e9 };
    const one = planKv({ ...base, draftLayers: 1 });
    expect(one.ok && one.plan.blocks).toBe(Math.floor(free / (128 * 37 * 4096)));
  });
  it('dies with the words of the CHECK when nothing is left', () => {
    const none = planKv({ spec, draftLayers: 0, tp: 1, blockSize: 128, utilization: 0.2, maxCacheBytes: 0, prefixCache: true, maxSeqs: 200, maxLinearSlots: 0, speculativeTokens: 0, indexerInt8: false, freeBytes: [1e9], totalBytes: 64e9 });
    expect(!none.ok && none.message).toContain('Available kv cache size must be greater than 0');
  });
  it('prints sizes as readable_size does, negative ones as huge', () => {
    expect([readableSize(0), readableSize(1536), readableSize(49_070_643_200), readableSize(-1)]).toEqual(['0.00 B', '1.50 KB', '45.70 GB', '16777216.00 TB']);
  });
});

describe('block pool', () => {
  it('never loses or invents a block, whatever is allocated, shared, published and released', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 9 })), { maxLength: 120 }), (size, steps) => {
        const pool = new BlockPool(size);
        const held: Block[][] = [];
        for (const [action, n] of steps) {
          if (action === 0) {
            const before = pool.available;
            const got = pool.allocate(n);
            expect(got === null).toBe(n > before);
            if (got !== null) held.push(got);
          } else if (action === 1) pool.release(held.splice(n % Math.max(1, held.length), 1)[0] ?? []);
          else if (action === 2) {
            const block = held[n % Math.max(1, held.length)]?.[0];
            if (block !== undefined) pool.publish(block, `h${n}`);
          } else held.push(pool.match([`h${n}`]));
          const distinct = new Set(held.flat());
          expect(pool.used).toBe(distinct.size);
          expect(pool.available).toBe(size - 1 - distinct.size);
        }
      }),
    );
  });
});

const never = function* (): Generator<string, never> {
  for (;;) yield 'x';
};
const sequence = (prompt: number, failed: string[] = []): Sequence =>
  new Sequence({ prompt: Array.from({ length: prompt }, (_, i) => `${prompt}-${i}`), hashes: [], maxTokens: 10_000, ignoreEos: true, stop: [], answer: never(), length: 10_000, listener: { output: () => undefined, failed: (m) => void failed.push(m) } }, 0);
const options = { blocks: 11, blockSize: 10, dp: 1, maxTokens: 64, maxSequences: 8, maxChunk: 64, chunked: true, mixed: true, prefixCache: false, overlap: false, speculative: 0, prefillThreshold: 0.95 };
/** Runs one step of the scheduler as the engine would. */
function step(s: Scheduler): ReturnType<Scheduler['next']> {
  const batch = s.next();
  for (const p of batch.prefill) {
    s.computed(p.sequence, p.tokens);
    if (p.sequence.computed >= p.sequence.needed) p.sequence.produce(1, 0);
  }
  for (const d of batch.decode) d.computed += d.produce(1, 0).taken;
  return batch;
}

describe('scheduler', () => {
  it('cuts prompts into chunks within the token budget and mixes them with decoding', () => {
    const s = new Scheduler({ ...options, blocks: 100 });
    s.add(sequence(100));
    expect(step(s).prefill.map((p) => p.tokens)).toEqual([64]);
    s.add(sequence(30));
    expect(step(s).prefill.map((p) => p.tokens)).toEqual([36, 28]);
    const mixed = step(s);
    expect([mixed.decode.length, mixed.prefill.map((p) => p.tokens)]).toEqual([1, [2]]);
  });

  it('pushes out the youngest when blocks run out, and computes it again later', () => {
    const s = new Scheduler(options);
    const [old, young] = [sequence(45), sequence(45)];
    s.add(old);
    s.add(young);
    let preempted = 0;
    for (let i = 0; i < 14; i += 1) preempted += step(s).preempted;
    expect(preempted).toBe(1);
    expect([old.preemptions, young.preemptions]).toEqual([0, 1]);
    expect(young.computed).toBe(0);
    s.remove(old);
    for (let i = 0; i < 3; i += 1) step(s);
    expect(young.state).toBe('decode');
    expect(young.computed).toBe(young.needed - 1);
    s.remove(young);
    expect(s.pools[0]?.used).toBe(0);
  });

  it('says of a sequence that can never fit that memory is missing', () => {
    const s = new Scheduler(options);
    s.add(sequence(101));
    expect(s.next().failed.map((f) => f.reason)).toEqual(['memory']);
  });

  it('puts prompts first when phases may not mix', () => {
    const s = new Scheduler({ ...options, blocks: 100, mixed: false });
    s.add(sequence(20));
    step(s);
    s.add(sequence(20));
    expect(step(s)).toMatchObject({ decode: [], prefill: [{ tokens: 20 }] });
    expect(step(s).decode).toHaveLength(2);
  });
});

describe('graphs', () => {
  it('has the buckets of the executor and goes eager above the batch limit', () => {
    expect([1, 2, 3, 4, 5, 8, 9, 16, 17, 40].map((n) => bucketOf(n, false))).toEqual([1, 2, 4, 4, 8, 8, 16, 16, 32, 48]);
    expect(warmupBuckets(16, 1, false)).toEqual([16, 8, 4, 2, 1]);
    expect(warmupBuckets(4, 3, false)).toEqual([16, 8, 4]);
    const graphs = new Graphs({ enabled: true, batchLimit: 16, noPadding: false, warmed: [] });
    expect([graphs.decide(3, 1), graphs.decide(4, 1), graphs.decide(17, 1), graphs.decide(0, 1)]).toEqual([{ kind: 'capture', bucket: 4 }, { kind: 'replay', bucket: 4 }, { kind: 'eager', overLimit: true }, { kind: 'eager', overLimit: false }]);
  });
});

describe('answers', () => {
  it('computes what stands in the question', () => {
    expect(['What is 17 + 25?', '3*(4+5)', '(3 + 4) * 12', '10 - 3 - 2', 'What is 12 times 12?', '7 / 2', '1,000 + 1', '-4 + 9'].map((q) => findArithmetic(q)?.value)).toEqual([42, 27, 84, 5, 144, 3.5, 1001, 5]);
    expect(findArithmetic('Tell me about 2026.')).toBeNull();
  });
  it('tokenizes without losing a character: four at most, one for CJK', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const tokens = tokenize(text);
        expect(tokens.join('')).toBe(text);
        expect(tokens.every((t) => Array.from(t).length <= 4)).toBe(true);
      }),
    );
    expect(tokenize('缓存')).toEqual(['缓', '存']);
  });
});
