import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { readOperators, type OperatorProfiles } from '../../profiles/opprof.js';
import { inRun } from '../../runs/places.js';
import type { Derivations, Derived } from '../../runs/runs.js';
import { judgeOperators, type JudgedOperators } from './judge.js';
import { operatorTables } from './render.js';

export const operatorDerivation = 'profiling.operators';

export const operatorParams = z.object({ paths: z.array(z.string().min(1)).min(1), folder: z.string().min(1), top: z.number().int().positive() });
export type OperatorParams = z.output<typeof operatorParams>;


/** Profiles that name files of the run root by their place in it, so that the root may be moved. */
export function placed(profiles: OperatorProfiles, runDir: string): OperatorProfiles {
  return { ...profiles, sources: profiles.sources.map((s) => ({ ...s, path: inRun(runDir, s.path) })), operators: profiles.operators.map((o) => ({ ...o, path: inRun(runDir, o.path) })) };
}

/** The two files of an operator analysis. Tables of a capture stay null: there is no time line. Pure. */
export function derivedOperators(judged: JudgedOperators, params: OperatorParams): Derived {
  const { profiles } = judged;
  const body = {
    sources: profiles.sources.map((s) => ({ ...s })),
    incomplete: profiles.incomplete.map((n) => ({ code: n.code, detail: n.detail })),
    ranks: [],
    window: null,
    windows: [],
    bottleneck: judged.bottleneck,
    kernel: null,
    communication: null,
    fusion: null,
    dispatch: null,
    memory: null,
    comparison: null,
    operators: [...judged.rows],
    findings: [...judged.findings],
  };
  return {
    simulated: profiles.simulated,
    sources: profiles.sources.map((s) => s.path),
    files: [
      { path: `${params.folder}/analysis.json`, kind: 'profiling-analysis', schema: 'profiling-analysis', body },
      { path: `${params.folder}/operators.md`, kind: 'operator-tables', schema: null, body: operatorTables(judged, params.top) },
    ],
  };
}

async function again(params: OperatorParams, host: Host, runDir: string): Promise<Derived> {
  const paths = await Promise.all(params.paths.map((p) => host.admit(isAbsolute(p) ? p : join(runDir, p))));
  return derivedOperators(judgeOperators(placed(await readOperators(paths, host), runDir)), params);
}

export const operatorDerivations: Derivations = {
  [operatorDerivation]: async (params, host, runDir) => {
    const checked = operatorParams.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names an operator analysis whose parameters are not those of profile_analyze', 'analyse the profile again in a new run');
    return again(checked.data, host, runDir);
  },
};
