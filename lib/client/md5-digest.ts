import { createHash } from 'node:crypto';
import type { Digest } from './deployment/upload.ts';

/** Lets a deployment compare what arrived. */
export function md5Digest(): Digest {
  const hash = createHash('md5');
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
}
