/** The profiler inside vLLM(-Ascend) and SGLang: switched over HTTP, written by torch_npu. Pure. */

export const startPath = '/start_profile';
export const stopPath = '/stop_profile';
/** A folder of one process's profile (torch_npu tensorboard_trace_handler). */
export const torchProfileFolder = /_ascend_pt$/;

function folderIn(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== 'object' || value === null || !('torch_profiler_dir' in value)) return null;
    return typeof value.torch_profiler_dir === 'string' && value.torch_profiler_dir !== '' ? value.torch_profiler_dir : null;
  } catch {
    return null;
  }
}

/**
 * Folder a service was told to write its torch profiles to, from its own command line or environment; null when none was given.
 * vLLM: `--profiler-config JSON` or `--profiler-config.torch_profiler_dir`, before 2026 VLLM_TORCH_PROFILER_DIR; SGLang: SGLANG_TORCH_PROFILER_DIR.
 */
export function torchProfilerDir(argv: readonly string[], env: ReadonlyMap<string, string>): string | null {
  for (const [i, arg] of argv.entries()) {
    const [name = '', ...rest] = arg.split('=');
    const value = rest.length > 0 ? rest.join('=') : (argv[i + 1] ?? '');
    const plain = name.replaceAll('_', '-');
    if (plain === '--profiler-config') {
      const folder = folderIn(value);
      if (folder !== null) return folder;
    }
    if (plain === '--profiler-config.torch-profiler-dir' && value !== '') return value;
  }
  return env.get('VLLM_TORCH_PROFILER_DIR') ?? env.get('SGLANG_TORCH_PROFILER_DIR') ?? null;
}

/** True when the folder holds what the parser of torch_npu leaves. @param files relative, `/` between parts */
export function isParsed(files: readonly string[]): boolean {
  return files.some((f) => /(?:^|\/)ASCEND_PROFILER_OUTPUT\/(?:trace_view\.json|kernel_details\.csv|ascend_pytorch_profiler\w*\.db)$/.test(f));
}
