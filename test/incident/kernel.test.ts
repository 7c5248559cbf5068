import { describe, expect, it } from 'vitest';
import { hungBy } from '../../server/incident/stack.js';
import { triageFiles, triageText } from './helpers.js';

// Reports of khungtaskd in the forms of Linux 3.10, 4.18, 5.10 and 6.6 (kernel/hung_task.c, sched_show_task, show_stack of x86 and arm64).
const head = (name: string, pid: number): string[] => [`INFO: task ${name}:${pid} blocked for more than 120 seconds.`, '      Tainted: G           OE      6.6.0-72.0.0.76.oe2403sp1.aarch64 #1', '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.'];
const arm = (name: string, pid: number, frames: readonly string[]): string[] => [...head(name, pid), `task:${name.padEnd(15)} state:D stack:0     pid:${pid} ppid:1      flags:0x00000000`, 'Call trace:', ...frames.map((f) => ` ${f}`)];
const x86 = (name: string, pid: number, frames: readonly string[]): string[] => [...head(name, pid), `${name.padEnd(15)} D    0 ${pid}      1 0x00000080`, 'Call Trace:', ' <TASK>', ...frames.map((f) => ` ? ${f}`), ' </TASK>'];
const old = (name: string, pid: number, frames: readonly string[]): string[] => [...head(name, pid).filter((l) => !l.includes('Tainted')), `${name.padEnd(15)} D ffff88  0 ${pid}      1 0x00000080`, 'Call Trace:', ...frames.map((f) => ` [<ffffffff81684d09>] ${f}`)];
const pin = ['__switch_to+0xe0/0x130', 'schedule+0x5c/0xe8', '__folio_lock+0x20/0x38', 'filemap_fault+0x3d8/0x8f0', 'internal_get_user_pages_fast+0xc8/0x1a8', 'pin_user_pages_fast+0x2c/0x48', 'devmm_ioctl+0x1c0/0x2e8 [drv_devmm_host]'];
const driver = ['schedule+0x5c/0xe8', 'schedule_timeout+0x190/0x1f0', 'wait_for_completion+0x80/0x110', 'devdrv_msg_send+0x120/0x200 [drv_pcie_host]', '__arm64_sys_ioctl+0xb4/0x100'];
const nfs = ['__schedule+0x2d6/0x880', 'rpc_wait_bit_killable+0x1e/0xa0 [sunrpc]', 'nfs_file_read+0x73/0xc0 [nfs]', 'vfs_read+0x91/0x150'];
const plain = ['__schedule+0x2d6/0x880', 'schedule+0x3a/0xa0', 'do_exit+0x300/0x9f0'];

const stamps: Readonly<Record<string, (line: string) => string>> = {
  'dmesg -T': (l) => `[Wed Aug  5 10:00:00 2026] ${l}`,
  dmesg: (l) => `[ 2081.843939] ${l}`,
  'journalctl -k': (l) => `Aug 05 10:00:00 n1 kernel: ${l}`,
  'kern.log': (l) => `Aug  5 10:00:00 n1 kernel: [ 2081.843939] ${l}`,
};
const forms = { arm, x86, old };
const cases: readonly (readonly [string, readonly string[], string, string])[] = [
  ['pins pages of a mapped file', pin, 'd-state-copy', 'host'],
  ['waits in the driver', driver, 'hung-driver', 'driver'],
  ['waits for a file system', nfs, 'hung-storage', 'host'],
  ['waits somewhere else', plain, 'hung-task', 'host'],
];

