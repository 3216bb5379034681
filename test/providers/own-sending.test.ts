import { expect, it } from 'vitest';
import { ownSendingOf } from '../../lib/providers/shared/http/own-sending.ts';
import { settingsFor } from './support/connected-provider.ts';

const own: typeof fetch = async () => Response.json({});

it.each([
  [
    { fetch: own, defaultHeaders: { a: 'b', c: 1, d: null } },
    { fetch: own, defaultHeaders: { a: 'b', c: '1' } },
  ],
  [
    { fetch: own, defaultHeaders: 'a' },
    { fetch: own, defaultHeaders: {} },
  ],
  [
    { fetch: 1, defaultHeaders: { a: 'b' } },
    { fetch, defaultHeaders: { a: 'b' } },
  ],
  [undefined, { fetch, defaultHeaders: {} }],
])('takes what can be used, whatever stands beside it: %#', (clientOptions, expected) => {
  const settings = settingsFor('mistral', 'http://127.0.0.1:1', async () => 'key');

  expect(ownSendingOf({ ...settings, ...(clientOptions && { clientOptions }) })).toEqual(expected);
});
