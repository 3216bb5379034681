import { isObject } from './json.ts';

/** A shorter text could be a word of any message. */
const minLength = 8;

/** More than all accounts of a configuration have; of tokens that are renewed, the oldest are forgotten. */
const maxSecrets = 256;

/** By each secret, the spellings in which a text may repeat it. */
const spellings = new Map<string, readonly string[]>();

/**
 * Remembers a key or token, so that no stored or logged text shows it. A connection calls this with whatever it got: of a secret
 * that is a JSON object, such as a service account's key file, each text in it counts.
 */
export function rememberSecret(secret: string): void {
  for (const value of valuesIn(secret)) {
    spellings.delete(value);
    spellings.set(value, spellingsOf(value));
  }
  for (const oldest of spellings.keys()) {
    if (spellings.size <= maxSecrets) break;
    spellings.delete(oldest);
  }
}

/** The text with `[hidden]` in place of each secret that was remembered, in whatever common encoding. */
export function withoutKnownSecrets(text: string): string {
  let clean = text;
  for (const known of spellings.values())
    for (const spelling of known) if (clean.includes(spelling)) clean = clean.replaceAll(spelling, '[hidden]');
  return clean;
}

function valuesIn(secret: string): string[] {
  const trimmed = secret.trim();
  const members = trimmed.startsWith('{') ? textsIn(parseLoosely(trimmed)) : [trimmed];
  return members.filter((value) => value.length >= minLength);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value.trim()];
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** As it is, within JSON, within a URL or a form, and in both kinds of base64; padding does not count. */
function spellingsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const inBase64 = [bytes.toString('base64').replace(/==?$/, ''), bytes.toString('base64url')];
  const inUrls = [encodeURIComponent(value), new URLSearchParams({ '': value }).toString().slice(1)];
  return [...new Set([value, JSON.stringify(value).slice(1, -1), ...inUrls, ...inBase64])];
}
