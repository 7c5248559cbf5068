// The simulated msprof as CANN before 8.2 speaks: one pid only, another prompt, acknowledgements without the pid.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const argv = process.argv.slice(2);
const pid = argv.find((a) => a.startsWith('--pid='))?.slice('--pid='.length) ?? '';
if (pid.includes(',')) {
  process.stdout.write(`[ERROR] pid ${pid} is invalid\n`);
  process.exit(1);
}
const child = spawn(process.execPath, [join(import.meta.dirname, '../../dist/sim/main.js'), 'msprof', ...argv], { stdio: ['inherit', 'pipe', 'inherit'] });
child.stdout.setEncoding('utf8');
child.stdout.on('data', (text) => process.stdout.write(text.replace(/ for pid \d+ (start|stop|quit) success/g, ' $1 success......').replace(/^> /gm, '(msprof) ')));
child.on('exit', (code) => (process.exitCode = code));
