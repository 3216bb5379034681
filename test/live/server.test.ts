import { execFile, spawnSync } from 'node:child_process';
import { createServer, request } from 'node:http';
import { promisify } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerFromLine } from '../../lib/live/answer.ts';
import { batching, closeBatching } from '../../lib/live/index.ts';
import { Journal, noPass } from '../../lib/live/journal.ts';
import { readLiveCall } from '../../lib/live/live-call.ts';
import { LiveRun } from '../../lib/live/live-run.ts';
import { LiveTarget } from '../../lib/live/target.ts';
import { startProvider } from '../client/provider-at-hand.ts';
import { ask, quick, type Serving, startServing, temporaryFolder, until } from './live-harness.ts';

const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] };
const jsonType = { 'content-type': 'application/json' };

async function post(serving: Serving, path: string, value: unknown, headers: Record<string, string> = jsonType) {
  const response = await fetch(`${serving.server.url}${path}`, {
    method: 'POST',
    headers,
    body: typeof value === 'string' ? value : JSON.stringify(value),
  });
  return {
    status: response.status,
    retry: response.headers.get('x-should-retry'),
    answer: (await response.json()) as { error: { message: string; code: string; param: string } },
  };
}

describe('refused at once, with nothing gathered', () => {
  it.each<[string, string, unknown, number, string | null]>([
    ['a path that would be a live call', '/v1/images/generations', body, 404, 'unknown_endpoint'],
    ['a message of a thread', '/v1/threads/thread_1/messages', body, 404, 'unknown_endpoint'],
    ['a request without a model', '/v1/chat/completions', { messages: [] }, 400, 'invalid_request'],
    ['what is no JSON', '/v1/chat/completions', '{"model":', 400, 'invalid_json'],
    [
      'a background response',
      '/v1/responses',
      { model: 'm', input: 'x', background: true },
      400,
      'unsupported_parameter',
    ],
    [
      'a stored conversation',
      '/v1/responses',
      { model: 'm', input: 'x', previous_response_id: 'resp_1' },
      400,
      'unsupported_parameter',
    ],
    ['a stream of embeddings', '/v1/embeddings', { model: 'm', input: 'x', stream: true }, 400, 'invalid_value'],
    [
      'a member that stands twice',
      '/v1/chat/completions',
      '{"model":"a","model":"b","messages":[]}',
      400,
      'duplicate_key',
    ],
    ["another run's pass", '/run/other.one/v1/chat/completions', body, 404, 'unknown_run'],
  ])('%s', async (_what, path, value, status, code) => {
    const serving = await startServing();
    const refused = await post(serving, path, value);

    expect(refused).toMatchObject({ status, retry: 'false', answer: { error: { code } } });
    expect(serving.run.state()).toMatchObject({ waiting: 0, gathered: 0 });
  });

  it('what no program of this machine sends', async () => {
    const serving = await startServing();
    const path = '/v1/chat/completions';

    expect(await post(serving, path, body, { 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await post(serving, path, body, { ...jsonType, origin: 'https://evil.example' })).toMatchObject({
      status: 403,
    });
    expect(await statusWithHost(serving, 'evil.example')).toBe(403);
    expect(serving.run.state()).toMatchObject({ waiting: 0, gathered: 0 });
  });
});

function statusWithHost(serving: Serving, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(serving.server.url);
    const sent = request({ port, host: '127.0.0.1', path: '/v1/models', headers: { host } }, (response) =>
      resolve(response.statusCode),
    );
    sent.on('error', reject);
    sent.end();
  });
}

it('lists of models are passed through; a base URL that leads here is refused by name', async () => {
  const serving = await startServing();
  const models = await serving.client().models.list();

  expect(models.data.map(({ id }) => id)).toEqual(['gpt-4o-mini']);
  const circle = new LiveTarget({ provider: 'openai', apiKey: 'sk-x', apiBase: `${serving.server.url}/v1` });
  await expect(circle.assertNoCircle()).rejects.toThrow(/OPENAI_BASE_URL .* leads to batchdrop serve at/);
  const round = new LiveTarget({ deployment: serving.server.url, apiKey: 'sk-x' });
  await expect(round.assertNoCircle()).rejects.toThrow(/BATCHDROP_URL .* leads to batchdrop serve at/);
});

