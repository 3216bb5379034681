import type OpenAI from 'openai';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { batchLineForm } from '../shared/http/batch-line-form.ts';
import { isUnknownKey } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { liveAnswer, partsOf } from '../shared/http/live-call.ts';
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
      return liveAnswer(form, lineId, () => keyed.call(post, isUnknownKey));
    },
  };
}

const form = batchLineForm((body) => usageFrom(body)?.total_tokens ?? null);
