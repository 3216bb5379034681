import { expect, it } from 'vitest';
import { connectClient } from '../../lib/providers/connect.ts';
import type { Catalog, Provider, ProviderClient } from '../../lib/providers/contract.ts';
import { providers } from '../../lib/providers/registry.ts';
import { ConfigurationError } from '../../lib/records/errors.ts';
import { settingsFor } from './support/connected-provider.ts';

const signal = new AbortController().signal;

function notFound(name: string): Error {
  const error = new Error(`Cannot find package '${name}' imported from /project/node_modules/batchdrop/dist/x.js`);
  return Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
}

/** A client of a provider that is loaded so. */
function clientOf(connect: NonNullable<Provider['connect']>) {
  const settings = settingsFor('openai', 'http://127.0.0.1:9', async () => 'key');
  return connectClient({ ...providers.openai, connect }, settings);
}

it.each(['check', 'retrieve', 'results', 'describe'] as const)(
  '%s says how to install an optional SDK',
  async (method) => {
    const client = clientOf(() => Promise.reject(notFound('@mistralai/mistralai')));
    const call = {
      check: () => client.check(signal),
      retrieve: () => client.retrieve('a', signal),
      describe: () => client.describe('a', signal),
      results: () => client.results(Object.assign({}), 'a', signal)[Symbol.asyncIterator]().next(),
    };
    const error = await call[method]().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toMatch(/npm install '@mistralai\/mistralai@\^\d+\.\d+\.\d+'$/);
  },
);

it('leaves any other failure as it is, a package that nobody offers included', async () => {
  for (const error of [notFound('left-pad'), new Error('broken')])
    await expect(clientOf(() => Promise.reject(error)).check(signal)).rejects.toBe(error);
});

it('loads nothing before the first call, and once', async () => {
  let loads = 0;
  const client = clientOf(async () => {
    loads += 1;
    return { check: async () => {} } as unknown as ProviderClient & Catalog;
  });
  expect(loads).toBe(0);
  await Promise.all([client.check(signal), client.check(signal)]);
  expect(loads).toBe(1);
});

it('says that a live endpoint has no batches', async () => {
  const client = connectClient(
    providers.live,
    settingsFor('openai', 'http://127.0.0.1:9', async () => 'key'),
  );
  await expect(client.retrieve('a', signal)).rejects.toThrow(ConfigurationError);
  await expect(client.retrieve('a', signal)).rejects.toThrow('no batches');
});
