import { ConfigurationError } from '../records/errors.ts';
import type { Catalog, ConnectionSettings, LiveClient, Provider, ProviderClient } from './contract.ts';
import { loadedOnce } from './shared/http/loaded-once.ts';

/**
 * Clients whose code is loaded, with its SDK, by the first call: most functions use one provider's, many none.
 *
 * Every method throws ConfigurationError where the SDK is an optional package that is not installed.
 */
export function connectClient(provider: Provider, settings: ConnectionSettings): ProviderClient & Catalog {
  const client = loadedOnce(() => batchesOf(provider, settings));
  return {
    check: async (...args) => (await client()).check(...args),
    upload: async (...args) => (await client()).upload(...args),
    create: async (...args) => (await client()).create(...args),
    findLost: async (...args) => (await client()).findLost(...args),
    retrieve: async (...args) => (await client()).retrieve(...args),
    cancel: async (...args) => (await client()).cancel(...args),
    async *results(...args) {
      yield* (await client()).results(...args);
    },
    describe: async (...args) => (await client()).describe(...args),
    list: async (...args) => (await client()).list(...args),
  };
}

/** The same for live calls. */
export function connectLive(provider: Provider, settings: ConnectionSettings): Required<LiveClient> {
  const live = loadedOnce(() => provider.live(settings));
  return {
    check: async (signal) => (await live()).check?.(signal),
    call: async (call) => (await live()).call(call),
  };
}

/** What the pipeline makes its calls by. */
export interface ConnectedAccount {
  client: ProviderClient;
  live: LiveClient;
  /** A free call that shows whether the key is accepted. */
  check(signal: AbortSignal): Promise<void>;
}

export function connectAccount(provider: Provider, settings: ConnectionSettings): ConnectedAccount {
  const client = connectClient(provider, settings);
  const live = connectLive(provider, settings);
  return { client, live, check: (signal) => (provider.connect ? client : live).check(signal) };
}

async function batchesOf(provider: Provider, settings: ConnectionSettings): Promise<ProviderClient & Catalog> {
  if (provider.connect) return await provider.connect(settings);
  throw new ConfigurationError(`${provider.notes.title} have no batches; their requests are sent one by one.`);
}
