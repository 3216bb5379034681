import type { ConnectionSettings } from '../contract.ts';
import { ApiCallError, type ApiCaller, bearerApi } from '../shared/http/bearer-api.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';
import type { SaidError } from '../shared/said-error.ts';

const defaultBaseUrl = 'https://api.fireworks.ai';

/** The API by the key of the moment. */
export function fireworksApi(settings: ConnectionSettings): KeyedClient<ApiCaller> {
  return bearerApi(settings, defaultBaseUrl, meaningOf);
}

/** A key that nobody knows is a 403, as is one that may not. */
function meaningOf(status: number, { code }: SaidError): { status: number; code: string | null } {
  const isUnknownKey = status === 403 && code === 'UNAUTHORIZED';
  return { status: isUnknownKey ? 401 : status, code: code?.toLowerCase() ?? null };
}

/** A file by its signed URL: without our key, which only the API's own host may see. */
export async function fetchSigned(settings: ConnectionSettings, url: string, signal: AbortSignal): Promise<Response> {
  const response = await ownSendingOf(settings).fetch(url, { signal });
  if (response.ok) return response;
  throw new ApiCallError(response, await response.text(), meaningOf);
}
