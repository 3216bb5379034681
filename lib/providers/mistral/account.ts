import { MistralCore } from '@mistralai/mistralai/core.js';
import { HTTPClient } from '@mistralai/mistralai/lib/http.js';
import type { ConnectionSettings } from '../contract.ts';
import { readTimeoutSeconds } from '../shared/http/allowances.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { streamedBody } from '../shared/http/spooled-file.ts';
import { answeredError } from './sdk-reply.ts';
import { fetcherFor, sendFor } from './sender.ts';

/** An account at Mistral, by the key of the moment. */
export interface MistralAccount {
  core: MistralCore;
  /**
   * Sends bytes as they are, which the SDK does not: it copies files, and writes bodies anew.
   *
   * @param path behind the base URL.
   * @throws what `failedCall` reads, for an answer of 400 and above.
   */
  post(path: string, body: PostedBody, signal: AbortSignal): Promise<Response>;
}

export interface PostedBody {
  body: Blob | Buffer<ArrayBuffer>;
  contentType: string;
}

export function accountOf(settings: ConnectionSettings): KeyedClient<MistralAccount> {
  return new KeyedClient(settings, (apiKey) => newAccount(settings, apiKey));
}

function newAccount(settings: ConnectionSettings, apiKey: string): MistralAccount {
  const { config, clientOptions, providerOptions } = settings;
  const send = sendFor(settings);
  const core = new MistralCore({
    timeoutMs: readTimeoutSeconds * 1000,
    httpClient: new HTTPClient({ fetcher: fetcherFor(send, providerOptions ?? {}) }),
    ...clientOptions,
    ...(config.baseUrl !== undefined && { serverURL: config.baseUrl }),
    apiKey,
  });
  const baseUrl = core._baseURL ?? 'https://api.mistral.ai/';
  return {
    core,
    post: async (path, { body, contentType }, signal) => {
      const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json', 'content-type': contentType };
      const call = { method: 'POST', headers, body, signal, ...streamedBody };
      const response = await send(new URL(path, baseUrl), call);
      if (!response.ok) throw answeredError(response.status, response.headers, await response.text());
      return response;
    },
  };
}
