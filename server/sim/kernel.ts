import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SimContext } from './environment.js';
import { isPresent } from './npu-host.js';
import type { SimOutput } from './npu-smi.js';

/** The simulated host's kernel log: what Linux and the card's driver write when a fault shows there. Read with the stand-in of dmesg. */

const message = z.object({ ms: z.number(), level: z.enum(['err', 'warn', 'info']), text: z.string() });
type Message = z.infer<typeof message>;

const release = '6.6.0-72.0.0.76.oe2403sp1.aarch64';
/** Frames above a system call on arm64, innermost first: a copy to the card that pins pages of a mapped file whose read does not return (domain.md I65). */
const pinningFrames = [
  '__switch_to+0xe0/0x130', '__schedule+0x3a4/0xab8', 'schedule+0x5c/0xe8', 'io_schedule+0x20/0x48', 'folio_wait_bit_common+0x150/0x358', '__folio_lock+0x20/0x38', 'filemap_fault+0x3d8/0x8f0',
  '__do_fault+0x44/0x118', 'do_read_fault+0xf8/0x1a8', 'do_fault+0xa4/0x1c0', 'handle_pte_fault+0x58/0x160', '__handle_mm_fault+0x1e0/0x360', 'handle_mm_fault+0xa8/0x280',
  'faultin_page+0xac/0x1f0', '__get_user_pages+0x1b0/0x3b0', '__gup_longterm_locked+0xd0/0x210', 'internal_get_user_pages_fast+0xc8/0x1a8', 'pin_user_pages_fast+0x2c/0x48',
  'devmm_pin_user_pages+0x74/0x148 [drv_devmm_host]', 'devmm_ioctl+0x1c0/0x2e8 [drv_devmm_host]', '__arm64_sys_ioctl+0xb4/0x100', 'invoke_syscall+0x50/0x128', 'el0_svc_common.constprop.0+0xc8/0xf0',
  'do_el0_svc+0x24/0x38', 'el0_svc+0x44/0x1b8', 'el0t_64_sync_handler+0x100/0x130', 'el0t_64_sync+0x188/0x190',
];

const file = (stateDir: string): string => join(stateDir, 'kernel.log');

/** What khungtaskd writes of a task that slept uninterruptibly for `seconds` (kernel/hung_task.c, sched_show_task): the first lines as errors, the stack as information. */
export function hungTask(stateDir: string, task: { readonly name: string; readonly pid: number; readonly parent: number; readonly seconds: number }): void {
  const ms = Date.now();
  const name = task.name.slice(0, 15);
  const lines: Message[] = [
    { ms, level: 'err', text: `INFO: task ${name}:${task.pid} blocked for more than ${task.seconds} seconds.` },
    { ms, level: 'err', text: `      Tainted: G           OE      ${release} #1` },
    { ms, level: 'err', text: '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.' },
    { ms, level: 'info', text: `task:${name.padEnd(15)} state:D stack:${'0'.padEnd(5)} pid:${String(task.pid).padEnd(5)} ppid:${String(task.parent).padEnd(6)} flags:0x00000000` },
    { ms, level: 'info', text: 'Call trace:' },
    ...pinningFrames.map((f): Message => ({ ms, level: 'info', text: ` ${f}` })),
  ];
  appendFileSync(file(stateDir), lines.map((l) => `${JSON.stringify(l)}\n`).join(''));
}

/** Messages since the host came up: those of cards that are gone (the driver's wording in public kernel logs; domain.md I24), and what processes left. */
function messages(context: SimContext): Message[] {
  const { host, stateDir } = context;
  // The host came up when its state folder was made.
  const up = statSync(stateDir).birthtimeMs;
  const gone = Array.from({ length: host.count }, (_, d) => d).filter((d) => !isPresent(host, d));
  const lost = gone.map((d): Message => ({ ms: up, level: 'err', text: `[ascend] [ERROR] [drv_soft_fault] [heart_beat_judge 318] <kworker/5:1H:39365> Heartbeat lost! (device=${d}; old_count=1104; new_count=1104; lost_count=4; total_lost_count=4; total_10s_count=0; total_15s_count 0).` }));
  const left = existsSync(file(stateDir)) ? readFileSync(file(stateDir), 'utf8').trim().split('\n').map((l) => message.parse(JSON.parse(l))) : [];
  const mark: Message = { ms: up, level: 'err', text: 'simulated NPU host (xllm-npu-workflow): these messages are planted' };
  return [mark, ...lost, ...left].sort((a, b) => a.ms - b.ms);
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** `Tue Nov 24 19:41:00 2026`, local time. */
function calendar(ms: number): string {
  const [weekday, month, day, year] = new Date(ms).toDateString().split(' ');
  const date = new Date(ms);
  return `${weekday ?? ''} ${month ?? ''} ${String(Number(day)).padStart(2)} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())} ${year ?? ''}`;
}

/** dmesg of util-linux with the options that are asked of it: -T or --ctime, and -l or --level. */
export function dmesg(context: SimContext, argv: readonly string[]): SimOutput {
  const usage: SimOutput = { stdout: '', stderr: 'dmesg: the simulated host knows -T and --level=LIST\n', exitCode: 1 };
  let human = false;
  let levels: readonly string[] | null = null;
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? '';
    if (arg === '-T' || arg === '--ctime') human = true;
    else if (arg.startsWith('--level=')) levels = arg.slice('--level='.length).split(',');
    else if (arg === '-l' && argv[i + 1] !== undefined) levels = (argv[(i += 1)] ?? '').split(',');
    else return usage;
  }
  const all = messages(context);
  const boot = (all[0]?.ms ?? 0) - 3_600_000;
  const stamp = (ms: number): string => (human ? calendar(ms) : ((ms - boot) / 1000).toFixed(6).padStart(12));
  const shown = all.filter((m) => levels === null || levels.includes(m.level));
  return { stdout: shown.map((m) => `[${stamp(m.ms)}] ${m.text}\n`).join(''), stderr: '', exitCode: 0 };
}
