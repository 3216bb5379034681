import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { usageFrom } from '../openai-family/result.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { type LiveForm, liveAnswer, partsOf } from '../shared/http/live-call.ts';
import { fireworksApi } from './api.ts';

/** Chat completions, called directly. Source: https://docs.fireworks.ai/api-reference/post-chatcompletions */
export function connectLiveFireworks(settings: ConnectionSettings): LiveClient {
  const api = fireworksApi(settings);
  return {
    call: ({ line, model, signal }) => {
      const { lineId, body } = partsOf(line, 'body');
      const posted = { method: 'POST', body: withModel(body, model), signal } as const;
      return liveAnswer(form, lineId, () =>
        api.call((call) => call('/inference/v1/chat/completions', posted), isUnknownKey),
      );
    },
  };
}

/** A batch's model stands with its job, so the body has none; it is never empty. */
function withModel(body: Buffer, model: string): string {
  return `{"model":${JSON.stringify(model)},${body.toString('utf8', 1)}`;
}

const form: LiveForm = {
  answered: (lineId, _status, _requestId, body) =>
    Buffer.concat([Buffer.from(`{"custom_id":"${lineId}","response":`), body, Buffer.from('}')]),
  refused: (lineId, { status, code, message }) => errorLine(lineId, { status_code: status, code, message }),
  failed: (lineId, { code, message }) =>
    errorLine(lineId, { status_code: code === 'request_timeout' ? 408 : 503, code, message }),
  tokensOf: (body) => usageFrom(body)?.total_tokens ?? null,
};

function errorLine(lineId: string, error: object): Buffer {
  return Buffer.from(JSON.stringify({ custom_id: lineId, error }));
}
