import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** One request of a client to the model, as it came. */
export interface Asked {
  readonly path: string;
  readonly tools: readonly string[];
  readonly text: string;
}

type Wire = 'messages' | 'responses' | 'chat';

const wireOf = (path: string): Wire | null => (path.includes('/messages') && !path.includes('count_tokens') ? 'messages' : path.includes('/responses') ? 'responses' : path.includes('/chat/completions') ? 'chat' : null);
const sse = (events: readonly (readonly [string, object])[]): string => events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('');

/** What a model says in the wire format of the client: one call of a tool, or a last word. */
const said: Record<Wire, (call: { name: string; namespace: string | null; input: object } | null) => string> = {
  messages: (call) =>
    sse([
      ['message_start', { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'stand-in', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } }],
      ['content_block_start', { type: 'content_block_start', index: 0, content_block: call === null ? { type: 'text', text: '' } : { type: 'tool_use', id: 'toolu_1', name: call.name, input: {} } }],
      ['content_block_delta', { type: 'content_block_delta', index: 0, delta: call === null ? { type: 'text_delta', text: 'finished' } : { type: 'input_json_delta', partial_json: JSON.stringify(call.input) } }],
      ['content_block_stop', { type: 'content_block_stop', index: 0 }],
      ['message_delta', { type: 'message_delta', delta: { stop_reason: call === null ? 'end_turn' : 'tool_use', stop_sequence: null }, usage: { output_tokens: 2 } }],
      ['message_stop', { type: 'message_stop' }],
    ]),
  responses: (call) => {
    const item = call === null ? { type: 'message', role: 'assistant', id: 'm1', content: [{ type: 'output_text', text: 'finished' }] } : { type: 'function_call', id: 'f1', call_id: 'call_1', name: call.name, ...(call.namespace === null ? {} : { namespace: call.namespace }), arguments: JSON.stringify(call.input) };
    return sse([
      ['response.created', { type: 'response.created', response: { id: 'r1' } }],
      ['response.output_item.done', { type: 'response.output_item.done', output_index: 0, item }],
      ['response.completed', { type: 'response.completed', response: { id: 'r1', usage: { input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 } } }],
    ]);
  },
  chat: (call) => {
    const chunk = (delta: object, finish: string | null): string => `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const body = call === null ? { role: 'assistant', content: 'finished' } : { role: 'assistant', tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: call.name, arguments: JSON.stringify(call.input) } }] };
    return `${chunk(body, null)}${chunk({}, call === null ? 'stop' : 'tool_calls')}data: [DONE]\n\n`;
  },
};

interface Named {
  readonly name: string;
  readonly namespace: string | null;
}

/** Tools of a request; those of a namespace (Codex) with the name of it. */
function toolsOf(body: unknown): Named[] {
  const tools = typeof body === 'object' && body !== null && 'tools' in body && Array.isArray(body.tools) ? (body.tools as unknown[]) : [];
  return tools.flatMap((tool): Named[] => {
    const t = tool as { type?: string; name?: string; function?: { name?: string }; tools?: { name?: string }[] };
    if (t.type === 'namespace') return (t.tools ?? []).map((inner) => ({ name: inner.name ?? '', namespace: t.name ?? '' }));
    return [{ name: t.function?.name ?? t.name ?? '', namespace: null }];
  });
}

/** A model on loopback that calls the first tool whose name ends in `tool` once, and then says that it has finished. */
export async function standIn(tool: string, input: object): Promise<{ url: string; asked: Asked[]; close: () => Promise<void> }> {
  const asked: Asked[] = [];
  let called = false;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const path = request.url ?? '';
    const wire = wireOf(path);
    if (wire === null) {
      response.writeHead(path.includes('count_tokens') ? 200 : 404, { 'content-type': 'application/json' }).end('{"input_tokens":1}');
      return;
    }
    const tools = toolsOf(JSON.parse(text));
    asked.push({ path, tools: tools.map((t) => (t.namespace === null ? t.name : `${t.namespace}${t.name}`)), text });
    const found = called ? undefined : tools.find((t) => t.name.endsWith(tool));
    called ||= found !== undefined;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(said[wire](found === undefined ? null : { ...found, input }));
  };
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked, close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()); }) };
}
