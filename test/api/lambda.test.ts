import Anthropic from '@anthropic-ai/sdk';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { startAwsJsonServer } from '../../local/aws-json-server.ts';
import { drive } from '../pipeline/drive.ts';
import { type Harness, startHarness } from '../pipeline/harness.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { jsonlFile } from './api-harness.ts';
import { checkAnswer } from './published-answers.ts';

let harness: Harness;
let client: OpenAI;
let claude: Anthropic;
let handler: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
let largestEvent = 0;
const started: string[] = [];
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  harness = await startHarness();
  const stepFunctions = await startAwsJsonServer({
    'AWSStepFunctions.StartExecution': (input) => {
      started.push((input as { name: string }).name);
      return { executionArn: 'arn:aws:states:us-east-1:000000000000:execution:batchdrop:one', startDate: 0 };
    },
  });
  closing.push(stepFunctions.close, harness.close);
  vi.stubEnv('AWS_ENDPOINT_URL_SFN', stepFunctions.url);
  vi.stubEnv('BATCHDROP_LOG_FILE', '/dev/null');
  ({ handler } = (await import('../../lambdas/api.ts')) as never);
  const { key } = await createApiKey(harness.services, 'default', 'test');
  client = new OpenAI({ apiKey: key, baseURL: 'https://api.example/v1', maxRetries: 0, fetch: throughTheGateway });
  claude = new Anthropic({ apiKey: key, baseURL: 'https://api.example', maxRetries: 0, fetch: throughTheGateway });
});

afterAll(async () => {
  for (const close of closing) await close();
});

const maxEventBytes = 6 * 1024 * 1024;

/** What API Gateway does with a request: everything that is no text comes in base64. */
async function throughTheGateway(target: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(target, init as RequestInit);
  const url = new URL(request.url);
  if (url.hostname !== 'api.example') return fetch(request);
  const body = Buffer.from(await request.arrayBuffer());
  const type = request.headers.get('content-type') ?? '';
  const isText = /json|text/.test(type);
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: { ...Object.fromEntries(request.headers), host: url.host, 'content-length': String(body.length) },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: url.host,
      domainPrefix: 'api',
      http: {
        method: request.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: 'test',
      },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '21/Nov/2026:00:00:00 +0000',
      timeEpoch: Date.now(),
    },
    body: body.length === 0 ? undefined : body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: body.length > 0 && !isText,
  };
  const text = JSON.stringify(event);
  largestEvent = Math.max(largestEvent, text.length);
  if (text.length > maxEventBytes) return Response.json({ message: 'Request Entity Too Large' }, { status: 413 });
  const result = await handler(JSON.parse(text), {} as Context);
  const bytes = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8');
  const headers = new Headers(
    Object.entries(result.headers ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const answer = new Response(bytes, { status: result.statusCode ?? 500, headers });
  if (!url.pathname.startsWith('/v1/messages')) await checkAnswer(request.method, url.pathname, answer);
  const location = answer.headers.get('location');
  return location && answer.status === 302 ? fetch(location) : answer;
}

it('takes files, batches and downloads through the gateway', async () => {
  const lines = numbered(3, (id) => chatLine(id, 'Grüße, 世界'));
  const file = await client.files.create({ file: jsonlFile(lines), purpose: 'batch' });
  expect(await (await client.files.content(file.id)).text()).toBe(fileOf(lines));
  const batch = await client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { city: 'Köln' },
  });
  expect(started).toEqual([`${batch.id}-0`]);
  expect(await client.batches.retrieve(batch.id)).toMatchObject({ status: 'validating', metadata: { city: 'Köln' } });
  expect((await client.batches.list({ limit: 1 })).data).toHaveLength(1);
  expect((await client.batches.cancel(batch.id)).status).toBe('cancelling');
  expect(await client.files.delete(file.id)).toMatchObject({ deleted: true });
  await expect(client.files.retrieve(file.id)).rejects.toThrow(OpenAI.NotFoundError);
});

it('takes parts of 4 MiB, bytes of every value, and says 413 with their size to more', async () => {
  const part = Buffer.alloc(4 * 1024 * 1024, Buffer.from(Array.from({ length: 256 }, (_, value) => value)));
  const upload = await client.uploads.create({
    filename: 'a.jsonl',
    purpose: 'batch',
    bytes: part.length,
    mime_type: 'application/jsonl',
  });
  const { id } = await client.uploads.parts.create(upload.id, { data: new File([part], 'part') });
  expect(largestEvent).toBeGreaterThan(part.length * 1.33);
  const { file } = await client.uploads.complete(upload.id, { part_ids: [id] });
  const content = Buffer.from(await (await client.files.content(file?.id ?? '')).arrayBuffer());
  expect(content.equals(part)).toBe(true);

  const tooLarge = new File([`${chatLine('a')}\n`, Buffer.alloc(4.3 * 1024 * 1024)], 'large.jsonl');
  const refusal = client.files.create({ file: tooLarge, purpose: 'batch' });
  await expect(refusal).rejects.toMatchObject({ status: 413, code: 'file_too_large' });
  await expect(refusal).rejects.toThrow(/\/v1\/uploads, of 4 MiB each/);
});

it('takes message batches through the gateway, from their creation to their results', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
  const { batches } = claude.messages;
  const messages = [{ role: 'user' as const, content: 'Grüße, 世界' }];
  const requests = ['claude-sonnet-4-5', 'no-such-model'].map((model, place) => ({
    custom_id: `m-${place}`,
    params: { model, max_tokens: 50, messages },
  }));
  const created = await batches.create({ requests });
  expect(created).toMatchObject({ processing_status: 'in_progress', request_counts: { processing: 2 } });
  expect(started.at(-1)).toBe(`${created.id.replace('msgbatch_', 'batch_')}-0`);
  await drive(harness, created.id.replace('msgbatch_', 'batch_'));
  const ended = await claude.beta.messages.batches.retrieve(created.id);
  expect(ended.results_url).toBe(`https://api.example/v1/messages/batches/${created.id}/results`);
  const results = await Array.fromAsync(await batches.results(created.id));
  expect(results.map(({ custom_id, result }) => [custom_id, result.type])).toEqual([
    ['m-0', 'succeeded'],
    ['m-1', 'errored'],
  ]);
  expect((await batches.list({ limit: 1 })).data.map(({ id }) => id)).toEqual([created.id]);
  expect(await batches.delete(created.id)).toEqual({ id: created.id, type: 'message_batch_deleted' });
  await expect(batches.retrieve(created.id)).rejects.toThrow(Anthropic.NotFoundError);
  const other = await batches.create({ requests });
  expect(await batches.cancel(other.id)).toMatchObject({ processing_status: 'canceling' });
});

it('says of a message batch that is too large for the gateway how larger ones go', async () => {
  const content = 'x'.repeat(4_400_000);
  const params = { model: 'claude-sonnet-4-5', max_tokens: 5, messages: [{ role: 'user' as const, content }] };
  const refusal = claude.messages.batches.create({ requests: [{ custom_id: 'large', params }] });
  await expect(refusal).rejects.toMatchObject({
    status: 413,
    error: {
      type: 'error',
      error: { type: 'request_too_large', message: expect.stringContaining('POST /v1/uploads') },
    },
  });
});
