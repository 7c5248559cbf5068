/**
 * Prints what npu-smi prints, from a planted host. Column widths and heads follow the tables of drivers 22.0 to 26.1 (910A, 910B,
 * A3, 310P) and the driver's documentation for the 950. Pure; every number printed stands in the description.
 */

export type NpuLayout = '910' | 'a3' | '310p' | '950';

export interface SimNpuProcess {
  readonly pid: number;
  /** Null prints an empty name, as the tool does for processes of other containers. */
  readonly name: string | null;
  readonly memoryMb: number;
  readonly containerPid: number | null;
}

export interface SimMemory {
  readonly usedMb: number;
  readonly totalMb: number;
}

export interface SimChip {
  readonly npu: number;
  readonly chip: number;
  readonly phy: number;
  readonly logic: number;
  /** As the table prints it: 910B3, Ascend910, 310P3, Ascend950PR. */
  readonly name: string;
  /** `NPU Name` of `-t board` on A3 and 950, e.g. 9392. */
  readonly npuName: string | null;
  readonly bus: string;
  readonly health: string;
  readonly healthCodes: readonly string[];
  /** Null prints NA, or - on the second die of an A3 module. */
  readonly powerW: number | null;
  readonly tempC: number;
  readonly aicorePct: number;
  readonly ddr: SimMemory;
  readonly hbm: SimMemory;
  readonly doubleBitErrors: number;
  readonly processes: readonly SimNpuProcess[];
}

export interface SimNpuHost {
  readonly layout: NpuLayout;
  readonly npuSmiVersion: string;
  readonly driverVersion: string;
  readonly firmwareVersion: string;
  /** The wide form with `Process id in container` (26.x). */
  readonly wide: boolean;
  readonly chips: readonly SimChip[];
  /** What npu-smi answers instead of a table: the device is held elsewhere, or the driver does not answer. */
  readonly failure?: 'occupied' | 'driver';
}

interface Widths {
  readonly cells: readonly number[];
  /** First and second column inside the right cell. */
  readonly inner: readonly [number, number];
}

const widths: Readonly<Record<NpuLayout | 'wide', Widths>> = {
  '910': { cells: [27, 15, 52], inner: [12, 18] },
  a3: { cells: [27, 15, 52], inner: [12, 18] },
  wide: { cells: [27, 15, 70], inner: [21, 24] },
  '310p': { cells: [31, 17, 54], inner: [13, 18] },
  '950': { cells: [8, 18, 15, 53], inner: [12, 18] },
};

const row = (cells: readonly string[], size: readonly number[]): string => `|${cells.map((c, i) => ` ${c}`.padEnd(size[i] ?? 0)).join('|')}|`;
const rule = (mark: string, size: readonly number[]): string => `+${size.map((n) => mark.repeat(n)).join('+')}+`;
const line = (size: readonly number[]): string => `+${'-'.repeat(size.reduce((a, b) => a + b, size.length - 1))}+`;
const usage = (m: SimMemory, pad: number): string => `${String(m.usedMb).padEnd(pad)}/ ${m.totalMb}`;

function widthsOf(host: SimNpuHost): Widths {
  return widths[host.wide && (host.layout === '910' || host.layout === 'a3') ? 'wide' : host.layout];
}

function heads(host: SimNpuHost, size: Widths): string[] {
  const [a, b] = size.inner;
  const first = `${'Power(W)'.padEnd(a)}${'Temp(C)'.padEnd(b)}Hugepages-Usage(page)`;
  const both = (load: string): string => `${load.padEnd(a)}${'Memory-Usage(MB)'.padEnd(b)}HBM-Usage(MB)`;
  switch (host.layout) {
    case '950':
      return [row(['NPU ID', 'Name', 'Health', first], size.cells), row(['', '', 'Bus-Id', both('NPU Util(%)')], size.cells)];
    case '310p':
      return [row(['NPU     Name', 'Health', first], size.cells), row(['Chip    Device', 'Bus-Id', `${'AICore(%)'.padEnd(a)}Memory-Usage(MB)`], size.cells)];
    case 'a3':
      return [row(['NPU   Name', 'Health', first], size.cells), row(['Chip  Phy-ID', 'Bus-Id', both('AICore(%)')], size.cells)];
    case '910':
      return [row(['NPU   Name', 'Health', first], size.cells), row(['Chip', 'Bus-Id', both('AICore(%)')], size.cells)];
  }
}

