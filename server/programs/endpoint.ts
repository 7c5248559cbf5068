import { ToolError } from '../contract/index.js';

/** Base URL of a service, without a trailing /v1 or a route of the OpenAI API. @throws ToolError E_ARG_TYPE for what is no plain http(s) URL */
export function baseUrl(endpoint: string): string {
  const refuse = (what: string): ToolError => new ToolError('E_ARG_TYPE', `endpoint ${what}`, 'give the base URL of the service, e.g. http://127.0.0.1:8010');
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null) throw refuse('is not a URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refuse('is not http or https');
  if (url.username !== '' || url.password !== '') throw refuse('holds a user name or password');
  if (url.search !== '' || url.hash !== '') throw refuse('has a query or fragment');
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v1(?:\/(?:chat\/)?completions)?$/, '')}`;
}
