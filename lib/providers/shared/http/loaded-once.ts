import { ConfigurationError } from '../../../records/errors.ts';
import { missingPackageOf, optionalPackages } from './missing-package.ts';

/** Loads something by the first call, and once. */
export function loadedOnce<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loaded: Promise<Value> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      throw withInstallCommand(error);
    });
    return loaded;
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
