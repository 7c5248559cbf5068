import { describe, expect, it } from 'vitest';
import { holdsAnything, readEvidence } from '../../server/environment/read/evidence.js';
import { ofOneMoment } from '../../server/environment/read/folder.js';
import { parseKeyed, parseList } from '../../server/environment/read/keyed.js';
import { parseMap, parseTopology } from '../../server/programs/npu-smi/map.js';
import { piecesOf } from '../../server/environment/read/pieces.js';
import { parseFrameworks, parseProcesses, parseVersions } from '../../server/environment/read/versions.js';
import { printList, printMap, printTopology, printType } from '../../server/sim/npu-smi.js';
import { occupied, plantHost } from '../generate/npu-smi.js';

const none = { npu: null, chip: null };

describe('npu-smi info -m', () => {
  it('gives the logical ids and leaves the controller rows out', () => {
    for (const layout of ['910', 'a3', '310p'] as const) {
      const host = plantHost(layout);
      expect(printMap(host)).toContain('Mcu');
      expect(parseMap(printMap(host))?.map((r) => [r.npu, r.chip, r.logic, r.phy])).toEqual(host.chips.map((c) => [c.npu, c.chip, c.logic, layout === 'a3' ? c.phy : null]));
    }
  });

  it('has no logical id on a 950, only the physical one', () => {
    const rows = parseMap(printMap(plantHost('950')));
    expect(rows?.map((r) => r.phy)).toEqual([0, 1, 2, 3]);
    expect(rows?.every((r) => r.logic === null)).toBe(true);
  });

  it('reads single-spaced rows and names with a blank', () => {
    expect(parseMap('NPU ID  Chip ID  Chip Logic ID  Chip Name\n8 0 0 Ascend 910B3\n8 1 - Mcu\n9 0 1 Ascend 910B3')).toEqual([
      { npu: 8, chip: 0, logic: 0, phy: null, name: 'Ascend 910B3' },
      { npu: 9, chip: 0, logic: 1, phy: null, name: 'Ascend 910B3' },
    ]);
  });
});

describe('npu-smi info -t', () => {
  it('attributes each block to the chip named after it', () => {
    const host = plantHost('a3', (c, i) => (i === 1 ? { ...occupied(c, 77, 48_208, null), aicorePct: 63 } : {}));
    const usages = parseKeyed(printType(host, 'usages', 0, null) ?? '', none);
    expect(usages.map((r) => [r.npu, r.chip, r.fields.get('aicore usage rate(%)')])).toEqual([
      [0, 0, '0'],
      [0, 1, '63'],
    ]);
    const memory = parseKeyed(printType(host, 'proc-mem', 0, null) ?? '', none);
    expect(memory.map((r) => [r.chip, r.noProcess, r.processes.map((p) => [p.pid, p.name, p.memoryMb])])).toEqual([
      [0, true, []],
      [1, false, [[77, null, 48_208]]],
    ]);
  });

  it('takes the ids from the file name where the text has none', () => {
    const [piece] = piecesOf({ name: 'npu-smi.health.3.1.txt', text: 'Health Status : Alarm\nError Code : 80E18005 A4025021' });
    expect(piece?.ids).toEqual({ npu: 3, chip: 1 });
    const record = parseKeyed(piece?.text ?? '', piece?.ids ?? none)[0];
    expect([record?.npu, record?.chip, record?.fields.get('health status')]).toEqual([3, 1, 'Alarm']);
  });

  it('does not take the answer to a refused query for fields', () => {
    const e = readEvidence([{ name: 'npu-smi.board.0.txt', text: 'Invalid card id.\nError parameter of -i\nUsage: npu-smi info <watch|proc>' }]);
    expect(e.keyed).toEqual([]);
    expect(holdsAnything(e)).toBe(false);
  });

  it('counts NPUs with -l', () => {
    expect(parseList(printList(plantHost('a3')))).toEqual({ total: 8, npuIds: [0, 1, 2, 3, 4, 5, 6, 7] });
  });

  it('reads the topology matrix row by row', () => {
    const topo = parseTopology(printTopology(plantHost('a3')));
    expect(topo?.npus[3]).toBe('Phy-ID3');
    expect(topo?.links[2]?.slice(0, 5)).toEqual(['HCCS', 'HCCS', 'X', 'SIO', 'HCCS']);
    expect(topo?.cpu_affinity).toHaveLength(16);
    expect(parseTopology('NPU0 NPU1 CPU Affinity\nNPU0 X UB 0-3')).toBeNull();
  });
});

