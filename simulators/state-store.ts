import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isErrorWithCode } from './node-error.ts';

/**
 * Writes a JSON record so that a reader, or a restart after kill -9, sees the old or the new one, never half.
 *
 * No fsync: the promise is to survive the process, not the machine.
 */
export function writeRecord(path: string, record: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporaryPath = `${path}.tmp`;
  writeFileSync(temporaryPath, JSON.stringify(record));
  renameSync(temporaryPath, path);
}

/** @returns the parsed JSON, or undefined where there is no record. */
export function readRecord(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Names of a folder's entries, which is made if absent. */
export function listFolder(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder);
}

/** Makes an empty folder for what is not accepted yet; leftovers of a killed process go. */
export function emptyFolder(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
