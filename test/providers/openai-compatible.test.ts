import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig, providerConfigSchema } from '../../lib/providers/config.ts';
import { connectClient } from '../../lib/providers/connect.ts';
import { batchObjectSchema, providerBatchFrom } from '../../lib/providers/openai-family/batch-object.ts';
import { providers } from '../../lib/providers/registry.ts';
import { ProviderAuthenticationError } from '../../lib/records/errors.ts';
import { connect, noAbort, sendingOf } from './support/connected-provider.ts';

function keylessClient(baseUrl: string) {
  const config = {
    ...providerConfigSchema.parse({ kind: 'openai-compatible', baseUrl }),
    createTimeoutSeconds: 5,
    settleSeconds: 1,
  };
  return connectClient(providers['openai-compatible'], { name: 'mine', config, apiKey: async () => '' });
}

async function listen(answer: (url: string) => object) {
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(request.url ?? '')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, headers };
}

describe('an OpenAI-compatible server', () => {
  it('gets no key where it wants none', async () => {
    const { url, headers } = await listen(() => ({ data: [] }));

    await keylessClient(url).check(noAbort);

    expect(headers[0]).not.toHaveProperty('authorization');
  });

  it('that wants a key after all is told from one that refuses it', async () => {
    const { simulator } = await connect('openai-compatible');
    const checking = keylessClient(simulator.url).check(noAbort);

    await expect(checking).rejects.toThrow(ProviderAuthenticationError);
    await expect(checking).rejects.toThrow('names no secret');
  });

  it('ends its list where it does not say whether it goes on', async () => {
    const batch = { id: 'a', status: 'QUEUED', created_at: new Date().toISOString() };
    const { url } = await listen(() => ({ data: [batch] }));
    const lost = {
      sending: sendingOf('openai-compatible', ['x']),
      providerInputFileId: 'file-1',
      windowStartMs: Date.now() - 60_000,
      windowEndMs: Date.now(),
      isClaimed: async () => false,
    };

    expect(await keylessClient(url).findLost(lost, noAbort)).toEqual({ finding: 'none' });
  });

  it.each([
    ['QUEUED', 'validating'],
    ['in-progress', 'in_progress'],
    ['Running', 'in_progress'],
    ['canceled', 'cancelled'],
  ])('whose batch is %s has it %s', (status, phase) => {
    const batch = batchObjectSchema.parse({ id: 'a', status, created_at: 'some day', metadata: 'none' });

    expect(providerBatchFrom(batch, { service: 'it', showsStart: false })).toMatchObject({
      phase,
      isKnownStatus: true,
      counts: null,
    });
  });

  it('says at start that its base URL is missing, and may be there more than once', () => {
    const entry = { kind: 'openai-compatible' };
    const parse = (providers: object) => parseConfig(JSON.stringify({ providers }), 'config');

    expect(() => parse({ mine: entry })).toThrow('config: providers.mine.baseUrl: name the base URL of its API');
    const { providers: both } = parse({
      mine: { ...entry, baseUrl: 'http://10.0.0.1:8000/v1' },
      theirs: { ...entry, baseUrl: 'https://llm.example.com/v1', secret: 's', limits: { maxRequests: 9 } },
    });
    expect(Object.keys(both)).toEqual(['mine', 'theirs']);
  });
});
