// One reading in a process of its own: the columns, the kernel table and the windows. Prints seconds and peak RSS.
import { readFileSync } from 'node:fs';
// The third argument is where the compiled server lies.
const dist = new URL(`${process.argv[3] ?? '../../dist'}/`, import.meta.url);
const load = (path) => import(new URL(path, dist).href);
const [{ readProfile }, { kernelGroups, limitRules }, { deviceWindows }] = await Promise.all([load('profiles/read.js'), load('profiling/analyze/kernel.js'), load('profiles/derived/window.js')]);
const begin = performance.now();
const profile = await readProfile([process.argv[2]], { admit: async (path) => path }, { counters: limitRules });
const kernels = kernelGroups(profile)?.length ?? 0;
const windows = deviceWindows(profile).length;
console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000, mb: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024, said: `${profile.tasks.length} tasks, ${kernels} kernel rows, ${windows} windows` }));
