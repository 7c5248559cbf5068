import type { Finding } from '../../contract/index.js';
import type { Analysis } from '../analyze/analyze.js';
import { judgeBottleneck, type Verdict } from './bottleneck.js';
import { ranked, timeFindings } from './findings.js';
import { lossFindings } from './losses.js';

/** The verdict on an analysis, and every finding that was really computed, most severe first. */
export function judge(analysis: Analysis): Verdict & { findings: Finding[] } {
  return { ...judgeBottleneck(analysis), findings: ranked([...timeFindings(analysis), ...lossFindings(analysis)]) };
}
