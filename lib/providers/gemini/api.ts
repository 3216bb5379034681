import { KeyedClient } from '../calls/keyed-client.ts';
import { type Api, apiFrom } from '../google/api.ts';
import type { ConnectionSettings } from '../provider.ts';

const defaultBaseUrl = 'https://generativelanguage.googleapis.com';

/** The Gemini API by the key of the moment. */
export function geminiApi(settings: ConnectionSettings): KeyedClient<Api> {
  const baseUrl = settings.config.baseUrl ?? defaultBaseUrl;
  return new KeyedClient(settings, (apiKey) => apiFrom(settings, baseUrl, { 'x-goog-api-key': apiKey }));
}
