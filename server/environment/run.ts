import { ToolError, type EnvSnapshot, type ToolOk } from '../contract/index.js';
import { openHost, type Host } from '../host/host.js';
import type { ToolContext } from '../mcp/define.js';
import { Runs, type Run } from '../runs/runs.js';
import type { ManifestPatch } from '../runs/manifest.js';
import type { Phase } from './analyze.js';
import { captureHost } from './capture.js';
import { computeSnapshot, envDerivation, type EnvBody, type EnvParams } from './derive.js';
import { readRawFolder, type RawFolder } from './read/folder.js';
import { knownPids } from './read/known.js';
import { factsOf, headline } from './render.js';
import { limits } from './thresholds.js';

/** Where the raw files and the snapshot go. A second probe of a phase keeps the first one's raw files. */
async function places(run: Run, phase: Phase): Promise<{ raw: string; out: string }> {
  const names = [...(await run.files()).keys()];
  const taken = (raw: string): boolean => names.some((n) => n.startsWith(`${raw}/`));
  for (let n = 1; ; n += 1) {
    const name = phase === null ? `probe-${n}` : n === 1 ? phase : `${phase}-${n}`;
    if (!taken(`env/raw/${name}`)) return { raw: `env/raw/${name}`, out: `env/${phase ?? name}.json` };
  }
}

/** Manifest fields a capture of this host proves; what is not known stays as it is. */
function captured(body: EnvBody, asked: readonly number[] | undefined, already: readonly number[] | null | undefined): ManifestPatch {
  const socs = [...new Set(body.chips.map((c) => c.soc ?? null))];
  const chip = socs.length === 1 ? (socs[0] ?? null) : null;
  const ids = body.chips.flatMap((c) => c.logic_id ?? []);
  const devices = asked ?? (already === undefined || already === null ? ids : null);
  const torchNpu = body.frameworks.find((f) => f.name === 'torch_npu')?.version ?? null;
  return {
    environment: {
      ...(body.host === null ? {} : { host: body.host }),
      ...(chip === null ? {} : { chip }),
      ...(devices !== null && devices.length > 0 && devices.length === body.chips.length && ids.length === body.chips.length ? { devices: [...devices] } : {}),
      ...(body.cann_version === null ? {} : { cann_version: body.cann_version }),
      ...(body.driver_version === null ? {} : { driver_version: body.driver_version }),
      ...(torchNpu === null ? {} : { torch_npu_version: torchNpu }),
    },
  };
}

function nextOf(verdict: EnvSnapshot['verdict']): ToolOk['next'] {
  switch (verdict) {
    case 'clean':
      return [{ tool: 'run_show', why: 'shows what the run still lacks before a measurement' }];
    case 'contaminated':
      return [{ tool: 'env_probe', why: 'again, once the named chips are free; or with devices naming chips that are' }];
    case 'unavailable':
      return [{ tool: 'env_probe', why: 'on the host or in the container that sees the NPUs, or with raw_dir naming outputs captured there' }];
    case 'inconclusive':
      return [{ tool: 'env_probe', why: 'again with the whole output of npu-smi info and npu-smi info -m; the reasons say what is missing' }];
  }
}

async function gather(args: { phase?: Phase | undefined; samples?: number | undefined; raw_dir?: string | undefined }, host: Host, ctx: ToolContext): Promise<RawFolder> {
  if (args.raw_dir !== undefined) return readRawFolder(args.raw_dir, args.phase ?? null, host);
  const samples = args.samples ?? (args.phase === 'idle' ? limits.idleSamples : 1);
  return { files: await captureHost(host, ctx.config.env, samples, ctx.signal, ctx.progress), severalCaptures: false };
}

export interface ProbeArgs {
  readonly run?: string | undefined;
  readonly phase?: 'before' | 'idle' | 'after' | undefined;
  readonly devices?: number[] | undefined;
  readonly samples?: number | undefined;
  readonly raw_dir?: string | undefined;
}

/** env_probe: captures or copies the raw outputs into the run, computes the snapshot from them alone. */
export async function probe(args: ProbeArgs, ctx: ToolContext): Promise<ToolOk> {
  if (args.raw_dir !== undefined && args.samples !== undefined) throw new ToolError('E_ARG_CONFLICT', 'samples together with raw_dir', 'samples counts readings of this host; leave it out, captured samples are read from raw_dir');
  if (args.devices !== undefined && new Set(args.devices).size !== args.devices.length) throw new ToolError('E_ARG_TYPE', 'devices names a device twice', 'name each logical id once');
  const host = openHost(ctx.config);
  const runs = new Runs(host);
  const by = { tool: 'env_probe', input: { ...args } };
  const existing = args.run === undefined ? null : await runs.open(args.run);
  const phase = args.phase ?? null;
  // Captured before an ad-hoc run is opened, so that a refused raw_dir leaves nothing behind.
  const gathered = await gather({ ...args, phase }, host, ctx);
  ctx.signal.throwIfAborted();
  const run = existing ?? (await runs.openOrCreate(undefined, 'environment probe', by));
  const { raw, out } = await places(run, phase);
  const origin = args.raw_dir === undefined ? 'host' : 'raw_dir';
  await run.writeRaw(by, gathered.files.map((f) => ({ path: `${raw}/${f.name}`, kind: 'env-raw', text: f.text })));
  const params: EnvParams = {
    out,
    raw,
    files: gathered.files.map((f) => f.name),
    phase,
    origin,
    devices: args.devices ?? null,
    known: await knownPids(run.dir),
    several_captures: gathered.severalCaptures,
  };
  const { derived, ...snapshot } = await computeSnapshot(params, run.dir);
  const artifacts = await run.writeComputed(by, { by: envDerivation, params }, derived);
  const { body } = snapshot;
  if (existing !== null && origin === 'host' && body.chips.length > 0) await run.updateManifest(by, 'captured', captured(body, args.devices, (await run.manifest()).environment.devices));
  const { facts, warnings } = factsOf(snapshot, run.id);
  return { verdict: body.verdict, headline: headline(snapshot), facts: { ...facts }, findings: [], artifacts, warnings, next: nextOf(body.verdict) };
}
