import { join } from 'node:path';
import { fileSize, listFolder, walk } from '../../host/files.js';
import { profContent, profFolder } from '../../programs/msprof.js';
import { isParsed } from '../../programs/torch-profiler.js';

/** A capture's folder as it lies there. */
export interface Folder {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  readonly stopped: boolean;
  readonly exported: boolean;
  readonly communication: boolean;
  readonly simulated: boolean;
}

async function look(root: string, path: string, judge: (files: readonly string[]) => Pick<Folder, 'stopped' | 'exported' | 'communication'>): Promise<Folder> {
  const files = await walk(join(root, path));
  let bytes = 0;
  for (const file of files) bytes += await fileSize(join(root, path, file)).catch(() => 0);
  return { path, files: files.length, bytes, ...judge(files), simulated: files.includes('SIMULATED') };
}

/** The PROF_* folders below `folder`. @param folder relative to `root` */
export async function profFolders(root: string, folder: string): Promise<Folder[]> {
  const found: Folder[] = [];
  for (const name of await listFolder(join(root, folder))) {
    if (!profFolder.test(name)) continue;
    found.push(
      await look(root, `${folder}/${name}`, (files) => {
        const content = profContent(files);
        return { stopped: content.devices.length > 0 && content.stopped.length === content.devices.length, exported: content.database || content.text, communication: content.communication };
      }),
    );
  }
  return found;
}

/** A folder of the torch profiler. */
export function torchProfile(root: string, path: string): Promise<Folder> {
  return look(root, path, (files) => ({ stopped: files.some((f) => /(?:^|\/)profiler_info(?:_\d+)?\.json$/.test(f)), exported: isParsed(files), communication: files.some((f) => f.endsWith('ASCEND_PROFILER_OUTPUT/communication.json')) }));
}