function chipRows(host: SimNpuHost, c: SimChip, size: Widths): string[] {
  const [a, b] = size.inner;
  const id = host.layout === '310p' ? 8 : 6;
  const pair = host.layout === '950' ? 6 : 5;
  const noPower = host.layout === 'a3' ? '-' : 'NA';
  const first = `${(c.powerW === null ? noPower : c.powerW.toFixed(1)).padEnd(a)}${String(c.tempC).padEnd(b)}${usage({ usedMb: 0, totalMb: 0 }, pair)}`;
  const load = String(c.aicorePct).padEnd(a);
  const both = `${load}${usage(c.ddr, 5).padEnd(b)}${usage(c.hbm, pair)}`;
  const left = `${String(c.npu).padEnd(id)}${c.name}`;
  switch (host.layout) {
    case '950':
      return [row([String(c.npu), c.name, c.health, first], size.cells), row(['', '', c.bus, both], size.cells)];
    case '310p':
      return [row([left, c.health, first], size.cells), row([`${String(c.chip).padEnd(id)}${c.logic}`, c.bus, `${load}${usage(c.ddr, 5)}`], size.cells)];
    case 'a3':
      return [row([left, c.health, first], size.cells), row([`${String(c.chip).padEnd(id)}${c.phy}`, c.bus, both], size.cells)];
    case '910':
      return [row([left, c.health, first], size.cells), row([String(c.chip), c.bus, both], size.cells)];
  }
}

function processTable(host: SimNpuHost): string[] {
  const size = host.wide ? [27, 15, 20, 23, 25] : host.layout === '310p' ? [31, 17, 26, 27] : host.layout === '950' ? [27, 15, 26, 26] : [27, 15, 26, 25];
  const ids = host.layout === '950' ? 'NPU ID' : 'NPU     Chip';
  // The rules of this table keep the joints of the table above.
  const joints = [...size.slice(0, 2), size.slice(2).reduce((a, b) => a + b + 1)];
  const out = [rule('-', joints), row([ids, 'Process id', 'Process name', 'Process memory(MB)', ...(host.wide ? ['Process id in container'] : [])], size), rule('=', joints)];
  for (const npu of new Set(host.chips.map((c) => c.npu))) {
    const own = host.chips.filter((c) => c.npu === npu).flatMap((c) => c.processes.map((p) => ({ c, p })));
    const whole = size.reduce((a, b) => a + b, size.length - 1);
    if (own.length === 0) out.push(row([`No running processes found in NPU ${npu}`], [whole]));
    for (const { c, p } of own) {
      const place = host.layout === '950' ? String(npu) : `${String(npu).padEnd(8)}${c.chip}`;
      out.push(row([place, String(p.pid), p.name ?? '', String(p.memoryMb), ...(host.wide ? [p.containerPid === null ? 'NA' : String(p.containerPid)] : [])], size));
    }
    out.push(rule('=', joints));
  }
  return out;
}

/** The table of `npu-smi info`. */
export function printInfo(host: SimNpuHost): string {
  const size = widthsOf(host);
  const whole = size.cells.reduce((a, b) => a + b, size.cells.length - 1);
  const title = `npu-smi ${host.npuSmiVersion}`.padEnd(size === widths.wide ? 44 : 33);
  const out = [line(size.cells), row([`${title}Version: ${host.npuSmiVersion}`], [whole]), rule('-', size.cells), ...heads(host, size), rule('=', size.cells)];
  for (const [i, chip] of host.chips.entries()) {
    out.push(...chipRows(host, chip, size));
    out.push(host.chips[i + 1]?.npu === chip.npu ? line(size.cells) : rule('=', size.cells));
  }
  return `${[...out, ...processTable(host)].join('\n')}\n`;
}

