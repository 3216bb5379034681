import { readFileSync } from 'node:fs';

/** @returns the optional package that an import did not find, or null where the error is another one. */
export function missingPackageOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') return null;
  const [, name = ''] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  return Object.hasOwn(optionalPackages(), name) ? name : null;
}

/** Packages that only some commands and some providers need, with the versions that fit. */
export function optionalPackages(): Record<string, string> {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  const manifest: { peerDependencies?: Record<string, string> } = JSON.parse(text);
  return manifest.peerDependencies ?? {};
}
