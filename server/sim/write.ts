import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulatedFile, simulatedText, type Capture, type SimProcess } from './capture.js';
import { writeCommunicationJson } from './comm-json.js';
import { writeMsprofCsv } from './msprof-csv.js';
import { writeMsprofDb } from './msprof-db.js';
import { writeProfFolder } from './msprof-folder.js';
import { writeMsprofTimeline } from './msprof-timeline.js';
import { writeTorch } from './torch.js';

/** What to write. `msprof-raw` is a PROF folder that was never exported. */
export type CaptureForm =
  'msprof-raw' | 'msprof-db' | 'msprof-csv' | 'msprof-timeline' | 'msprof-analyze' | 'torch-text' | 'torch-db';

export interface WrittenProcess {
  readonly process: SimProcess;
  /** PROF_* folder; null when no msprof form was asked for. */
  readonly prof: string | null;
  /** *_ascend_pt folder; null when no torch form was asked for. */
  readonly torch: string | null;
  readonly files: readonly string[];
}

export interface WrittenCapture {
  readonly folder: string;
  readonly processes: readonly WrittenProcess[];
}

export interface WriteOptions {
  readonly sliceRows?: number;
  /** False: the process was killed while profiling (no end_info). */
  readonly stopped?: boolean;
}

/**
 * Writes a capture: one PROF_* and one *_ascend_pt folder per process under `folder`, which is made and marked SIMULATED.
 * Files are written anew; a folder with the same capture in it is refused by the file system.
 */
export async function writeCapture(
  folder: string,
  capture: Capture,
  forms: readonly CaptureForm[],
  options: WriteOptions = {},
): Promise<WrittenCapture> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, simulatedFile), simulatedText);
  const processes: WrittenProcess[] = [];
  for (const process of capture.processes) {
    const files: string[] = [];
    let prof: string | null = null;
    if (forms.some((form) => form.startsWith('msprof-'))) {
      prof = writeProfFolder(
        folder,
        capture,
        process,
        options.stopped === undefined ? {} : { stopped: options.stopped },
      );
      if (forms.includes('msprof-db')) files.push(await writeMsprofDb(prof, capture, process));
      if (forms.includes('msprof-csv'))
        files.push(
          ...writeMsprofCsv(
            prof,
            capture,
            process,
            options.sliceRows === undefined ? {} : { sliceRows: options.sliceRows },
          ),
        );
      if (forms.includes('msprof-timeline')) files.push(writeMsprofTimeline(prof, capture, process));
      // msprof keeps its own step word: it knows no ProfilerStep.
      if (forms.includes('msprof-analyze'))
        files.push(...writeCommunicationJson(join(prof, 'analyze'), process, 'step'));
    }
    let torch: string | null = null;
    const torchForms = (['text', 'db'] as const).filter((form) => forms.includes(`torch-${form}`));
    if (torchForms.length > 0) {
      const written = await writeTorch(folder, capture, process, { forms: torchForms });
      torch = written.folder;
      files.push(...written.files);
    }
    processes.push({ process, prof, torch, files });
  }
  return { folder, processes };
}
