import { linesOf, wholeNumber } from '../../programs/npu-smi/text.js';
import type { Ids } from './keyed.js';

/** A captured file, by its path below the capture folder. */
export interface RawFile {
  readonly name: string;
  readonly text: string;
}

/** The output of one command. */
export interface Piece {
  readonly file: string;
  /** As it stands in the text, or null when the file holds the output alone. */
  readonly command: string | null;
  readonly ids: Ids;
  readonly stderr: boolean;
  readonly text: string;
}

// A prompt, then a path, then a program that environment dumps call. Outputs of these are tab-indented or tables.
const commandLine =
  /^(?:[^\s|+][^|]*?[#$>]\s+)?(?:\/?(?:[\w.-]+\/)*)((?:npu-smi\s+(?:info|-v|set)|hccn_tool\s+-|cat\s+\/|pip3?\s+(?:list|freeze)|lspci|python3?\s+-|uname\b|ls\s+[-/]).*|npu-smi)$/;

/** NPU and chip asked for by a command line (`-i`, `-c`). */
function idsOfCommand(command: string): Ids {
  return { npu: wholeNumber(/\s-i\s+(\d+)/.exec(command)?.[1]), chip: wholeNumber(/\s-c\s+(\d+)/.exec(command)?.[1]) };
}

/** NPU and chip in a file name of the form `npu-smi.<kind>[.<npu>[.<chip>]].txt`. */
function idsOfName(name: string): Ids {
  const match = /(?:^|\/)npu-smi\.[a-z-]+(?:\.(\d+))?(?:\.(\d+))?(?:\.stderr)?\.txt$/.exec(name);
  return { npu: wholeNumber(match?.[1]), chip: wholeNumber(match?.[2]) };
}

/** Splits a dump of "command, then its output" at its command lines; a plain output stays one piece. */
export function piecesOf(file: RawFile): Piece[] {
  const stderr = /stderr/i.test(file.name);
  const pieces: Piece[] = [];
  let command: string | null = null;
  let ids = idsOfName(file.name);
  let lines: string[] = [];
  const close = (): void => {
    if (command !== null || lines.some((l) => l.trim() !== '')) pieces.push({ file: file.name, command, ids, stderr, text: lines.join('\n') });
    lines = [];
  };
  for (const line of linesOf(file.text)) {
    const match = commandLine.exec(line);
    if (match === null) {
      lines.push(line);
      continue;
    }
    close();
    command = match[1] ?? line;
    ids = idsOfCommand(` ${command}`);
  }
  close();
  return pieces;
}
