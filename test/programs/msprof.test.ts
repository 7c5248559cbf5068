import { describe, expect, it } from 'vitest';
import { analyzeArgs, attachArgs, exportArgs, isPrompt, profContent, profFolder, readReply, socketName } from '../../server/programs/msprof.js';
import { isParsed, torchProfilerDir } from '../../server/programs/torch-profiler.js';

describe('what msprof answers', () => {
  /** Texts of CANN's sources (dyn_prof_client.cpp, input_parser.cpp), with and without the prompt in front, and of older versions. */
  const texts: [string, string, number | null][] = [
    ['> dynamic profiling for pid 408845 start success', 'start-ok', 408845],
    ['dynamic profiling for pid 7 stop success', 'stop-ok', 7],
    ['dynamic profiling for pid 7 quit success', 'quit-ok', 7],
    ['(msprof) dynamic profiling start success......', 'start-ok', null],
    ['[WARNING] dynamic profiling for pid 7 already started', 'already-started', 7],
    ['[WARNING] dynamic profiling device for pid 7 has not been set up', 'no-device', 7],
    ['[WARNING] dynamic profiling for pid 7 has not started', 'not-started', 7],
    ['[ERROR] dynamic profiling for pid 7 start failed', 'start-failed', 7],
    ['[ERROR] dynamic profiling for pid 7 stop failed', 'stop-failed', 7],
    ['[ERROR] dynamic profiling for pid 7 quit failed', 'quit-failed', 7],
    ['[ERROR] cannot connect to server for pid dynamic_profiling_socket_7, maybe server is closed', 'cannot-connect', 7],
    ['[ERROR] recv parmas timeout, server for pid 7 has been connected to another client.', 'busy', 7],
    ['[ERROR] recv parmas timeout, server has been connected to another client.', 'busy', null],
    ['server for pid 7 does not exist, Perhaps this process has already exited', 'process-gone', 7],
    ['[ERROR] server process 7 did not create socket, or process has already exited', 'no-socket', 7],
    ['[ERROR] pid 7,8 is invalid', 'pid-list-refused', null],
    ['[ERROR] Argument --pid: invalid non-numeric pid value: a, stop profiling.', 'argument-refused', null],
    ["msprof: unrecognized option '--aicpus'", 'argument-refused', null],
    ["> invalid option -- 'help'", 'unknown-command', null],
  ];
  it.each(texts)('%s', (text, event, pid) => {
    expect(readReply(text)).toEqual({ event, pid });
  });
  it('is nothing for the command, the banner, a name in a path, or a cut-off reply', () => {
    for (const text of ['start', '[INFO] Start profiling....', '> ', 'dynamic profiling for pid 7 start succes', '/data/start success/x', '']) expect(readReply(text)).toBeNull();
  });
  it('ends in a prompt when it waits', () => {
    for (const rest of ['> ', '> > ', '(msprof) ', '(msprof)']) expect(isPrompt(rest)).toBe(true);
    for (const rest of ['', 'a->', 'x>', '[INFO] Start']) expect(isPrompt(rest)).toBe(false);
  });
});

describe('command lines', () => {
  it('attach to several processes at once, at level l1 with counters, without deprecated flags', () => {
    const args = attachArgs({ pids: [12, 34], output: '/r/p', aicMetrics: 'Memory', aicpu: false, hardwareMemory: false });
    expect(args).toEqual(['--dynamic=on', '--pid=12,34', '--output=/r/p', '--task-time=l1', '--ai-core=on', '--aic-metrics=Memory', '--ascendcl=on']);
    expect(attachArgs({ pids: [1], output: '/o', aicMetrics: 'PipeUtilization', aicpu: true, hardwareMemory: true }).slice(-2)).toEqual(['--aicpu=on', '--sys-hardware-mem=on']);
  });
  it('export and analyse the same folder', () => {
    expect(exportArgs('/o')).toEqual(['--export=on', '--output=/o', '--type=text']);
    expect(analyzeArgs('/o')).toEqual(['--analyze=on', '--rule=communication,communication_matrix', '--output=/o']);
    expect(socketName(9)).toBe('dynamic_profiling_socket_9');
  });
});

describe('what lies in a PROF folder', () => {
  it('tells stopped from cut off, exported from raw, with several devices', () => {
    const raw = ['host/end_info', 'host/start_info', 'device_0/info.json.0', 'device_0/end_info.0', 'device_3/info.json.3'];
    expect(profContent(raw)).toEqual({ devices: [0, 3], stopped: [0], database: false, text: false, communication: false });
    expect(profContent(['device_0/end_info.0.done', 'msprof_20260323031749.db', 'mindstudio_profiler_output/op_summary_slice_0_20260323031749.csv', 'analyze/communication.json'])).toEqual({ devices: [0], stopped: [0], database: true, text: true, communication: true });
    expect(profContent(['mindstudio_profiler_output/README.txt', 'mindstudio_profiler_log/x.log'])).toMatchObject({ database: false, text: false });
  });
  it('is named as msprof names it', () => {
    expect(profFolder.test('PROF_000001_20260323031749197_00815596RKPKAHRB')).toBe(true);
    expect(profFolder.test('OPPROF_20260323031749197_X')).toBe(false);
  });
});

describe('the folder of torch profiles', () => {
  const none = new Map<string, string>();
  it('stands on the command line as JSON or as a dotted flag, or in the environment', () => {
    expect(torchProfilerDir(['vllm', 'serve', 'm', '--profiler-config', '{"profiler":"torch","torch_profiler_dir":"./p"}'], none)).toBe('./p');
    expect(torchProfilerDir(['vllm', '--profiler_config={"torch_profiler_dir":"/a=b"}'], none)).toBe('/a=b');
    expect(torchProfilerDir(['vllm', '--profiler-config.torch_profiler_dir', '/c'], none)).toBe('/c');
    expect(torchProfilerDir(['vllm'], new Map([['VLLM_TORCH_PROFILER_DIR', '/d']]))).toBe('/d');
    expect(torchProfilerDir(['vllm', '--profiler-config', '{broken'], none)).toBeNull();
    expect(torchProfilerDir(['vllm', '--profiler-config', '{"torch_profiler_dir":7}'], none)).toBeNull();
  });
  it('holds results once it was parsed', () => {
    expect(isParsed(['ASCEND_PROFILER_OUTPUT/kernel_details.csv'])).toBe(true);
    expect(isParsed(['PROF_000001_1_A/host/data/x', 'FRAMEWORK/torch.op_range', 'profiler_info.json'])).toBe(false);
  });
});
