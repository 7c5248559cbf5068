import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { simVariables } from './environment.js';
import { defaultHostFile, parseHost, readHost, type SimHost } from './host-file.js';

export interface InstalledSim {
  readonly host: SimHost;
  /** Folder with the stand-ins. */
  readonly bin: string;
  /** What a process needs to see the simulated host: `PATH` and the simulator's own variables. */
  readonly env: Readonly<Record<string, string>>;
}

export interface InstallOptions {
  /** Path of the built `sim/main.js`, when it does not lie beside this file. */
  readonly entry?: string;
  /** PATH to put the stand-ins in front of. */
  readonly path?: string;
}

/** Writes only what differs, whole or not at all: services that run go on reading the file they opened. */
function put(path: string, text: string, mode: number): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

const shellQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Version files and device nodes of the simulated host; the wording is that of real ones. */
function systemFiles(host: SimHost): Record<string, string> {
  const nodes = Object.fromEntries(Array.from({ length: host.count }, (_, i) => [`dev/davinci${i}`, '']));
  return {
    'usr/local/Ascend/driver/version.info': 'Version=25.5.1\nascendhal_version=7.35.23\naicpu_version=1.0\npackage_version=25.5.1\n',
    'usr/local/Ascend/ascend-toolkit/latest/aarch64-linux/ascend_toolkit_install.info': 'package_name=Ascend-cann-toolkit\nversion=8.5.0\ninnerversion=V100R001C25\narch=aarch64\nos=linux\npath=/usr/local/Ascend/ascend-toolkit/8.5.0\n',
    'etc/os-release': 'NAME="Simulated NPU host"\nID=simulated\nPRETTY_NAME="Simulated NPU host (xllm-npu-workflow)"\n',
    'dev/davinci_manager': '',
    ...nodes,
  };
}

/**
 * Puts the simulated NPU host into a folder: `bin/` with npu-smi, xllm, vllm, msprof and dmesg, `host.json`, `state/`. Doing it again changes nothing.
 * @param dir folder to write into, @param hostFile path of a host description, or true for the embedded one
 * @throws ToolError E_PATH_MISSING, E_JSON_BROKEN, E_ARG_UNKNOWN, E_ARG_TYPE for a host file that cannot be used
 */
export function installSim(dir: string, hostFile: string | true, options: InstallOptions = {}): InstalledSim {
  const folder = resolve(dir);
  const host = hostFile === true ? parseHost(defaultHostFile) : readHost(hostFile);
  const bin = join(folder, 'bin');
  const state = join(folder, 'state');
  mkdirSync(bin, { recursive: true });
  mkdirSync(state, { recursive: true });
  const file = join(folder, 'host.json');
  put(file, hostFile === true ? `${JSON.stringify(defaultHostFile, null, 2)}\n` : readFileSync(hostFile, 'utf8'), 0o644);
  const entry = options.entry ?? fileURLToPath(new URL('./main.js', import.meta.url));
  const names = ['npu-smi', 'msprof', 'dmesg', ...(host.framework === 'vllm-ascend' ? [] : ['xllm']), ...(host.framework === 'xllm' ? [] : ['vllm'])];
  // No core files: planted crashes end by the real signals.
  for (const name of names) put(join(bin, name), `#!/bin/sh\nulimit -c 0\nexec ${shellQuote(process.execPath)} ${shellQuote(entry)} ${name} "$@"\n`, 0o755);
  for (const [name, text] of Object.entries(systemFiles(host))) {
    const place = join(folder, 'root', name);
    mkdirSync(dirname(place), { recursive: true });
    put(place, text, 0o644);
  }
  const path = options.path ?? process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return { host, bin, env: { PATH: `${bin}${delimiter}${path}`, [simVariables.host]: file, [simVariables.state]: state, [simVariables.root]: join(folder, 'root') } };
}
