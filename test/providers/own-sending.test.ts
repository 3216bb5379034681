import { expect, it } from 'vitest';
import { ownSendingOf } from '../../lib/providers/shared/http/own-sending.ts';
import { settingsFor } from './support/connected-provider.ts';

const own: typeof fetch = async () => Response.json({});

const settings = settingsFor('mistral', 'http://127.0.0.1:1', async () => 'key');

it.each([
  [
    { fetch: own, defaultHeaders: { a: 'b', c: 1, d: null } },
    { a: 'b', c: '1' },
  ],
  [{ fetch: own, defaultHeaders: 'a' }, {}],
  [{ fetch: 1, defaultHeaders: { a: 'b' } }, { a: 'b' }],
  [undefined, {}],
])('takes headers that can be sent, whatever stands beside them: %#', (clientOptions, expected) => {
  expect(ownSendingOf({ ...settings, ...(clientOptions && { clientOptions }) }).defaultHeaders).toEqual(expected);
});

it("sends by the caller's fetch, which follows no redirect either", async () => {
  const asked: unknown[] = [];
  const redirecting: typeof fetch = async (_input, init) => {
    asked.push(init?.redirect);
    return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/sign-on?token=t' } });
  };

  await expect(
    ownSendingOf({ ...settings, clientOptions: { fetch: own } }).fetch('https://api.example'),
  ).resolves.toMatchObject({ status: 200 });
  await expect(
    ownSendingOf({ ...settings, clientOptions: { fetch: redirecting } }).fetch('https://api.example'),
  ).rejects.toThrow('https://elsewhere.example/sign-on, which is not followed');
  expect(asked).toEqual(['manual']);
});
