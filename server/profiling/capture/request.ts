import { baseUrl } from '../../programs/endpoint.js';
import { z } from 'zod';
import { foreign, isRunId, ToolError } from '../../contract/index.js';
import { aicMetricNames } from '../../programs/msprof.js';
import { defaults, limits, type Phase } from './thresholds.js';

export const phases = ['prefill', 'decode', 'mixed'] as const satisfies readonly Phase[];
export const backends = ['msprof', 'torch', 'auto'] as const;

/** A request as the job keeps it: the same question gives the same one. */
export const requestShape = z.object({
  /** Run and job of the service. */
  service_job: z.string().nullable(),
  pid: z.number().int().nullable(),
  /** Null: the service record's. */
  endpoint: z.string().nullable(),
  backend: z.enum(backends),
  phase: z.enum(phases),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  parallel: z.number().int(),
  batches: z.number().int(),
  warmup_batches: z.number().int(),
  aic_metrics: z.enum(aicMetricNames),
});
export type CaptureRequest = z.output<typeof requestShape>;

export interface StartArgs {
  readonly run: string;
  readonly service_job?: string | undefined;
  readonly pid?: number | undefined;
  readonly endpoint?: string | undefined;
  readonly backend: CaptureRequest['backend'];
  readonly phase: Phase;
  readonly input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
  readonly parallel?: number | undefined;
  readonly batches?: number | undefined;
  readonly warmup_batches?: number | undefined;
  readonly aic_metrics?: CaptureRequest['aic_metrics'] | undefined;
}

/** Run and job of a handle; a job alone is of this run. @throws ToolError E_JOB_MISSING */
export function serviceHandle(run: string, given: string): { readonly run: string; readonly job: string } {
  const parts = given.split('/');
  const [first = '', second] = parts;
  const handle = second === undefined ? { run, job: first } : { run: first, job: second };
  if (parts.length > 2 || !isRunId(handle.run) || !/^service-\d{3,}$/.test(handle.job)) throw new ToolError('E_JOB_MISSING', `${foreign(given, 80)} is not the job of a service`, 'give service_job as service_start answered it, or pid and endpoint');
  return handle;
}

/** Checks what the arguments alone can tell. @throws ToolError E_ARG_*, E_JOB_MISSING */
export function readRequest(args: StartArgs): CaptureRequest {
  if (args.service_job !== undefined && args.pid !== undefined) throw new ToolError('E_ARG_CONFLICT', 'service_job together with pid', 'give service_job alone: its record names the processes');
  if (args.service_job === undefined && args.pid === undefined) throw new ToolError('E_ARG_MISSING', 'profile_start needs service_job or pid', 'give the job service_start answered, or the pid of the process that holds the device together with endpoint');
  if (args.pid !== undefined && args.endpoint === undefined) throw new ToolError('E_ARG_MISSING', 'profile_start needs endpoint with pid', 'give the base URL of the service, to which the load goes');
  const base = defaults[args.phase];
  const request: CaptureRequest = {
    service_job: args.service_job === undefined ? null : Object.values(serviceHandle(args.run, args.service_job)).join('/'),
    pid: args.pid ?? null,
    endpoint: args.endpoint === undefined ? null : baseUrl(args.endpoint),
    backend: args.backend,
    phase: args.phase,
    input_tokens: args.input_tokens ?? base.input_tokens,
    output_tokens: args.output_tokens ?? base.output_tokens,
    parallel: args.parallel ?? base.parallel,
    batches: args.batches ?? base.batches,
    warmup_batches: args.warmup_batches ?? base.warmup_batches,
    aic_metrics: args.aic_metrics ?? 'PipeUtilization',
  };
  if (request.phase === 'decode' && request.batches > 1) throw new ToolError('E_ARG_CONFLICT', 'phase decode with several batches', 'one batch is captured behind its first tokens; a second would bring its prompts into the window. Raise parallel or output_tokens, or use phase mixed');
  if (request.phase === 'decode' && request.output_tokens <= limits.leastWindowEvents.value) throw new ToolError('E_ARG_CONFLICT', `phase decode with ${limits.leastWindowEvents.value} output tokens or fewer`, 'raise output_tokens: the window opens behind the first token and must still hold several steps');
  return request;
}
