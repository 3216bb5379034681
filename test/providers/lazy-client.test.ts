import { expect, it } from 'vitest';
import { lazyClient } from '../../lib/providers/shared/http/lazy-client.ts';
import { ConfigurationError } from '../../lib/records/errors.ts';

const signal = new AbortController().signal;

function notFound(name: string): Error {
  const error = new Error(`Cannot find package '${name}' imported from /project/node_modules/batchdrop/dist/x.js`);
  return Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
}

it.each(['check', 'retrieve', 'results'] as const)('%s says how to install an optional SDK', async (method) => {
  const client = lazyClient(() => Promise.reject(notFound('@mistralai/mistralai')));
  const call = {
    check: () => client.check(signal),
    retrieve: () => client.retrieve('a', signal),
    results: () => client.results(Object.assign({}), 'a', signal)[Symbol.asyncIterator]().next(),
  };
  const error = await call[method]().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(String(error)).toMatch(/npm install '@mistralai\/mistralai@\^\d+\.\d+\.\d+'$/);
});

it('leaves any other failure as it is, a package that nobody offers included', async () => {
  for (const error of [notFound('left-pad'), new Error('broken')])
    await expect(lazyClient(() => Promise.reject(error)).check(signal)).rejects.toBe(error);
});

it('loads nothing before the first call, and once', async () => {
  let loads = 0;
  const client = lazyClient(async () => {
    loads += 1;
    return Object.assign({}, { check: async () => {} }) as never;
  });
  expect(loads).toBe(0);
  await Promise.all([client.check(signal), client.check(signal)]);
  expect(loads).toBe(1);
});
