import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { functionTimeoutSeconds, isFunctionName } from '../lib/records/function-timeouts.ts';

/** The root of the repository, where paths in a bundle's metafile begin; of an installed package, the folder of its JavaScript. */
export const root = join(import.meta.dirname, '..');

/** The handler's file in a function's package. */
export const bundleFile = 'index.mjs';

/** The configuration's file in the layer that all functions share, and where Lambda puts it. */
export const configFile = 'batchdrop.config.json';
export const deployedConfigFile = `/opt/${configFile}`;

/** Where the functions' packages lie that were built beforehand, a folder each; only in an installed package. */
export const packagesFolder = join(import.meta.dirname, 'functions');

export const functionNames = Object.keys(functionTimeoutSeconds).filter(isFunctionName);

/** The release, as package.json says it. */
export function packageVersion(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
