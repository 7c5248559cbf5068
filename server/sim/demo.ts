import { makeDecodeCapture } from './llm-capture.js';
import { writeCapture } from './write.js';

/** The capture of `demo`: two ranks of a small decode whose host launches slower than the device computes, with unfused RMSNorm. */
export async function writeDemoCapture(folder: string): Promise<{ path: string; planted: string }> {
  const { capture } = makeDecodeCapture({ ranks: 2, layers: 8, steps: 6, launchUs: 60, commOverlap: false, unfused: ['add-rmsnorm'], fragmentation: 0.3, rankKnown: false });
  await writeCapture(folder, capture, ['msprof-db', 'msprof-csv', 'msprof-timeline']);
  return { path: folder, planted: '2 ranks, 6 decode steps; planted: slow host launches (60 us each), exposed collectives, Add and RmsNorm not fused, 30 % memory fragmentation' };
}
