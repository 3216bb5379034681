import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ConsoleFiles, readConsoleFiles } from '../lib/api/console/console-files.ts';

/** Where an installed package has the console as it was built for the release. */
const packedFolder = join(import.meta.dirname, '../console/files');

/** The console's files; a checkout builds them when a browser first asks. */
export async function localConsoleFiles(): Promise<ConsoleFiles> {
  if (existsSync(packedFolder)) return readConsoleFiles(packedFolder);
  const { buildConsole } = await import('../console/build/build-console.ts');
  return buildConsole();
}
