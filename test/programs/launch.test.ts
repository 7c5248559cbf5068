import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandLaunch, commandPorts } from '../../server/programs/command.js';
import type { LaunchRequest } from '../../server/programs/launch.js';
import { firstPorts, hcclPorts, masterWindow, parseProcNet, planPorts, portsOf, type PortPlan } from '../../server/programs/ports.js';
import { sglangLaunch } from '../../server/programs/sglang.js';
import { vllmLaunch } from '../../server/programs/vllm-ascend.js';
import { todaysXllm, xllmLaunch, xllmPorts } from '../../server/programs/xllm.js';
import { checkXllmRules } from '../../server/programs/xllm-rules.js';

const ports: PortPlan = { http: [18000, 18003], master: [9748, 9800], hcclBase: 43432 };
const base: LaunchRequest = { framework: 'xllm', model: '/m/Qwen3-8B', program: '/opt/xllm', devices: [4, 5], flags: {}, argv: [], ports, profiling: false, remote: false };

describe('start lines', () => {
  it("today's xLLM: one process per device, no --devices, every rank sees the whole mask", () => {
    const launch = xllmLaunch({ ...base, flags: { max_memory_utilization: 0.86, enable_prefix_cache: false, draft_model: '/m/d', backend: 'llm', help_me: null } }, todaysXllm);
    const common = ['--max_memory_utilization=0.86', '--enable_prefix_cache=false', '--draft_model=/m/d', '--backend=llm', '--help_me'];
    expect(launch.ranks.map((r) => r.argv)).toEqual([
      ['/opt/xllm', '--model=/m/Qwen3-8B', '--port=18000', '--master_node_addr=127.0.0.1:9748', '--nnodes=2', '--node_rank=0', ...common],
      ['/opt/xllm', '--model=/m/Qwen3-8B', '--port=18001', '--master_node_addr=127.0.0.1:9748', '--nnodes=2', '--node_rank=1', ...common],
    ]);
    expect(launch.env).toEqual({ ASCEND_RT_VISIBLE_DEVICES: '4,5', HCCL_IF_BASE_PORT: '43432' });
    expect([launch.prefixCache, launch.host, launch.port]).toEqual([false, null, 18000]);
    expect(launch.ranks.map((r) => r.devices)).toEqual([[4], [5]]);
  });
  it('older xLLM names its device, an index into the mask, and that of the draft', () => {
    const launch = xllmLaunch({ ...base, flags: { draft_model: '/m/d' } }, { takesDevices: true, takesDraftDevices: true });
    expect(launch.ranks[1]?.argv).toEqual(['/opt/xllm', '--model=/m/Qwen3-8B', '--port=18001', '--master_node_addr=127.0.0.1:9748', '--nnodes=2', '--node_rank=1', '--devices=npu:1', '--draft_devices=npu:1', '--draft_model=/m/d']);
    expect(xllmLaunch(base, { takesDevices: true, takesDraftDevices: true }).ranks[0]?.argv.join(' ')).not.toContain('draft');
  });
  it('vllm serve: tensor parallel over the devices, loopback unless asked or elsewhere', () => {
    const vllm = { ...base, framework: 'vllm-ascend', program: 'vllm' } as const;
    expect(vllmLaunch({ ...vllm, flags: { 'max-model-len': 4096, enable_prefix_caching: false, 'enforce-eager': true, 'additional-config': '{"a":1}' } }).ranks.map((r) => r.argv)).toEqual([
      ['vllm', 'serve', '/m/Qwen3-8B', '--port=18000', '--host=127.0.0.1', '--tensor-parallel-size=2', '--max-model-len=4096', '--no-enable-prefix-caching', '--enforce-eager', '--additional-config={"a":1}'],
    ]);
    expect(vllmLaunch({ ...vllm, flags: { enable_prefix_caching: false } }).prefixCache).toBe(false);
    expect(vllmLaunch({ ...vllm, flags: { 'no-enable-prefix-caching': true } }).prefixCache).toBe(false);
    expect(vllmLaunch(vllm).prefixCache).toBeNull();
    expect(vllmLaunch({ ...vllm, remote: true }).ranks[0]?.argv).toContain('--host=0.0.0.0');
    expect(vllmLaunch({ ...vllm, flags: { host: '10.0.0.7' } }).host).toBe('10.0.0.7');
    expect(vllmLaunch({ ...vllm, flags: { 'tensor-parallel-size': 1, 'data-parallel-size': 2 } }).ranks[0]?.argv.join(' ')).not.toContain('tensor-parallel-size=2');
    expect(() => vllmLaunch({ ...vllm, flags: { tensor_parallel_size: 4 } })).toThrow(expect.objectContaining({ code: 'E_ARG_CONFLICT' }));
  });
  it('SGLang on NPU', () => {
    expect(sglangLaunch({ ...base, framework: 'sglang', program: 'python3', flags: { 'mem-fraction-static': 0.8, disable_radix_cache: true } }).ranks[0]?.argv).toEqual([
      'python3', '-m', 'sglang.launch_server', '--model-path=/m/Qwen3-8B', '--port=18000', '--host=127.0.0.1', '--device=npu', '--attention-backend=ascend', '--tp-size=2', '--mem-fraction-static=0.8', '--disable-radix-cache',
    ]);
  });
  it('a command runs as given; profiling sets the mode for every framework', () => {
    const launch = commandLaunch({ ...base, framework: 'command', program: '/opt/s', argv: ['/opt/s', '--x', '$(id)'], devices: null, profiling: true });
    expect(launch.ranks[0]?.argv).toEqual(['/opt/s', '--x', '$(id)']);
    expect(launch.env).toEqual({ HCCL_IF_BASE_PORT: '43432', PROFILING_MODE: 'dynamic', PORT: '18000' });
    expect(commandPorts(['/x', '--port', '9001'], null).httpFirst).toBe(9001);
    expect(commandPorts(['/x', '--port=99999'], null).httpFirst).toBeNull();
  });
});

