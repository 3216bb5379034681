import type Anthropic from '@anthropic-ai/sdk';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { type LiveForm, liveAnswer, partsOf } from '../shared/http/live-call.ts';
import type { BetaSettings } from './betas.ts';
import { betaHeaders, newSdkClient } from './client.ts';
import { tokensOfMessage } from './result.ts';

/** Longer than any call may take: the caller's signal ends it. */
const sdkTimeoutMs = 3_600_000;

/** Messages, called directly. Source: https://platform.claude.com/docs/en/api/messages */
export function connectLiveAnthropic(settings: ConnectionSettings<BetaSettings>): LiveClient {
  const keyed = new KeyedClient(settings, (apiKey) => newSdkClient(settings, apiKey));
  return {
    call: ({ line, shared, signal }) => {
      const { lineId, body } = partsOf(line, 'params');
      const options = {
        body,
        headers: { 'content-type': 'application/json', ...betaHeaders(settings, shared) },
        maxRetries: 0,
        timeout: sdkTimeoutMs,
        signal,
      };
      const post = (sdk: Anthropic) => sdk.post('/v1/messages', options).asResponse();
      return liveAnswer(form, lineId, () => keyed.call(post, isUnknownKey));
    },
  };
}

const form: LiveForm = {
  answered: (lineId, _status, _requestId, body) =>
    Buffer.concat([
      Buffer.from(`{"custom_id":"${lineId}","result":{"type":"succeeded","message":`),
      body,
      Buffer.from('}}'),
    ]),
  refused: (lineId, { status, code, message }) =>
    erroredLine(lineId, code === `http_${status}` && status < 500 ? 'invalid_request_error' : code, message),
  failed: (lineId, { code, message }) =>
    erroredLine(lineId, code === 'request_timeout' ? 'timeout_error' : 'api_error', message),
  tokensOf: tokensOfMessage,
};

function erroredLine(lineId: string, type: string, message: string): Buffer {
  const error = { type: 'error', error: { type, message }, request_id: null };
  return Buffer.from(JSON.stringify({ custom_id: lineId, result: { type: 'errored', error } }));
}
