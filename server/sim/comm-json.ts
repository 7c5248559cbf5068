import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SimProcess } from './capture.js';
import {
  addTo,
  commMatrix,
  emptyLinks,
  groupHash,
  linkNames,
  summarize,
  type CommSummary,
  type LinkName,
  type LinkSum,
} from './comm-summary.js';
import { TextFile } from './text.js';

/** A number as Python prints a float: exponents have two digits, small numbers use them. */
export function pythonFloat(value: number): string {
  const text = String(value);
  if (value !== 0 && Math.abs(value) < 1e-4 && !text.includes('e'))
    return value.toExponential().replace(/e-(\d)$/, 'e-0$1');
  return text.replace(/e-(\d)$/, 'e-0$1');
}

const round4 = (value: number): number => Math.round(value * 1e4) / 1e4;
const ratio = (part: number, other: number): number => (part + other === 0 ? 0 : round4(part / (part + other)));

function timeInfo(summary: Omit<CommSummary, 'op' | 'kind' | 'links'>, withStart: boolean): string {
  const start = withStart ? `"Start Timestamp(us)": ${pythonFloat(summary.startUs)}, ` : '';
  return (
    `{${start}"Elapse Time(ms)": ${pythonFloat(summary.elapseMs)}, "Transit Time(ms)": ${pythonFloat(summary.transitMs)}, "Wait Time(ms)": ${pythonFloat(summary.waitMs)}, ` +
    `"Synchronization Time(ms)": ${pythonFloat(summary.syncMs)}, "Idle Time(ms)": ${pythonFloat(summary.idleMs)}, "Wait Time Ratio": ${ratio(summary.waitMs, summary.transitMs)}, "Synchronization Time Ratio": ${ratio(summary.syncMs, summary.transitMs)}}`
  );
}

function distribution(sum: LinkSum): string {
  return `{${[...sum.packets].map(([mb, packet]) => `"${pythonFloat(mb)}": [${packet.count}, ${pythonFloat(packet.timeMs)}]`).join(', ')}}`;
}

function bandwidth(links: Readonly<Record<LinkName, LinkSum>>): string {
  const one = (name: LinkName): string => {
    const sum = links[name];
    const speed = sum.timeMs === 0 ? 0 : round4(sum.sizeMb / sum.timeMs);
    const large = sum.count === 0 ? 0 : round4(sum.large / sum.count);
    return `"${name}": {"Transit Size(MB)": ${pythonFloat(sum.sizeMb)}, "Transit Time(ms)": ${pythonFloat(sum.timeMs)}, "Bandwidth(GB/s)": ${speed}, "Large Packet Ratio": ${large}, "Size Distribution": ${distribution(sum)}}`;
  };
  return `{${linkNames.map(one).join(', ')}}`;
}

function total(links: Readonly<Record<LinkName, LinkSum>>): string {
  return `{${linkNames.map((name) => `"${name}": {"Transit Time(ms)": ${pythonFloat(links[name].timeMs)}, "Transit Size(MB)": ${pythonFloat(links[name].sizeMb)}, "Size Distribution": ${distribution(links[name])}}`).join(', ')}}`;
}

/**
 * communication.json and communication_matrix.json.
 * @param folder made when absent: the `analyze` folder of a PROF, or ASCEND_PROFILER_OUTPUT
 * @param step `step` where there are no step marks, else `step<n>`
 */
export function writeCommunicationJson(folder: string, process: SimProcess, step: string): string[] {
  mkdirSync(folder, { recursive: true });
  const file = new TextFile(join(folder, 'communication.json'));
  file.write(`{"${step}": {`);
  for (const kind of ['p2p', 'collective'] as const) {
    file.write(`${kind === 'p2p' ? '' : ', '}"${kind}": {`);
    const sum = { startUs: 0, elapseMs: 0, transitMs: 0, waitMs: 0, syncMs: 0, idleMs: 0 };
    const links = emptyLinks();
    let any = false;
    for (const op of process.commOps) {
      const summary = summarize(op);
      if (summary.kind !== kind) continue;
      file.write(
        `${any ? ', ' : ''}"${op.name}@${groupHash(op.group)}": {"Communication Time Info": ${timeInfo(summary, true)}, "Communication Bandwidth Info": ${bandwidth(summary.links)}}`,
      );
      any = true;
      sum.elapseMs += summary.elapseMs;
      sum.transitMs += summary.transitMs;
      sum.waitMs += summary.waitMs;
      sum.syncMs += summary.syncMs;
      sum.idleMs += summary.idleMs;
      for (const name of linkNames) {
        for (const [mb, packet] of summary.links[name].packets)
          for (let i = 0; i < packet.count; i += 1) addTo(links[name], name, mb, packet.timeMs / packet.count);
        if (name === 'SDMA') addTo(links.SDMA, 'SDMA', summary.links.SDMA.sizeMb, summary.links.SDMA.timeMs);
      }
    }
    if (any)
      file.write(
        `, "Total Op Info": {"Communication Time Info": ${timeInfo(sum, false)}, "Communication Bandwidth Info": ${total(links)}}`,
      );
    file.write('}');
  }
  file.write('}}');
  file.close();

  const matrix = new TextFile(join(folder, 'communication_matrix.json'));
  const rows = commMatrix(process);
  const section = (kind: 'p2p' | 'collective'): string =>
    rows
      .filter((row) => row.kind === kind)
      .map((row) => {
        const cells = row.cells.map(
          (cell) =>
            `"${cell.pair}": {"Transport Type": "${cell.transport}", "Transit Size(MB)": ${pythonFloat(cell.sizeMb)}, "Transit Time(ms)": ${pythonFloat(cell.timeMs)}, "Bandwidth(GB/s)": ${round4(cell.sizeMb / cell.timeMs)}${cell.op === '' ? '' : `, "Op Name": "${cell.op}"`}}`,
        );
        return `"${row.name}@${groupHash(row.group)}": {${cells.join(', ')}}`;
      })
      .join(', ');
  matrix.write(`{"${step}": {"p2p": {${section('p2p')}}, "collective": {${section('collective')}}}}`);
  matrix.close();
  return [file.path, matrix.path];
}
