import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf, flagOf, parseFlags, switchOf } from '../../server/programs/flags.js';
import { distance, nearest, parseHelp, refuseUnknown } from '../../server/programs/help.js';
import { checkXllmFlags, xllmDialect } from '../../server/programs/xllm.js';
import { parseCommand } from '../../server/programs/command.js';

describe('flags of args_json', () => {
  it('take texts, numbers, on, off and bare; both spellings are one flag', () => {
    const flags = parseFlags({ 'max-num-seqs': 8, enable_graph: true, x: null, name: 'a=b c' });
    expect(flagOf(flags, 'max_num_seqs')).toBe(8);
    expect([switchOf(flags, 'enable-graph', false), switchOf(flags, 'x', false), switchOf(flags, 'absent', true), countOf(flags, 'max_num_seqs', 1), countOf(flags, 'name', 3)]).toEqual([true, true, true, 8, 3]);
  });
  it.each([[{ '-x': 1 }], [{ '--host': 'a' }], [{ 'A': 1 }], [{ 'a b': 1 }], [{ '': 1 }], [{ 'a=b': 1 }], [{ a: 'x\ny' }], [{ a: 'x\0y' }], [{ a: [1] }], [{ a: { b: 1 } }], [{ a: NaN }], [{ a: 'x'.repeat(5000) }], [[]], ['--x'], [null]])('refuses %j', (value) => {
    expect(() => parseFlags(value)).toThrow(expect.objectContaining({ code: 'E_ARG_TYPE' }));
  });
});

describe('help pages', () => {
  it('of xLLM, gflags and argparse give their flags, prose gives none', () => {
    const xllm = 'USAGE: xllm --model <PATH> [OPTIONS]\n\nREQUIRED OPTIONS:\n  --model <PATH>: Path.\n\nHELP OPTIONS:\n  -h, --help: Display.\n\nCOMMON OPTIONS:\n  --host: Host name for brpc server.\n  --port: Port; see --nothing.\n';
    expect([...parseHelp(xllm)].sort()).toEqual(['h', 'help', 'host', 'model', 'port']);
    const gflags = '  Flags from /a/config.cpp:\n    -block_size (Number of slots per\n      kv cache block. Default is -1.) type: int32 default: 128\n    -enable_graph (text) type: bool default: false\n';
    expect([...parseHelp(gflags)].sort()).toEqual(['block_size', 'enable_graph']);
    const argparse = 'usage: vllm serve [model_tag] [options]\n\noptions:\n  --enable-prefix-caching, --no-enable-prefix-caching\n                        Whether to enable --this.\n  --tensor-parallel-size TENSOR_PARALLEL_SIZE, -tp TENSOR_PARALLEL_SIZE\n                        text\n  --kv-cache-dtype {auto,fp8}\n  --allowed-origins ALLOWED_ORIGINS\n';
    expect([...parseHelp(argparse)].sort()).toEqual(['allowed-origins', 'enable-prefix-caching', 'kv-cache-dtype', 'no-enable-prefix-caching', 'tensor-parallel-size', 'tp']);
  });
  it('distance is Levenshtein: the textbook pair, a metric', () => {
    expect([distance('kitten', 'sitting'), distance('', 'abc'), distance('saturday', 'sunday')]).toEqual([3, 3, 3]);
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b, c) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
        expect(distance(a, b) === 0).toBe(a === b);
      }),
    );
  });
  it('nearest names what was meant', () => {
    const known = ['max_memory_utilization', 'max_seqs_per_batch', 'block_size', 'enable_prefix_cache', 'enable_graph'];
    expect(nearest('max_memory_utilisation', known)[0]).toBe('max_memory_utilization');
    expect(nearest('gpu_memory_utilization', known)[0]).toBe('max_memory_utilization');
    expect(nearest('enable_prefix_caching', known)[0]).toBe('enable_prefix_cache');
  });
  it('an unknown flag is refused with the nearest names; a pair of on and off counts as known', () => {
    const known = new Set(['enable-prefix-caching', 'no-enable-prefix-caching']);
    refuseUnknown(['enable_prefix_caching', 'no-enable-prefix-caching'], known, 'x');
    expect(() => refuseUnknown(['enable_prefix_cache'], known, 'this vLLM')).toThrow(expect.objectContaining({ code: 'E_ARG_UNKNOWN', next: expect.stringContaining('enable_prefix_caching') }));
  });
});

describe('flags of xLLM', () => {
  const help = new Set(['host', 'port', 'model', 'enable_graph', 'block_size']);
  it('a flag its page leaves out but its source has stays, and is named', () => {
    expect(checkXllmFlags({ block_size: 128, npu_kernel_backend: 'ATB' }, help)).toEqual(['npu_kernel_backend']);
  });
  it('a flag that is gone says since when and what came instead', () => {
    expect(() => checkXllmFlags({ enable_acl_graph: true }, help)).toThrow(expect.objectContaining({ code: 'E_ARG_UNKNOWN', seen: expect.stringContaining('now enable_graph') }));
    expect(() => checkXllmFlags({ use_mix_scheduler: true }, null)).toThrow(expect.objectContaining({ seen: expect.stringContaining('enable_mix_batch') }));
  });
  it('a binary that still has it takes it', () => {
    expect(checkXllmFlags({ enable_acl_graph: true }, new Set([...help, 'enable_acl_graph']))).toEqual([]);
    expect(xllmDialect(new Set([...help, 'devices']))).toEqual({ takesDevices: true, takesDraftDevices: false });
    expect(xllmDialect(help).takesDevices).toBe(false);
  });
  it.each(['model', 'port', 'nnodes', 'node_rank', 'master_node_addr', 'devices', 'node-rank'])('%s is the tool\'s own', (name) => {
    expect(() => checkXllmFlags({ [name]: 1 }, help)).toThrow(expect.objectContaining({ code: 'E_ARG_CONFLICT' }));
  });
});

describe('a free command', () => {
  it('is an absolute path, an allowed name, or python with a module or script', () => {
    expect(parseCommand(['/opt/server', '--port', '1'])).toEqual(['/opt/server', '--port', '1']);
    expect(parseCommand(['python3', '-m', 'sglang.launch_server'])).toHaveLength(3);
  });
  it.each([[['bash', '-c', 'id']], [['sh']], [['ssh', 'x']], [['./server']], [['../x']], [['docker', 'run']]])('%j is refused', (argv) => {
    expect(() => parseCommand(argv)).toThrow(expect.objectContaining({ code: 'E_PROGRAM_UNKNOWN' }));
  });
  it.each([[['python3', '-c', 'import os']], [['python3', '-m', 'a;b']], [['python3', '-']], [['/usr/bin/python3.11', '-c', 'x']], [[]], [['/x', 'a\nb']], [['/x', 1]], [{ a: 1 }]])('%j is refused as a form', (argv) => {
    expect(() => parseCommand(argv)).toThrow(expect.objectContaining({ code: 'E_ARG_TYPE' }));
  });
});
