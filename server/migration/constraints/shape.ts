import { z } from 'zod';
import { foreign, ToolError } from '../../contract/index.js';

const extent = z.number().int().positive().max(2 ** 31);
const pair = z.tuple([extent, extent]);

/** What a kernel asks of the chip. Counts are elements unless said otherwise. */
const shapeSchema = z.strictObject({
  /** Rows and columns of one buffer in the unified buffer. */
  tile: pair.optional(),
  /** Buffers of that size alive at once; double buffering counts twice. */
  buffers: extent.optional(),
  grid: z.array(extent).min(1).max(3).optional(),
  /** M and N of one accumulator. */
  l0c_tile: pair.optional(),
  /** K of one step of the matrix unit. */
  block_k: extent.optional(),
  /** K of what L1 holds of both operands at once; default block_k. */
  l1_k: extent.optional(),
  /** Such pairs alive in L1 at once; double buffering counts twice. */
  l1_buffers: extent.optional(),
  repeat: extent.optional(),
  threads: extent.optional(),
  /** Tile sizes that are known at run time only. */
  dynamic: z.boolean().optional(),
  /** Captured into an ACL graph. */
  graph: z.boolean().optional(),
  /** Reads a value back to the host (.item(), .cpu()). */
  host_sync: z.boolean().optional(),
});
export type KernelShape = z.output<typeof shapeSchema>;

const expected = '{"tile":[64,128],"buffers":4,"grid":[40],"l0c_tile":[128,128]}; also block_k, l1_k, l1_buffers, repeat, threads, dynamic, graph, host_sync';

/** The JSON of `shapes`. @throws ToolError E_ARG_TYPE with the field that is wrong */
export function kernelShape(text: string): KernelShape {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ToolError('E_ARG_TYPE', 'shapes is not JSON', `give ${expected}`);
  }
  const parsed = shapeSchema.safeParse(value);
  if (!parsed.success) throw new ToolError('E_ARG_TYPE', `shapes: ${parsed.error.issues.slice(0, 3).map((i) => foreign(`${i.path.join('.')} ${i.message}`, 120)).join('; ')}`, `give ${expected}`);
  const { tile, grid, l0c_tile: sums, repeat, threads, dynamic, graph, host_sync: sync } = parsed.data;
  if ([tile, grid, sums, repeat, threads, dynamic, graph, sync].every((v) => v === undefined)) throw new ToolError('E_ARG_TYPE', 'shapes names nothing that can be checked', `give ${expected}`);
  return parsed.data;
}
