import { describe, expect, it } from 'vitest';
import { empirical } from '../../server/report/html/curves.js';
import { report } from '../../server/report/write.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { point, put, requestLines, richRun } from '../generate/report-run.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: {} };
const host = testHost(await tempFolder());
const fresh = (): Promise<Run> => new Runs(host).create({ purpose: 'html', level: 'quick' }, by);
async function html(run: Run, language: 'en' | 'zh' = 'en'): Promise<string> {
  return (await report(run, { format: 'html', language })).find((f) => f.path === 'report.html')?.text ?? '';
}
const page = await html(await richRun(host));
/** One section, up to the next. */
const section = (text: string, id: string): string => text.split('<section ').find((s) => s.startsWith(`id="${id}"`)) ?? '';
const ids = (text: string): string[] => [...text.matchAll(/<section id="([^"]+)"/g)].map((m) => m[1] ?? '');

describe('report.html', () => {
  it('says the verdict first and draws what the run holds', () => {
    const body = page.slice(page.indexOf('<body>'));
    expect(body.indexOf('<strong>supported (formal)</strong>')).toBeLessThan(body.indexOf('<nav'));
    expect(ids(page)).toEqual(['verdicts', 'compared', 'incidents', 'curve', 'cdf', 'windows', 'kernels', 'steps', 'skew', 'roofline', 'hbm', 'findings', 'missing', 'manifest', 'evidence']);
    for (const id of ids(page).slice(1, 11)) {
      expect(section(page, id), id).toMatch(/role="img" aria-label="[^"]{10,}"/);
      expect(section(page, id), id).toContain('<table>');
    }
  });

  it('is one file that fetches and runs nothing; foreign text is text', () => {
    expect(page.length).toBeLessThan(2_000_000);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<img|@import|url\(|\bsrc=|https?:\/\/|\u202e|\son\w+=/);
    expect(page).toContain('&#60;/script&#62;&#60;script&#62;alert(1)');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('draws the change where the axis says it is', () => {
    const part = section(page, 'compared');
    const marks = [...part.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle" class="dim">(-?[\d.]+) %</g)].map((m) => [Number(m[1]), Number(m[2])] as const);
    const [a, b] = [marks[0], marks.at(-1)];
    if (a === undefined || b === undefined) throw new Error('no axis');
    const value = (x: number): number => a[1] + ((x - a[0]) / (b[0] - a[0])) * (b[1] - a[1]);
    const dots = [...part.matchAll(/<circle class="[^"]*" cx="([\d.]+)"/g)].map((m) => value(Number(m[1])));
    expect(dots.map((v) => Number(v.toFixed(1)))).toEqual([-12, 1.9, -5.6, 0.1]);
    const span = /<line class="line sgood" x1="([\d.]+)" x2="([\d.]+)"/.exec(part);
    expect([span?.[1], span?.[2]].map((x) => Number(value(Number(x)).toFixed(1)))).toEqual([-13.1, -10.9]);
  });

  it('device time is drawn in proportion, part beside part', () => {
    const rects = [...section(page, 'windows').matchAll(/<rect class="(f\d)" x="([\d.]+)" y="14" width="([\d.]+)"/g)].map((m) => ({ fill: m[1], x: Number(m[2]), width: Number(m[3]) }));
    const whole = rects.reduce((sum, r) => sum + r.width, 0);
    expect(rects.map((r) => Math.round((r.width / whole) * 200))).toEqual([120, 30, 50]);
    expect(rects[1]?.x).toBeCloseTo((rects[0]?.x ?? 0) + (rects[0]?.width ?? 0), 1);
  });

  it('puts every op of a bound on the roof: the sloped part where memory binds, the flat one where compute does', () => {
    const part = section(page, 'roofline');
    const [, corner, end] = (/<path class="line sdim" d="M([^"]+)"/.exec(part)?.[1] ?? '').split('L').map((xy) => xy.split(',').map(Number));
    const [x0 = 0, y0 = 0] = (/<path class="line sdim" d="M([\d.]+),([\d.]+)/.exec(part) ?? []).slice(1).map(Number);
    const [x1 = 0, y1 = 0] = corner ?? [];
    expect(end?.[1]).toBe(y1);
    const points = [...part.matchAll(/<circle class="(f\d)" cx="([\d.]+)" cy="([\d.]+)"/g)].map((m) => ({ fill: m[1], x: Number(m[2]), y: Number(m[3]) }));
    expect(points).toHaveLength(5);
    for (const p of points) expect(p.y).toBeCloseTo(p.fill === 'f2' ? y1 : y0 + ((p.x - x0) / (x1 - x0)) * (y1 - y0), 0);
  });

  it('leaves out what the run does not hold, and says so in one line', async () => {
    const run = await fresh();
    await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: [point({ ttft_ms: { mean: 50, p50: 48, p90: 60, p95: 66, p99: 80 } })] });
    const text = await html(run);
    expect(ids(text)).toEqual(['verdicts', 'curve', 'cdf', 'missing', 'manifest', 'evidence']);
    const footer = text.slice(text.indexOf('<footer>'));
    for (const title of ['Before and after', 'Roofline', 'HBM ledger', 'Kernel share', 'Rank skew', 'Incident timeline', 'Steps and bubbles', 'Device time']) expect(footer).toContain(title);
    expect(section(text, 'cdf')).toContain('percentiles the client reported');
    expect(ids(await html(await fresh()))).toEqual(['missing', 'manifest', 'evidence']);
  });

  it('takes the distribution from the requests where they are there', async () => {
    const run = await fresh();
    await run.writeRaw(by, [{ path: 'perf/bench-001/p/raw/pass.json', kind: 'bench-pass', text: '{"command":["x"]}' }, { path: 'perf/bench-001/p/raw/requests.jsonl', kind: 'raw', text: `${requestLines(40, 100, 20)}{"ok":false,"ttft_ms":1}\nnot json\n` }]);
    await put(run, 'perf/bench-001/p/metrics.json', 'perf-metrics', { points: [point()] });
    const part = section(await html(run), 'cdf');
    expect(part).toContain('From every successful request.');
    expect(part).not.toContain('percentiles the client reported');
    // The curve of TTFT runs from 100 ms to 139 ms: 40 values, the failed request not among them.
    const steps = /<path class="line s1" d="([^"]+)"/.exec(part)?.[1]?.split('L') ?? [];
    expect(steps).toHaveLength(81);
  });

  it('the empirical distribution is the share of values at or below each', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1009);
    for (const [v, share] of empirical(values)) expect(share).toBeCloseTo(values.filter((x) => x <= v).length / values.length, 10);
    expect(empirical(values).length).toBeLessThan(300);
    expect(empirical(values).at(-1)).toEqual([Math.max(...values), 1]);
  });

  it('stays under 2 MB with very many ranks, kernels and points', async () => {
    const run = await fresh();
    await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: Array.from({ length: 400 }, (_, i) => point({ id: `parallel_${String(i)}`, ttft_ms: { mean: 50, p50: 48, p90: 60, p95: 66, p99: 80 } })) });
    const timeline = Array.from({ length: 5000 }, (_, i) => ({ time: '2026-01-01T00:00:00', rank: i % 512, host: 'h', id: 'x', role: 'cascade', file: 'f'.repeat(200), line: i, text: 'y'.repeat(300) }));
    await put(run, 'incident/001/report.json', 'incident-report', { verdict: 'suspected', timeline });
    expect((await html(run)).length).toBeLessThan(2_000_000);
  });

  it('speaks Chinese with the same values', async () => {
    const run = await fresh();
    await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: [point({ output_tps: 1234.5 })] });
    const text = await html(run, 'zh');
    expect(text).toContain('<html lang="zh-Hans">');
    expect(text).toContain('吞吐与时延');
    expect(text).toContain('1234.5');
  });
});
