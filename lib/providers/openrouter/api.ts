import type { ConnectionSettings } from '../contract.ts';
import { type ApiCaller, bearerApi } from '../shared/http/bearer-api.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';

/** Below it stand `/v1/batches` and the endpoints themselves. */
const defaultBaseUrl = 'https://openrouter.ai/api';

/** Its errors have the HTTP status for a code, `{error: {code: 400, message}}`. Source: https://openrouter.ai/docs/api-reference/errors */
export function openRouterApi(settings: ConnectionSettings): KeyedClient<ApiCaller> {
  return bearerApi(settings, defaultBaseUrl, (status, { code, type }) => ({
    status,
    code: type ?? (code === String(status) ? null : code),
  }));
}
