import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import type { Config } from '../config.js';
import type { Offers } from './define.js';
import type { Registry } from './registry.js';
import { buildServer } from './server.js';

/** Serves one client on stdin and stdout until it closes stdin or ends us. stdout carries protocol only. */
export async function serveStdio(registry: Registry, config: Config, offers: Offers): Promise<void> {
  const server = buildServer(registry, config, offers);
  const transport = new StdioServerTransport();
  const closed = new Promise<void>((resolve) => {
    const end = (): void => {
      void server.close().finally(resolve);
    };
    process.stdin.once('end', end);
    process.stdin.once('close', end);
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    process.stdout.once('error', end);
  });
  await server.connect(transport);
  await closed;
}
