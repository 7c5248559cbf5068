import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import { readText } from './files.js';

const lists = z.record(z.string(), z.array(z.unknown()));

/**
 * The lists of a data file the build made (scripts/data.mjs), by the YAML file they came from. The path holds from server/ and from dist/.
 * @throws ToolError E_INTERNAL when it is missing or broken
 */
export async function packagedLists(name: 'rules' | 'catalogue'): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const text = await readText(fileURLToPath(new URL(`../../dist/data/${name}.json`, import.meta.url)));
  const found = text === null ? null : lists.safeParse(JSON.parse(text));
  if (found?.success !== true) throw new ToolError('E_INTERNAL', `the data file ${name}.json is missing or broken`, 'install the package again');
  return found.data;
}
