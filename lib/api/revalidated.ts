import { etag, RETAINED_304_HEADERS } from 'hono/etag';

/** Headers of a 304 besides those that HTTP asks for: what every answer has. */
const ownHeaders = [
  'x-request-id',
  'request-id',
  'x-content-type-options',
  'access-control-allow-origin',
  'access-control-expose-headers',
];

/** Answers have an ETag, and whoever sends it back as `if-none-match` gets a 304 without a body while nothing has changed. */
export const revalidated = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...ownHeaders] });
