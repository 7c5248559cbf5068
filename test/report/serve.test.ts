import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { serveReports } from '../../server/report/serve.js';
import { Runs } from '../../server/runs/runs.js';
import { point, put } from '../generate/report-run.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: {} };
const host = testHost(await tempFolder());
const runs = new Runs(host);
const run = await runs.create({ purpose: 'serve <b>', level: 'quick' }, by);
await put(run, 'perf/001/p/metrics.json', 'perf-metrics', { points: [point({ output_tps: 777 })] });
await run.writeRaw(by, [{ path: 'perf/001/p/raw/page.html', kind: 'raw', text: '<script>alert(1)</script>' }, { path: 'perf/001/p/raw/edited.txt', kind: 'raw', text: 'before' }]);
await writeFile(join(run.dir, 'perf/001/p/raw/edited.txt'), 'after');
await writeFile(join(run.dir, 'unrecorded.txt'), 'private');
const server = await serveReports(runs, 0);
afterAll(() => server.close());

/** As sent: fetch would clean the path and set the Host. */
function get(path: string, options: { method?: string; host?: string } = {}): Promise<{ status: number; type: string; text: string }> {
  const { port, host: own } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: { host: options.host ?? own } }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('report --serve', () => {
  it('lists the runs with their verdicts and serves each report, made now', async () => {
    const index = await get('/');
    expect(index.text).toContain(`<a href="/${run.id}/report.html">`);
    expect(index.text).toContain('777 tok/s');
    expect(index.text).toContain('serve &#60;b&#62;');
    const page = await get(`/${run.id}/report.html`);
    expect(page.type).toContain('text/html');
    expect(page.text).toContain('777');
  });

  it('hands out recorded files as text, and nothing else', async () => {
    expect(await get(`/${run.id}/perf/001/p/raw/page.html`)).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8', text: '<script>alert(1)</script>' });
    for (const path of [`/${run.id}/unrecorded.txt`, `/${run.id}/perf/001/p/raw/edited.txt`, `/${run.id}/../${run.id}/unrecorded.txt`, `/${run.id}/%2e%2e/%2e%2e/etc/passwd`, `/${run.id}//etc/passwd`, `/${run.id}/%`, '/etc/passwd', `/${run.id}`]) {
      expect((await get(path)).status, path).toBe(404);
    }
  });

  it('answers only reads that name this server', async () => {
    expect((await get('/', { host: 'evil.example' })).status).toBe(403);
    expect((await get('/', { method: 'POST' })).status).toBe(405);
    expect(await get('/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('a port that is taken is an error', async () => {
    await expect(serveReports(runs, Number(new URL(server.url).port))).rejects.toMatchObject({ code: 'E_PORT_BUSY' });
  });
});
