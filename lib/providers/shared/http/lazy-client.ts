import { ConfigurationError } from '../../../records/errors.ts';
import type { LiveClient, ProviderClient } from '../../contract.ts';
import { missingPackageOf, optionalPackages } from './missing-package.ts';

/**
 * A client that is loaded, with its SDK, by the first call: most functions use one provider's, many none.
 *
 * Every method throws ConfigurationError where the SDK is an optional package that is not installed.
 */
export function lazyClient(load: () => Promise<ProviderClient>): ProviderClient {
  let loaded: Promise<ProviderClient> | undefined;
  const client = () => {
    loaded ??= load().catch((error) => {
      throw withInstallCommand(error);
    });
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

/** The same for live calls. */
export function lazyLiveClient(load: () => Promise<LiveClient>): LiveClient {
  let loaded: Promise<LiveClient> | undefined;
  return {
    call: async (...args) => {
      loaded ??= load().catch((error: unknown) => {
        throw withInstallCommand(error);
      });
      return (await loaded).call(...args);
    },
  };
}

/** What to throw where an optional package was not found; any other error as it is. */
export function withInstallCommand(error: unknown): unknown {
  const name = missingPackageOf(error);
  if (name === null) return error;
  const install = `npm install '${name}@${optionalPackages()[name]}'`;
  return new ConfigurationError(`This provider needs the package ${name}. Install it with: ${install}`, {
    cause: error,
  });
}
