/**
 * There is no database here, so the customer's custom_id travels with the request and comes back with its result. Where
 * a provider's rule forbids it, it travels as this marker and the base64url of its UTF-8; so does one that begins with
 * the marker, so that reading is never in doubt.
 */
const marker = 'bd64_';

/** Longest custom_id in bytes of UTF-8 that fits, encoded, into Anthropic's 64 characters: (64 - 5) * 3 / 4. */
export const maxEncodedBytes = 44;

/**
 * @param allowed what the provider takes as it is; null for anything.
 * @returns the id to send, or null where it does not fit.
 */
export function sendableId(customId: string, allowed: RegExp | null): string | null {
  if (allowed === null) return customId;
  if (allowed.test(customId) && !customId.startsWith(marker)) return customId;
  const encoded = marker + Buffer.from(customId).toString('base64url');
  return allowed.test(encoded) ? encoded : null;
}

/** The custom_id that was sent so; an id that is not of our making is itself. */
export function customIdOf(sentId: string, allowed: RegExp | null): string {
  if (allowed === null || !sentId.startsWith(marker)) return sentId;
  const decoded = Buffer.from(sentId.slice(marker.length), 'base64url').toString();
  return sendableId(decoded, allowed) === sentId ? decoded : sentId;
}
