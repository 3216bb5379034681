import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKey, listApiKeys, revokeApiKey } from '../../lib/service/api-keys.ts';
import { chatLine } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
/** Another port of it, which soon gives up a body that stops coming. */
let hasty: string;

beforeAll(async () => {
  api = await startApi({ config: { corsOrigins: [] } });
  hasty = (await api.served({ maxIdleMs: 400 })).baseURL;
});

afterAll(() => api.close());

const json = { 'content-type': 'application/json' };
const good = { input_file_id: 'x', endpoint: '/v1/chat/completions', completion_window: '24h' };

function post(path: string, body: NonNullable<RequestInit['body']>, headers: Record<string, string> = json) {
  return api.raw(path, { method: 'POST', body, headers });
}

async function expectError(answer: Response, status: number, part: Record<string, unknown> = {}): Promise<void> {
  const text = await answer.text();
  expect({ status: answer.status, text }).toMatchObject({ status });
  expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String), ...part } });
  expect(text).not.toMatch(/\bat .*\.(ts|js):\d+/);
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
}

/** Writes bytes to the hasty port and waits for what comes back. */
function speak(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(hasty);
    let heard = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (piece) => {
      heard += piece;
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
    socket.setTimeout(30_000, () => socket.destroy());
  });
}

describe('a key', () => {
  it.each([
    ['none', undefined],
    ['another scheme', 'Basic abc'],
    ['nothing after Bearer', 'Bearer '],
    ['an unknown one', `Bearer sk-batchdrop-${'a'.repeat(43)}`],
    ['a long one', `Bearer ${'a'.repeat(10_000)}`],
    ['one that would be a key of the table', 'Bearer key#abc'],
  ])('that is %s gets a 401', async (_what, authorization) => {
    const answer = await fetch(`${api.url}/v1/batches`, { headers: authorization ? { authorization } : {} });
    await expectError(answer, 401, { type: 'invalid_request_error' });
  });

  it('that is wrong is an AuthenticationError to the official client, and is not said back', async () => {
    const client = new OpenAI({ apiKey: 'sk-wrong-secret', baseURL: `${api.url}/v1`, maxRetries: 0 });
    const refusal = client.batches.list();
    await expect(refusal).rejects.toThrow(OpenAI.AuthenticationError);
    await expect(refusal).rejects.not.toThrow(/secret/);
  });

  it('that was revoked is none', async () => {
    const { services } = api.harness;
    const { key, record } = await createApiKey(services, 'default', 'short-lived');
    await revokeApiKey(services, 'default', record.id);
    const answer = await fetch(`${api.url}/v1/batches`, { headers: { authorization: `Bearer ${key}` } });
    await expectError(answer, 401, { code: 'invalid_api_key' });
    const known = await listApiKeys(services, 'default');
    expect(known.find(({ id }) => id === record.id)?.revokedAt).not.toBeNull();
    expect(JSON.stringify(known)).not.toContain(key.slice(-20));
    await expect(revokeApiKey(services, 'other', record.id)).rejects.toThrow('has no key');
  });

  it('stands in no record', async () => {
    expect(JSON.stringify(await listApiKeys(api.harness.services, 'default'))).not.toContain('sk-batchdrop-');
  });
});

