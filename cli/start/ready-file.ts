import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** Where a stack keeps everything, unless told otherwise. */
export const usualDataDir = '.batchdrop';

/** Where a stack is, for other programs, this command line among them. */
const readySchema = z.object({
  apiUrl: z.string(),
  s3Url: z.string(),
  bucket: z.string(),
  apiKey: z.string(),
  dataDir: z.string(),
  table: z.string(),
  endpoints: z.object({ s3: z.string(), dynamodb: z.string(), stepFunctions: z.string(), eventBridge: z.string() }),
  configFile: z.string(),
  /** Base URLs of the simulated providers, by name. */
  simulators: z.record(z.string(), z.string()),
  pid: z.number(),
});

export type Ready = z.infer<typeof readySchema>;

/** Tells other programs where the stack is: whole or not there at all, and readable by its owner only. */
export function writeReadyFile(path: string, ready: Ready): void {
  const draft = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(draft, `${JSON.stringify(ready)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

export function removeReadyFile(path: string): void {
  rmSync(path, { force: true });
}

/** Every stack has one in its own folder, where the command line finds it. */
export function ownReadyFile(dataDir: string): string {
  return join(dataDir, 'ready.json');
}

/** @returns null where there is none, or none that can be read. */
export function readReadyFile(path: string): Ready | null {
  try {
    return readySchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
