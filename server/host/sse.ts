export interface StreamEnd {
  /** HTTP status; null when no answer came: refused, cut off, out of time. */
  readonly status: number | null;
  /** True when the server closed the answer itself. */
  readonly complete: boolean;
  /** Beginning of the body of an answer that is not an event stream or not 200: text of another program. */
  readonly body: string;
}

const maxBody = 2048;
/** One event of a chat service is far smaller; a stream without line ends must not fill memory. */
const maxLine = 1024 * 1024;

/**
 * One POST whose answer is a stream of server-sent events. Redirects are not followed.
 * @param event called with the text behind `data:` of each event
 */
export async function streamEvents(url: string, body: object, options: { timeoutMs: number; signal: AbortSignal }, event: (data: string) => void): Promise<StreamEnd> {
  let status: number | null = null;
  let text = '';
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(options.timeoutMs), options.signal]),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    status = answer.status;
    const events = status === 200 && (answer.headers.get('content-type') ?? '').includes('text/event-stream');
    const decoder = new TextDecoder();
    let rest = '';
    if (answer.body !== null) {
      for await (const chunk of answer.body) {
        if (!(chunk instanceof Uint8Array)) continue;
        const piece = decoder.decode(chunk, { stream: true });
        if (!events) {
          text = (text + piece).slice(0, maxBody);
          continue;
        }
        const parts = (rest + piece).split(/\r?\n/);
        rest = (parts.pop() ?? '').slice(0, maxLine);
        for (const line of parts) if (line.startsWith('data:')) event(line.slice('data:'.length).trim());
      }
    }
    return { status, complete: true, body: text };
  } catch {
    return { status, complete: false, body: text };
  }
}
