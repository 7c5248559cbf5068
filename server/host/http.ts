export interface HttpAnswer {
  readonly status: number;
  /** At most `maxBytes` of the body. */
  readonly body: string;
}

/**
 * One HTTP request to a named endpoint; redirects are not followed. Null when no answer came: refused, cut off, or out of time.
 * @param body sent as JSON with Content-Length, which xLLM requires
 */
export async function httpRequest(url: string, options: { body?: object; timeoutMs: number; maxBytes?: number; signal?: AbortSignal }): Promise<HttpAnswer | null> {
  const limit = options.maxBytes ?? 1024 * 1024;
  const signals = [AbortSignal.timeout(options.timeoutMs), ...(options.signal === undefined ? [] : [options.signal])];
  try {
    const answer = await fetch(url, {
      redirect: 'error',
      signal: AbortSignal.any(signals),
      ...(options.body === undefined ? {} : { method: 'POST', body: JSON.stringify(options.body), headers: { 'content-type': 'application/json' } }),
    });
    const decoder = new TextDecoder();
    let body = '';
    if (answer.body !== null) {
      for await (const chunk of answer.body) {
        if (chunk instanceof Uint8Array) body += decoder.decode(chunk, { stream: true });
        if (body.length > limit) break;
      }
    }
    return { status: answer.status, body: body.slice(0, limit) };
  } catch {
    return null;
  }
}
