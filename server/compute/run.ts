import { isAbsolute } from 'node:path';
import { type ComputeSimulateFacts, type ToolOk, type Warning } from '../contract/index.js';
import { chipText, findChip } from '../hardware/lookup.js';
import { openHost } from '../host/host.js';
import { describedNote } from '../models/description.js';
import { pathList, type ToolContext } from '../mcp/define.js';
import { freeFolder, inRun } from '../runs/places.js';
import { Runs } from '../runs/runs.js';
import type { Measurement } from './measured.js';
import { answered, derivationName, derived, type Params } from './derive.js';
import { readMeasurement, readModel } from './read.js';
import { headline } from './render.js';
import { parseWhatIf, pointOf, type PointArgs } from './request.js';
import { limits } from './thresholds.js';

export type SimulateArgs = PointArgs & { readonly model: string; readonly profile?: string | string[] | undefined; readonly what_if_json?: string | undefined; readonly run?: string | undefined };

/** A chip that was not asked for: the capture's, else the run's; null when neither names one device. */
function guessedChip(measurement: Measurement | null, manifestChip: string | null): string | null {
  for (const name of [measurement?.devices.find((d) => d.chip !== null)?.chip ?? null, manifestChip]) {
    if (name === null) continue;
    try {
      return findChip(name).soc;
    } catch {
      // A family or product name: nothing is guessed from it.
    }
  }
  return null;
}

/** compute_simulate: prices the step, compares it with a capture, writes the artifacts, answers the top of them. */
export async function simulate(args: SimulateArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const by = { tool: 'compute_simulate', input: { ...args } };
  const changes = parseWhatIf(args.what_if_json);
  const asked = pointOf(args);
  const model = await readModel(args.model, host);
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const paths = args.profile === undefined ? [] : await Promise.all(pathList(args.profile).map((p) => host.admit(p)));
  const measurement = paths.length === 0 ? null : await readMeasurement(paths, host, { signal: ctx.signal, progress: ctx.progress });
  const manifest = known === null ? null : await known.manifest();
  const chip = asked.chip === null ? guessedChip(measurement, manifest?.environment.chip ?? null) : chipText(asked.chip);
  const folder = await freeFolder(known, 'compute');
  const base: Params = { folder, name: model.name, config: model.text === null ? null : `${folder}/config.json`, point: { ...asked, chip, quant: asked.quant ?? model.quant?.quant ?? null }, changes, profile: [] };
  // Answered before a run is opened: a refusal leaves no empty run behind.
  const result = answered(base, model.source, measurement);
  const run = known ?? (await runs.create({ purpose: 'compute estimate', level: 'smoke' }, by));
  const params: Params = { ...base, profile: paths.map((p) => inRun(run.dir, p)) };
  for (const p of params.profile) if (p !== '' && !isAbsolute(p)) await run.recordRaw(by, p);
  if (model.text !== null && params.config !== null) await run.writeRaw(by, [{ path: params.config, kind: 'model-config', text: model.text }]);
  const artifacts = await run.writeComputed(by, { by: derivationName, params }, derived(result, params, measurement, run.dir));
  const { verdict, findings, ...rest } = result.body;
  const shown = rest.what_if.slice(0, limits.whatIfShown.value);
  const warnings: Warning[] = [...result.warnings];
  if (model.quant !== null && asked.quant === null) warnings.push({ code: 'W-QUANT-FOUND', detail: describedNote(model.quant) });
  if (shown.length < rest.what_if.length) warnings.push({ code: 'W-CUT', detail: `what_if shows ${String(shown.length)} of ${String(rest.what_if.length)} rows; estimate.json holds all` });
  const facts: ComputeSimulateFacts = { run: run.id, ...rest, what_if: shown };
  return {
    verdict, headline: headline(result.body), facts: { ...facts }, findings, artifacts, warnings,
    next: [
      ...(result.body.measured === null ? [{ tool: 'profile_start', why: 'a capture of this one phase, given as profile, says how far from the bound the service is' }] : [{ tool: 'profile_analyze', why: 'which kernels make the difference between measured and bound' }]),
      ...(result.body.memory.fits === false ? [{ tool: 'capacity_plan', why: 'this step does not fit a rank' }] : []),
    ],
  };
}
