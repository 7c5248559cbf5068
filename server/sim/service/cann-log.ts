import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { clockText } from './clock.js';

/** What CANN, HCCL and torch_npu print when a device fails: texts as public logs and manuals have them. */

/** `2026-11-24-06:12:20.123.456` */
function cannTime(): string {
  const { date, time, micros } = clockText();
  return `${date}-${time}.${micros.slice(0, 3)}.${micros.slice(3)}`;
}

/** `$HOME/ascend/log/debug/plog/plog-<pid>_<17 digits>.log`, one file per process. */
export class Plog {
  readonly #home: string;
  readonly #program: string;
  #path: string | null = null;

  constructor(home: string, program: string) {
    this.#home = home;
    this.#program = program;
  }

  /** One line. `module` is RUNTIME, HCCL, ASCENDCL …; `place` the file and line of the source. */
  write(level: 'ERROR' | 'EVENT' | 'INFO', module: string, place: string, text: string): void {
    const { date, time, micros } = clockText();
    if (this.#path === null) {
      const folder = join(this.#home, 'ascend', 'log', 'debug', 'plog');
      mkdirSync(folder, { recursive: true });
      this.#path = join(folder, `plog-${process.pid}_${date.replaceAll('-', '')}${time.replaceAll(':', '')}${micros.slice(0, 3)}.log`);
    }
    appendFileSync(this.#path, `[${level}] ${module}(${process.pid},${this.#program}):${cannTime()} [${place}]${text}\n`);
  }
}

/** torch_npu's own error line. */
function torchLine(device: number, rank: number, code: string, text: string): string {
  const { date, time } = clockText();
  return `[ERROR] ${date}-${time} (PID:${process.pid}, Device:${device}, RankID:${rank}) ${code} ${text}\n`;
}

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
const mib = (bytes: number): string => (bytes >= 1024 ** 3 ? gib(bytes) : `${(bytes / 1024 ** 2).toFixed(2)} MiB`);

export interface OutOfMemory {
  readonly device: number;
  readonly askedBytes: number;
  readonly totalBytes: number;
  readonly allocatedBytes: number;
  readonly reservedBytes: number;
  readonly freeBytes: number;
}

/** The text of torch_npu's caching allocator. */
export function outOfMemoryText(m: OutOfMemory): string {
  return `NPU out of memory. Tried to allocate ${mib(m.askedBytes)} (NPU ${m.device}; ${gib(m.totalBytes)} total capacity; ${mib(m.allocatedBytes)} already allocated; ${mib(m.allocatedBytes)} current active; ${mib(m.freeBytes)} free; ${mib(m.reservedBytes)} reserved in total by PyTorch) If reserved memory is >> allocated memory try setting max_split_size_mb to avoid fragmentation.`;
}

/** A C++ program that does not catch it. */
export function uncaught(type: string, text: string): string {
  return `terminate called after throwing an instance of '${type}'\n  what():  ${text}\nException raised from malloc at build/CMakeFiles/torch_npu.dir/compiler_depend.ts:1032 (most recent call first):\n`;
}

/** Driver-level allocation failure that comes with it. */
export function memoryBlock(askedBytes: number): string {
  return `EL0004: [PID: ${process.pid}] ${cannTime()} Failed to allocate memory.\n        Possible Cause: Available memory is insufficient.\n        Solution: Close applications not in use.\n        TraceBack (most recent call last):\n        Failed to allocate resource[DeviceMemory] with info [size:${askedBytes}]. Reason: Memory resources are exhausted.\n`;
}

export interface KernelCrash {
  readonly device: number;
  readonly rank: number;
  /** AI core (507015) or vector core (507035). */
  readonly unit: 'aicore' | 'vector';
  readonly kernel: string;
}

const crashes = {
  aicore: { code: 507015, reason: 'aicore exception', event: 'fftsplus aicore error', internal: '0x7150026', title: 'Aicore' },
  vector: { code: 507035, reason: 'vector core exception', event: 'fftsplus aivector error', internal: '0x715005e', title: 'Vector core' },
} as const;

/** A crashed kernel: plog lines of the runtime, then the text the process prints before it aborts. */
export function kernelCrash(plog: Plog, crash: KernelCrash): string {
  const c = crashes[crash.unit];
  const info = `The error from device(chipId:${crash.device}, dieId:0), serial number is 1, there is an exception of ${c.event}, core id is 8, error code = 0x800000, dump info: pc start: 0x124101423000, current: 0x12410142395c, vec error info: 0, mte error info: 0x7f060000d0, ifu error info: 0x20003fffeda00, ccu error info: 0, cube error info: 0, biu error info: 0, aic error mask: 0x6500020bd000288, para base: 0x124140505400.`;
  const extend = 'The extend info: errcode:(0x800000, 0, 0) errorStr: The DDR address of the MTE instruction is out of range. fixp_error0 info: 0x60000e6, fixp_error1 info: 0xf3, fsmId:1, tslot:0, thread:0, ctxid:0, blk:3, sublk:0, subErrType:4.';
  const failed = `Aicore kernel execute failed, device_id=${crash.device}, stream_id=2, report_stream_id=2, task_id=55873, flip_num=1, fault kernel_name=${crash.kernel}, fault kernel info ext=${crash.kernel}, program id=42, hash=9645272693770703471.`;
  plog.write('ERROR', 'RUNTIME', 'device_error_core_proc.cc:333', `${process.pid} ProcessStarsCoreErrorInfo:${info}`);
  plog.write('ERROR', 'RUNTIME', 'device_error_core_proc.cc:322', `${process.pid} ProcessStarsCoreErrorInfo:${extend}`);
  plog.write('ERROR', 'RUNTIME', 'davinci_kernel_task.cc:1268', `${process.pid} PrintErrorInfoForDavinciTask:${failed}`);
  plog.write('ERROR', 'RUNTIME', 'api_c.cc:731', `${process.pid} rtStreamSynchronize:ErrCode=${c.code}, desc=[${c.reason}], InnerCode=${c.internal}`);
  return [
    `npuSynchronizeDevice:build/CMakeFiles/torch_npu.dir/compiler_depend.ts:479 NPU function error: AclrtSynchronizeDeviceWithTimeout, error code is ${c.code}\n`,
    torchLine(crash.device, crash.rank, 'ERR00100', 'PTA call acl api failed'),
    `[Error]: The ${c.title.toLowerCase()} execution is abnormal. \n        Rectify the fault based on the error information in the ascend log.\n`,
    `EZ9999: Inner Error!\nEZ9999: [PID: ${process.pid}] ${cannTime()} ${info}[FUNC:ProcessStarsCoreErrorInfo][FILE:device_error_core_proc.cc][LINE:333]\n`,
    `        TraceBack (most recent call last):\n        ${extend}[FUNC:ProcessStarsCoreErrorInfo][FILE:device_error_core_proc.cc][LINE:322]\n        rtStreamSynchronize execution failed, reason=${c.reason}[FUNC:FuncErrorReason][FILE:error_message_manage.cc][LINE:65]\n`,
  ].join('');
}

/** What a peer of a crashed rank sees: an error that came from elsewhere. */
export function remoteError(plog: Plog, device: number, rank: number): string {
  plog.write('ERROR', 'RUNTIME', 'api_c.cc:731', `${process.pid} rtStreamSynchronize:ErrCode=507057, desc=[suspect remote error], InnerCode=0x7150063`);
  return [
    `npuSynchronizeDevice:build/CMakeFiles/torch_npu.dir/compiler_depend.ts:479 NPU function error: AclrtSynchronizeDeviceWithTimeout, error code is 507057\n`,
    torchLine(device, rank, 'ERR00100', 'PTA call acl api failed'),
    '[Error]: SUSPECT REMOTE ERROR. \n        Rectify the fault based on the error information in the ascend log.\n',
  ].join('');
}

export interface NotifyTimeout {
  readonly device: number;
  readonly rank: number;
  readonly worldSize: number;
  readonly silentRank: number;
  /** Address of rank 0, as groups are named after it. */
  readonly group: string;
  readonly index: number;
  readonly count: number;
  /** When the collective was issued. */
  readonly issued: string;
  /** Set when the peer's process is known to be gone. */
  readonly lost: boolean;
}

/** `2026-11-24-06:12:20.123.456` of now: the time a collective was issued. */
export function issueTime(): string {
  return cannTime();
}

/** A collective that waited longer than HCCL_EXEC_TIMEOUT: plog lines of HCCL, then the text the process prints before it aborts. */
export function notifyTimeout(plog: Plog, t: NotifyTimeout): string {
  const tag = `AllReduce_${t.group}`;
  const base = `base information is streamID:[2], taskID[21], tag[${tag}], AlgType(level 0-1-2):[fullmesh-ring-NHR].`;
  const place = `groupRank information is group:[${t.group}], user define information[], rankSize[${t.worldSize}], rankId[${t.rank}].`;
  const data = `opData information is timeStamp:[${t.issued}], deviceId[${t.device}], index[${t.index}], count[${t.count}], reduceType[sum], src[0x12c0c0013000], dst[0x12c0c0014000], dataType[bfloat16].`;
  const head = `[${process.pid}][TaskExecStage][Timeout][Host]Task run failed, `;
  plog.write('ERROR', 'HCCL', 'task_exception_handler.cc:908', ` ${head}${base}`);
  plog.write('ERROR', 'HCCL', 'task_exception_handler.cc:771', ` ${head}${place}`);
  plog.write('ERROR', 'HCCL', 'task_exception_handler.cc:704', ` ${head}${data}`);
  // Date's own text has the weekday first and the year before the time; HCCL prints asctime's order.
  const [weekday, month, day, year, time] = new Date().toString().split(' ');
  const location = `Cluster Exception Location[IP/ID]:[127.0.0.1/${t.silentRank}], Arrival Time:[${weekday ?? ''} ${month ?? ''} ${day ?? ''} ${time ?? ''} ${year ?? ''}], Discoverer:[127.0.0.1/${t.rank}], ExceptionType:[Heartbeat Lost Occurred], Possible Reason:1. Process has exited, 2. Network Disconnected`;
  if (t.lost) plog.write('ERROR', 'HCCL', 'task_exception_handler.cc:610', ` [${process.pid}][TaskExecStage][HeartbeatAbnormal]${location}`);
  return [
    `npuSynchronizeDevice:build/CMakeFiles/torch_npu.dir/compiler_depend.ts:479 NPU function error: AclrtSynchronizeDeviceWithTimeout, error code is 507048\n`,
    torchLine(t.device, t.rank, 'ERR00100', 'PTA call acl api failed'),
    '[Error]: The execution of the internal task times out. \n        Rectify the fault based on the error information in the ascend log.\n',
    `EI0002: [PID: ${process.pid}] ${cannTime()} The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record from remote rank [${t.silentRank}].base information: [streamID:[2], taskID[21], taskType[Notify Wait], tag[${tag}], AlgType(level 0-1-2):[fullmesh-ring-NHR].] task information: [notify id:[0x0000000100000020], stage:[ffffffff], remote rank:[${t.silentRank}]\n`,
    ...(t.lost ? [`there are(is) 1 abnormal device(s):\n    ${location}\n`] : []),
    ']\n',
    '        Possible Cause: 1. An exception occurs during the execution on some NPUs in the cluster. As a result, collective communication operation failed.2. The execution speed on some NPU in the cluster is too slow to complete a communication operation within the timeout interval. (default 1800s, You can set the interval by using HCCL_EXEC_TIMEOUT.)3. The number of training samples of each NPU is inconsistent.4. Packet loss or other connectivity problems occur on the communication link.\n',
  ].join('');
}

/** The runtime refuses a device of ASCEND_RT_VISIBLE_DEVICES. */
export function invalidDevice(plog: Plog, visible: string, count: number): string {
  plog.write('ERROR', 'RUNTIME', 'runtime.cc:4780', `${process.pid} GetVisibleDevices:set ASCEND_RT_VISIBLE_DEVICES:[${visible}] error, input data rang[0-${count})`);
  return `EE1001: [PID: ${process.pid}] ${cannTime()} The argument is invalid.Reason: Set visible device failed, invalid device=${visible}, input visible devices:${visible}\n        Solution: 1.Check the input parameter range of the function. 2.Check the function invocation relationship.\n        TraceBack (most recent call last):\n        rtSetDevice execution failed, reason=[device id error], error code is 107001\n`;
}
