import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifestSchema = z.object({ peerDependencies: z.record(z.string(), z.string()).default({}) });

/**
 * What to do where a package is missing that only some commands need: the sentence with the install command, or null
 * where the error is another one.
 */
export function missingPackageSentence(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') return null;
  const [, name = ''] = /^Cannot find package '([^']+)'/.exec(error.message) ?? [];
  const optional = optionalPackages();
  if (!Object.hasOwn(optional, name)) return null;
  const packages = Object.entries(optional).map(([each, version]) => `${each}@${version}`);
  return `This command needs packages that are not installed, ${name} among them. Install them with: npm install ${packages.join(' ')}`;
}

function optionalPackages(): Record<string, string> {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return manifestSchema.parse(JSON.parse(text)).peerDependencies;
}
