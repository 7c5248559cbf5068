import { describe, expect, it } from 'vitest';
import { catalogue } from '../../server/incident/catalogue.js';
import type { Evidence } from '../../server/incident/evidence.js';
import { reportOf, type ReportBody } from '../../server/incident/report.js';
import { plant } from '../generate/incident.js';
import { triageFiles, triageText } from './helpers.js';

/** Answers as hccn_tool prints them (MindCluster's reader and guide, HCCL's guide to error CQEs). */
const link = (card: number, state: string): string => `/usr/local/Ascend/driver/tools/hccn_tool -i ${card} -link -g\nlink status: ${state}\n\n`;
const health = (card: number, state: string): string => `hccn_tool -i ${card} -net_health -g\nnet health status: ${state}\n`;
const flap = (card: number, down: string): string => `[devid ${card}]current time        : Wed Aug  5 21:46:46 2026\n[devid ${card}]link up count       : 2\n[devid ${card}]link down count     : 1\n[devid ${card}]link change records :\n[devid ${card}]    Wed Aug  5 ${down} 2026    LINK DOWN\n`;
const cards = [0, 1, 2, 3, 4, 5, 6, 7];
const listing = (ill: readonly number[], answer: (card: number, well: boolean) => string): string => cards.map((c) => answer(c, !ill.includes(c))).join('');
const links = (ill: readonly number[]): string => listing(ill, (c, well) => link(c, well ? 'UP' : 'DOWN'));
const cqe = '[ERROR] HCCL(77,python3):2026-08-05-10:14:00.000.000 [heartbeat.cc:1229]77 [Heartbeat]cqe err status[12]\n';
const waits = (pid: number): string => `EI0002: [PID: ${pid}] 2026-08-05-10:14:00.000.000 The wait execution of the Notify register times out. Reason: The Notify register has not received the Notify record.\n`;

describe('answers of hccn_tool', () => {
  it('one port down among others that are up is the link of that card, by file and line', async () => {
    const { body } = await triageFiles([{ path: '/l/net.txt', text: links([5]) }]);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'nic-link-down', class: 'link', layer: 'hccl', origin: { device: 5, file: '/l/net.txt', line: 17, pid: null } } });
    expect(body.incidents).toHaveLength(1);
    expect(body.primary?.evidence).toMatchObject([{ line: 17, text: 'link status: DOWN' }]);
    expect(body.first_evidence).toContain('hccn_tool -i 5 -optical -g');
  });
  it('net health: Fault beside Success is the link; Init and Success are well; another word alone is nothing', async () => {
    const health2 = (word: string): string => listing([2], (c, well) => health(c, well ? (c % 2 === 0 ? 'Success' : 'Init') : word));
    expect(await triageText(health2('Fault'))).toMatchObject({ verdict: 'diagnosed', primary: { id: 'nic-net-fault', class: 'link', origin: { device: 2 } } });
    for (const word of ['Success', 'Init', 'Socket failed']) expect((await triageText(health2(word))).verdict, word).toBe('no-known-signature');
  });
  it('a server without cables has all ports down, and start records of a link: nothing is claimed', async () => {
    expect((await triageText(links(cards))).incidents).toEqual([]);
    expect((await triageText(links([]) + cards.map((c) => flap(c, '03:00:01')).join(''))).incidents).toEqual([]);
    expect((await triageText('optical info:\npresent              : not present\n')).incidents).toEqual([]);
  });
  it('the port explains what HCCL and RDMA report', async () => {
    const { body } = await triageFiles([
      { path: '/l/plog/plog-77_20260805030000000.log', text: cqe + waits(77) },
      { path: '/l/plog/plog-78_20260805030000000.log', text: waits(78) },
      { path: '/l/net.txt', text: links([3]) },
    ]);
    expect(body).toMatchObject({ verdict: 'diagnosed', primary: { id: 'nic-link-down', origin: { device: 3, line: 11 } } });
    expect(body.incidents).toHaveLength(1);
    expect(body.cascades.map((c) => [c.id, c.under]).sort()).toEqual([['hccl-cqe', 0], ['hccl-notify-timeout', 0]]);
  });
  it('a flap counts when RDMA gave up while it could have waited, not at another time', async () => {
    expect((await triageText(cqe + flap(4, '10:13:50'))).primary).toMatchObject({ id: 'nic-link-flap', class: 'link', origin: { device: 4, time: '2026-08-05T10:13:50.000' } });
    for (const other of ['03:00:01', '12:00:00']) expect((await triageText(cqe + flap(4, other))).primary?.id, other).toBe('hccl-cqe');
  });
  it('all ports down and ranks that waited is only suspected, and a proven failure of a rank goes before it', async () => {
    expect(await triageText(waits(77) + links(cards))).toMatchObject({ verdict: 'suspected', primary: { id: 'nic-link-down' }, incidents: [{}] });
    const planted = plant('aicore', 4, 11);
    const { body } = await triageFiles([...planted.files, { path: '/logs/net.txt', text: links(cards) }]);
    expect(body.primary).toMatchObject({ class: 'aicore', origin: { rank: planted.origin } });
    expect(body.incidents).toHaveLength(1);
  });
  it('the time of a change record is not that of the lines below it', async () => {
    const body = await triageText(`${flap(0, '03:00:01')}Health Status                  : Alarm\n`);
    expect(body.primary).toMatchObject({ id: 'device-alarm', origin: { line: 6, time: null } });
  });
  it('a collected answer names its card by its file', async () => {
    const { body } = await triageFiles([
      { path: 'collected/hccn_tool_-i_0_-link_-g', text: 'link status: UP\n' },
      { path: 'collected/hccn_tool_-i_1_-link_-g', text: 'link status: DOWN\n' },
      { path: 'collected/hccn_tool_-i_1_-optical_-g', text: 'optical info:\npresent              : not present\n' },
    ]);
    expect(body.primary).toMatchObject({ id: 'nic-link-down', origin: { device: 1 } });
    expect(body.primary?.evidence.map((e) => e.text)).toEqual(['link status: DOWN', 'present              : not present']);
  });
});

