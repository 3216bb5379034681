import { Agent, request as send } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drive } from '../pipeline/drive.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

// What comes over the wire in place of a body that the official clients send.

let api: ApiHarness;
/** In its default settings. */
let client: Anthropic;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  client = new Anthropic({ apiKey: api.key, baseURL: api.url });
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const params = { model: 'claude-sonnet-4-5', max_tokens: 5, messages: [{ role: 'user' as const, content: 'x' }] };
const good = { requests: [{ custom_id: 'a', params }] };

async function post(body: RequestInit['body'], headers: Record<string, string> = {}) {
  const answer = await fetch(`${api.url}/v1/messages/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': api.key, ...headers },
    body: body ?? null,
  });
  return { status: answer.status, body: (await answer.json()) as { id: string; error: { message: string } } };
}

async function fileCount(): Promise<number> {
  return (await Array.fromAsync(api.client.files.list())).length;
}

it.each<[string, RequestInit['body'], Record<string, string>, number, RegExp]>([
  ['gzip', gzipSync(JSON.stringify(good)), { 'content-encoding': 'gzip' }, 415, /content-encoding.*'gzip'/],
  ['another type', JSON.stringify(good), { 'content-type': 'text/plain' }, 415, /content-type/],
  ['nothing', '', {}, 400, /not valid JSON/],
  ['UTF-16', Buffer.from(JSON.stringify(good), 'utf16le'), {}, 400, /not valid JSON/],
  ['null for the list', '{"requests": null}', {}, 400, /requests: Input should be a valid list/],
  ['a huge id', JSON.stringify(good).replace('"a"', `"${'a'.repeat(2_000_000)}"`), {}, 400, /requests\.0\.custom_id/],
  ['an odd beta', JSON.stringify(good), { 'anthropic-beta': 'fine-1, <script>' }, 400, /anthropic-beta: '<script>'/],
])('%s is refused, says why in few words and leaves nothing', async (_name, body, headers, status, message) => {
  const before = await fileCount();
  const answer = await post(body, headers);
  expect(answer).toMatchObject({ status, body: { type: 'error', error: { type: 'invalid_request_error' } } });
  expect(answer.body.error.message).toMatch(message);
  expect(answer.body.error.message.length).toBeLessThan(300);
  expect(await fileCount()).toBe(before);
});

it('a body that is cut off leaves nothing, and the next one is taken', async () => {
  const before = await fileCount();
  const { hostname, port } = new URL(api.url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      const head = `POST /v1/messages/batches HTTP/1.1\r\nhost: x\r\nx-api-key: ${api.key}\r\ncontent-type: application/json\r\n`;
      const chunk = JSON.stringify(good).slice(0, -2);
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`, () => {
        socket.destroy();
        resolve();
      });
    });
  });
  const { id } = await client.messages.batches.create(good);
  expect(await fileCount()).toBe(before + 1);
  await drive(api.harness, id.replace('msgbatch_', 'batch_'));
});

it('a connection is of use after a body that was refused on its way', async () => {
  const served = await api.served({ maxFileBytes: 10_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statusOf = (body: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'x-api-key': api.key, 'content-length': body.length };
      const sent = send(`${served.baseURL}/messages/batches`, { method: 'POST', agent, headers }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.once('error', reject).end(body);
    });
  const large = JSON.stringify(good).replace('"x"', `"${'x'.repeat(3_000_000)}"`);
  expect(await statusOf(large)).toBe(413);
  expect(await statusOf(JSON.stringify({ requests: [] }))).toBe(400);
  expect(await statusOf(large)).toBe(413);
  agent.destroy();
});

it('betas of the client and of its own resource come in one header, and stream: false is none', async () => {
  const requests = [{ custom_id: 'a', params: { ...params, stream: false as const } }];
  const { id } = await client.beta.messages.batches.create({ requests, betas: ['one-2025-01-01', 'two-2025-01-01'] });
  const batchId = id.replace('msgbatch_', 'batch_');
  const { input_file_id } = await api.client.batches.retrieve(batchId);
  const [line = ''] = (await (await api.client.files.content(input_file_id)).text()).split('\n');
  expect(JSON.parse(line).params.betas).toEqual(['one-2025-01-01', 'two-2025-01-01']);
  await drive(api.harness, batchId);
});
