import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import type { ToolOk } from '../../server/contract/index.js';
import { catalogue } from '../../server/incident/catalogue.js';
import { evidenceSchema, type Evidence } from '../../server/incident/evidence.js';
import { Extraction } from '../../server/incident/extract.js';
import { textSource } from '../../server/incident/gather.js';
import { recentKernel } from '../../server/incident/kernel.js';
import { reportOf, type ReportBody } from '../../server/incident/report.js';
import { readingOf } from '../../server/incident/services.js';
import { incidentTriage } from '../../server/incident/tools.js';
import { tempFolder } from '../helpers/temp.js';

const dir = await tempFolder();
const bin = join(dir, 'bin');
await mkdir(bin);

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*" >>"${dir}/calls"\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

async function collected(): Promise<{ result: ToolOk; listed: string[]; commands: { command: string; outcome: string }[] }> {
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: dir, ASCEND_RT_VISIBLE_DEVICES: '0,1', HCCL_EXEC_TIMEOUT: '4242', HCCL_IF_IP: '10.9.8.7', OTHER: 'not-ours' };
  const config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir] }, '0.0.0', env, dir);
  const listed: string[] = [];
  const result = await incidentTriage.invoke({ collect: true }, { config, signal: new AbortController().signal, progress: (text: string) => void listed.push(text) });
  const commands = result.facts['commands'];
  return { result, listed, commands: Array.isArray(commands) ? commands : [] };
}

describe('collect', () => {
  it('lists what it runs before, records each with its outcome, keeps no value of a variable, and says what was refused', async () => {
    await program('npu-smi', 'exit 0');
    await program('dmesg', 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1');
    await program('journalctl', 'echo "-- No entries --"');
    const { result, listed, commands } = await collected();
    const calls = (await readFile(join(dir, 'calls'), 'utf8')).trim().split('\n');
    for (const call of calls) expect(listed).toContain(call);
    for (const call of calls) expect(commands.map((c) => c.command)).toContain(call);
    expect(commands).toContainEqual({ command: 'dmesg -T', outcome: 'refused', bytes: expect.any(Number) });
    expect(commands.map((c) => c.command)).toEqual(expect.arrayContaining(['read the end of /var/log/kern.log', 'read /proc/meminfo', 'read /proc/mounts', 'read /proc/*/stat and cmdline', 'read names of ASCEND_* and HCCL_* variables, values redacted']));
    expect(result.warnings.map((w) => w.code)).toContain('W-COLLECT');
    const kept = result.artifacts.find((a) => a.path.endsWith('environment.txt'));
    expect(await readFile(kept?.path ?? '', 'utf8')).toBe('ASCEND_RT_VISIBLE_DEVICES=[redacted]\nHCCL_EXEC_TIMEOUT=[redacted]\nHCCL_IF_IP=[redacted]\n');
    const table = result.artifacts.find((a) => a.path.endsWith('processes.txt'));
    expect(await readFile(table?.path ?? '', 'utf8')).toMatch(new RegExp(`^${process.pid} ${process.ppid} \\w `, 'm'));
  });
  it('kernel messages of today are diagnosed, older ones are not', async () => {
    const at = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '[$1 $3 $2 $5 $4]');
    const kill = 'Out of memory: Killed process 77 (python3) total-vm:1kB';
    await program('dmesg', `echo "${at(200)} ${kill}"`);
    expect((await collected()).result.facts['primary']).toBeNull();
    await program('dmesg', `echo "${at(1)} ${kill}"`);
    expect((await collected()).result.facts['primary']).toMatchObject({ id: 'host-oom-kill', origin: { pid: 77 } });
  });
  it('of a kernel log of many megabytes the end counts, and lines of every level', async () => {
    const at = new Date(Date.now() - 3_600_000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '[$1 $3 $2 $5 $4]');
    await program('dmesg', `[ "$*" = "-T" ] || exit 1\nawk 'BEGIN { for (i = 0; i < 40000; i++) print "${at} usb 1-1: new high-speed USB device number " i " using xhci_hcd" }'\necho "${at} python3[79]: segfault at 0 ip 0 sp 0 error 4"`);
    expect((await collected()).result.facts['primary']).toMatchObject({ id: 'segfault', origin: { pid: 79 } });
  });
  it('where dmesg is refused the journal is read', async () => {
    await program('dmesg', 'exit 1');
    const at = new Date(Date.now() - 3_600_000).toUTCString().replace(/^\w+, (\d+) (\w+) \d+ (\S+) GMT$/, '$2 $1 $3');
    await program('journalctl', `echo "${at} h kernel: Out of memory: Killed process 78 (python3) total-vm:1kB"`);
    expect((await collected()).result.facts['primary']).toMatchObject({ id: 'host-oom-kill', origin: { pid: 78 } });
  });
  it('of a log of all programs only lines of the kernel count', () => {
    const text = 'Nov 24 10:00:00 h kernel: a\nNov 24 10:00:00 h cron[1]: b\nNov 20 10:00:00 h kernel: c';
    expect(recentKernel(text, '2026-11-24T12:00:00.000Z', true)).toBe('Nov 24 10:00:00 h kernel: a');
  });
  it('reads requests and tokens of xLLM and vLLM pages', () => {
    expect(readingOf('num_running_requests : 2\nnum_processing_tokens_total_prompt : 10\nnum_processing_tokens_total_generated : 5\n')).toEqual({ requests: 2, tokens: 15 });
    expect(readingOf('# HELP x\nvllm:num_requests_running{engine="0"} 1.0\nvllm:num_requests_running{engine="1"} 3.0\nvllm:generation_tokens_total{engine="0"} 1.2e+03\n')).toEqual({ requests: 4, tokens: 1200 });
    expect(readingOf('nothing : 1')).toBeNull();
  });
});