it('the key that pays follows no redirect of a list of models', async () => {
  const paths: (string | undefined)[] = [];
  const redirecting = createServer(({ url }, response) => {
    paths.push(url);
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void redirecting.close());
  const address = redirecting.address();
  const apiBase = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v1`;
  const target = new LiveTarget({ provider: 'openai', apiKey: 'sk-pays', apiBase });

  await expect(target.models('/models')).rejects.toMatchObject({
    failure: { status: 502, message: expect.stringContaining('redirect (HTTP 302)') },
  });
  expect(paths).toEqual(['/v1/models']);
});

it("a provider's errors raise the official client's own classes, with its request id", async () => {
  const serving = await startServing({ maxAttempts: 2 });
  serving.upstream.failures.set('bad', [400]);
  serving.upstream.failures.set('missing', [404]);
  serving.upstream.failures.set('busy', [429]);
  const client = serving.client();
  const [bad, missing, busy] = await Promise.allSettled(
    ['bad', 'missing', 'busy'].map((prompt) => ask(client, prompt)),
  );

  expect(bad).toMatchObject({ status: 'rejected', reason: { status: 400, requestID: 'req_1', code: 'refused' } });
  expect(bad?.status === 'rejected' && bad.reason).toBeInstanceOf(BadRequestError);
  expect(missing?.status === 'rejected' && missing.reason).toBeInstanceOf(NotFoundError);
  // What may pass is sent again here, and the client never learns of it.
  expect(busy).toEqual({ status: 'fulfilled', value: 'busy #4' });
});

it.each([
  ['batch_expired', 504],
  ['batch_cancelled', 499],
  ['submission_unconfirmed', 502],
  ['invalid_result_line', 502],
  ['budget_exceeded', 429],
  ['model_not_found', 404],
])('a request that ends as %s is answered with %i', (code, status) => {
  const line = Buffer.from(JSON.stringify({ custom_id: 'a', response: null, error: { code, message: 'So it is.' } }));
  const own = code === 'budget_exceeded' ? 'insufficient_quota' : code;

  const read = answerFromLine(line, '/v1/chat/completions');
  expect(read?.answer.status).toBe(status);
  expect(JSON.parse(String(read?.answer.body))).toMatchObject({ error: { code: own, message: 'So it is.' } });
  const native = answerFromLine(line, '/v1/messages');
  expect(JSON.parse(String(native?.answer.body))).toMatchObject({
    type: 'error',
    error: { message: expect.stringContaining('So it is.') },
  });
});

it('a stream is kept alive and ends with the answer, or with the error of its endpoint', async () => {
  const serving = await startServing({ keepAliveSeconds: 0.05 });
  serving.upstream.failures.set('bad', [400]);
  const messages = (content: string) => [{ role: 'user' as const, content }];
  const stream = await serving
    .client()
    .chat.completions.create({ model: 'gpt-4o-mini', messages: messages('flow'), stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';

  expect(text).toBe('flow #1');
  const failing = await serving
    .client()
    .chat.completions.create({ model: 'gpt-4o-mini', messages: messages('bad'), stream: true });
  await expect(Array.fromAsync(failing)).rejects.toThrow('refused: bad');
});

it.each([
  ['OpenAI for JavaScript', { 'x-stainless-lang': 'js', 'x-stainless-runtime': 'node' }, 102],
  ['Python requests', { 'user-agent': 'python-requests/2.32' }, 100],
  ['somebody behind a proxy', { 'x-stainless-lang': 'js', 'x-stainless-runtime': 'node', via: '1.1 proxy' }, null],
  ['somebody unknown', {}, null],
])('%s is kept waiting by what was measured of it', async (_who, headers, interim) => {
  const serving = await startServing({ keepAliveSeconds: 0.05 });
  serving.upstream.isQuick = false;
  const seen = new Set<number | undefined>();
  const { port } = new URL(serving.server.url);
  const answered = new Promise<number | undefined>((resolve, reject) => {
    const sent = request({ port, path: '/v1/chat/completions', method: 'POST', headers: { ...jsonType, ...headers } });
    sent.on('information', ({ statusCode }) => seen.add(statusCode));
    sent.on('continue', () => seen.add(100));
    sent.on('response', (response) => resolve(response.statusCode));
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
  await until(() => serving.upstream.paid.length === 1);
  if (interim === null) await new Promise((resolve) => setTimeout(resolve, 300));
  else await until(() => seen.size > 0);
  serving.upstream.finish();

  expect(await answered).toBe(200);
  expect([...seen]).toEqual(interim === null ? [] : [interim]);
});

it("Anthropic's client gets messages, tools, errors and streams from batches, above 21,333 tokens as well", async () => {
  const { at } = await startProvider('anthropic');
  onTestFinished(closeBatching);
  const options = { ...at, gatherSeconds: 0.1, pollIntervalSeconds: 0.05, run: 'claude', journal: temporaryFolder() };
  const client = new Anthropic(batching(options));
  const model = 'claude-haiku-4-5';
  const messages = (content: string) => [{ role: 'user' as const, content }];
  const tool = { name: 'weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } };
  const [plain, used, refused, streamed] = await Promise.allSettled([
    client.messages.create({ model, max_tokens: 30_000, messages: messages('Hello') }),
    client.messages.create({
      model,
      max_tokens: 100,
      messages: messages('x'),
      tools: [tool],
      tool_choice: { type: 'tool', name: 'weather' },
    }),
    client.messages.create({ model, max_tokens: 100, messages: messages('[[refuse]]') }),
    client.messages.stream({ model, max_tokens: 100, messages: messages('Flow') }).finalMessage(),
  ]);

  expect(plain).toMatchObject({ status: 'fulfilled', value: { type: 'message', content: [{ type: 'text' }] } });
  expect(used).toMatchObject({ status: 'fulfilled', value: { stop_reason: 'tool_use' } });
  expect(refused).toMatchObject({ status: 'rejected' });
  expect(refused?.status === 'rejected' && refused.reason).toBeInstanceOf(Anthropic.APIError);
  expect(streamed).toMatchObject({ status: 'fulfilled', value: { type: 'message', content: [{ type: 'text' }] } });
});

it("OpenAI's client gets schemas, tools, responses and embeddings from batches", async () => {
  const { at } = await startProvider('openai');
  onTestFinished(closeBatching);
  const options = { ...at, gatherSeconds: 0.1, pollIntervalSeconds: 0.05, run: 'gpt', journal: temporaryFolder() };
  const client = new OpenAI(batching(options));
  const model = 'gpt-4o-mini';
  const schema = {
    type: 'object',
    properties: { stars: { type: 'integer' } },
    required: ['stars'],
    additionalProperties: false,
  };
  const [chat, response, embedding] = await Promise.all([
    client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'x' }],
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
    }),
    client.responses.create({ model, input: 'x' }),
    client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] }),
  ]);

  expect(JSON.parse(chat.choices[0]?.message.content ?? '')).toEqual({ stars: expect.any(Number) });
  expect(response.output_text.length).toBeGreaterThan(0);
  expect(embedding.data).toHaveLength(2);
});

it('a cap on the cost refuses the call that would pass it, and counts what was spent', async () => {
  const serving = await startServing({ maxCostUsd: 0.001, usdOf: { estimate: 0.0004, batch: 0.0003, single: 0.0006 } });
  const client = serving.client({ maxRetries: 0 });
  await expect(ask(client, 'one')).resolves.toBe('one #1');
  await until(() => serving.run.state().spentUsd === 0.0003);
  await expect(ask(client, 'two')).resolves.toBe('two #2');
  await until(() => serving.run.state().spentUsd === 0.0006);

  await expect(Promise.allSettled([ask(client, 'three'), ask(client, 'four')])).resolves.toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { status: 429, code: 'insufficient_quota' } },
  ]);
  await until(() => serving.run.state().spentUsd === 0.0009);
  expect(serving.run.state().liveUsd).toBeCloseTo(0.0018);
  await expect(ask(client, 'five')).rejects.toMatchObject({ status: 429 });
  expect(serving.upstream.paid).toEqual(['one', 'two', 'three']);
});

it('batching() holds a cap by what is sent: tokens are at most bytes, and the output what the request allows', async () => {
  const { at } = await startProvider('openai');
  onTestFinished(closeBatching);
  const prompt = '語'.repeat(1_000);
  const body = { model: 'gpt-4o-mini', max_tokens: 1_000, messages: [{ role: 'user', content: prompt }] };
  // At 0.075 dollars a million tokens of input and 0.3 of output: between one such request and two of them.
  const bytes = Buffer.byteLength(JSON.stringify(body));
  const most = (bytes * 0.075 + 1_000 * 0.3) / 1_000_000;
  const options = { ...at, ...quick, run: 'capped', journal: temporaryFolder(), maxCostUsd: 1.8 * most };
  const { fetch: gathered } = batching(options);
  const post = () =>
    gathered('https://api.openai.com/v1/chat/completions', {
      method: 'POST',
      headers: jsonType,
      body: JSON.stringify(body),
    });
  const answers = await Promise.all([post(), post()]);

  expect(answers.map(({ status }) => status)).toEqual([200, 429]);
  expect(await answers[1]?.json()).toMatchObject({
    error: { code: 'insufficient_quota', message: expect.stringContaining('maxCostUsd') },
  });
  expect(() => batching({ ...options, maxCostUsd: 9 })).toThrow(/was begun with maxCostUsd/);
});

it('each request of a batch with several models is priced as its own model', async () => {
  const { at, simulator } = await startProvider('anthropic');
  const journal = Journal.open(temporaryFolder(), { pid: process.pid, url: null }, Date.now());
  const priceOf = (_usage: object, model: string) => ({ batchUsd: model.includes('haiku') ? 1 : 10, singleUsd: 20 });
  const target = new LiveTarget(at, { pricing: { atMost: () => null, priceOf } });
  const run = new LiveRun({ name: 'mixed', journal, ...quick });
  onTestFinished(() => run.close());
  for (const model of ['claude-haiku-4-5', 'claude-sonnet-4-5']) {
    const call = { model, max_tokens: 10, messages: [{ role: 'user', content: 'x' }] };
    const taken = readLiveCall('/v1/messages', Buffer.from(JSON.stringify(call)), () => null);
    run.take(taken, target, noPass, { answered: () => undefined, replaced: () => undefined, failed: () => undefined });
  }

  await until(() => run.state().spentUsd === 11);
  expect(run.state().liveUsd).toBe(40);
  expect(await simulator.creations()).toHaveLength(1);
});

const hasPython = spawnSync('python3', ['-c', 'import urllib.request']).status === 0;

it.skipIf(!hasPython)("Python's own client waits through interim responses for its answer", async () => {
  const serving = await startServing({ keepAliveSeconds: 0.05 });
  serving.upstream.isQuick = false;
  const script = `import json, sys, urllib.request
data = json.dumps({'model': 'gpt-4o-mini', 'messages': [{'role': 'user', 'content': 'snake'}]}).encode()
asked = urllib.request.Request(sys.argv[1], data=data, headers={'content-type': 'application/json'})
print(urllib.request.urlopen(asked).read().decode())`;
  const answered = promisify(execFile)('python3', ['-c', script, `${serving.server.url}/v1/chat/completions`]);
  await until(() => serving.upstream.paid.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  serving.upstream.finish();

  expect(JSON.parse((await answered).stdout)).toMatchObject({ choices: [{ message: { content: 'snake #1' } }] });
});

describe('options that cannot be meant are refused', () => {
  const at = { provider: 'openai', apiKey: 'sk-x', apiBase: 'http://127.0.0.1:9/v1' };

  it.each<[string, object, RegExp]>([
    ['an unknown one', { gatherSecond: 5 }, /'gatherSecond' is no option here/],
    ['a signal of one call', { signal: AbortSignal.timeout(1) }, /'signal' is no option here/],
    ['a time that is none', { gatherSeconds: 0 }, /gatherSeconds is a number above 0/],
    ['a cap of nothing', { maxCostUsd: 0 }, /maxCostUsd is a number above 0/],
    ['a run that is no name', { run: '../x' }, /run's name '..\/x' has/],
    ['a live endpoint', { provider: 'live' }, /has no batches/],
    [
      'what a deployment is told anyway',
      { provider: undefined, deployment: 'http://127.0.0.1:9', providerOptions: { deadline_hours: 1 } },
      /deadline_hours is set by the gathering itself/,
    ],
  ])('%s', (_what, options, message) => {
    expect(() => batching({ ...at, journal: temporaryFolder(), ...options } as never)).toThrow(message);
  });

  it('two ways of gathering in one run', () => {
    onTestFinished(closeBatching);
    const journal = temporaryFolder();
    batching({ ...at, run: 'shared', journal, gatherSeconds: 2 });
    batching({ ...at, run: 'shared', journal });
    expect(() => batching({ ...at, run: 'shared', journal, gatherSeconds: 3 })).toThrow(/gatherSeconds 2, not 3/);
  });
});
