import { ConfigurationError, NotFoundError } from '../../records/errors.ts';
import { newSdkClient as newAnthropicSdk } from '../anthropic/client.ts';
import type { ConnectionSettings, ProviderClient } from '../contract.ts';
import { newSdkClient as newOpenAISdk } from '../openai-family/client.ts';
import type { Dialect } from '../openai-family/dialect.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { callError } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';

const checkTimeoutSeconds = 30;

export function connectOpenAIEndpoint(settings: ConnectionSettings, dialect: Dialect): ProviderClient {
  const keyed = new KeyedClient(settings, (secret) => newOpenAISdk(settings, dialect, secret));
  return withoutBatches((signal) => keyed.call((sdk) => sdk.get('/models', { signal })));
}

export function connectAnthropicEndpoint(settings: ConnectionSettings): ProviderClient {
  const keyed = new KeyedClient(settings, (secret) => newAnthropicSdk(settings, secret));
  return withoutBatches((signal) => keyed.call((sdk) => sdk.get('/v1/models', { signal })));
}

/** A client whose only call is a free one: it shows whether the key is accepted. */
function withoutBatches(listModels: (signal: AbortSignal) => Promise<unknown>): ProviderClient {
  return {
    check: (signal) => checkKey(listModels, signal),
    upload: noBatches,
    create: noBatches,
    findLost: noBatches,
    retrieve: noBatches,
    describe: noBatches,
    list: noBatches,
    cancel: noBatches,
    // biome-ignore lint/correctness/useYield: there is nothing to give.
    async *results() {
      await noBatches();
    },
  };
}

async function checkKey(listModels: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await withDeadline(signal, checkTimeoutSeconds, listModels);
  } catch (error) {
    const failed = callError("The endpoint's list of models", error);
    // Many endpoints have no such list.
    if (!(failed instanceof NotFoundError)) throw failed;
  }
}

async function noBatches(): Promise<never> {
  throw new ConfigurationError('A live endpoint has no batches; its requests are sent one by one.');
}