describe('a task that hangs in the kernel, from the kernel log alone', () => {
  it.each(cases)('%s', async (_, frames, id, layer) => {
    for (const [stamp, line] of Object.entries(stamps)) {
      for (const [form, make] of Object.entries(forms)) {
        const text = ['systemd[1]: Started a session.', ...make('python3', 4242, frames), 'usb 1-1: new high-speed USB device'].map(line).join('\n');
        const body = await triageText(`${text}\n`, '/l/dmesg.txt');
        expect(body, `${stamp} ${form}`).toMatchObject({ verdict: 'diagnosed', primary: { id, class: 'host-os', layer, origin: { pid: 4242, line: 2 } } });
        expect(body.incidents, `${stamp} ${form}`).toHaveLength(1);
      }
    }
  });
  it('the log of the framework tells the rank of the process the kernel names', async () => {
    const glog = (pid: number, rank: number): { path: string; text: string } => ({ path: `/l/node_${rank}.log`, text: `I20260805 09:57:00.000000 ${pid} xllm.cpp:471] set worker role to worker\nI20260805 09:57:01.000000 ${pid + 9} hf_model_loader.cpp:1] Loading model weights from /m\n` });
    const dmesg = { path: '/l/dmesg.txt', text: arm('xllm', 4243, pin).map(stamps['dmesg -T'] ?? String).join('\n') };
    expect((await triageFiles([glog(4242, 0), glog(4243, 1), dmesg])).body.primary).toMatchObject({ id: 'd-state-copy', origin: { rank: 1, pid: 4243 } });
    // Two logs whose main thread has the number, as two containers may have: no rank is claimed.
    expect((await triageFiles([glog(4243, 0), glog(4243, 1), dmesg])).body.primary).toMatchObject({ id: 'd-state-copy', origin: { rank: null, pid: 4243 } });
  });
  it('ranks that waited for it are its consequences', async () => {
    const wait = (pid: number): { path: string; text: string } => ({ path: `/l/plog/plog-${pid}_20260805030000000.log`, text: `EI0002: [PID: ${pid}] 2026-08-05-10:30:00.000.000 The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record.\n` });
    const { body } = await triageFiles([wait(1), wait(2), { path: '/l/dmesg.txt', text: arm('python3', 3, driver).map(stamps['dmesg -T'] ?? String).join('\n') }]);
    expect(body).toMatchObject({ primary: { id: 'hung-driver', origin: { pid: 3 } }, cascades: [{ id: 'hccl-notify-timeout', under: 0 }] });
  });
  it('a stack ends where other messages begin, and a line without a stack is only a task that hangs', () => {
    expect(hungBy(['Call trace:', ' schedule+0x5c/0xe8', 'other text', ' nfs_file_read+0x1/0x2 [nfs]'])).toBe('hung-task');
    expect(hungBy(['Out of memory', ' pin_user_pages_fast+0x2c/0x48'])).toBe('hung-task');
    expect(hungBy([])).toBe('hung-task');
  });
});

describe('a service of vLLM whose figures stand still', () => {
  const figures = (second: number, tokens: string, running: number): string => `(APIServer pid=9) INFO 08-05 10:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')} [loggers.py:127] Engine 000: Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: ${tokens} tokens/s, Running: ${running} reqs, Waiting: 0 reqs, GPU KV cache usage: 1.0%, Prefix cache hit rate: 0.0%`;
  const log = (still: number, running = 2, last: readonly string[] = []): string => [figures(0, '40.1', 2), ...Array.from({ length: still }, (_, i) => figures(10 + 10 * i, '0.0', running)), ...last].join('\n');
  it('is suspected after half a minute, diagnosed after two', async () => {
    expect((await triageText(log(2))).incidents).toEqual([]);
    expect(await triageText(log(3))).toMatchObject({ verdict: 'suspected', primary: { id: 'hang', class: 'framework' } });
    expect(await triageText(log(12))).toMatchObject({ verdict: 'diagnosed', primary: { id: 'hang' } });
  });
  it('not when it idles, when a token came since, or when another engine stands still only because it idles', async () => {
    for (const text of [log(20, 0), log(20, 2, [figures(300, '0.1', 2)]), log(20).replace(/Running: 2/g, 'Running: 0')]) expect((await triageText(text)).incidents).toEqual([]);
  });
  it('a failure that is logged goes before it', async () => {
    expect((await triageText(log(12, 2, ['(Worker_TP1 pid=11) ERROR 08-05 10:20:00 [x.py:1] RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 1; 61 GiB total capacity)']))).primary).toMatchObject({ id: 'npu-oom' });
  });
});
