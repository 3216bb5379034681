import type { IncomingHttpHeaders } from 'node:http';
import type { FaultOfKind } from './faults.ts';
import { isJsonObject } from './json.ts';

type Spelling = NonNullable<FaultOfKind<'http_error'>['echoesKey']>;

/** The key that came with a call, in whatever header, as a careless server repeats it. */
export function keyOf(headers: IncomingHttpHeaders, spelling: Spelling): string {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const key = String(bearer ?? headers['x-api-key'] ?? headers['api-key'] ?? headers['x-goog-api-key'] ?? '');
  switch (spelling) {
    case 'plain':
      return key;
    case 'base64':
      return Buffer.from(key).toString('base64');
    case 'url_encoded':
      return encodeURIComponent(key);
  }
}

/** Adds texts to every message of an error's body. */
export function withMessage(body: unknown, added: readonly string[]): unknown {
  if (added.length === 0 || !isJsonObject(body)) return body;
  const members = Object.entries(body).map(([name, value]) => [
    name,
    name === 'message' && typeof value === 'string' ? [value, ...added].join(' ') : withMessage(value, added),
  ]);
  return Object.fromEntries(members);
}
