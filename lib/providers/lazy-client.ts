import type { ProviderClient } from './provider.ts';

/** A client that is loaded, with its SDK, by the first call: most functions use one provider's, many none. */
export function lazyClient(load: () => Promise<ProviderClient>): ProviderClient {
  let loaded: Promise<ProviderClient> | undefined;
  const client = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    check: async (...args) => (await client()).check(...args),
    upload: async (...args) => (await client()).upload(...args),
    create: async (...args) => (await client()).create(...args),
    findLost: async (...args) => (await client()).findLost(...args),
    retrieve: async (...args) => (await client()).retrieve(...args),
    describe: async (...args) => (await client()).describe(...args),
    list: async (...args) => (await client()).list(...args),
    cancel: async (...args) => (await client()).cancel(...args),
    async *results(...args) {
      yield* (await client()).results(...args);
    },
  };
}