describe('ports', () => {
  it('the window above the master port is P … P+4·world+2·dp+ep+32', () => {
    const plan = planPorts(xllmPorts({ dp_size: 4, ep_size: 16 }, 16, null), new Set());
    expect(masterWindow(16, 4, 16)).toBe(4 * 16 + 2 * 4 + 16 + 32 + 1);
    expect(plan.master).toEqual([firstPorts.master, firstPorts.master + 4 * 16 + 2 * 4 + 16 + 32]);
    expect(plan.http).toEqual([8010, 8025]);
  });
  it('fifty random plans, each seeing the ones before, share no port and none that listens', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ world: fc.integer({ min: 1, max: 16 }), dp: fc.integer({ min: 1, max: 8 }), ep: fc.integer({ min: 1, max: 16 }) }), { minLength: 50, maxLength: 50 }), fc.uniqueArray(fc.integer({ min: 8000, max: 30_000 }), { maxLength: 200 }), (services, busy) => {
        const taken = new Set(busy);
        let planned = 0;
        for (const s of services) {
          const plan = planPorts(xllmPorts({ dp_size: s.dp, ep_size: s.ep }, s.world, null), taken);
          const all = portsOf(plan);
          expect(new Set(all).size).toBe(all.length);
          expect(all.length).toBe(s.world + masterWindow(s.world, s.dp, s.ep) + hcclPorts);
          expect(all.filter((p) => taken.has(p) || p > 65_535)).toEqual([]);
          for (const p of all) taken.add(p);
          planned += all.length;
        }
        expect(taken.size).toBe(busy.length + planned);
      }),
      { numRuns: 20 },
    );
  });
  it('a port asked for that is taken is refused, so is a range past the last', () => {
    expect(() => planPorts(xllmPorts({}, 4, 9000), new Set([9003]))).toThrow(expect.objectContaining({ code: 'E_PORT_BUSY' }));
    expect(() => planPorts(xllmPorts({}, 4, 65_534), new Set())).toThrow(expect.objectContaining({ code: 'E_PORT_BUSY' }));
    expect(planPorts(xllmPorts({}, 4, 9000), new Set([9004])).http).toEqual([9000, 9003]);
  });
  it('the kernel\'s tables give local ports in any state but TIME_WAIT', () => {
    const text = '  sl  local_address rem_address   st\n   0: 0100007F:1F4A 00000000:0000 0A 00000000:00000000 00:00000000\n   1: 0100007F:C001 0100007F:1F4A 01 0\n   2: 0100007F:0050 0100007F:1F4A 06 0\n   0: 00000000000000000000000001000000:22B8 00000000000000000000000000000000:0000 0A 0\n';
    expect([...parseProcNet(text)].sort((a, b) => a - b)).toEqual([0x1f4a, 0x22b8, 0xc001]);
  });
});

