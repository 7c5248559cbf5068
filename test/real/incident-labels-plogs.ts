import { clean, effect, root, silent, unexplained, type Label, type More } from './incident-labels.js';

const kg = 'plog/mindcluster-kg_parse';
const st = 'plog/mindcluster-st_testcase';
const job = `${st}/modelarts-job-testdt/ascend`;
const plog = (pid: string): string => `${job}/process_log/debug/plog/plog-${pid}.log`;
const waits = (path: string, more: More = {}): Label => effect(path, 'hccl', [null], more);
const transport = (worker: number, kind: string, file: string): string => `plog/mindcluster-st_transport_init_testcase/worker-${worker}/process_log/${kind}/plog/plog-${file}.log`;
const event = (worker: number, kind: string, file: string): string => `plog/mindcluster-st_event_timeout_testcase/worker-${worker}/process_log/${kind}/plog/plog-${file}.log`;
const rc = (path: string): string => `plog/mindcluster-rc_diag/${path}`;

/** plog: logs that the tests of MindCluster's fault diagnosis and of oam-tools read. A folder is one incident over several processes. */
export const plogLabels: readonly Label[] = [
  clean(`${kg}/amct_log/amct_onnx.log`),
  clean(`${kg}/device-1/device-1_20241204162140159.log`),
  // Event 0x8c17a005 is in none of the sources.
  clean(`${kg}/device-os_20231031164139951.log`),
  clean(`${kg}/dl_log/ascend-docker-runtime/runtime-run.log`),
  // Switch and BMC events as warnings or information, whose codes none of the sources explains.
  clean(`${kg}/dl_log/devicePlugin/devicePlugin-2024-01-10T03-30-45.197.log`),
  clean(`${kg}/dl_log/devicePlugin/devicePlugin.log`),
  clean(`${kg}/dl_log/noded/noded-2999-10-01T03-39-17.760.log`),
  clean(`${kg}/dl_log/noded/noded.log`),
  unexplained(`${kg}/dl_log/npu-exporter/npu-exporter-2023-12-22T22-40-17.760.log`, [1]),
  // libdcmi.so may not be used.
  root(`${kg}/dl_log/npu-exporter/npu-exporter.log`, 'driver', [1]),
  unexplained(`${kg}/dl_log/volcano-controller/volcano-controller.log`, [1]),
  unexplained(`${kg}/dl_log/volcano-scheduler/volcano-scheduler.log`, [1]),
  root(`${kg}/hisi_logs/device-1/20241204162140-590391000/log/kernel.log`, 'host-os|device', [1]),
  root(`${kg}/lcne_log/log_1_20250814013158.log`, 'link', [1]),
  // Lines of four hosts: full connection table (without a readable time here), damaged file system, a process killed for memory.
  ...['messages', 'messages-2', 'messages-3'].map((m) => root(`${kg}/${m}`, 'host-os', [1, 3], { begins: 1 })),
  // One a day, each of another card as the lines number them.
  root(`${kg}/messages_0x40F84E00`, 'device', [1], { device: 1, incidents: 3 }),
  unexplained(`${kg}/mindie/log/debug/mindie-ms_11_202411061400.log`, [1, 3]),
  // A copy by SDMA whose page was not mapped (four times), an hour later memory of the card ran out. Lines 3 and 4 are later than 5 and 6.
  root(`${kg}/plog-10972_20230131024824126.log`, 'device|runtime', [5, 6], { rank: 0, begins: 3, incidents: 2 }),
  clean(`${kg}/pymotor_vllm/vllm-p0-cbf7496f5-qc255_node-97-40.log`),
  root(`${kg}/rank-0.txt`, 'device', [7, 10, 13], { rank: 0, begins: 1 }),
  // ERR00002 without the text that belongs to it.
  unexplained(`${kg}/rank-1.txt`, [8]),
  root(`${kg}/slog/host/host_kernel.log`, 'device|driver', [2]),
  root(`${kg}/train_call/worker-0/rank-0.txt`, 'host-os', [3], { rank: 0, begins: 1 }),
  root(`${kg}/train_call/worker-1/rank-0.txt`, 'host-os', [3], { rank: 0, begins: 1 }),
  unexplained(`${kg}/train_call/worker-2/rank-0.txt`, [12, 24]),
  unexplained(`${kg}/train_call/worker-3/rank-0.txt`, [13, 17, 34]),
  unexplained(`${kg}/ttp_log/ttp_log.log.1`, [1, 2, 4]),
  root(`${kg}/vmcore-dmesg.txt`, 'host-os', [1]),

  // Eight ranks of which one, then three are heard: all waited at the rendezvous, for whom is not told.
  waits(rc('init_failed_with_timeout/worker-0/plog-parser-123-1.log'), { begins: 3 }),
  waits(rc('rc_118/worker-1/plog-parser-123-1.log'), { begins: 3 }),
  waits(rc('rc_118/worker-1/plog-parser-136-1.log'), { begins: 3 }),
  waits(rc('rc_118/worker-1/plog-parser-149-1.log'), { begins: 3 }),
  waits(rc('rc_118')),
  // Alone each names the rank it waited for; together rank 1 stands at another operation than the three others.
  waits(rc('rc_122/w_1/plog-parser-69395-1.log'), { rank: 3, begins: 8 }),
  waits(rc('rc_122/w_1/plog-parser-69396-1.log'), { rank: 2, begins: 6 }),
  waits(rc('rc_122/w_1/plog-parser-69397-1.log'), { rank: 3, begins: 6 }),
  waits(rc('rc_122/w_1/plog-parser-69398-1.log'), { rank: 1, begins: 6 }),
  waits(rc('rc_122'), { rank: 1 }),
  waits(rc('rc_remote_local/worker-0/plog-parser-69402-1.log'), { rank: 1, begins: 4 }),
  waits(rc('rc_remote_local/worker-0/plog-parser-69403-1.log'), { rank: 2, begins: 4 }),
  waits(rc('rc_remote_local/worker-0/plog-parser-69404-1.log'), { begins: 4 }),
  // 0 waits for 1, 1 for 2, 2 for nobody else; but all three lines of the fixture carry one process id.
  waits(rc('rc_remote_local'), { rank: [2, null] }),

  // Lines of six programs and two years, put together to try a parser: the CQE errors and the rendezvous are of different hosts.
  root('plog/mindcluster-rc_parse/example.log', 'link|hccl', [7, 13, 35, 36], { rank: [0, null], begins: 5 }),
  root('plog/mindcluster-rc_parse/p2p_timeout.log', 'link|hccl', [3]),
  waits('plog/mindcluster-rc_parse/socket_timeout.log', { begins: 3 }),

  // Ranks 0 and 1 wait for each other, rank 2 for an address outside: 0.4 s apart, so nothing tells who was late.
  waits(event(0, 'debug', '59420_20250124110314898'), { rank: 1 }),
  clean(event(0, 'run', '59420_20250124110315736')),
  waits(event(1, 'debug', '26251_20250124110314544'), { rank: 0 }),
  waits(event(1, 'debug', '26252_20250124110135544'), { rank: 3 }),
  clean(event(1, 'run', '26251_20250124110315401')),
  clean(event(1, 'run', '26252_20250124110143012')),
  waits('plog/mindcluster-st_event_timeout_testcase'),

  // A receive that failed on rank 0; the others name it as the end they could not reach.
  unexplained(transport(0, 'debug', '114725_20250619092939806'), [1]),
  clean(transport(0, 'run', '114725_20250619092715212')),
  waits(transport(1, 'debug', '114650_20250619092835264'), { rank: 0 }),
  clean(transport(1, 'run', '114650_20250619092607511')),
  waits(transport(2, 'debug', '114735_20250619092939806'), { rank: 0 }),
  clean(transport(2, 'run', '114735_20250619092715212')),
  waits(transport(3, 'debug', '114745_20250619092939806'), { rank: 0 }),
  clean(transport(3, 'run', '114745_20250619092715212')),
  silent('plog/mindcluster-st_transport_init_testcase', { rank: 0 }),

  clean(`${st}/amct_log/amct_onnx.log`),
  // The four lines of the file above with readable times: killed for memory on one day, the full table three days later.
  root(`${st}/messages-fake-case.txt`, 'host-os', [3], { begins: 1, incidents: 2 }),
  // An error in the model's own code.
  unexplained(`${st}/modelarts-job-testdt-proc-rank-0-device-0.txt`, [72, 95]),
  effect(`${st}/modelarts-job-testdt-proc-rank-1-device-1.txt`, 'driver', [4, 6], { rank: 1, begins: 2 }),
  ...[2, 3, 4, 5, 7].map((r) => clean(`${st}/modelarts-job-testdt-proc-rank-${r}-device-${r}.txt`)),
  root(`${st}/modelarts-job-testdt-proc-rank-6-device-6.txt`, 'build', [10, 11], { rank: 6, begins: 4 }),
  clean(`${st}/modelarts-job-testdt-worker-0.log`),
  root(`${job}/device_log/hisi_logs/device-0/20230713162044-070000011/bbox/driver.txt`, 'device', [4], { begins: 1 }),
  effect(`${job}/device_log/hisi_logs/device-0/history.log`, 'device', [1, 2]),
  root(`${job}/device_log/slog/dev-os-3/debug/device-os/device-os_20230607152207758.log`, 'device', [4, 7], { begins: 1 }),
  waits(`${job}/device_log/slog/dev-os-3/device-0/device-0_20230607152210099.log`),
  unexplained(`${job}/device_log/slog/dev-os-3/run/device-os/device-os_20230607152210766.log`, [6]),
  clean(`${job}/process_log/debug/device-0/device-10972_20230131024824126.log`),
  // Lines of four programs: sockets not made (2023-01), copies, an SDMA error and a CQE error months later.
  { ...waits(plog('10972_20230131024824126'), { rank: [0, null], begins: 2, incidents: 2 }), classes: ['hccl', 'device', 'runtime'] },
  waits(plog('11044_20230131024824265'), { begins: 2 }),
  // A kernel of another program, four months before the sockets were not made.
  root(plog('11116_20230131024824451'), 'aicore', [4], { begins: 2, incidents: 2 }),
  ...['11190_20230131024824599', '11262_20230131024824754', '11335_20230131024824929', '11406_20230131024825050', '11481_20230131024825182'].map((p) => waits(plog(p), { begins: 2 })),
  clean(`${job}/process_log/run/plog/plog-11262_20230131024824754.log`),

  clean('plog/oamtools-fascore-mte-aivector-910b/device-1592007_20240912164001269.log'),
  root('plog/oamtools-fascore-mte-aivector-910b/invalid-tiling-test.log', 'aicore', [1, 3]),
  clean('plog/oamtools-fascore-mte-aivector-910b/plog-1592007_20240912163952762.log'),
  root('plog/oamtools-fascore-mte-aivector-910b/plog-1592007_20240912164003456.log', 'aicore', [1, 3]),
  root('plog/oamtools-fascore-mte-aivector-910b', 'aicore', [1, 3], { device: 0 }),
  // What the card's own log says of the crash two seconds before.
  effect('plog/oamtools-gatherv2d-2020/device-os_19700101080014782.log', 'runtime', [83]),
  root('plog/oamtools-gatherv2d-2020/plog_20201224011051563.log', 'aicore', [13, 14]),
  root('plog/oamtools-gatherv2d-2020', 'aicore', [13, 14]),
  clean('plog/oamtools-gatherv3-2025/device-155320_20250508095615632.log'),
  // Kernels that used bad addresses, as the card's log tells it; its hardware records are not of the memory kind.
  effect('plog/oamtools-gatherv3-2025/device-os_20250508024510859.log', 'runtime', [3], { begins: 1 }),
  // Bus errors of cores, by the event's own words probably caused by software, all resumed.
  clean('plog/oamtools-gatherv3-2025/event_20250507195454617.log'),
  clean('plog/oamtools-gatherv3-2025/plog-155320_20250508095608125.log'),
  root('plog/oamtools-gatherv3-2025/plog-155320_20250508095618528.log', 'aicore', [1, 3]),
  root('plog/oamtools-gatherv3-2025', 'aicore', [1, 3], { device: 0 }),
  root('plog/oamtools-l1-2025/plog-17890_202506017074109552.log', 'aicore', [362, 364], { device: 0, begins: 362 }),
  root('plog/oamtools-milan-addcustom/plog-588579_20250402071926352.log', 'aicore', [1, 3]),
  effect('plog/oamtools-stackcore/stackcore_tracer_6_570350_atrace_test_20241010031221412850.txt', 'host-os', [2], { begins: 1 }),
  clean('plog/oamtools-tf-2023/plog-1193_20230713074122918.log'),
  clean('plog/oamtools-tf-2023/plog-1204_20230713074122951.log'),
  // The dump of an operator whose kernel failed; the failure itself was logged elsewhere.
  effect('plog/oamtools-tf-2023/plog-370_20230713074109952.log', 'aicore', [243], { device: 0 }),
];
