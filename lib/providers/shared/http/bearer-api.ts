import { withoutEndSlashes } from '../../../records/base-url.ts';
import type { ConnectionSettings } from '../../contract.ts';
import { type SaidError, saidInBody } from '../said-error.ts';
import { KeyedClient } from './keyed-client.ts';
import { ownSendingOf } from './own-sending.ts';
import { streamedBody } from './spooled-file.ts';

export interface ApiCall {
  method?: 'GET' | 'POST' | 'DELETE';
  /** JSON, or a form with its content type. */
  body?: string | Blob;
  contentType?: string;
  signal: AbortSignal;
}

/** Makes one call, once; throws what `failedCall` reads. */
export type ApiCaller = (path: string, call: ApiCall) => Promise<Response>;

/** What a refusal means where its status or its code have a meaning of their own. */
type Meaning = (status: number, said: SaidError) => { status: number; code: string | null };

/** An answer of 400 or more, in the form that `failedCall` reads. */
export class ApiCallError extends Error {
  override readonly name = 'ApiCallError';
  readonly status: number;
  readonly headers: Headers;
  readonly error: { code: string | null };

  constructor(response: Response, body: string, meaning: Meaning) {
    const said = saidInBody(body);
    super(`${response.status} ${said.message ?? response.statusText}`);
    const { status, code } = meaning(response.status, said);
    this.status = status;
    this.headers = response.headers;
    this.error = { code };
  }
}

/** An API of JSON by fetch, whose key goes as `Authorization: Bearer`, by the key of the moment. */
export function bearerApi(
  settings: ConnectionSettings,
  defaultBaseUrl: string,
  meaning: Meaning,
): KeyedClient<ApiCaller> {
  return new KeyedClient(settings, (apiKey) => callerOf(settings, defaultBaseUrl, meaning, apiKey));
}

function callerOf(settings: ConnectionSettings, defaultBaseUrl: string, meaning: Meaning, apiKey: string): ApiCaller {
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
    throw new ApiCallError(response, await response.text(), meaning);
  };
}

/** @param query further parameters of a call that reads, which only the caller of the library knows. */
function urlOf(address: string, query: object): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return url.href;
}
