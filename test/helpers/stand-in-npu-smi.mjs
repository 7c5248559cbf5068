// A stand-in for npu-smi: four 910B3, memory and processes from the state folder the other stand-ins write to.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A zombie holds no memory any more. */
function lives(pid) {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
const dir = process.env['NPU_STANDIN_STATE'];
const host = JSON.parse(readFileSync(join(dir, 'host.json'), 'utf8'));
const processes = readdirSync(dir).filter((n) => n.startsWith('proc-')).map((n) => JSON.parse(readFileSync(join(dir, n), 'utf8'))).filter((p) => lives(p.pid));
const args = process.argv.slice(2);
const cell = (text, width) => ` ${String(text).padEnd(width - 1)}`;
if (args[0] === 'info' && args[1] === '-m') {
  console.log('\tNPU ID                         Chip ID                        Chip Logic ID                  Chip Name');
  host.chips.forEach((c, i) => console.log(`\t${String(i).padEnd(31)}0                              ${String(c.logic ?? i).padEnd(31)}Ascend 910B3`));
} else if (args[0] === 'info') {
  const rule = '+---------------------------+---------------+----------------------------------------------------+';
  const thick = '+===========================+===============+====================================================+';
  console.log(`+------------------------------------------------------------------------------------------------+\n| npu-smi 25.2.0                   Version: 25.2.0                                               |\n${rule}\n| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|\n| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |\n${thick}`);
  host.chips.forEach((c, i) => {
    const own = processes.filter((p) => p.device === (c.logic ?? i));
    const used = 3393 + (c.stale_mb ?? 0) + own.reduce((s, p) => s + p.memory_mb, 0);
    console.log(`|${cell(`${i}     910B3`, 27)}|${cell(c.health ?? 'OK', 15)}|${cell('92.8        46                0    / 0', 52)}|\n|${cell('0', 27)}|${cell(`0000:C${i}:00.0`, 15)}|${cell(`0           0    / 0          ${used} / 65536`, 52)}|\n${thick}`);
  });
  console.log(`${rule}\n| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |\n${thick}`);
  host.chips.forEach((c, i) => {
    const own = processes.filter((p) => p.device === (c.logic ?? i));
    for (const p of own) console.log(`| ${i}       0                 | ${p.pid}         | xllm                     | ${p.memory_mb}                   |`);
    if (own.length === 0) console.log(`| No running processes found in NPU ${i}                                                            |`);
    console.log(thick);
  });
}
