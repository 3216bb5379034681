import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readRecord, writeRecord } from '../state-store.ts';
import { signedUrlSeconds } from './limits.ts';

const secretSchema = z.string();

/** URLs of the storage behind the datasets, which stand in place of a key for some minutes. */
export class SignedUrls {
  readonly #secret: string;
  /** Known only once the server listens. */
  origin = '';

  constructor(folder: string) {
    const path = join(folder, 'signing-secret.json');
    const known = readRecord(path);
    this.#secret = known === undefined ? randomBytes(16).toString('hex') : secretSchema.parse(known);
    if (known === undefined) writeRecord(path, this.#secret);
  }

  make(method: 'GET' | 'PUT', account: string, dataset: string, file: string): string {
    const expiresAt = Math.floor(Date.now() / 1000) + signedUrlSeconds;
    const path = storagePath(account, dataset, file);
    const signature = this.#signatureOf(`${method} ${path} ${expiresAt}`);
    return `${this.origin}${path}?X-Goog-Expires=${expiresAt}&X-Goog-Signature=${signature}`;
  }

  holds(method: string, url: URL): boolean {
    const expiresAt = url.searchParams.get('X-Goog-Expires') ?? '';
    const signature = url.searchParams.get('X-Goog-Signature');
    const isInTime = Number(expiresAt) * 1000 > Date.now();
    return isInTime && signature === this.#signatureOf(`${method} ${url.pathname} ${expiresAt}`);
  }

  #signatureOf(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }
}

export const storageRoot = '/storage/fireworks-artifacts';

function storagePath(account: string, dataset: string, file: string): string {
  return `${storageRoot}/${[account, dataset, file].map(encodeURIComponent).join('/')}`;
}
