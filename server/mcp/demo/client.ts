import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { producer, ToolError } from '../../contract/index.js';
import { isRecord, text, type Answer } from './answer.js';

export interface ServerParts {
  /** How to start this server: program and arguments. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Folder it works in; absent: that of this process. */
  readonly cwd?: string;
}

/** Said after each call: tool, verdict, headline, seconds it took. */
export type Told = (tool: string, verdict: string, headline: string, seconds: number) => void;

/** An MCP client of this server over stdio, as any client would be. */
export class DemoClient {
  readonly #client: Client;
  readonly #told: Told;
  /** Services this client started and did not stop. */
  readonly #services = new Set<string>();

  private constructor(client: Client, told: Told) {
    this.#client = client;
    this.#told = told;
  }

  static async connect(parts: ServerParts, told: Told): Promise<DemoClient> {
    const client = new Client({ name: 'demo', version: producer.version });
    await client.connect(new StdioClientTransport({ command: parts.command, args: [...parts.args], env: { ...parts.env }, stderr: 'ignore', ...(parts.cwd === undefined ? {} : { cwd: parts.cwd }) }));
    return new DemoClient(client, told);
  }

  async tools(): Promise<string[]> {
    return (await this.#client.listTools()).tools.map((t) => t.name);
  }

  async #send(name: string, args: Answer): Promise<Answer> {
    const result = await this.#client.callTool({ name, arguments: args });
    const structured = isRecord(result.structuredContent) ? result.structuredContent : {};
    if (result.isError === true) throw new ToolError('E_INTERNAL', `${name} answered ${text(structured, 'error', 'code')}: ${text(structured, 'error', 'seen')}`, text(structured, 'error', 'next'));
    return structured;
  }

  /** One tool call. @throws ToolError with the code the tool answered */
  async call(name: string, args: Answer): Promise<Answer> {
    const began = performance.now();
    const answer = await this.#send(name, args);
    this.#told(name, text(answer, 'verdict'), text(answer, 'headline'), (performance.now() - began) / 1000);
    if (name === 'service_start' && text(answer, 'verdict') !== 'failed') this.#services.add(text(answer, 'facts', 'job'));
    if (name === 'service_stop') this.#services.delete(text(args, 'job'));
    return answer;
  }

  /** Waits until the job is ready or has ended; tells once. */
  async settled(job: string): Promise<Answer> {
    const began = performance.now();
    for (;;) {
      const state = await this.#send('job_wait', { job, wait_s: 20 });
      if (text(state, 'verdict') === 'working' && text(state, 'facts', 'stage') !== 'ready') continue;
      this.#told('job_wait', text(state, 'verdict'), text(state, 'headline'), (performance.now() - began) / 1000);
      return state;
    }
  }

  /** Leaves no service behind, also when the walk broke off. */
  async close(): Promise<void> {
    for (const job of this.#services) await this.#send('service_stop', { job }).catch(() => undefined);
    await this.#client.close();
  }
}
