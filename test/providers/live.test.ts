import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { batchProviderKinds } from '../../lib/providers/config.ts';
import { connectLive } from '../../lib/providers/connect.ts';
import type { LiveAnswer, LiveClient } from '../../lib/providers/contract.ts';
import { ownEndpoint } from '../../lib/providers/own-endpoint.ts';
import { providers } from '../../lib/providers/registry.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { ProviderAuthenticationError } from '../../lib/records/errors.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';
import { withBucket } from './support/bucket.ts';
import { apiKey, type Connection, connect, noAbort, settingsFor } from './support/connected-provider.ts';
import { answered, lineId, lineOf, openAILine, resultLine } from './support/lines.ts';

withBucket();

type Kind = (typeof batchProviderKinds)[number];

interface Asked {
  endpoint: Endpoint;
  model: string;
  body: object;
}

const kinds = batchProviderKinds.filter((kind) => providers[kind].live);

function chat(text: string, kind: Kind): Asked {
  const body = { messages: [{ role: 'user', content: text }], max_tokens: 50 };
  return { endpoint: '/v1/chat/completions', model: subjects[kind].model, body };
}

function clientAt(kind: Kind, url: string, key = apiKey): LiveClient {
  return connectLive(
    providers[kind],
    settingsFor(kind, url, async () => key),
  );
}

function call(client: LiveClient, kind: Kind, { endpoint, model, body }: Asked): Promise<LiveAnswer> {
  const request = lineOf(openAILine('mine', { model, ...body }, endpoint), endpoint);
  const translated = providers[kind].translateRequest(request, { lineId, model });
  if (!translated.ok) throw new Error(translated.error.message);
  const sentTo = ownEndpoint(providers[kind], { endpoint, model });
  return client.call({ line: translated.bytes, endpoint: sentTo, model, signal: noAbort });
}

/** Our result line, of a call that has one. */
function lineFrom(kind: Kind, answer: LiveAnswer, { endpoint, model }: Asked) {
  if (answer.outcome === 'unreachable') throw new Error(answer.message);
  return resultLine(providers[kind].translateResult(answer.line, answered({ endpoint, model })));
}

function strike(connection: Connection, fault: Parameters<Connection['simulator']['setFaults']>[0][number]) {
  connection.simulator.setFaults([fault]);
}

async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('is what most kinds can do', () => {
  expect(kinds).toEqual(expect.arrayContaining(['openai', 'anthropic', 'gemini', 'vertex', 'mistral', 'bedrock']));
});

describe.each(kinds)('a live call of %s', (kind) => {
  it('is answered in the form of its line, be it a refusal or too much at present', async () => {
    const connection = await connect(kind);
    const client = clientAt(kind, connection.simulator.url);
    const [hello, refused, busy] = [chat('Hello', kind), chat('[[refuse]]', kind), chat('[[rate-limit]]', kind)];

    const answer = await call(client, kind, hello);
    expect(answer).toMatchObject({ outcome: 'answered', succeeded: true, tokens: expect.any(Number) });
    expect(lineFrom(kind, answer, hello)).toMatchObject({
      custom_id: 'mine',
      response: { status_code: 200, body: { object: 'chat.completion', usage: { total_tokens: expect.any(Number) } } },
      error: null,
    });
    const refusal = await call(client, kind, refused);
    expect(refusal).toMatchObject({ outcome: 'answered', succeeded: false });
    expect(lineFrom(kind, refusal, refused)).toMatchObject({ custom_id: 'mine', response: { status_code: 400 } });
    const tooMuch = await call(client, kind, busy);
    expect(tooMuch).toMatchObject({ outcome: 'busy' });
    expect(lineFrom(kind, tooMuch, busy)).toMatchObject({ custom_id: 'mine', response: { status_code: 429 } });
  });

  it('says what is known where nobody answered', async () => {
    const connection = await connect(kind);
    const client = clientAt(kind, connection.simulator.url);
    const hello = chat('Hello', kind);

    strike(connection, { kind: 'connection_cut', operation: 'live', when: 'after_effect', times: 1 });
    const cut = await call(client, kind, hello);
    expect(cut).toMatchObject({ outcome: 'failed' });
    expect(lineFrom(kind, cut, hello)).toMatchObject({ custom_id: 'mine', error: { code: expect.any(String) } });
    strike(connection, { kind: 'garbled_answer', times: 1 });
    expect(await call(client, kind, hello)).toMatchObject({ outcome: 'failed' });
    strike(connection, { kind: 'http_error', operation: 'live', status: 429, retryAfterSeconds: 7, times: 1 });
    expect(await call(client, kind, hello)).toMatchObject({ outcome: 'busy', retryAfterSeconds: 7 });
    const nobody = clientAt(kind, `http://127.0.0.1:${await closedPort()}`);
    expect(await call(nobody, kind, hello)).toMatchObject({ outcome: 'unreachable' });
  });

  it.runIf(subjects[kind].hasKey)('is not made with a key that is refused', async () => {
    const { simulator } = await connect(kind);
    const answer = call(clientAt(kind, simulator.url, 'wrong-key'), kind, chat('Hello', kind));
    await expect(answer).rejects.toThrow(ProviderAuthenticationError);
  });
});

it.each<[Kind, Asked, object]>([
  [
    'gemini',
    { endpoint: '/v1/embeddings', model: 'gemini-embedding-001', body: { input: 'a' } },
    { usage: { prompt_tokens: 1 } },
  ],
  ['mistral', { endpoint: '/v1/embeddings', model: 'mistral-embed', body: { input: 'a' } }, { object: 'list' }],
  [
    'mistral',
    { endpoint: '/v1/moderations', model: 'mistral-moderation-latest', body: { input: 'a' } },
    { results: [{}] },
  ],
  ['vertex', { ...chat('Hi', 'vertex'), model: 'claude-sonnet-4-5' }, { object: 'chat.completion' }],
  ['vertex', { ...chat('Hi', 'vertex'), endpoint: '/v1/messages' }, { type: 'message' }],
])('a live call of %s gets what it asks for: %j', async (kind, asked, body) => {
  const { simulator } = await connect(kind);
  const answer = await call(clientAt(kind, simulator.url), kind, asked);
  expect(answer).toMatchObject({ outcome: 'answered', succeeded: true, tokens: expect.any(Number) });
  expect(lineFrom(kind, answer, asked)).toMatchObject({ custom_id: 'mine', response: { status_code: 200, body } });
});
