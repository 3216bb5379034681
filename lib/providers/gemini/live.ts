import type { JsonObject } from '../../records/json.ts';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { callApi, encodedModel } from '../google-family/api.ts';
import { liveForm, tokensOfResponse } from '../google-family/live-form.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { geminiApi } from './api.ts';
import { embeddingUsage } from './embedding.ts';

/** Models of the Gemini API, called directly. Source: https://ai.google.dev/api/generate-content, from memory. */
export function connectLiveGemini(settings: ConnectionSettings): LiveClient {
  const keyed = geminiApi(settings);
  return {
    call: ({ line, endpoint, model, signal }) => {
      const { lineId, body } = partsOf(line, 'request', 'key');
      const method = endpoint === '/v1/embeddings' ? 'embedContent' : 'generateContent';
      const path = `/v1beta/models/${encodedModel(model)}:${method}`;
      const call = { method: 'POST', body: body.toString('utf8'), signal } as const;
      return liveAnswer(form, lineId, () => keyed.call((api) => callApi(api, path, call), isUnknownKey));
    },
  };
}

const form = liveForm('key', (body) => tokensOfEmbedding(body) ?? tokensOfResponse(body));

function tokensOfEmbedding(body: JsonObject): number | null {
  return body.embedding === undefined ? null : (embeddingUsage(body)?.total_tokens ?? null);
}
