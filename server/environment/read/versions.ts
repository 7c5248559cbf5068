import { linesOf, meaningful, wholeNumber } from '../../programs/npu-smi/text.js';

/** What version files say; null where they say nothing. */
export interface Versions {
  driver: string | null;
  firmware: string | null;
  toolkit: string | null;
  nnae: string | null;
  os: string | null;
}

/** `KEY=VALUE` lines. */
function assignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of linesOf(text)) {
    const match = /^\s*([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line);
    const key = match?.[1]?.toLowerCase();
    if (key !== undefined && !found.has(key)) found.set(key, (match?.[2] ?? '').trim().replace(/^"(.*)"$/, '$1'));
  }
  return found;
}

/**
 * Reads `driver/version.info`, `firmware/version.info`, `ascend_toolkit_install.info`, `ascend_nnae_install.info` and `os-release`.
 * @param where the file's name or the command that printed it; decides only where the content does not
 */
export function parseVersions(text: string, where: string): Versions {
  const has = assignments(text);
  const out: Versions = { driver: null, firmware: null, toolkit: null, nnae: null, os: null };
  const product = (has.get('package_name') ?? where).toLowerCase();
  if (has.has('firmware_version') || (has.has('version') && /firmware/i.test(where))) out.firmware = meaningful(has.get('version'));
  else if (has.has('ascendhal_version') || (has.has('version') && /version\.info/i.test(where))) out.driver = meaningful(has.get('version') ?? has.get('package_version'));
  else if (has.has('version') && /toolkit/.test(product)) out.toolkit = meaningful(has.get('version'));
  else if (has.has('version') && /nnae/.test(product)) out.nnae = meaningful(has.get('version'));
  else if (has.has('pretty_name')) out.os = meaningful(has.get('pretty_name'));
  return out;
}

/** Python packages whose version matters to a measurement, by their normalised name. */
export const frameworkNames = ['torch', 'torch_npu', 'vllm', 'vllm_ascend', 'sglang', 'xllm', 'mindspore', 'evalscope'] as const;

/** Lines of `pip list` or `pip freeze` naming one of {@link frameworkNames}. */
export function parseFrameworks(text: string): { name: string; version: string | null }[] {
  const found: { name: string; version: string | null }[] = [];
  for (const line of linesOf(text)) {
    const match = /^([A-Za-z][\w.-]*)(?:\s+|==)(\d[\w.+!-]*)(?:\s+\S+)?$/.exec(line.trim());
    const name = match?.[1]?.toLowerCase().replaceAll('-', '_');
    const known = frameworkNames.find((n) => n === name);
    if (known !== undefined) found.push({ name: known, version: match?.[2] ?? null });
  }
  return found;
}

/** Parent of each process, from a table whose head names PID and PPID. Empty when the text is not one. */
export function parseProcesses(text: string): Map<number, number> {
  const parents = new Map<number, number>();
  let pidAt = -1;
  let ppidAt = -1;
  for (const line of linesOf(text)) {
    const cells = line.trim().split(/\s+/);
    if (pidAt < 0) {
      pidAt = cells.findIndex((c) => /^pid$/i.test(c));
      ppidAt = cells.findIndex((c) => /^ppid$/i.test(c));
      if (pidAt < 0 || ppidAt < 0) pidAt = -1;
      continue;
    }
    const pid = wholeNumber(cells[pidAt]);
    const parent = wholeNumber(cells[ppidAt]);
    if (pid !== null && parent !== null) parents.set(pid, parent);
  }
  return parents;
}