/** `npu-smi info -m`, tab-indented, with the Mcu row of each board. */
export function printMap(host: SimNpuHost): string {
  if (host.layout === '950') {
    const columns = (cells: readonly (string | number)[]): string => cells.map((c) => String(c).padEnd(17)).join('');
    return `${[columns(['NPU ID', 'Slot ID', 'Chip ID', 'Chip Phy-ID', 'Chip Name']), ...host.chips.map((c) => columns([c.npu, c.npu, c.chip, c.phy, c.name]))].join('\n')}\n`;
  }
  const phy = host.layout === 'a3';
  const columns = (cells: readonly (string | number)[]): string => `\t${cells.map((c) => String(c).padEnd(31)).join('').trimEnd()}`;
  const out = [columns(['NPU ID', 'Chip ID', 'Chip Logic ID', ...(phy ? ['Chip Phy-ID'] : []), 'Chip Name'])];
  for (const [i, c] of host.chips.entries()) {
    const name = c.name.startsWith('Ascend') ? c.name : `Ascend ${c.name}`;
    out.push(columns([c.npu, c.chip, c.logic, ...(phy ? [c.phy] : []), name]));
    if (host.chips[i + 1]?.npu !== c.npu) out.push(columns([c.npu, c.chip + 1, '-', ...(phy ? ['-'] : []), 'Mcu']));
  }
  return `${out.join('\n')}\n`;
}

const field = (key: string, value: string | number): string => `\t${key.padEnd(30)} : ${value}`;

/** `npu-smi info -l`. */
export function printList(host: SimNpuHost): string {
  const npus = [...new Set(host.chips.map((c) => c.npu))];
  return `${[field('Total Count', npus.length), ...npus.flatMap((n) => ['', field('NPU ID', n), field('Chip Count', host.chips.filter((c) => c.npu === n).length)])].join('\n')}\n`;
}

function usageRate(m: SimMemory): number {
  return m.totalMb === 0 ? 0 : Math.round((100 * m.usedMb) / m.totalMb);
}

type Body = (c: SimChip) => string[];

const bodies: Readonly<Record<string, Body>> = {
  usages: (c) => [
    field('DDR Capacity(MB)', c.ddr.totalMb),
    field('DDR Usage Rate(%)', usageRate(c.ddr)),
    field('HBM Capacity(MB)', c.hbm.totalMb),
    field('HBM Usage Rate(%)', usageRate(c.hbm)),
    field('Aicore Usage Rate(%)', c.aicorePct),
    field('Aicpu Usage Rate(%)', 0),
    field('Ctrlcpu Usage Rate(%)', 0),
  ],
  memory: (c) => [field('DDR Capacity(MB)', c.ddr.totalMb), field('HBM Capacity(MB)', c.hbm.totalMb)],
  common: (c) => [field('HBM Usage Rate(%)', usageRate(c.hbm)), field('Aicore Usage Rate(%)', c.aicorePct), field('Temperature(C)', c.tempC), field('NPU Real-time Power(W)', c.powerW ?? 'NA')],
  'proc-mem': (c) =>
    c.processes.length === 0 ? ['\tNo process in device.'] : c.processes.map((p) => `\tProcess id:${String(p.pid).padEnd(7)} Process name:${(p.name ?? '').padEnd(18)} Process memory(MB):${p.memoryMb}`),
  health: (c) => [field('Health Status', c.health), field('Error Code', c.healthCodes.length === 0 ? 'NA' : c.healthCodes.join(' ')), field('Error Information', c.healthCodes.length === 0 ? 'NA' : 'planted fault')],
  ecc: (c) => [field('HBM Single Bit Error Count', 0), field('HBM Double Bit Error Count', c.doubleBitErrors), field('HBM Double Bit Isolated Pages Count', 0)],
};

