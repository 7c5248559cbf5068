import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import type { ManifestPatch } from '../runs/manifest.js';

/** A JSON object given as text. @throws ToolError E_JSON_BROKEN, E_ARG_TYPE */
export function jsonObject(name: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `${name} is not valid JSON`, 'give one JSON object', { cause });
  }
  const checked = z.record(z.string(), z.unknown()).safeParse(value);
  if (!checked.success) throw new ToolError('E_ARG_TYPE', `${name} is JSON, but not an object`, 'give one JSON object');
  return checked.data;
}

const section = z.record(z.string(), z.unknown()).optional();
const statedSections = z.strictObject({ code: section, environment: section, model: section, service: section, workload: section, comparison: section, notes: z.array(z.string()).optional() });

/**
 * The sections of `manifest_json`; their fields are checked against run-manifest when the manifest is written.
 * @throws ToolError E_JSON_BROKEN, E_ARG_TYPE
 */
export function statedManifest(text: string | undefined): ManifestPatch {
  if (text === undefined) return {};
  const checked = statedSections.safeParse(jsonObject('manifest_json', text));
  if (!checked.success) throw new ToolError('E_ARG_TYPE', 'manifest_json has a section the manifest does not have', 'sections: code, environment, model, service, workload, comparison, notes; see schemas/run-manifest.md');
  return Object.fromEntries(Object.entries(checked.data).filter(([, v]) => v !== undefined));
}