const clean: NonNullable<Evidence['state']> = { sees_all_processes: true, cards: [0, 1].map((card) => ({ card, used_mb: 3116, total_mb: 65536, listed: [] })), nodes: [0, 1], stuck: [], services: [] };
async function withState(state: Evidence['state']): Promise<ReportBody> {
  const known = await catalogue();
  const extraction = new Extraction(known, '2026-11-24T00:00:00.000Z');
  await extraction.add(textSource('x', 'nothing\n'));
  return reportOf({ ...extraction.finish(), state }, known);
}

describe('the state of a host', () => {
  it('claims nothing of idle cards, of containers that see only their own processes, and of services that move or rest', async () => {
    const service = { endpoint: 'http://x', health: 200, requests: 1, tokens_before: 5, tokens_after: 5, seconds: 10 };
    const held = { card: 0, used_mb: 60000, total_mb: 65536, listed: [{ pid: 9, memory_mb: 50000, alive: false }] };
    const quiet: Evidence['state'][] = [
      clean,
      { ...clean, sees_all_processes: false, cards: [held, { card: 1, used_mb: 60000, total_mb: 65536, listed: [] }] },
      { ...clean, cards: [{ ...held, listed: [{ pid: 9, memory_mb: 50000, alive: true }] }], nodes: [0] },
      { ...clean, nodes: [] },
      { ...clean, cards: [] },
      ...[{ requests: 0 }, { tokens_after: 6 }, { seconds: 2.5 }, { health: 503 }].map((more) => ({ ...clean, services: [{ ...service, ...more }] })),
    ];
    for (const state of quiet) expect((await withState(state)).incidents, JSON.stringify(state)).toEqual([]);
    expect((await withState({ ...clean, services: [service] })).incidents.map((i) => i.id)).toEqual(['hang']);
    expect((await withState({ ...clean, cards: [held], nodes: [0] })).incidents.map((i) => [i.id, i.origin.device])).toEqual([['stale-process', 0]]);
  });
  it('a card whose id cannot be told is missing by count alone', async () => {
    const body = await withState({ ...clean, nodes: [8, 9, 10] });
    expect(body.incidents.map((i) => [i.id, i.origin.device])).toEqual([['device-missing', null]]);
  });
  it('evidence of an older triage, without state and framework, is still read', async () => {
    const { state, framework, ...old } = new Extraction(await catalogue(), '2026-11-24T00:00:00.000Z').finish();
    expect(evidenceSchema.parse(old)).toMatchObject({ state, framework });
  });
});

describe('framework', () => {
  it('breaks ties and says so: of two failures at one moment its own goes first', async () => {
    const known = await catalogue();
    const text = ['[2026-08-05 03:00:00] EngineDeadError: x', '[2026-08-05 03:00:00] Failed to allocate kv cache'].join('\n');
    const primary = async (framework: 'xllm' | 'sglang' | null): Promise<ReportBody> => {
      const extraction = new Extraction(known, '2026-11-24T00:00:00.000Z', framework);
      await extraction.add(textSource('x.log', text));
      return reportOf(extraction.finish(), known);
    };
    expect((await primary(null)).primary?.id).toBe('engine-dead');
    expect((await primary(null)).notes.map((n) => n.code)).not.toContain('N-FRAMEWORK');
    const own = await primary('xllm');
    expect(own.primary?.id).toBe('init-failed');
    expect(own.notes.find((n) => n.code === 'N-FRAMEWORK')?.detail).toMatch(/xllm.*decided the primary/);
    expect((await primary('sglang')).notes.find((n) => n.code === 'N-FRAMEWORK')?.detail).toMatch(/would give the same/);
  });
});
