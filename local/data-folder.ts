import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process, or another stack of this one, works on the folder. */
export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError';

  constructor(folder: string, options?: ErrorOptions) {
    super(
      `The data folder ${folder} is in use by another batchdrop; stop that one, or choose another folder.`,
      options,
    );
  }
}

/** SQLITE_BUSY. Source: SQLite result codes. */
const busyCode = 5;

/**
 * Makes the folder and takes it for this process.
 *
 * The lock is the kernel's, on a file that SQLite holds open: however the process ends, it is gone with it, and no
 * stale file keeps the next start away.
 *
 * @returns a function that lets go of the folder.
 * @throws DataFolderInUseError
 */
export function takeDataFolder(folder: string): () => void {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(path, 'lock.sqlite'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw isBusy(cause) ? new DataFolderInUseError(path, { cause }) : cause;
  }
  return () => lock.close();
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === busyCode;
}
