import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * How fetch must be called for the file to be sent as it is read. By its specification it copies a request that might be
 * redirected or shown in a window, and the copy keeps every byte: measured at 892 MB of memory for 800 MB, with this 114.
 */
export const streamedBody = { redirect: 'error', window: null } as const;

/** How much is gathered before it is written; a write per line costs more than the line. */
const writeBytes = 1024 * 1024;

/**
 * Writes pieces to a temporary file and lends it as a Blob, whose length is known and whose bytes are read as they are
 * sent: a request can be megabytes and memory stays flat. Whatever breaks while the pieces come breaks before the request.
 *
 * @param use its end removes the file.
 */
export async function withSpooledFile<Result>(
  pieces: AsyncIterable<Buffer>,
  signal: AbortSignal,
  use: (blob: Blob) => Promise<Result>,
): Promise<Result> {
  await removeAbandoned();
  const name = `batchdrop-spool-${process.pid}-${randomUUID()}`;
  const path = join(tmpdir(), name);
  ownNames.add(name);
  try {
    await writePieces(path, pieces, signal);
    return await use(await openAsBlob(path));
  } finally {
    await rm(path, { force: true });
    ownNames.delete(name);
  }
}

/** Spool files of this process that are in use. */
const ownNames = new Set<string>();

const spoolName = /^batchdrop-spool-(\d+)-[0-9a-f-]{36}$/;

/** Removes what a killed process left: a function that timed out starts anew in the same place, on the same small disk. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = spoolName.exec(name)?.[1];
    if (owner !== undefined && !ownNames.has(name) && !isAliveElsewhere(Number(owner)))
      await rm(join(tmpdir(), name), { force: true });
  }
}

function isAliveElsewhere(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // A process of another user is alive, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function writePieces(path: string, pieces: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  // Prompts are the customer's: nobody else on the machine may read them.
  const file = await open(path, 'wx', 0o600);
  try {
    const gathered = Buffer.allocUnsafe(writeBytes);
    let filled = 0;
    for await (const piece of pieces) {
      signal.throwIfAborted();
      if (filled + piece.length > writeBytes) {
        await file.writeFile(gathered.subarray(0, filled));
        filled = 0;
      }
      if (piece.length > writeBytes) await file.writeFile(piece);
      else filled += piece.copy(gathered, filled);
    }
    await file.writeFile(gathered.subarray(0, filled));
  } finally {
    await file.close();
  }
}
