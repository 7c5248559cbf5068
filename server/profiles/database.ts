import { foreign, ToolError } from '../contract/index.js';
import { type Assembly } from './assembly.js';
import { DbContext } from './dbContext.js';
import { DbTasks } from './dbTasks.js';
import { readDbMemory, readHostCalls, readIdentity, readMarks } from './dbRest.js';
import { type FoundFile } from './discover.js';
import { Database } from './sqlite.js';

const known = ['TASK', 'COMPUTE_TASK_INFO', 'COMMUNICATION_OP', 'CANN_API', 'PYTORCH_API'];
const analysisTables = ['CommAnalyzerTime', 'StepTraceTime'];

/**
 * msprof_*.db or ascend_pytorch_profiler*.db.
 * @throws ToolError E_DB_BROKEN, E_FILE_EMPTY, E_DB_INCOMPLETE (no STRING_IDS), E_FORMAT_UNKNOWN (another database)
 */
export async function readDatabase(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const db = await Database.open(file.path);
  try {
    if (!db.has('STRING_IDS', 'id', 'value')) {
      if (analysisTables.some((t) => db.has(t))) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(file.path, 300)} holds communication analysis, not tasks`, 'give the folder it lies in');
      if (known.some((t) => db.has(t)) || db.tables.length === 0) {
        throw new ToolError('E_DB_INCOMPLETE', `${foreign(file.path, 300)} has no STRING_IDS, which the exporter writes last: its export was cut off`, 'run msprof --export=on --type=db --output=PROF_FOLDER again on the host, or give the folder with the text export beside it');
      }
      throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(file.path, 300)} is an SQLite database of another tool`, 'give msprof_*.db or ascend_pytorch_profiler*.db');
    }
    const context = new DbContext(db, assembly, capture);
    const tasks = new DbTasks(context);
    tasks.tasks();
    tasks.collectives();
    tasks.planes();
    tasks.counters();
    readHostCalls(context, tasks.firstTask);
    readDbMemory(context);
    readMarks(context);
    readIdentity(context);
    assembly.source(file.path, file.kind, db.count('TASK'), file.bytes);
  } finally {
    db.close();
  }
}

