import { NotFoundError } from '../../records/errors.ts';
import { newSdkClient as newAnthropicSdk } from '../anthropic/client.ts';
import type { ConnectionSettings, LiveClient } from '../contract.ts';
import { newSdkClient as newOpenAISdk } from '../openai-family/client.ts';
import type { Dialect } from '../openai-family/dialect.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { callError } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';

const checkTimeoutSeconds = 30;

type Check = Required<Pick<LiveClient, 'check'>>;

export function checkOfOpenAIEndpoint(settings: ConnectionSettings, dialect: Dialect): Check {
  const keyed = new KeyedClient(settings, (secret) => newOpenAISdk(settings, dialect, secret));
  return {
    check: (signal) => checkKey((deadline) => keyed.call((sdk) => sdk.get('/models', { signal: deadline })), signal),
  };
}

export function checkOfAnthropicEndpoint(settings: ConnectionSettings): Check {
  const keyed = new KeyedClient(settings, (secret) => newAnthropicSdk(settings, secret));
  return {
    check: (signal) => checkKey((deadline) => keyed.call((sdk) => sdk.get('/v1/models', { signal: deadline })), signal),
  };
}

/** A free call that shows whether the key is accepted. */
async function checkKey(listModels: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await withDeadline(signal, checkTimeoutSeconds, listModels);
  } catch (error) {
    const failed = callError("The endpoint's list of models", error);
    // Many endpoints have no such list.
    if (!(failed instanceof NotFoundError)) throw failed;
  }
}