const state: NonNullable<Evidence['state']> = { sees_all_processes: true, cards: null, nodes: [], services: [], stuck: [] };
async function withStuck(text: string, stuck: (typeof state)['stuck']): Promise<ReportBody> {
  const { evidence } = await triageFiles([{ path: '/l/node_0.log', text }]);
  return reportOf({ ...evidence, state: { ...state, stuck } }, await catalogue());
}

describe('processes that stay in state D', () => {
  const loading = 'I20260805 10:00:00.000000 1 worker_impl.cpp:1] Loading model weights from /m\n';
  const python = { pid: 7, name: 'python3', wchan: null };
  it('with a log that ends in the loading of weights it is that load, with the stack it is the copy; alone it is a suspicion; a kernel thread is nothing', async () => {
    expect((await withStuck(loading, [])).verdict).toBe('suspected');
    expect(await withStuck(loading, [python])).toMatchObject({ verdict: 'diagnosed', primary: { id: 'd-state-load', class: 'weights-load', origin: { rank: 0 } }, incidents: [{}] });
    expect(await withStuck('x\n', [python])).toMatchObject({ verdict: 'suspected', primary: { id: 'd-state', class: 'host-os' } });
    expect((await withStuck('x\n', [{ pid: 7, name: 'jbd2/sda1-8', wchan: null }])).incidents).toEqual([]);
    for (const frame of ['[<0>] filemap_fault+0x4c8/0x9f0', '[<0>] pin_user_pages_fast+0x20/0x40', '[<0>] __folio_lock+0x1c/0x30']) {
      expect(await withStuck(`pid 7 state D wchan folio_wait_bit_common\n${frame}\n`, [python]), frame).toMatchObject({ verdict: 'diagnosed', primary: { id: 'd-state-copy', class: 'host-os', origin: { pid: 7, line: 2 } }, incidents: [{}] });
    }
  });
  it('a stack of an ordinary page fault in the kernel log is none', async () => {
    expect((await triageText('[Wed Aug  5 10:00:00 2026]  filemap_fault+0x4c8/0x9f0\n')).incidents).toEqual([]);
  });
});
