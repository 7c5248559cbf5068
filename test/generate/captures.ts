import { makeDecodeCapture, type DecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture, type CaptureForm, type WriteOptions, type WrittenCapture } from '../../server/sim/write.js';

export { makeDecodeCapture } from '../../server/sim/llm-capture.js';
export { scenarios } from '../../server/sim/scenarios.js';
export { writeCapture } from '../../server/sim/write.js';

/** Makes and writes a capture in one go. */
export async function planted(
  folder: string,
  options: Parameters<typeof makeDecodeCapture>[0],
  forms: readonly CaptureForm[],
  write: WriteOptions = {},
): Promise<DecodeCapture & { written: WrittenCapture }> {
  const made = makeDecodeCapture(options);
  return { ...made, written: await writeCapture(folder, made.capture, forms, write) };
}
