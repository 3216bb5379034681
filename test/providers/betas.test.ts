import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { providerConfigSchema } from '../../lib/providers/config.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import { chatLine, lineId, lineOf, openAILine, sent } from './support/lines.ts';

const anthropic = providerOf({ kind: 'anthropic' });

function accountWith(betas: object | undefined, more: object = { kind: 'anthropic' }) {
  const entry = { secret: 's', ...more, ...(betas && { betas }) };
  return { ...providerConfigSchema.parse(entry), createTimeoutSeconds: 10, settleSeconds: 0 };
}

const message = { model: 'claude-opus-4-6', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] };

function nativeLine(members: object): string {
  return JSON.stringify({ custom_id: 'mine', params: { ...message, ...members } });
}

describe('betas of a line', () => {
  const account = accountWith({ allowed: ['a-1', 'b-2'], always: ['c-3'] });

  it.each([
    ['none', {}, null],
    ['those that are allowed, in one order', { betas: ['b-2', 'a-1', 'b-2'] }, { betas: ['a-1', 'b-2'] }],
    ['one that is always sent', { betas: ['c-3'] }, { betas: ['c-3'] }],
    ['an empty list', { betas: [] }, { betas: [] }],
  ])('go with its sending: %s', (_what, members, shared) => {
    for (const line of [lineOf(nativeLine(members)), chatLine(members)])
      expect(anthropic.sharedOf?.(line, account)).toEqual({ ok: true, shared });
  });

  it.each([
    [['d-4'], account, "'d-4' is not allowed: the account allows a-1, b-2, c-3"],
    [['a-1'], accountWith(undefined), "'a-1' is not allowed: the account allows none"],
    [['a-1'], accountWith(undefined, { kind: 'live', api: 'anthropic', baseUrl: 'http://127.0.0.1:9' }), 'allows none'],
    ['a-1', account, 'is a list of names'],
    [['a 1,d-4'], account, 'is a list of names'],
  ])('that are none, or not allowed, are an error: %j', (betas, config, message) => {
    const provider = providerOf(config);
    expect(provider.sharedOf?.(lineOf(nativeLine({ betas })), config)).toEqual({
      ok: false,
      error: { code: 'unsupported_parameter', message: expect.stringContaining(message), param: 'params.betas' },
    });
  });

  it('are no member of what is sent, whose other members keep their bytes', () => {
    const native = lineOf(`{"custom_id":"mine","params":{"model":"x","top_k":1.0,"betas":["a-1"],"max_tokens":5}}`);
    const bytes = `{"custom_id":"${lineId}","params":{"model":"claude-opus-4-6","top_k":1.0,"max_tokens":5}}`;
    const target = { lineId, model: 'claude-opus-4-6' };
    expect(anthropic.translateRequest(native, target)).toMatchObject({ bytes: Buffer.from(bytes), warnings: [] });
    const wrapped = lineOf(openAILine('mine', { ...message, betas: ['a-1'] }, '/v1/messages'));
    expect(sent(anthropic.translateRequest(wrapped, target)).params).toEqual(message);
    const chat = anthropic.translateRequest(chatLine({ betas: ['a-1'] }), target);
    expect(sent(chat).params).not.toHaveProperty('betas');
    expect(chat).toMatchObject({ warnings: [] });
  });
});

async function headersOf(use: (baseUrl: string) => Promise<unknown>): Promise<IncomingHttpHeaders[]> {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"b"}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return seen;
}

it.each([
  [{ allowed: ['a-1'], always: ['c-3'] }, { betas: ['a-1'] }, {}, 'c-3,a-1'],
  [{ always: ['c-3'] }, null, { defaultHeaders: { 'anthropic-beta': 'own-1, c-3' } }, 'own-1,c-3'],
  [undefined, null, {}, undefined],
])(
  'a creation and a single call name the betas of the account %j and of the lines %j',
  async (betas, shared, clientOptions, header) => {
    const line = Buffer.from(`{"custom_id":"${lineId}","params":${JSON.stringify(message)}}`);
    const signal = new AbortController().signal;
    const headers = await headersOf(async (baseUrl) => {
      const config = { ...accountWith(betas), baseUrl };
      const settings = { name: 'anthropic', config, apiKey: async () => 'key-of-the-test', clientOptions };
      const client = await anthropic.connect?.(settings);
      async function* lines() {
        yield line;
      }
      const sending = { batchId: null, prefix: 'p', token: 't', endpoint: '/v1/messages', model: 'm' } as const;
      await client?.create({ ...sending, shared, lineCount: 1, lines, metadata: {} }, null, signal);
      await (await anthropic.live(settings)).call({ line, endpoint: '/v1/messages', model: 'm', shared, signal });
    });
    expect(headers.map((each) => each['anthropic-beta'])).toEqual([header, header]);
  },
);
