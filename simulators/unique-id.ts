import { randomBytes } from 'node:crypto';
import { SeededRandom } from './seeded-random.ts';

/** A new id that no other call ever returns, such as `file-` + 22 letters and digits. */
export function uniqueBase62(prefix: string, length: number): string {
  return prefix + new SeededRandom(randomBytes(16).toString('hex')).base62(length);
}

export function uniqueHex(prefix: string, length: number): string {
  return prefix + randomBytes(length / 2).toString('hex');
}
