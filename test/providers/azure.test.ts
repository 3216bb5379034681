import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientSecretCredential } from '@azure/identity';
import OpenAI, { toFile } from 'openai';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseConfig, providerConfigSchema } from '../../lib/providers/config.ts';
import { connectClient } from '../../lib/providers/connect.ts';
import { providers } from '../../lib/providers/registry.ts';
import { ConfigurationError, TransientError } from '../../lib/records/errors.ts';
import { apiKey, connect, ended, noAbort, resultsOf, sendingOf, submit, tally } from './support/connected-provider.ts';

/** A server that remembers the headers of each call, and says that there are no batches. */
async function listen() {
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[],"has_more":false}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/openai/v1`, headers };
}

function clientOf(entry: object, secret: string) {
  const config = {
    ...providerConfigSchema.parse({ kind: 'azure', ...entry }),
    createTimeoutSeconds: 5,
    settleSeconds: 1,
  };
  return connectClient(providers.azure, { name: 'azure', config, apiKey: async () => secret });
}

const application = { tenantId: '00000000-0000-0000-0000-000000000001', clientId: 'app', clientSecret: 'app-secret' };

describe('azure', () => {
  it('sends its key in the api-key header, and no other', async () => {
    const { baseUrl, headers } = await listen();

    await clientOf({ baseUrl, secret: 's' }, 'the-key').check(noAbort);

    expect(headers[0]).toMatchObject({ 'api-key': 'the-key' });
    expect(headers[0]).not.toHaveProperty('authorization');
  });

  it('signs in with Microsoft Entra ID, for the scope that the configuration names', async () => {
    const { baseUrl, headers } = await listen();
    const asked = vi
      .spyOn(ClientSecretCredential.prototype, 'getToken')
      .mockResolvedValue({ token: 'entra-token', expiresOnTimestamp: Date.now() + 3_600_000 });
    onTestFinished(() => asked.mockRestore());
    const client = clientOf(
      { baseUrl, auth: 'entra', secret: 's', tokenScope: 'scope/x' },
      JSON.stringify(application),
    );

    await client.check(noAbort);
    await client.check(noAbort);

    expect(headers.map(({ authorization }) => authorization)).toEqual(['Bearer entra-token', 'Bearer entra-token']);
    expect(headers[0]).not.toHaveProperty('api-key');
    expect(asked).toHaveBeenCalledTimes(1);
    expect(asked).toHaveBeenCalledWith(['scope/x'], expect.anything());
  });

  it('does not take a token that there is not for an unknown creation', async () => {
    const { baseUrl, headers } = await listen();
    const asked = vi.spyOn(ClientSecretCredential.prototype, 'getToken').mockRejectedValue(new Error('no such tenant'));
    onTestFinished(() => asked.mockRestore());
    const client = clientOf({ baseUrl, auth: 'entra', secret: 's' }, JSON.stringify(application));

    const creation = client.create(sendingOf('azure', ['x']), 'file-1', noAbort);

    await expect(creation).rejects.toThrow(TransientError);
    await expect(creation).rejects.toThrow('no such tenant');
    expect(headers).toEqual([]);
  });

  it('says what a secret for Entra must hold', async () => {
    const { baseUrl } = await listen();
    const client = clientOf({ baseUrl, auth: 'entra', secret: 's' }, 'not JSON');

    await expect(client.check(noAbort)).rejects.toThrow(ConfigurationError);
    await expect(client.check(noAbort)).rejects.toThrow('tenantId');
  });

  it.each([
    [{ secret: 's' }, 'providers.azure.baseUrl: name the base URL'],
    [{ baseUrl: 'https://r.openai.azure.com/openai/v1' }, 'providers.azure.secret: name the secret'],
  ])('says at start what its entry lacks: %o', (entry, complaint) => {
    const text = JSON.stringify({ providers: { azure: { kind: 'azure', ...entry } } });

    expect(() => parseConfig(text, 'config')).toThrow(complaint);
  });

  it('reads an error file that is there and empty', async () => {
    const connection = await connect('azure');
    const sending = sendingOf('azure', ['a', 'b']);

    const batch = await ended(connection, await submit(connection, sending));

    expect(batch).toMatchObject({ phase: 'completed', status: 'Completed', expectedResults: 2 });
    expect(batch.resultRefs).toHaveLength(2);
    expect(tally(await resultsOf('azure', connection, batch, sending))).toEqual({ answered: 2 });
  });

  it('has a simulator that refuses a byte order mark, as Azure does', async () => {
    const connection = await connect('azure');
    const client = new OpenAI({ apiKey, baseURL: connection.simulator.url, defaultHeaders: { 'api-key': apiKey } });
    const lines = await Array.fromAsync(sendingOf('azure', ['x']).lines('\n'));
    const file = await toFile(Buffer.concat([Buffer.from('\uFEFF'), ...lines]), 'input.jsonl');

    const { id } = await client.files.create({ file, purpose: 'batch' });
    const endpoint = '/v1/chat/completions';
    const created = await client.batches.create({ input_file_id: id, endpoint, completion_window: '24h' });

    expect(await ended(connection, created.id)).toMatchObject({
      phase: 'failed',
      failure: { code: 'invalid_json_line', isQueueFull: false },
    });
  });
});
