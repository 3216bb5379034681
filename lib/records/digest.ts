import { createHash } from 'node:crypto';

/** The SHA-256 of a text, in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A SHA-256 of the parts, in hex, that no other list of parts has. */
export function digest(...parts: string[]): string {
  return sha256(JSON.stringify(parts));
}
