import { withoutEndSlashes } from '../../records/base-url.ts';
import type { ConnectionSettings } from '../contract.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';
import { streamedBody } from '../shared/http/spooled-file.ts';
import { saidInBody } from '../shared/said-error.ts';

const defaultBaseUrl = 'https://api.fireworks.ai';

/** An answer of 400 or more, in the form that `failedCall` reads. */
class FireworksCallError extends Error {
  override readonly name = 'FireworksCallError';
  readonly status: number;
  readonly headers: Headers;
  readonly error: { code: string | null };

  /** @param body `{code, message}` of datasets and jobs, or `{error: {code, message}}` of the gateway and of models. */
  constructor(response: Response, body: string) {
    const { code, message } = saidInBody(body);
    super(`${response.status} ${message ?? response.statusText}`);
    // A key that nobody knows is a 403, as is one that may not.
    this.status = response.status === 403 && code === 'UNAUTHORIZED' ? 401 : response.status;
    this.headers = response.headers;
    this.error = { code: code?.toLowerCase() ?? null };
  }
}

export interface FireworksCall {
  method?: 'GET' | 'POST' | 'DELETE';
  /** JSON, or a form with its content type. */
  body?: string | Blob;
  contentType?: string;
  signal: AbortSignal;
}

/** Makes one call, once; throws what `failedCall` reads. */
export type Call = (path: string, call: FireworksCall) => Promise<Response>;

/** The API by the key of the moment. */
export function fireworksApi(settings: ConnectionSettings): KeyedClient<Call> {
  return new KeyedClient(settings, (apiKey) => callerOf(settings, apiKey));
}

function callerOf(settings: ConnectionSettings, apiKey: string): Call {
  const { fetch: send, defaultHeaders } = ownSendingOf(settings);
  const baseUrl = withoutEndSlashes(settings.config.baseUrl ?? defaultBaseUrl);
  return async (path, { method = 'GET', body, contentType = 'application/json', signal }) => {
    const response = await send(urlOf(baseUrl + path, method === 'GET' ? (settings.providerOptions ?? {}) : {}), {
      method,
      headers: {
        ...defaultHeaders,
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { 'content-type': contentType }),
      },
      signal,
      ...(body !== undefined && { body }),
      ...(body instanceof Blob && streamedBody),
    });
    if (response.ok) return response;
    throw new FireworksCallError(response, await response.text());
  };
}

/** @param query further parameters of a call that reads, which only the caller of the library knows. */
function urlOf(address: string, query: object): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}

/** A file by its signed URL: without our key, which only the API's own host may see. */
export async function fetchSigned(settings: ConnectionSettings, url: string, signal: AbortSignal): Promise<Response> {
  const response = await ownSendingOf(settings).fetch(url, { signal });
  if (response.ok) return response;
  throw new FireworksCallError(response, await response.text());
}
