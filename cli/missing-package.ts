import { missingPackageOf, optionalPackages } from '../lib/providers/missing-package.ts';

/**
 * What to do where a package is missing that only some commands need: the sentence with the install command, or null
 * where the error is another one.
 */
export function missingPackageSentence(error: unknown): string | null {
  const name = missingPackageOf(error);
  if (name === null) return null;
  const packages = Object.entries(optionalPackages()).map(([each, version]) => `${each}@${version}`);
  return `This command needs packages that are not installed, ${name} among them. Install them with: npm install ${packages.join(' ')}`;
}
