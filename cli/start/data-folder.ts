import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { takeDataFolder } from '../../local/data-folder.ts';
import { CommandError, exitStatus } from '../exit-status.ts';

/** What only a stack has written: a folder without it may be anybody's. */
const markers = ['lock.sqlite', 'ready.json', 'dynamodb', 's3'];

/**
 * Removes everything that a stack has kept: batches, files, results and keys.
 *
 * @throws CommandError for a folder that is no stack's; DataFolderInUseError while one works on it.
 */
export function resetDataFolder(dataDir: string): void {
  const folder = resolve(dataDir);
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  if (!markers.some((name) => existsSync(join(folder, name))))
    throw new CommandError(exitStatus.invalid, `${dataDir} is no data folder of a stack; nothing was removed.`);
  const letGo = takeDataFolder(folder);
  letGo();
  rmSync(folder, { recursive: true });
}

/** How much a folder holds on disk, in bytes. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
