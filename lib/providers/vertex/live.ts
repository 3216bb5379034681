import { tokensOfMessage } from '../anthropic/result.ts';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { encodedModel } from '../google-family/api.ts';
import { liveForm, tokensOfResponse } from '../google-family/live-form.ts';
import { liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { VertexCalls } from './calls.ts';
import { type Publisher, publisherOf } from './publisher.ts';
import type { VertexSettings } from './settings.ts';

/** Each publisher's models have a method of their own. */
const methodOf: Record<Publisher, string> = { google: 'generateContent', anthropic: 'rawPredict' };

/**
 * Models on Vertex, called directly. Sources, from memory:
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference and .../partner-models/claude/use-claude
 */
export function connectLiveVertex(settings: ConnectionSettings<VertexSettings>): LiveClient {
  const calls = new VertexCalls(settings);
  return {
    call: ({ line, model, signal }) => {
      const { lineId, body } = partsOf(line, 'request');
      const publisher = publisherOf(model) ?? 'google';
      const path = `${calls.parent}/publishers/${publisher}/models/${encodedModel(model)}:${methodOf[publisher]}`;
      const call = { method: 'POST', body: withoutLabel(body, lineId).toString('utf8'), signal } as const;
      return liveAnswer(form, lineId, () => calls.call('vertex', path, call));
    },
  };
}

/** A single call is answered alone; its label would only stand in the bill. */
function withoutLabel(body: Buffer, lineId: string): Buffer {
  const label = Buffer.from(`{"labels":{"batchdrop_line":"${lineId}"},`);
  return body.subarray(0, label.length).equals(label)
    ? Buffer.concat([Buffer.from('{'), body.subarray(label.length)])
    : body;
}

const form = liveForm('custom_id', (body) =>
  body.type === 'message' ? tokensOfMessage(body) : tokensOfResponse(body),
);
