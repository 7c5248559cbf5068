/** Multi-rank incidents with a planted origin: plogs and kernel logs of 2–64 ranks on hosts whose clocks differ. Wording as published by CANN and Linux. */

export const kinds = ['aicore', 'oom', 'silent', 'killed', 'port', 'clean'] as const;
export type Kind = (typeof kinds)[number];

export interface Planted {
  readonly kind: Kind;
  readonly ranks: number;
  readonly origin: number;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** Mulberry32. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');
export function cannTime(ms: number): string {
  const d = new Date(ms);
  return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())}-${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}.${pad(d.getUTCMilliseconds(), 3)}.000`;
}
const kernelTime = (ms: number): string => {
  const [, day, month, year, time] = /^\w{3}, (\d\d) (\w{3}) (\d{4}) ([\d:]{8})/.exec(new Date(ms).toUTCString()) ?? [];
  return `[Tue ${month ?? ''} ${String(Number(day)).padStart(2, ' ')} ${time ?? ''} ${year ?? ''}] `;
};

export function plant(kind: Kind, ranks: number, seed: number): Planted {
  const next = random(seed);
  const origin = Math.floor(next() * ranks);
  const perHost = Math.min(8, Math.max(1, Math.ceil(ranks / 2)));
  const skew = Array.from({ length: Math.ceil(ranks / perHost) }, (_, h) => (h === 0 ? 0 : Math.round((next() - 0.5) * 40_000)));
  const shared = next() < 0.8;
  const start = Date.UTC(2026, 7, 5, 3, 0, 0) + Math.floor(next() * 1e7);
  const fault = start + 600_000;
  const group = '10.1.0.1%eth0_60000_0_1754363000000000';
  const files: { path: string; text: string }[] = [];
  for (let rank = 0; rank < ranks; rank += 1) {
    const host = Math.floor(rank / perHost);
    const pid = 4000 + host * 100 + (rank % perHost);
    const at = (ms: number): string => cannTime(ms + (skew[host] ?? 0));
    const line = (level: string, module: string, ms: number, text: string): string => `[${level}] ${module}(${pid},python3):${at(ms)} [source.cc:${100 + rank}]${pid} ${text}`;
    const out = [line('INFO', 'HCCL', start, `[HCCL_TRACE]SetupAgent rankNum[${ranks}], rank[${rank}], rootInfo identifier[${group}], server[10.1.0.${host + 1}%eth0], logicDevId[${rank % perHost}], phydevId[${rank % perHost}], deviceIp[192.168.${host}.${rank % perHost}]`)];
    if (shared) out.push(line('INFO', 'HCCL', start + 2000 + next() * 5, `[HCCL_TRACE]HcclCommInitRootInfo success,take time [2042701]us, rankNum[${ranks}], rank[${rank}],rootInfo identifier[${group}], server[10.1.0.${host + 1}%eth0], logicDevId[${rank % perHost}]`));
    for (let i = 0; i < 10; i += 1) out.push(line('INFO', 'RUNTIME', start + 5000 + i * 20_000, 'error code is not set, step finished, no Exception: retries 0'));
    out.push(line('ERROR', 'DRV', start + 6000, 'DrvMngGetConsoleLogLevel failed. (g_conLogLevel=3)'));
    const timeout = (ms: number): string[] => [
      line('ERROR', 'HCCL', ms, `[TaskExecStage][Timeout][Host]Task run failed, base information is streamID:[2], taskID[21], tag[AllReduce_${group}], AlgType(level 0-1-2):[fullmesh-ring-NHR].`),
      line('ERROR', 'HCCL', ms + 1, `groupRank information is group:[${group}], user define information[], rankSize[${ranks}], rankId[${rank}].`),
      `EI0002: [PID: ${pid}] ${at(ms + 2)} The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record from remote rank [${origin}].`,
    ];
    const mine = rank === origin;
    const later = fault + 200 + next() * 1500;
    if (kind === 'aicore') {
      if (mine) out.push(line('ERROR', 'RUNTIME', fault, 'ProcessStarsCoreErrorInfo:The error from device(chipId:0, dieId:0), serial number is 1, there is an exception of fftsplus aivector error, core id is 8, error code = 0x800000'), line('ERROR', 'RUNTIME', fault + 3, 'rtStreamSynchronize:ErrCode=507035, desc=[vector core exception], InnerCode=0x715005e'));
      else out.push(line('ERROR', 'RUNTIME', later, 'rtStreamSynchronize:ErrCode=507057, desc=[suspect remote error], InnerCode=0x7150063'));
    } else if (kind === 'oom') {
      if (mine) out.push(`EL0004: [PID: ${pid}] ${at(fault)} Failed to allocate memory.`, '        Possible Cause: Available memory is insufficient.');
      else out.push(...timeout(fault + 1_800_000 + next() * 2000));
    } else if (kind === 'silent' || kind === 'killed') {
      if (!mine) out.push(...timeout(fault + 1_800_000 + next() * 2000));
    } else if (kind === 'port') {
      if (mine) out.push(line('ERROR', 'HCCL', fault, `[HcclSocket][Listen] socket type[1], listen on ip[192.168.${host}.1] and specific port[16666] fail. Please check the port status`));
      else {
        // HCCL prints its own rank in the first line and the peer in the table.
        const end = fault + 120_000 + next() * 900;
        out.push(line('ERROR', 'HCCL', end, `[Wait][LinkEstablish]wait socket establish timeout, role[1] rank[${rank}] timeout[120 s]`));
        out.push(line('ERROR', 'HCCL', end + 1, `   |  192.168.0.1(${origin})   |  16666  |   192.168.${host}.2(${rank})   |  3234403008  |  client  | time out |   DISABLE  | LinkInfo`));
      }
    }
    files.push({ path: `/logs/worker-${host}/debug/plog/plog-${pid}_20260805030000${pad(rank, 3)}.log`, text: `${out.join('\n')}\n` });
  }
  if (kind === 'killed') {
    const host = Math.floor(origin / perHost);
    const pid = 4000 + host * 100 + (origin % perHost);
    files.push({ path: `/logs/worker-${host}/dmesg.log`, text: `${kernelTime(fault + (skew[host] ?? 0))}Out of memory: Killed process ${pid} (python3) total-vm:88000000kB\n` });
  }
  return { kind, ranks, origin, files };
}