describe('a path', () => {
  it.each(['/', '/v2/batches', '/v1/nonsense', '/v1/batches/', '/v1/files/x/y/z'])('%s is not there', async (path) => {
    await expectError(await api.raw(path), 404);
  });

  it.each([
    ['PUT', '/v1/batches', 'POST, GET'],
    ['DELETE', '/v1/batches/batch_1', 'GET'],
    ['GET', '/v1/uploads', 'POST'],
    ['PATCH', '/v1/files/x', 'GET, DELETE'],
    ['POST', '/healthz', 'GET'],
  ])('has no method %s at %s', async (method, path, allow) => {
    const answer = await api.raw(path, { method });
    await expectError(answer, 405, { code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it.each([
    '/v1/batches/..%2f..%2fetc%2fpasswd',
    '/v1/files/file-%23%00',
    '/v1/files/%0d%0ax-evil:%201/content',
    `/v1/files/file-${'0'.repeat(31)}G`,
    `/v1/batches/${'a'.repeat(5_000)}`,
    '/v1/batches/batch%23x',
  ])('with an id such as %s is not there, and no key is built of it', async (path) => {
    const answer = await api.raw(path);
    await expectError(answer, 404);
    expect(answer.headers.get('x-evil')).toBeNull();
  });
});

describe('a JSON body', () => {
  it.each([
    ['broken', '{"a":', 400],
    ['no object', '[1]', 400],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ['10,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 400],
    [
      '10,000 deep where nobody looks',
      JSON.stringify(good).replace('}', `,"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
      400,
    ],
    ['of nothing but quotes and backslashes', '"\\'.repeat(500_000), 400],
    ['of nothing but quotes', '"'.repeat(1_000_000), 400],
    ['2 MB', JSON.stringify({ ...good, x: 'x'.repeat(2 * 1024 * 1024) }), 413],
    ['empty', '', 400],
  ])('that is %s is refused', async (_what, body, status) => {
    await expectError(await post('/v1/batches', body), status);
  });

  it('of another type is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      await expectError(await post('/v1/batches', '{}', { 'content-type': type }), 415, {
        code: 'unsupported_content_type',
      });
    await expectError(await post('/v1/files', '{}'), 415);
    await expectError(await post('/v1/files', 'x', { 'content-type': 'multipart/form-data' }), 415);
    expect(
      (await post('/v1/batches', JSON.stringify(good), { 'content-type': 'application/json; charset=utf-8' })).status,
    ).toBe(200);
  });

  it('cannot reach a prototype', async () => {
    const answer = await post('/v1/batches', '{"__proto__":{"endpoint":"/v1/embeddings"},"constructor":1}');
    await expectError(answer, 400, { code: 'missing_required_parameter' });
    expect(({} as Record<string, unknown>).endpoint).toBeUndefined();
  });

  it('that stops coming is given up', async () => {
    const head = `POST /v1/batches HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{"a"`;
    expect(await speak(head)).toMatch(/^HTTP\/1.1 408 .*request_timeout/s);
  });
});

describe('a form', () => {
  const type = { 'content-type': 'multipart/form-data; boundary=b' };
  const part = (headers: string, body: string) => `--b\r\n${headers}\r\n\r\n${body}\r\n`;
  const purpose = part('content-disposition: form-data; name="purpose"', 'batch');

  it.each([
    ['broken', 'nonsense', 400],
    [
      'cut off',
      `${purpose}${part('content-disposition: form-data; name="file"; filename="a.jsonl"', chatLine('a'))}`,
      400,
    ],
    [
      'cut off within a file that nobody asked for',
      `${part('content-disposition: form-data; name="other"; filename="a"', 'x')}`,
      400,
    ],
    ['cut off within the headers of a part', `${purpose}--b\r\ncontent-dispo`, 400],
    ['empty', '', 400],
    ['of no parts', '--b--\r\n', 400],
    ['of a hundred fields', `${purpose.repeat(100)}--b--\r\n`, 400],
  ])('that is %s is refused', async (_what, body, status) => {
    await expectError(await post('/v1/files', body, type), status);
  });

  it.each(['multipart/form-data; charset=utf-8', 'multipart/form-data;'])(
    'of the type %s has no boundary',
    async (contentType) => {
      await expectError(await post('/v1/files', `${purpose}--b--\r\n`, { 'content-type': contentType }), 400);
    },
  );

  it('keeps a file name that is not ASCII', async () => {
    const file = part('content-disposition: form-data; name="file"; filename="日本語 é.jsonl"', chatLine('a'));
    const answer = await post('/v1/files', `${purpose}${file}--b--\r\n`, type);
    expect(await answer.json()).toMatchObject({ filename: '日本語 é.jsonl' });
  });

  it.each([
    ['../../etc/passwd.jsonl', 'passwd.jsonl'],
    ['C:\\\\temp\\\\x.jsonl', 'x.jsonl'],
  ])('that names its file %s makes no folder', async (name, kept) => {
    const file = part(`content-disposition: form-data; name="file"; filename="${name}"`, chatLine('a'));
    const answer = await post('/v1/files', `${purpose}${file}--b--\r\n`, type);
    expect(await answer.json()).toMatchObject({ filename: kept });
  });

  it('that stops coming is given up, and leaves nothing', async () => {
    const file = part('content-disposition: form-data; name="file"; filename="a.jsonl"', chatLine('a'));
    const head = `POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.key}\r\ncontent-type: ${type['content-type']}\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n${purpose}${file}`;
    const before = (await api.client.files.list()).data.length;
    expect(await speak(head)).toMatch(/^HTTP\/1.1 408 /);
    expect((await api.client.files.list()).data.length).toBe(before);
  });

  it('whose client goes away leaves nothing', async () => {
    const before = (await api.client.files.list()).data.length;
    const aborting = new AbortController();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(purpose));
        setTimeout(() => aborting.abort(), 50);
      },
    });
    await expect(
      api.raw('/v1/files', { method: 'POST', body, headers: type, duplex: 'half', signal: aborting.signal }),
    ).rejects.toThrow();
    expect((await api.client.files.list()).data.length).toBe(before);
  });
});

describe('a header', () => {
  it.each(['a\tb', 'é', 'x'.repeat(256)])('Idempotency-Key of %j is refused', async (key) => {
    const headers = { ...json, 'idempotency-key': Buffer.from(key).toString('latin1') };
    await expectError(await post('/v1/batches', JSON.stringify(good), headers), 400, { param: 'idempotency_key' });
  });

  it('x-request-id is ours, whatever the client sends', async () => {
    const answer = await api.raw('/v1/batches', { headers: { 'x-request-id': 'mine' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

it('a failure within is a 500 that tells nothing, and is logged without the key', async () => {
  const { services } = api.harness;
  const broken = await api.served(
    {},
    {
      ...services,
      get records(): never {
        throw new Error('Table batchdrop-secret of sk-batchdrop-abcdefgh is gone.');
      },
    },
  );
  const refusal = broken.batches.list();
  await expect(refusal).rejects.toThrow('500 The server had an error while processing your request.');
  expect(api.harness.logs.at(-1)).toContain('Table batchdrop-secret of [hidden] is gone.');
});

it('no other origin may call, unless the configuration names it', async () => {
  const origin = { origin: 'https://app.example' };
  const closed = await api.raw('/v1/batches', { headers: origin });
  expect(closed.headers.get('access-control-allow-origin')).toBeNull();
  const { services } = api.harness;
  const open = await api.served(
    {},
    { ...services, config: { ...services.config, corsOrigins: ['https://app.example'] } },
  );
  const preflight = (from: string) =>
    fetch(`${open.baseURL}/batches`, {
      method: 'OPTIONS',
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });
  expect((await preflight('https://app.example')).headers.get('access-control-allow-origin')).toBe(
    'https://app.example',
  );
  expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  const answer = await fetch(`${open.baseURL}/messages/batches`, { headers: { origin: 'https://app.example' } });
  const exposed = answer.headers.get('access-control-expose-headers')?.split(',');
  expect(exposed).toEqual(expect.arrayContaining(['request-id', 'x-request-id', 'retry-after']));
  expect(answer.headers.get('request-id')).toMatch(/^req_/);
});

it('a thousand small requests do not grow the memory', async () => {
  const file = jsonlFile([chatLine('a')]);
  await api.client.files.create({ file, purpose: 'batch' });
  const refuse = () => post('/v1/batches', '{"a":').then((answer) => answer.arrayBuffer());
  for (let count = 0; count < 200; count += 1) await refuse();
  const before = process.memoryUsage().heapUsed;
  for (let count = 0; count < 1_000; count += 1) await refuse();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
});
