import type OpenAI from 'openai';
import { KeyedClient } from '../keyed-client.ts';
import { type CallFailure, type LiveForm, liveAnswer, partsOf, type Refusal } from '../live-call.ts';
import type { ConnectionSettings, LiveClient } from '../provider.ts';
import { newSdkClient } from './client.ts';
import type { Dialect } from './dialect.ts';
import { usageFrom } from './result.ts';

/** Longer than any call may take: the caller's signal ends it. */
const sdkTimeoutMs = 3_600_000;

/** The endpoints behind OpenAI's batches, called directly. Source: https://platform.openai.com/docs/api-reference */
export function connectLiveOpenAI(settings: ConnectionSettings, dialect: Dialect): LiveClient {
  const keyed = new KeyedClient(settings, (secret) => newSdkClient(settings, dialect, secret));
  return {
    call: ({ line, endpoint, signal }) => {
      const { lineId, body } = partsOf(line, 'body');
      const options = {
        body,
        headers: { 'content-type': 'application/json' },
        maxRetries: 0,
        timeout: sdkTimeoutMs,
        signal,
      };
      // The base URL ends with the /v1 that every endpoint begins with.
      const post = (sdk: OpenAI) => sdk.post(endpoint.slice('/v1'.length), options).asResponse();
      return liveAnswer(form, lineId, () => keyed.call(post));
    },
  };
}

const form: LiveForm = {
  answered: (lineId, status, requestId, body) =>
    Buffer.concat([
      Buffer.from(
        `${head(lineId)},"response":{"status_code":${status},"request_id":${JSON.stringify(requestId)},"body":`,
      ),
      body,
      Buffer.from('},"error":null}'),
    ]),
  refused: (lineId, failed) => Buffer.from(`${head(lineId)},"response":${responseOf(failed)},"error":null}`),
  failed: (lineId, failure) => Buffer.from(`${head(lineId)},"response":null,"error":${errorOf(failure)}}`),
  tokensOf: (body) => usageFrom(body)?.total_tokens ?? null,
};

function head(lineId: string): string {
  return `{"id":"batch_req_${lineId}","custom_id":"${lineId}"`;
}

function responseOf({ status, code, message }: Refusal): string {
  const body = { error: { message, type: code, param: null, code } };
  return JSON.stringify({ status_code: status, request_id: null, body });
}

function errorOf({ code, message }: CallFailure): string {
  return JSON.stringify({ code, message });
}
