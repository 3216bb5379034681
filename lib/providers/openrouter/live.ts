import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { usageFrom } from '../openai-family/result.ts';
import { batchLineForm } from '../shared/http/batch-line-form.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { openRouterApi } from './api.ts';
import type { OpenRouterSettings } from './settings.ts';

/** The endpoints behind the batches, called directly. */
export function connectLiveOpenRouter(settings: ConnectionSettings<OpenRouterSettings>): LiveClient {
  const api = openRouterApi(settings);
  const { provider } = settings.config;
  return {
    call: ({ line, endpoint, model, shared, signal }) => {
      const { lineId, body } = partsOf(line, 'body');
      const head = JSON.stringify({ model, ...(provider && { provider }), ...shared }).slice(0, -1);
      const posted = { method: 'POST', body: `${head},${body.toString('utf8', 1)}`, signal } as const;
      return liveAnswer(form, lineId, () => api.call((call) => call(endpoint, posted), isUnknownKey));
    },
  };
}

const form = batchLineForm((body) => usageFrom(body)?.total_tokens ?? null);