describe('interactions xLLM enforces', () => {
  const rules = (flags: Record<string, string | number | boolean>, world = 1, modelType: string | null = 'qwen3') => checkXllmRules({ flags, world, modelType }).map((r) => `${r.level} ${r.rule}`);
  it.each([
    [{ draft_model: '/d' }, 1, 'qwen3', 'error speculative-tokens-zero'],
    [{ num_speculative_tokens: 3 }, 1, 'qwen3', 'warning speculation-off'],
    [{ num_speculative_tokens: 3, draft_model: '/d', enable_graph: true }, 1, 'qwen3', 'warning double-buffer-off'],
    [{ dp_size: 3 }, 8, 'qwen3', 'error world-by-dp'],
    [{ cp_size: 2 }, 8, 'qwen3', 'error cp-model'],
    [{ cp_size: 2, kv_split_size: 4 }, 8, 'deepseek_v32', 'error cp-by-kv-split'],
    [{ rank_tablefile: '/r', communication_backend: 'lccl' }, 8, 'qwen3', 'error ranktable-needs-hccl'],
    [{ enable_multi_stream_parallel: true }, 2, 'qwen3', 'error multi-stream'],
    [{ kv_cache_dtype: 'int8' }, 1, 'qwen3', 'error kv-dtype-mlu-only'],
    [{ enable_kvcache_store: true, host_blocks_factor: 1 }, 1, 'qwen3', 'error store-needs-host-blocks'],
    [{ enable_kvcache_store: true, host_blocks_factor: 2, enable_prefix_cache: false }, 1, 'qwen3', 'error store-needs-prefix-cache'],
    [{ max_tokens_per_chunk_for_prefill: 1000 }, 1, 'qwen3_5_moe', 'error linear-chunk-alignment'],
    [{ enable_chunked_prefill: false }, 1, 'qwen3_next', 'error linear-needs-chunked'],
    [{ layerwise_split_size: 2, cp_size: 2 }, 8, 'deepseek_v4', 'error layerwise-split'],
    [{ enable_graph: true, max_seqs_per_batch: 64 }, 1, 'qwen3', 'warning graph-batch-limit'],
    [{ max_tokens_for_graph_mode: 1 }, 1, 'qwen3', 'warning graph-flag-no-effect'],
    [{ tp_size: 4 }, 4, 'qwen3', 'warning tp-size-dit'],
    [{ instance_role: 'PREFILL', enable_schedule_overlap: true }, 1, 'qwen3', 'warning overlap-off'],
  ])('%j on %i of %s: %s', (flags, world, model, wanted) => {
    expect(rules(flags as Record<string, string | number | boolean>, world, model)).toContain(wanted);
  });
  it.each([
    [{}, 8, 'qwen3'],
    [{ draft_model: '/d', num_speculative_tokens: 3 }, 4, 'qwen3'],
    [{ speculative_algorithm: 'Suffix', num_speculative_tokens: 3 }, 1, 'qwen3'],
    [{ dp_size: 4, ep_size: 16, enable_chunked_prefill: true }, 16, 'deepseek_v3'],
    [{ cp_size: 2, kv_split_size: 1 }, 8, 'deepseek_v32'],
    [{ enable_prefix_cache: false, enable_chunked_prefill: false }, 1, 'qwen3_next'],
    [{ enable_graph: true, max_seqs_per_batch: 64, acl_graph_decode_batch_size_limit: 64 }, 1, 'qwen3'],
  ])('%j on %i of %s is fine', (flags, world, model) => {
    expect(rules(flags as Record<string, string | number | boolean>, world, model)).toEqual([]);
  });
});
