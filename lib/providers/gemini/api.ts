import type { ConnectionSettings } from '../contract.ts';
import { type Api, apiFrom } from '../google-family/api.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';

const defaultBaseUrl = 'https://generativelanguage.googleapis.com';

/** The Gemini API by the key of the moment. */
export function geminiApi(settings: ConnectionSettings): KeyedClient<Api> {
  const baseUrl = settings.config.baseUrl ?? defaultBaseUrl;
  return new KeyedClient(settings, (apiKey) => apiFrom(settings, baseUrl, { 'x-goog-api-key': apiKey }));
}
