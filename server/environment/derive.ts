import { join } from 'node:path';
import { z } from 'zod';
import { ToolError, type EnvSnapshot } from '../contract/index.js';
import { readText } from '../host/files.js';
import type { Derivations, Derive, Derived } from '../runs/runs.js';
import { analyzeHost, type Phase } from './analyze.js';
import { judgeHost, type Judgement } from './judge.js';
import { readEvidence, type Evidence } from './read/evidence.js';
import type { RawFile } from './read/pieces.js';
import { limits } from './thresholds.js';

export const envDerivation = 'env-snapshot';

const paramsShape = z.object({
  /** Snapshot to write, relative to the run root. */
  out: z.string(),
  /** Folder of the raw files, relative to the run root. */
  raw: z.string(),
  /** Names of the raw files below `raw`. */
  files: z.array(z.string()),
  phase: z.enum(['before', 'idle', 'after']).nullable(),
  origin: z.enum(['host', 'raw_dir']),
  devices: z.array(z.number().int()).nullable(),
  /** Process ids the run had recorded as its own when the probe was made. */
  known: z.array(z.number().int()),
  several_captures: z.boolean(),
});
export type EnvParams = z.output<typeof paramsShape>;

type Stamp = 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source';
export type EnvBody = Omit<EnvSnapshot, Stamp>;

export interface Snapshot {
  readonly body: EnvBody;
  readonly judgement: Judgement;
}

/** The snapshot the evidence gives. Pure. */
export function snapshotOf(e: Evidence, options: { phase: Phase; origin: 'host' | 'raw_dir'; devices: readonly number[] | null; known: readonly number[]; severalCaptures: boolean }): Snapshot {
  const host = analyzeHost(e, options.devices, options.known);
  const judgement = judgeHost(e, host, options.phase, options.severalCaptures);
  return {
    judgement,
    body: {
      phase: options.phase,
      verdict: judgement.verdict,
      host: e.capture?.hostname ?? null,
      origin: options.origin,
      samples: e.infos.length,
      chips: host.chips.map((s) => s.chip),
      driver_version: host.driverVersion,
      npu_smi_version: host.npuSmiVersion,
      firmware_version: host.firmwareVersion,
      cann_version: host.cannVersion,
      os: e.versions.os,
      frameworks: e.frameworks.map((f) => ({ ...f })),
      topology: e.topology,
      reasons: judgement.reasons.map((r) => ({ ...r })),
      looked_for: e.capture?.looked_for ?? [],
    },
  };
}

/** Reads the raw files a snapshot rests on. @throws ToolError E_PATH_MISSING when one is gone */
async function rawFiles(runDir: string, params: EnvParams): Promise<RawFile[]> {
  return Promise.all(
    params.files.map(async (name) => {
      const text = await readText(join(runDir, params.raw, name), limits.maxFileBytes);
      if (text === null) throw new ToolError('E_PATH_MISSING', `a raw file of the snapshot ${params.out} is gone`, 'restore the run root from a copy, or probe again');
      return { name, text };
    }),
  );
}

/** Computes a snapshot, and the artifact that holds it, from the raw files alone. @throws ToolError E_PATH_MISSING, E_FILE_UNREADABLE */
export async function computeSnapshot(params: EnvParams, runDir: string): Promise<Snapshot & { derived: Derived }> {
  const evidence = readEvidence(await rawFiles(runDir, params));
  const snapshot = snapshotOf(evidence, { ...params, severalCaptures: params.several_captures });
  return {
    ...snapshot,
    derived: {
      files: [{ path: params.out, kind: 'env-snapshot', schema: 'env-snapshot', body: snapshot.body }],
      sources: params.files.map((name) => `${params.raw}/${name}`),
      simulated: evidence.simulated,
    },
  };
}

const derive: Derive = async (raw, _host, runDir) => {
  const checked = paramsShape.safeParse(raw);
  if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a snapshot whose parameters are not those of env_probe', 'probe again');
  return (await computeSnapshot(checked.data, runDir)).derived;
};

/** How this room's artifacts are computed again from raw. */
export const envDerivations: Derivations = { [envDerivation]: derive };
