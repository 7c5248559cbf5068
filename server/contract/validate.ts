import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { AllSchemas } from './generated/types.js';
import { schemas } from './generated/schemas.js';

/** Schema file name without `.schema.json` → the type generated from it. */
export interface SchemaTypes {
  'accuracy-comparison': AllSchemas['AccuracyComparison'];
  'accuracy-score': AllSchemas['AccuracyScore'];
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

let ajv: Ajv2020 | undefined;
const compiled = new Map<string, ValidateFunction>();

/** Compiles once per schema and process; a call only runs the compiled function. */
function validator(ref: string): ValidateFunction {
  const known = compiled.get(ref);
  if (known !== undefined) return known;
  if (ajv === undefined) {
    ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
    for (const schema of Object.values(schemas)) ajv.addSchema(schema);
  }
  const made = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
  compiled.set(ref, made);
  return made;
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

export function isSchemaName(name: string): name is SchemaName {
  return Object.hasOwn(schemas, name) && !['common', 'tool-facts'].includes(name);
}

/** Checks a value against a schema; the problems name the place inside the value. */
export function check<N extends SchemaName>(name: N, value: unknown): Checked<SchemaTypes[N]> {
  const validate = validator(`${name}.schema.json`);
  if (validate(value)) return { ok: true, value: value as SchemaTypes[N] }; // eslint-disable-line @typescript-eslint/consistent-type-assertions -- the validated seam
  return { ok: false, problems: problems(validate.errors) };
}

/** Checks the facts of a tool's answer against `tool-facts#/$defs/<tool>`. */
export function checkFacts(tool: string, facts: unknown): string[] {
  const validate = validator(`tool-facts.schema.json#/$defs/${tool}`);
  return validate(facts) ? [] : problems(validate.errors);
}
