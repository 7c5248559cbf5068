import { z } from 'zod';
import { parseInfo, type InfoTable } from '../../programs/npu-smi/info.js';
import { parseKeyed, parseList, type KeyedRecord } from './keyed.js';
import { parseMap, parseTopology, type MapRow, type TopologyTable } from '../../programs/npu-smi/map.js';
import { piecesOf, type Piece, type RawFile } from './pieces.js';
import { parseFrameworks, parseProcesses, parseVersions, type Versions } from './versions.js';

/** Names of our own files in a capture folder. */
export const captureName = 'capture.json';
export const simulatedName = 'SIMULATED';

const captureShape = z.object({
  hostname: z.string().nullable(),
  looked_for: z.array(z.string()),
  commands: z.array(z.object({ file: z.string(), exit_code: z.number().nullable(), timed_out: z.boolean(), missing: z.boolean() })),
  notes: z.array(z.object({ code: z.string(), detail: z.string() })),
});
/** What the capture itself recorded: which programs were run and how they ended. */
export type CaptureRecord = z.output<typeof captureShape>;

/** How npu-smi refused: it is not there, another container holds the device, or it could not start. */
export interface Refusal {
  readonly kind: 'missing' | 'occupied' | 'failed';
  /** The driver interface's return code, where it was printed. */
  readonly ret: number | null;
}

/** Everything the captured files hold, before any of it is weighed. */
export interface Evidence {
  /** In the order the samples were taken. */
  readonly infos: readonly InfoTable[];
  readonly map: readonly MapRow[] | null;
  readonly list: { readonly total: number; readonly npuIds: readonly number[] } | null;
  readonly keyed: readonly KeyedRecord[];
  readonly topology: TopologyTable | null;
  readonly versions: Versions;
  readonly frameworks: readonly { name: string; version: string | null }[];
  readonly parents: ReadonlyMap<number, number>;
  readonly refusal: Refusal | null;
  readonly capture: CaptureRecord | null;
  readonly simulated: boolean;
}

function refusalOf(piece: Piece): Refusal | null {
  const text = piece.text;
  const dcmi = /dcmi mod(?:ule|el) initiali[sz]ed? failed[^\n]*?(?:ret is (-?\d+))?\.?\s*(?:\n|$)/i.exec(text);
  if (dcmi !== null) {
    const ret = dcmi[1] === undefined ? null : Number(dcmi[1]);
    return { kind: ret === -8020 || /device is used/i.test(dcmi[0]) ? 'occupied' : 'failed', ret };
  }
  if (/npu-smi:?\s+(?:command )?not found|npu-smi: No such file/i.test(text)) return { kind: 'missing', ret: null };
  if (/npu-smi:?.*error while loading shared libraries|npu-smi:?.*cannot execute/i.test(text)) return { kind: 'failed', ret: null };
  return null;
}

/** npu-smi's answer to a query it does not know or an id that is not there; its usage text would read as fields. */
const refusedQuery = /^(?:Usage: npu-smi|Error parameter of|Invalid card id)/m;

/** Pieces of an NPU-related command, or of a file that holds an output alone. Others (hccn_tool, lspci) share key names and would mislead. */
function isNpuSmi(piece: Piece): boolean {
  return piece.command === null ? !piece.stderr : piece.command.startsWith('npu-smi');
}

function parseCapture(text: string): CaptureRecord | null {
  try {
    const checked = captureShape.safeParse(JSON.parse(text));
    return checked.success ? checked.data : null;
  } catch {
    return null;
  }
}

/** The number of a sample: 1 for the top folder, n for `sample-n/`. */
function sampleOf(name: string): number {
  return Number(/^sample-(\d+)\//.exec(name)?.[1] ?? 1);
}

/** Reads captured files into {@link Evidence}. Pure; unknown text is passed over, never an error. */
export function readEvidence(files: readonly RawFile[]): Evidence {
  const infos: { table: InfoTable; sample: number }[] = [];
  const keyed: KeyedRecord[] = [];
  const frameworks = new Map<string, { name: string; version: string | null }>();
  const parents = new Map<number, number>();
  const versions: Versions = { driver: null, firmware: null, toolkit: null, nnae: null, os: null };
  let map: MapRow[] | null = null;
  let list: { total: number; npuIds: number[] } | null = null;
  let topology: TopologyTable | null = null;
  let refusal: Refusal | null = null;
  let capture: CaptureRecord | null = null;
  let simulated = false;
  for (const file of files) {
    if (file.name === captureName) {
      capture = parseCapture(file.text);
      continue;
    }
    if (file.name === simulatedName) {
      simulated = true;
      continue;
    }
    if (/(?:^|\/)processes\.txt$/.test(file.name)) {
      for (const [pid, parent] of parseProcesses(file.text)) parents.set(pid, parent);
      continue;
    }
    for (const piece of piecesOf(file)) {
      refusal ??= refusalOf(piece);
      if (isNpuSmi(piece)) {
        const table = parseInfo(piece.text);
        if (table !== null) {
          infos.push({ table, sample: sampleOf(file.name) });
          continue;
        }
        const rows = parseMap(piece.text);
        const listed = parseList(piece.text);
        const matrix = parseTopology(piece.text);
        map ??= rows;
        list ??= listed;
        topology ??= matrix;
        if (rows === null && listed === null && matrix === null && !refusedQuery.test(piece.text)) keyed.push(...parseKeyed(piece.text, piece.ids));
      }
      const where = piece.command ?? piece.file;
      const found = parseVersions(piece.text, where);
      for (const key of ['driver', 'firmware', 'toolkit', 'nnae', 'os'] as const) versions[key] ??= found[key];
      if (piece.command === null || /^(?:pip|python)/.test(piece.command)) {
        for (const framework of parseFrameworks(piece.text)) if (!frameworks.has(framework.name)) frameworks.set(framework.name, framework);
      }
    }
  }
  infos.sort((a, b) => a.sample - b.sample);
  return { infos: infos.map((i) => i.table), map, list, keyed, topology, versions, frameworks: [...frameworks.values()], parents, refusal, capture, simulated };
}

/** False when nothing in the files is an output this room reads. */
export function holdsAnything(e: Evidence): boolean {
  return (
    e.infos.length > 0 ||
    e.map !== null ||
    e.list !== null ||
    e.topology !== null ||
    e.keyed.some((k) => k.npu !== null || k.processes.length > 0 || k.noProcess || [...k.fields.keys()].some((f) => npuKeys.test(f))) ||
    e.refusal !== null ||
    e.capture !== null ||
    e.frameworks.length > 0 ||
    Object.values(e.versions).some((v) => v !== null)
  );
}

const npuKeys = /^(?:health|health status|npu real-time power|hbm |ddr |aicore |software version|chip name)/;
