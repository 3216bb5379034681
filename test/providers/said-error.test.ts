import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { providerConfigSchema } from '../../lib/providers/config.ts';
import { providers } from '../../lib/providers/registry.ts';
import { failedCall } from '../../lib/providers/shared/http/failed-call.ts';
import { saidError, saidInBody } from '../../lib/providers/shared/said-error.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

describe('what an error says', () => {
  it.each([
    ['a text', 'No.', { message: 'No.' }],
    [
      'an object',
      { code: 'c', message: 'No.', type: 't', param: 'p' },
      { code: 'c', message: 'No.', type: 't', param: 'p' },
    ],
    ['nested', { error: { message: 'No.', code: 422 } }, { message: 'No.', code: '422' }],
    ['nested twice', { error: { error: { message: 'No.' }, code: 'c' } }, { message: 'No.', code: 'c' }],
    ['a text in error', { error: 'No.', code: 7 }, { message: 'No.', code: '7' }],
    ['a detail', { detail: 'No.' }, { message: 'No.' }],
    [
      'a detail of places',
      { detail: [{ loc: ['body', 0], msg: 'bad' }, { msg: 'worse' }] },
      { message: 'body.0: bad; worse' },
    ],
    ['a detail within message', { message: { detail: [{ loc: ['a'], msg: 'bad' }] } }, { message: 'a: bad' }],
    ['a detail that is an object', { detail: { error: { message: 'No.' } } }, { message: 'No.' }],
    ['a list around it', [{ error: { message: 'No.', code: 400 } }], { message: 'No.', code: '400' }],
    [
      'a list of errors',
      { errors: [{ message: 'No.', code: 'c' }, 'Nor that.'] },
      { message: 'No.; Nor that.', code: 'c' },
    ],
    ['a title', { title: 'Bad Request', status: 400 }, { message: 'Bad Request' }],
    ['nothing', {}, {}],
    ['null', null, {}],
  ])('is read from %s', (_shape, error, said) => {
    expect(saidError(error)).toEqual({ code: null, message: null, type: null, param: null, ...said });
  });

  it('of a body that is no JSON is its first characters', () => {
    expect(saidInBody('<html>\n  <h1>502</h1>').message).toBe('<html> <h1>502</h1>');
    expect(saidInBody(`<html>${'x'.repeat(10_000)}`).message).toHaveLength(301);
    expect(saidInBody('{"a":1}').message).toBe('{"a":1}');
    expect(saidInBody(' ').message).toBeNull();
  });

  it('ends, however deep it stands', () => {
    let error: unknown = 'No.';
    for (let depth = 0; depth < 1_000; depth += 1) error = { error };
    expect(saidError(error).message).toBeNull();
  });
});

const bodies: [shape: string, body: string, message: string][] = [
  ['nested', '{"error":{"message":"No such thing.","code":"c"}}', 'No such thing.'],
  ['a text in error', '{"error":"No such thing."}', 'No such thing.'],
  ['plain', '{"message":"No such thing.","code":17}', 'No such thing.'],
  ['detail', '{"detail":[{"loc":["body","file"],"msg":"No such thing."}]}', 'body.file: No such thing.'],
  ['HTML with a key', '<html>No such thing: sk-abcdefghijkl</html>', '<html>No such thing: [hidden]</html>'],
];

async function answering(body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(422).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

describe.each(['openai', 'anthropic', 'gemini', 'mistral', 'fireworks', 'xai', 'live'] as const)(
  'a refusal of %s',
  (kind) => {
    it.each(bodies)('keeps its reason: %s', async (_shape, body, message) => {
      const baseUrl = await answering(body);
      const entry = {
        kind,
        secret: 's',
        baseUrl,
        ...(kind === 'fireworks' && { accountId: 'a' }),
        ...(kind === 'live' && { api: 'openai' }),
      };
      const config = { ...providerConfigSchema.parse(entry), createTimeoutSeconds: 10, settleSeconds: 0 };
      const settings = { name: kind, config, apiKey: async () => 'key-of-the-test' };
      const signal = new AbortController().signal;
      const provider = providers[kind];
      const batches = await provider.connect?.(settings);
      const refusal = batches
        ? String(await batches.retrieve('batches-1', signal).catch((error: unknown) => error))
        : await (await provider.live(settings))
            .call({
              line: Buffer.from(
                `{"custom_id":"${lineId}","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}`,
              ),
              endpoint: '/v1/chat/completions',
              model: 'm',
              signal,
            })
            .then((answer) => ('line' in answer ? answer.line.toString() : ''));
      expect(refusal).toContain(message);
    });
  },
);

it.each(bodies)('a refusal of a deployment keeps its reason: %s', async (_shape, body, message) => {
  const deployment = new Deployment({ url: await answering(body), apiKey: 'key-of-the-test', maxRetries: 0 });
  const refusal = failedCall(await deployment.retrieveBatch('batch_1').catch((error: unknown) => error));
  expect(refusal).toMatchObject({
    kind: 'answered',
    status: 422,
    message: expect.stringContaining(message.slice(-14)),
  });
});

describe('a failed line keeps its reason', () => {
  it.each([
    ['openai', { custom_id: lineId, response: null, error: { detail: 'No.' } }],
    [
      'openai',
      { custom_id: lineId, response: { status_code: 422, body: { error: { code: 3, message: 'No.' } } }, error: null },
    ],
    ['xai', { batch_request_id: lineId, batch_result: { error: 'No.' } }],
    ['xai', { batch_request_id: lineId, batch_result: { error: { code: 'ABORTED', message: 'No.' } } }],
    ['fireworks', { custom_id: lineId, error: { error: { code: 'ABORTED', message: 'No.' } } }],
    ['fireworks', { custom_id: lineId, error: { code: 10, message: 'No.' } }],
    ['anthropic', { custom_id: lineId, result: { type: 'errored', error: 'No.' } }],
    [
      'anthropic',
      { custom_id: lineId, result: { type: 'errored', error: { type: 'error', error: { message: 'No.' } } } },
    ],
    ['gemini', { key: lineId, error: 'No.' }],
    ['vertex', { custom_id: lineId, status: '', error: { detail: 'No.' } }],
    ['mistral', { custom_id: lineId, error: { error: { error: 'No.' } } }],
    ['bedrock', { recordId: lineId, error: { message: 'No.' } }],
  ] as const)('of %s: %j', (kind, line) => {
    const result = providers[kind].translateResult(Buffer.from(JSON.stringify(line)), answered());
    expect(resultLine(result)).toMatchObject({ custom_id: 'mine', error: { message: 'No.' } });
    if (/ABORTED|"code":10/.test(JSON.stringify(line))) expect(result).toMatchObject({ retryable: true });
  });
});
