import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LocalStack } from '../lib/local/runtime.ts';

/** Tells other programs where the stack is: whole or not there at all, and readable by its owner only. */
export function writeReadyFile(path: string, stack: LocalStack): void {
  const { apiUrl, s3Url, bucket, apiKey, dataDir } = stack;
  const text = JSON.stringify({ apiUrl, s3Url, bucket, apiKey, dataDir, pid: process.pid });
  const draft = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(draft, `${text}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

export function removeReadyFile(path: string): void {
  rmSync(path, { force: true });
}
