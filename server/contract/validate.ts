import { createRequire } from 'node:module';
import type { ErrorObject } from 'ajv';
import type { AllSchemas } from './generated/types.js';

/** Schema file name without `.schema.json` → the type generated from it. */
export interface SchemaTypes {
  'accuracy-comparison': AllSchemas['AccuracyComparison'];
  'accuracy-score': AllSchemas['AccuracyScore'];
  bundle: AllSchemas['Bundle'];
  'capacity-plan': AllSchemas['CapacityPlan'];
  'capture-record': AllSchemas['CaptureRecord'];
  'comparison-report': AllSchemas['ComparisonReport'];
  'compute-estimate': AllSchemas['ComputeEstimate'];
  'env-snapshot': AllSchemas['EnvSnapshot'];
  'failed-case': AllSchemas['FailedCase'];
  'incident-report': AllSchemas['IncidentReport'];
  'job-state': AllSchemas['JobState'];
  'lesson-card': AllSchemas['LessonCard'];
  'load-search': AllSchemas['LoadSearch'];
  'loop-state': AllSchemas['LoopState'];
  'op-migration': AllSchemas['OpMigration'];
  'perf-metrics': AllSchemas['PerfMetrics'];
  'pipeline-analysis': AllSchemas['PipelineAnalysis'];
  'profiling-analysis': AllSchemas['ProfilingAnalysis'];
  'review-report': AllSchemas['ReviewReport'];
  'review-rule': AllSchemas['ReviewRule'];
  'run-event': AllSchemas['RunEvent'];
  'run-manifest': AllSchemas['RunManifest'];
  'service-record': AllSchemas['ServiceRecord'];
  signature: AllSchemas['Signature'];
  'tool-result': AllSchemas['ToolResult'];
}
export type SchemaName = keyof SchemaTypes;

export type Checked<T> = { ok: true; value: T } | { ok: false; problems: string[] };

/** What the build makes of a schema (scripts/data.mjs). */
interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly ErrorObject[] | null;
}

const load = createRequire(import.meta.url);

function isValidator(value: unknown): value is Validator {
  return typeof value === 'function';
}

/** The compiled validator of a schema, the same file seen from server/ and from dist/; loaded when first asked for. */
function validator(name: string): Validator {
  const found: unknown = load(`../../dist/data/validators/${name}.cjs`);
  if (!isValidator(found)) throw new TypeError(`the built validator of ${name} is not a function`);
  return found;
}

function problems(errors: readonly ErrorObject[] | null | undefined): string[] {
  return (errors ?? []).slice(0, 50).map((e) => {
    const at = e.instancePath === '' ? '(top)' : e.instancePath;
    const extra = Object.entries(e.params)
      .filter(([k]) => k === 'additionalProperty' || k === 'allowedValues' || k === 'missingProperty')
      .map(([, v]) => JSON.stringify(v))
      .join(' ');
    return `${at} ${e.message ?? e.keyword}${extra === '' ? '' : ` ${extra}`}`;
  });
}

const names: Readonly<Record<SchemaName, true>> = {
  'accuracy-comparison': true,
  'accuracy-score': true,
  bundle: true,
  'capacity-plan': true,
  'capture-record': true,
  'comparison-report': true,
  'compute-estimate': true,
  'env-snapshot': true,
  'failed-case': true,
  'incident-report': true,
  'job-state': true,
  'lesson-card': true,
  'load-search': true,
  'loop-state': true,
  'op-migration': true,
  'perf-metrics': true,
  'pipeline-analysis': true,
  'profiling-analysis': true,
  'review-report': true,
  'review-rule': true,
  'run-event': true,
  'run-manifest': true,
  'service-record': true,
  signature: true,
  'tool-result': true,
};

export function isSchemaName(name: string): name is SchemaName {
  return Object.hasOwn(names, name);
}

/** Checks a value against a schema; the problems name the place inside the value. */
export function check<N extends SchemaName>(name: N, value: unknown): Checked<SchemaTypes[N]> {
  const validate = validator(name);
  if (validate(value)) return { ok: true, value: value as SchemaTypes[N] }; // eslint-disable-line @typescript-eslint/consistent-type-assertions -- the validated seam
  return { ok: false, problems: problems(validate.errors) };
}

/** Checks the facts of a tool's answer against `tool-facts#/$defs/<tool>`. */
export function checkFacts(tool: string, facts: unknown): string[] {
  const validate = validator(`facts.${tool}`);
  return validate(facts) ? [] : problems(validate.errors);
}
