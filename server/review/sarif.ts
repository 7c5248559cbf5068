import { producer, type ReviewReport } from '../contract/index.js';
import type { RuleBook } from './rules.js';

const level = { high: 'error', medium: 'warning', low: 'note', info: 'note' } as const;

/** A relative URI reference: a name may hold what would begin a query or a fragment. */
const uriOf = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** The findings as SARIF 2.1.0, so that code hosts show them beside the lines. */
export function sarif(report: Pick<ReviewReport, 'findings'>, book: RuleBook): string {
  const used = book.rules.map((r) => r.rule).filter((r) => report.findings.some((f) => f.rule === r.id));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: producer.name,
            version: producer.version,
            rules: used.map((r) => ({ id: r.id, name: r.title, shortDescription: { text: r.title }, fullDescription: { text: `${r.why}. Source: ${r.source}` }, help: { text: r.fix }, defaultConfiguration: { level: level[r.severity] } })),
          },
        },
        results: report.findings.map((f) => ({
          ruleId: f.rule,
          level: level[f.severity],
          message: { text: `${f.title}: ${f.action}` },
          locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(f.file ?? ''), uriBaseId: '%SRCROOT%' }, ...(f.line === null || f.line === undefined ? {} : { region: { startLine: Math.max(1, f.line) } }) } }],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
