import { expect, it, onTestFinished } from 'vitest';
import { bedrock } from '../../lib/providers/bedrock/provider.ts';
import { translateRequest } from '../../lib/providers/bedrock/request.ts';
import { translateResult } from '../../lib/providers/bedrock/result.ts';
import { connectLive } from '../../lib/providers/connect.ts';
import type { LiveAnswer, LiveClient } from '../../lib/providers/contract.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { ProviderAuthenticationError } from '../../lib/records/errors.ts';
import { startBedrockSimulator } from '../../simulators/bedrock/server.ts';
import type { Fault } from '../../simulators/simulators.ts';
import { noAbort, settingsFor, temporaryFolder } from './support/connected-provider.ts';
import { answered, lineId, lineOf, openAILine, resultLine } from './support/lines.ts';

const nova = 'us.amazon.nova-lite-v1:0';
const converse = 'qwen.qwen3-32b-v1:0';

async function connected(...faults: Fault[]) {
  const simulator = await startBedrockSimulator({ dataDir: temporaryFolder(), faults });
  onTestFinished(() => simulator.close());
  return { simulator, client: clientAt(simulator.url) };
}

function clientAt(url: string): LiveClient {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  return connectLive(bedrock, { ...settingsFor('bedrock', url, async () => ''), clientOptions: { credentials } });
}

function lineFor(model: string, body: object, endpoint: Endpoint): Buffer {
  const translated = translateRequest(lineOf(openAILine('mine', { model, ...body }, endpoint)), { lineId, model });
  if (!translated.ok) throw new Error(translated.error.message);
  return translated.bytes;
}

const question = { messages: [{ role: 'user', content: 'Who?' }] };

async function ask(client: LiveClient, model = nova, signal = noAbort, body: object = question): Promise<LiveAnswer> {
  const endpoint = 'input' in body ? '/v1/embeddings' : '/v1/chat/completions';
  return await client.call({ line: lineFor(model, body, endpoint), endpoint, model, signal });
}

function read(answer: LiveAnswer, model = nova) {
  if (answer.outcome === 'unreachable') throw new Error(answer.message);
  return translateResult(answer.line, answered({ model }));
}

it('answers with a line of a job’s output, which says its tokens', async () => {
  const { client } = await connected();
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const seeing = { messages: [{ role: 'user', content: [image, { type: 'text', text: 'What is it?' }] }] };
  const profile = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123';
  for (const model of [nova, converse, profile]) {
    const answer = await ask(client, model, noAbort, seeing);

    expect(answer).toMatchObject({ outcome: 'answered', succeeded: true, tokens: expect.any(Number) });
    expect(resultLine(read(answer, model))).toMatchObject({
      custom_id: 'mine',
      response: { body: { model, choices: [{ message: { content: expect.stringContaining('What is it?') } }] } },
    });
  }
});

it('sends bytes to Converse as they are in the line', async () => {
  const { simulator, client } = await connected();
  const pdf = { type: 'file', file: { filename: 'a', file_data: 'JVBERi0xLjQK' } };
  await ask(client, converse, noAbort, { messages: [{ role: 'user', content: [pdf, { type: 'text', text: 'x' }] }] });

  const [call] = simulator.liveCalls();
  expect(call).toMatchObject({ path: `/model/${encodeURIComponent(converse)}/converse`, status: 200 });
  expect(JSON.parse(call?.body ?? '').messages[0].content[0].document.source).toEqual({ bytes: 'JVBERi0xLjQK' });
});

it.each([nova, converse])('makes one call of %s, and says what came of it', async (model) => {
  const { simulator, client } = await connected();
  const struck = async (fault: Fault) => {
    simulator.setFaults([fault]);
    const before = simulator.liveCalls().length;
    const answer = await ask(client, model);
    expect(simulator.liveCalls().length).toBe(before + 1);
    return answer;
  };
  const http = { kind: 'http_error', operation: 'live', times: 1 } as const;

  expect(await struck({ ...http, status: 429, retryAfterSeconds: 7 })).toMatchObject({
    outcome: 'busy',
    retryAfterSeconds: 7,
  });
  expect(await struck({ ...http, status: 503 })).toMatchObject({ outcome: 'busy', retryAfterSeconds: null });
  expect(await struck({ ...http, status: 500 })).toMatchObject({ outcome: 'failed' });
  expect(await struck({ ...http, status: 424 })).toMatchObject({ outcome: 'failed' });
  expect(await struck({ kind: 'garbled_answer', times: 1 })).toMatchObject({ outcome: 'failed' });
  const cut = { kind: 'connection_cut', operation: 'live', when: 'after_effect', times: 1 } as const;
  expect(await struck(cut)).toMatchObject({ outcome: 'failed' });

  const refused = await struck({ ...http, status: 400 });
  expect(refused).toMatchObject({ outcome: 'answered', succeeded: false });
  expect(resultLine(read(refused, model))).toMatchObject({
    custom_id: 'mine',
    response: { status_code: 400 },
    error: { code: 'ValidationException' },
  });
});

it('gives each failure’s line as a result that may be tried again', async () => {
  const http = { kind: 'http_error', operation: 'live', times: 1 } as const;
  const { simulator, client } = await connected();
  for (const status of [408, 424, 429, 500, 503]) {
    simulator.setFaults([{ ...http, status }]);
    expect(read(await ask(client))).toMatchObject({ kind: 'answered', succeeded: false, retryable: true });
  }
});

it('throws where our role may not, and names the permission', async () => {
  const { client } = await connected({ kind: 'http_error', operation: 'live', status: 403 });
  const error = await ask(client).catch((thrown: unknown) => thrown);

  expect(error).toBeInstanceOf(ProviderAuthenticationError);
  expect(String(error)).toMatch(/our-bedrock.*bedrock:InvokeModel/);
});

it('is stopped while it waits for an answer', async () => {
  const { client } = await connected({ kind: 'slow_answer', operation: 'live', delayMs: 20_000 });
  const answer = await ask(client, nova, AbortSignal.timeout(100));

  expect(answer).toMatchObject({ outcome: 'failed' });
});

it('says that nothing was sent where nobody listens', async () => {
  const { simulator, client } = await connected();
  await simulator.close();

  expect(await ask(client)).toMatchObject({ outcome: 'unreachable' });
});

it('embeds', async () => {
  const { client } = await connected();
  const model = 'amazon.titan-embed-text-v2:0';
  const answer = await ask(client, model, noAbort, { input: 'a', dimensions: 256 });

  expect(answer).toMatchObject({ outcome: 'answered', succeeded: true, tokens: 1 });
});

it('is steered from another process without a signature', async () => {
  const { simulator, client } = await connected();
  const admin = new URL('/__simulator/', simulator.url);
  const faults = JSON.stringify([{ kind: 'http_error', operation: 'live', status: 503, times: 1 }]);
  await fetch(new URL('faults', admin), { method: 'PUT', body: faults });

  expect(await ask(client)).toMatchObject({ outcome: 'busy' });
  expect(await (await fetch(new URL('creations', admin))).json()).toEqual([]);
});