describe('dumps of many commands', () => {
  const dump = [
    'Datetime: 2025-01-02',
    '/usr/local/bin/npu-smi info -i 2 -c 0 -t health',
    '\tHealth Status                  : Alarm',
    '\tError Code                     : A4025021',
    '',
    'usr/local/Ascend/driver/tools/hccn_tool -i 0 -optical -g',
    'temperature          : 99 C',
    'Health Status        : not ours',
    '[root@host ~]# cat /usr/local/Ascend/firmware/version.info',
    'Version=7.1.0.11.220',
    'root@host:/# cat /usr/local/Ascend/driver/version.info',
    'Version=23.0.7',
    'cat /usr/local/Ascend/nnae/latest/ascend_nnae_install.info',
    'package_name=Ascend-cann-nnae',
    'version=8.0.RC3',
    'pip list | grep torch-npu',
    'torch-npu          2.1.0.post8',
  ].join('\n');

  it('splits at the command lines and keeps the ids of each command', () => {
    const e = readEvidence([{ name: 'dump.txt', text: dump }]);
    expect(e.keyed.filter((r) => r.npu !== null).map((r) => [r.npu, r.chip, r.fields.get('health status'), r.fields.get('error code')])).toEqual([[2, 0, 'Alarm', 'A4025021']]);
    expect(e.keyed.some((r) => r.fields.has('temperature'))).toBe(false);
    expect(e.versions).toMatchObject({ driver: '23.0.7', firmware: '7.1.0.11.220', nnae: '8.0.RC3', toolkit: null });
    expect(e.frameworks).toEqual([{ name: 'torch_npu', version: '2.1.0.post8' }]);
  });

  it('does not split at a table that names the tool', () => {
    expect(piecesOf({ name: 'a.txt', text: 'NPU-SMI 24.1.0.1   Version: 24.1.0.1\n| npu-smi 25.5   Version: 25.5 |' })).toHaveLength(1);
  });
});

describe('version files', () => {
  it('tells driver, firmware, toolkit and system apart by content', () => {
    expect(parseVersions('Version=25.5.1\nascendhal_version=7.35.23', 'x.txt').driver).toBe('25.5.1');
    expect(parseVersions('Version=25.3.rc1', 'driver-version.info').driver).toBe('25.3.rc1');
    expect(parseVersions('Version=7.8.0\nfirmware_version=1.0', 'version.info').firmware).toBe('7.8.0');
    expect(parseVersions('package_name=Ascend-cann-toolkit\nversion=8.5.0\narch=aarch64', 'x').toolkit).toBe('8.5.0');
    expect(parseVersions('NAME="openEuler"\nPRETTY_NAME="openEuler 24.03 (LTS)"', 'os-release').os).toBe('openEuler 24.03 (LTS)');
  });

  it('takes only the packages that matter, under one spelling', () => {
    expect(parseFrameworks('Package Version\n--- ---\nvllm-ascend 0.11.0rc1\nnumpy 1.26.4\ntorch==2.7.1+cpu\nxllm             1.2')).toEqual([
      { name: 'vllm_ascend', version: '0.11.0rc1' },
      { name: 'torch', version: '2.7.1+cpu' },
      { name: 'xllm', version: '1.2' },
    ]);
  });

  it('finds parents in any table that names PID and PPID', () => {
    expect([...parseProcesses('UID PID PPID C\nroot 7 1 0\nroot 9 7 0')]).toEqual([[7, 1], [9, 7]]);
    expect(parseProcesses('no head\n1 2 3').size).toBe(0);
  });
});

describe('refusals', () => {
  it.each([
    ['dcmi module initialize failed. ret is -8005', 'failed', -8005],
    ['dcmi model initialized failed, because the device is used. ret is -8020', 'occupied', -8020],
    ['bash: npu-smi: command not found', 'missing', null],
    ['npu-smi: error while loading shared libraries: libdrvdsmi_host.so: cannot open shared object file', 'failed', null],
  ])('%s', (text, kind, ret) => {
    expect(readEvidence([{ name: 'npu-smi.info.stderr.txt', text }]).refusal).toEqual({ kind, ret });
  });
});

describe('folders with captures of several moments', () => {
  const names = ['npu_info_before.txt', 'npu_info_after.txt', 'os-release'];
  it('reads the moment asked, else the newest, and says so', () => {
    expect(ofOneMoment(names, 'before')).toEqual({ names: ['npu_info_before.txt', 'os-release'], severalCaptures: false });
    expect(ofOneMoment(names, null)).toEqual({ names: ['npu_info_after.txt', 'os-release'], severalCaptures: true });
    expect(ofOneMoment(['a_before.txt'], null)).toEqual({ names: ['a_before.txt'], severalCaptures: false });
  });
});
