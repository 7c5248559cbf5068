import { join } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { fileSize, isFolder, listFolder, readText } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { limits } from '../thresholds.js';
import { captureName, holdsAnything, readEvidence, simulatedName } from './evidence.js';
import type { RawFile } from './pieces.js';

const readable = /\.(?:txt|info|log|out|stdout|stderr)$|^os-release$/i;
const moments = ['after', 'idle', 'before'] as const;
type Moment = (typeof moments)[number];

function momentOf(name: string): Moment | null {
  const match = /(?:^|[._-])(before|idle|after)(?=[._-]|$)/i.exec(name);
  return moments.find((m) => m === match?.[1]?.toLowerCase()) ?? null;
}

export interface RawFolder {
  readonly files: readonly RawFile[];
  /** True when the folder holds captures of several moments and the newest had to be chosen. */
  readonly severalCaptures: boolean;
}

/** Of files marked before, idle or after: those of the phase asked, else of the newest moment; unmarked files always. */
export function ofOneMoment(names: readonly string[], phase: Moment | null): { names: string[]; severalCaptures: boolean } {
  const present = moments.filter((m) => names.some((n) => momentOf(n) === m));
  const wanted = phase !== null && present.includes(phase) ? phase : present[0];
  return {
    names: names.filter((n) => momentOf(n) === null || momentOf(n) === wanted),
    severalCaptures: present.length > 1 && wanted !== phase,
  };
}

/**
 * Reads captured command outputs: a folder of them (with `sample-n` folders below it) or one file. Names follow the contract
 * (`npu-smi.<kind>[.<npu>[.<chip>]].txt` …) or any other; what a file holds decides.
 * @throws ToolError E_PATH_* (through admit), E_FORMAT_UNKNOWN when nothing in it is an output this room reads
 */
export async function readRawFolder(path: string, phase: Moment | null, host: Host): Promise<RawFolder> {
  const root = await host.admit(path);
  const single = !(await isFolder(root));
  const found: { name: string; real: string }[] = [];
  const consider = async (name: string): Promise<void> => {
    // A link out of the allowed folders is refused by admit; the whole call fails then, which is right for evidence.
    const real = single ? root : await host.admit(join(root, name));
    if (!(await isFolder(real)) && found.length < limits.maxFiles && (await fileSize(real)) <= limits.maxFileBytes) found.push({ name, real });
  };
  if (single) await consider(root.split('/').at(-1) ?? 'captured.txt');
  else {
    for (const name of await listFolder(root)) {
      if (/^sample-\d{1,3}$/.test(name)) for (const inner of await listFolder(join(root, name))) if (readable.test(inner)) await consider(`${name}/${inner}`);
      if (readable.test(name) || name === captureName || name === simulatedName) await consider(name);
    }
  }
  const chosen = ofOneMoment(found.map((f) => f.name), phase);
  const files: RawFile[] = [];
  for (const { name, real } of found) {
    if (!chosen.names.includes(name)) continue;
    const text = (await readText(real, limits.maxFileBytes)) ?? '';
    files.push({ name: /^(?:sample-\d{1,3}\/)?[\w.+@-]{1,120}$/.test(name) ? name : `file-${files.length + 1}.txt`, text });
  }
  if (!holdsAnything(readEvidence(files))) {
    throw new ToolError(
      'E_FORMAT_UNKNOWN',
      `${foreign(root, 300)} holds no output of npu-smi and no version file (${files.length} text files were read)`,
      'give the folder with the captured outputs, e.g. npu-smi.info.txt and npu-smi.m.txt',
    );
  }
  return { files, severalCaptures: chosen.severalCaptures };
}