/** `npu-smi info -t <kind> -i <npu> [-c <chip>]`: chip ids stand after their block, or before it when one chip was asked. Null for a kind without a printer. */
export function printType(host: SimNpuHost, kind: string, npu: number, chip: number | null): string | null {
  const body = bodies[kind];
  const chips = host.chips.filter((c) => c.npu === npu && (chip === null || c.chip === chip));
  if (body === undefined || chips.length === 0) return null;
  const head = field('NPU ID', npu);
  if (host.layout === '950') return `${[head, ...chips.flatMap(body)].join('\n')}\n`;
  if (chip !== null) return `${[head, field('Chip ID', chip), ...chips.flatMap(body)].join('\n')}\n`;
  return `${[head, field('Chip Count', chips.length), ...chips.flatMap((c) => ['', ...body(c), field('Chip ID', c.chip)])].join('\n')}\n`;
}

/** `npu-smi info -t board`: of the NPU (software version), or of one chip (names). */
export function printBoard(host: SimNpuHost, npu: number, chip: number | null): string | null {
  const found = host.chips.find((c) => c.npu === npu && (chip === null || c.chip === chip));
  if (found === undefined) return null;
  const names = [field('Chip Name', found.name), ...(found.npuName === null ? [] : [field('NPU Name', found.npuName)])];
  const version = [field('Software Version', host.driverVersion), field('Firmware Version', host.firmwareVersion)];
  if (host.layout === '950') return `${[field('NPU ID', npu), ...names, ...version].join('\n')}\n`;
  if (chip === null) return `${[field('NPU ID', npu), ...version, field('Chip Count', host.chips.filter((c) => c.npu === npu).length)].join('\n')}\n`;
  return `${[field('NPU ID', npu), field('Chip ID', chip), field('Chip Type', 'Ascend'), ...names, field('PCIe Bus Info', found.bus)].join('\n')}\n`;
}

/** `npu-smi info -t topo`: SIO inside a module, HCCS between modules. */
export function printTopology(host: SimNpuHost): string {
  const label = (c: SimChip): string => (host.layout === 'a3' ? `Phy-ID${c.phy}` : `NPU${c.npu}`);
  const link = (a: SimChip, b: SimChip): string => (a === b ? 'X' : a.npu === b.npu ? 'SIO' : 'HCCS');
  const columns = (cells: readonly string[]): string => cells.map((c) => c.padEnd(11)).join('').trimEnd();
  return `${[columns(['', ...host.chips.map(label), 'CPU Affinity']), ...host.chips.map((a) => columns([label(a), ...host.chips.map((b) => link(a, b)), '0-31'])), 'Legend:', '  X    = Self'].join('\n')}\n`;
}

export interface SimOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const wrong: SimOutput = { stdout: 'Invalid card id.\nError parameter of -i\nUsage: npu-smi info <watch|proc|-h|-m|-l|-t type> [Options...]\n', stderr: '', exitCode: 1 };

/** Answers an npu-smi command line (without the program's name). */
export function npuSmi(host: SimNpuHost, argv: readonly string[]): SimOutput {
  const ok = (stdout: string | null): SimOutput => (stdout === null ? wrong : { stdout, stderr: '', exitCode: 0 });
  if (host.failure === 'occupied') return { stdout: '', stderr: 'dcmi model initialized failed, because the device is used. ret is -8020\n', exitCode: 1 };
  if (host.failure === 'driver') return { stdout: '', stderr: 'dcmi module initialize failed. ret is -8005\n', exitCode: 1 };
  const option = (name: string): string | null => argv[argv.indexOf(name) + 1] ?? null;
  const id = (name: string): number | null => (argv.includes(name) ? Number(option(name)) : null);
  if (argv[0] !== 'info') return wrong;
  if (argv.includes('-m')) return ok(printMap(host));
  if (argv.includes('-l')) return ok(printList(host));
  if (!argv.includes('-t')) return ok(printInfo(host));
  const kind = option('-t') ?? '';
  if (kind === 'topo') return ok(printTopology(host));
  const npu = id('-i');
  if (npu === null) return wrong;
  return ok(kind === 'board' ? printBoard(host, npu, id('-c')) : printType(host, kind, npu, id('-c')));
}
