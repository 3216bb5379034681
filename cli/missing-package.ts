import { providers } from '../lib/providers/registry.ts';
import { missingPackageOf, optionalPackages } from '../lib/providers/shared/http/missing-package.ts';
import { CommandError, exitStatus } from './exit-status.ts';

/**
 * Loads what needs packages that only some commands need.
 *
 * @param packages all that it needs.
 * @throws CommandError with the install command where one is missing.
 */
export async function importing<Module>(packages: readonly string[], load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const sentence = missingPackageSentence(error, packages);
    throw sentence === null ? error : new CommandError(exitStatus.invalid, sentence, { cause: error });
  }
}

/**
 * What to do where a package is missing that only some commands need: the sentence with the install command, or null
 * where the error is another one.
 */
export function missingPackageSentence(error: unknown, packages: readonly string[] = stackPackages()): string | null {
  const name = missingPackageOf(error);
  if (name === null) return null;
  const versions = optionalPackages();
  const wanted = packages.map((each) => `'${each}@${versions[each]}'`).join(' ');
  return `This command needs packages that are not installed, ${name} among them. Install them with: npm install ${wanted}`;
}

/** What the whole stack needs on this machine. What one provider needs is named by its own first call. */
function stackPackages(): string[] {
  const ofProviders = new Set<string>(Object.values(providers).flatMap(({ packages }) => packages));
  return Object.keys(optionalPackages()).filter((name) => !ofProviders.has(name));
}
