import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isRunId, ToolError } from '../contract/index.js';
import { readRecorded } from '../runs/recorded.js';
import type { Runs } from '../runs/runs.js';
import { answers, type Answer } from './answers.js';
import { gather, type ReadLatencies } from './gather.js';
import { documentHtml } from './html/page.js';
import { esc } from './html/markup.js';
import { report } from './write.js';
import { wordsOf, type Language } from './words.js';

const loopback = '127.0.0.1';
/** Runs of the index, newest first. */
const most = 200;

interface Page {
  readonly status: number;
  readonly type: 'text/html' | 'text/plain';
  readonly text: string;
}

const notFound: Page = { status: 404, type: 'text/plain', text: 'not in the ledger of a run, or not as it was written\n' };

/** All runs with their verdicts. A run whose manifest is broken stands there with nothing but its name. */
async function index(runs: Runs, language: Language): Promise<Page> {
  const w = wordsOf(language);
  const rows: string[] = [];
  for (const id of (await runs.list()).slice(0, most)) {
    const e = await gather(await runs.open(id)).catch(() => null);
    const top: Answer | undefined = e === null ? undefined : answers(e, w)[0];
    const marks = [...(e?.manifest.simulated === true ? ['simulated'] : []), ...(e !== null && e.broken.length > 0 ? [w.broken] : [])];
    rows.push(
      `<tr><th scope="row"><a href="/${id}/report.html">${id}</a></th><td class="t-${top?.tone ?? 'plain'}">${esc(top?.verdict ?? '–')}</td><td>${esc(top === undefined ? '–' : `${top.area}: ${top.text}`)}</td><td>${esc(e?.manifest.identity.purpose ?? w.unknown)}</td><td>${esc(e?.manifest.identity.level ?? '–')}</td><td>${esc(marks.join(', '))}</td></tr>`,
    );
  }
  const head = [w.run, w.verdict, w.answer, w.purpose, w.level, ''].map((h) => `<th scope="col">${esc(h)}</th>`).join('');
  const table = rows.length === 0 ? `<p>${esc(w.noRuns)}</p>` : `<div class="scroll" tabindex="0" role="region" aria-label="${esc(w.runsTitle)}"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
  return { status: 200, type: 'text/html', text: documentHtml(language, w.runsTitle, `<header><h1>${esc(w.runsTitle)}</h1></header><main id="main">${table}</main>`) };
}

/** A report made now from what lies there, or a recorded text file whose bytes still match the ledger. */
async function page(runs: Runs, url: string, language: Language, read?: ReadLatencies): Promise<Page> {
  const [path = '/'] = url.split('?');
  if (path === '/') return index(runs, language);
  const [id = '', ...rest] = path.slice(1).split('/').map(decodeURIComponent);
  if (!isRunId(id)) return notFound;
  const run = await runs.open(id);
  const name = rest.join('/');
  if (name === 'report.html') {
    const made = (await report(run, { format: 'html', language }, read)).find((f) => f.path === name);
    return made === undefined ? notFound : { status: 200, type: 'text/html', text: made.text };
  }
  const file = name.startsWith('/') ? undefined : (await run.files()).get(name);
  if (file === undefined) return notFound;
  const { state, text } = await readRecorded(run.dir, file);
  // Evidence is shown as text whatever its name says: a page of somebody else never runs here.
  return state === 'same' && text !== null ? { status: 200, type: 'text/plain', text } : notFound;
}

export interface ReportServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * All runs on loopback, read only. Nothing outside of the ledgers is handed out, and only to who names this server as Host: a web
 * page of another origin can not read it.
 * @param port 0 takes a free one
 * @throws ToolError E_PORT_BUSY
 */
export async function serveReports(runs: Runs, port: number, language: Language = 'en', read?: ReadLatencies): Promise<ReportServer> {
  let own = port;
  const answer = async (request: IncomingMessage): Promise<Page> => {
    const host = request.headers.host;
    if (host !== `${loopback}:${own}` && host !== `localhost:${own}`) return { status: 403, type: 'text/plain', text: 'the Host header is not this server\n' };
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, type: 'text/plain', text: 'read only\n' };
    return page(runs, request.url ?? '/', language, read);
  };
  const reply = (request: IncomingMessage, response: ServerResponse, { status, type, text }: Page): void => {
    const bytes = Buffer.from(text);
    response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': bytes.length, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'cross-origin-resource-policy': 'same-origin', 'x-frame-options': 'DENY' });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  };
  const server = createServer((request, response) => {
    answer(request).then(
      (made) => reply(request, response, made),
      () => reply(request, response, notFound),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new ToolError('E_PORT_BUSY', `port ${port} on ${loopback} cannot be opened`, 'choose another port')));
    server.listen(port, loopback, resolve);
  });
  const address = server.address();
  own = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${loopback}:${own}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
