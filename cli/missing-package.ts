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
    const name = missingPackageOf(error);
    if (name === null) throw error;
    throw new CommandError(exitStatus.invalid, installSentence(name, packages), { cause: error });
  }
}

/** Whether it says that a package is missing that only some commands need. */
export function isPackageMissing(error: unknown): boolean {
  return missingPackageOf(error) !== null;
}

/** @returns the sentence with the install command, or null where the error is another one. */
export async function missingPackageSentence(error: unknown): Promise<string | null> {
  const name = missingPackageOf(error);
  return name === null ? null : installSentence(name, await stackPackages());
}

function installSentence(name: string, packages: readonly string[]): string {
  const versions = optionalPackages();
  const wanted = packages.map((each) => `'${each}@${versions[each]}'`).join(' ');
  return `This command needs packages that are not installed, ${name} among them. Install them with: npm install ${wanted}`;
}

/** What the whole stack needs on this machine. What one provider needs is named by its own first call. */
async function stackPackages(): Promise<string[]> {
  const { providers } = await import('../lib/providers/registry.ts');
  const ofProviders = new Set<string>(Object.values(providers).flatMap(({ packages }) => packages));
  return Object.keys(optionalPackages()).filter((name) => !ofProviders.has(name));
}
