import { createServer, type IncomingHttpHeaders } from 'node:http';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { filePrefix } from '../../lib/records/object-keys.ts';
import { fileContent } from '../../lib/service/file-content.ts';
import { getFile } from '../../lib/service/files.ts';
import { MultipartUpload } from '../../lib/store/multipart-upload.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
let client: OpenAI;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  client = api.client;
});

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const lines = numbered(3, chatLine);
const MiB = 1024 * 1024;

function upload(name = 'requests.jsonl', options: Partial<OpenAI.FileCreateParams> = {}) {
  return client.files.create({ file: jsonlFile(lines, name), purpose: 'batch', ...options });
}

/** Keys below a file's own prefix. */
async function keysOf(fileId: string): Promise<boolean> {
  const { objects } = await getFile(api.harness.services, 'default', fileId);
  return (await Promise.all(objects.map(({ key }) => api.harness.read(key)))).every((text) => text !== null);
}

describe('a file', () => {
  it('comes back as it was', async () => {
    const file = await upload();
    expect(file).toEqual({
      id: expect.stringMatching(/^file-[0-9a-f]{32}$/),
      object: 'file',
      bytes: Buffer.byteLength(fileOf(lines)),
      created_at: Math.floor(Date.now() / 1_000),
      filename: 'requests.jsonl',
      purpose: 'batch',
      status: 'processed',
    });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    expect(await (await client.files.content(file.id)).text()).toBe(fileOf(lines));
  });

  it('may have its purpose before or after its bytes', async () => {
    for (const names of [
      ['purpose', 'file'],
      ['file', 'purpose'],
    ]) {
      const form = new FormData();
      for (const name of names) form.append(name, name === 'file' ? jsonlFile(lines) : 'batch');
      const answer = await api.raw('/v1/files', { method: 'POST', body: form });
      expect(answer.status).toBe(200);
    }
  });

  it('larger than a part of S3 comes back as it was', async () => {
    const text = fileOf(numbered(20_000, (id) => chatLine(id, 'x'.repeat(900))));
    expect(text.length).toBeGreaterThan(16 * MiB);
    const file = await client.files.create({ file: new File([text], 'large.jsonl'), purpose: 'batch' });
    expect((await (await client.files.content(file.id)).text()) === text).toBe(true);
  });

  it('is listed by purpose, in either order, page by page', async () => {
    const own = await startOver();
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      vi.setSystemTime(Date.now() + 1_000);
      ids.push((await own.files.create({ file: jsonlFile(lines), purpose: 'batch' })).id);
    }
    const listed = async (query: OpenAI.FileListParams) => (await own.files.list(query)).data.map(({ id }) => id);
    expect(await listed({ order: 'asc' })).toEqual(ids);
    expect(await listed({})).toEqual(ids.toReversed());
    expect(await listed({ order: 'asc', after: ids[0] ?? '', limit: 1 })).toEqual([ids[1]]);
    expect(await listed({ purpose: 'batch_output' })).toEqual([]);
    await expect(own.files.list({ limit: 0 })).rejects.toThrow(/below minimum value/);
    await expect(own.files.list({ limit: 10_001 })).rejects.toThrow(/above maximum value/);
  });

  it('is listed in the order of its creation within one second, and behind files that are gone', async () => {
    const own = await startOver('prompt');
    vi.setSystemTime(Math.ceil(Date.now() / 1_000) * 1_000);
    const ids: string[] = [];
    const seen: string[] = [];
    for (let count = 0; count < 8; count += 1) {
      vi.setSystemTime(Date.now() + 1);
      ids.push((await own.files.create({ file: jsonlFile(lines), purpose: 'batch' })).id);
      const last = seen.at(-1);
      for await (const { id } of own.files.list({ order: 'asc', ...(last && { after: last }) })) seen.push(id);
    }
    expect(seen).toEqual(ids);
    const deleted: string[] = [];
    for await (const { id } of own.files.list({ limit: 2, order: 'asc' })) {
      await own.files.delete(id);
      deleted.push(id);
    }
    expect(deleted).toEqual(ids);
    expect((await own.files.list()).data).toEqual([]);
  });

  it('may have a name without an extension, as bytes without a name have', async () => {
    for (const name of ['upload', 'tmp7b3x'])
      expect(await upload(name)).toMatchObject({ filename: name, status: 'processed' });
    const form = { filename: 'upload', purpose: 'batch' as const, bytes: 1, mime_type: 'application/jsonl' };
    expect(await client.uploads.create(form)).toMatchObject({ filename: 'upload' });
    await expect(client.files.create({ file: new File(['hello'], 'upload'), purpose: 'batch' })).rejects.toThrow(
      'Must be .jsonl: none of its lines is a JSON object',
    );
  });

  /** A tenant without files. */
  async function startOver(tenant = 'fresh'): Promise<OpenAI> {
    const { createApiKey } = await import('../../lib/service/api-keys.ts');
    const { key } = await createApiKey(api.harness.services, tenant, 'test');
    return new OpenAI({ apiKey: key, baseURL: `${api.url}/v1`, maxRetries: 0 });
  }

  it('once deleted is gone, its bytes too', async () => {
    const file = await upload();
    const [object] = (await getFile(api.harness.services, 'default', file.id)).objects;
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toThrow(`404 No such File object: ${file.id}`);
    expect(await api.harness.read(object?.key ?? '')).toBeNull();
  });

  it('goes when its time is over', async () => {
    const file = await upload('short.jsonl', { expires_after: { anchor: 'created_at', seconds: 3_600 } });
    expect(file.expires_at).toBe(file.created_at + 3_600);
    expect(await keysOf(file.id)).toBe(true);
    vi.setSystemTime((file.created_at + 3_600) * 1_000);
    await expect(client.files.retrieve(file.id)).rejects.toThrow(OpenAI.NotFoundError);
    expect((await client.files.list()).data.map(({ id }) => id)).not.toContain(file.id);
    const batch = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect(batch.errors?.data?.[0]?.message).toContain('Cannot find file');
  });

  it("of somebody else's is not there", async () => {
    const { id } = await upload();
    for (const call of [
      () => api.stranger.files.retrieve(id),
      () => api.stranger.files.content(id),
      () => api.stranger.files.delete(id),
      () => api.stranger.files.list({ after: id }),
    ])
      await expect(call()).rejects.toThrow(`404 No such File object: ${id}`);
    expect((await api.stranger.files.list()).data).toEqual([]);
    const batch = await api.stranger.batches.create({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect(batch.errors?.data?.[0]?.message).toContain('Cannot find file');
  });
});

describe('a file is refused', () => {
  it.each([
    ['that is not .jsonl', 'a.txt', `${lines[0]}\n`, 'Must be .jsonl'],
    ['that holds no JSON line', 'a.jsonl', 'hello\nworld\n', 'Must be .jsonl'],
    ['that is empty', 'a.jsonl', '', 'Must be .jsonl'],
    ['that is 2 MB of something else', 'a.jsonl', 'x'.repeat(2 * MiB), 'Must be .jsonl'],
  ])('%s', async (_what, name, text, message) => {
    const refusal = client.files.create({ file: new File([text], name), purpose: 'batch' });
    await expect(refusal).rejects.toThrow(OpenAI.BadRequestError);
    await expect(refusal).rejects.toThrow(message);
  });

  it('for another purpose, or none', async () => {
    const refusal = upload('a.jsonl', { purpose: 'fine-tune' });
    await expect(refusal).rejects.toThrow("Invalid value: 'fine-tune'. Supported values are: 'batch'.");
    const form = new FormData();
    form.append('file', jsonlFile(lines));
    const answer = await api.raw('/v1/files', { method: 'POST', body: form });
    expect(await answer.json()).toMatchObject({ error: { message: "Missing required parameter: 'purpose'." } });
    const empty = new FormData();
    empty.append('purpose', 'batch');
    const none = await api.raw('/v1/files', { method: 'POST', body: empty });
    expect(await none.json()).toMatchObject({ error: { message: "Missing required parameter: 'file'." } });
  });

  it('that is too large, naming uploads and the size of their parts', async () => {
    const small = await api.served({ maxFileBytes: MiB });
    const refusal = small.files.create({ file: new File(['x'.repeat(2 * MiB)], 'a.jsonl'), purpose: 'batch' });
    await expect(refusal).rejects.toMatchObject({ status: 413, code: 'file_too_large' });
    await expect(refusal).rejects.toThrow(/\/v1\/uploads, of 4 MiB each/);
  });
});

describe('the content of a file', () => {
  it('comes at once, under its name, to a client that follows no redirect', async () => {
    const { id } = await upload('grüße 1.jsonl');
    const answer = await api.raw(`/v1/files/${id}/content`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(fileOf(lines));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="gr__e 1.jsonl"; filename*=UTF-8''gr%C3%BC%C3%9Fe%201.jsonl`,
      'content-length': String(Buffer.byteLength(fileOf(lines))),
      'x-request-id': expect.stringMatching(/^req_/),
    });
    const head = await api.raw(`/v1/files/${id}/content`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(Buffer.byteLength(fileOf(lines)))]);
  });

  it('that an answer cannot carry is elsewhere under its name, and the redirect is no empty file', async () => {
    const { id } = await upload();
    const small = await rawOf({ maxContentBytes: 10 }, `/v1/files/${id}/content`);
    expect(small.status).toBe(302);
    expect(await small.json()).toMatchObject({ error: { code: 'follow_redirect' } });
    const elsewhere = await fetch(small.headers.get('location') ?? '');
    expect(await elsewhere.text()).toBe(fileOf(lines));
    expect(elsewhere.headers.get('content-type')).toBe('application/octet-stream');
    expect(elsewhere.headers.get('content-disposition')).toBe('attachment; filename="requests.jsonl"');
  });

  /** Calls the API with other settings, and follows nothing. */
  async function rawOf(changes: Parameters<typeof api.served>[0], path: string): Promise<Response> {
    const { baseURL } = await api.served(changes);
    const headers = { authorization: `Bearer ${api.key}` };
    return fetch(new URL(path, baseURL), { headers, redirect: 'manual' });
  }

  it('behind a link holds for five minutes, and our key does not go there', async () => {
    const { id } = await upload();
    const answer = await rawOf({ maxContentBytes: 0 }, `/v1/files/${id}/content`);
    const location = new URL(answer.headers.get('location') ?? '');
    expect(answer.status).toBe(302);
    expect(location.origin).not.toBe(api.url);
    expect(location.searchParams.get('X-Amz-Expires')).toBe('300');

    const seen: IncomingHttpHeaders[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers);
      response.end('bytes');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = elsewhere.address();
    const port = typeof address === 'object' ? address?.port : 0;
    vi.spyOn(api.harness.services.objects, 'presignedUrl').mockResolvedValue(`http://127.0.0.1:${port}/bytes`);
    const linking = await api.served({ maxContentBytes: 0 });
    expect(await (await linking.files.content(id)).text()).toBe('bytes');
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toHaveProperty('authorization');
    elsewhere.close();
  });
});

describe('an upload', () => {
  const text = fileOf(numbered(4, chatLine));

  async function begin(bytes = Buffer.byteLength(text)) {
    return client.uploads.create({ filename: 'parts.jsonl', purpose: 'batch', bytes, mime_type: 'application/jsonl' });
  }

  /** Cuts in the middle of lines. */
  function cut(at: readonly number[]): File[] {
    const ends = [...at, text.length];
    return ends.map((end, place) => new File([text.slice(ends[place - 1] ?? 0, end)], 'part'));
  }

  async function send(uploadId: string, parts: File[]): Promise<string[]> {
    const sent = await Promise.all(parts.map((data) => client.uploads.parts.create(uploadId, { data })));
    return sent.map(({ id }) => id);
  }

  async function md5Of(value: string): Promise<string> {
    const { createHash } = await import('node:crypto');
    return createHash('md5').update(value).digest('hex');
  }

  it('becomes a file of its parts in the order that completion names', async () => {
    const upload = await begin();
    expect(upload).toMatchObject({
      object: 'upload',
      status: 'pending',
      expires_at: upload.created_at + 3_600,
      file: null,
    });
    const part_ids = await send(upload.id, cut([10, 333]));
    const done = await client.uploads.complete(upload.id, { part_ids, md5: await md5Of(text) });
    expect(done).toMatchObject({ status: 'completed', file: { bytes: text.length, filename: 'parts.jsonl' } });
    expect(await client.files.retrieve(done.file?.id ?? '')).toEqual(done.file);
    const again = await client.uploads.complete(upload.id, { part_ids, md5: await md5Of(text) });
    expect(again).toEqual(done);
    expect(await (await client.files.content(done.file?.id ?? '')).text()).toBe(text);
    expect(await (await client.files.content(done.file?.id ?? '')).text()).toBe(text);
  });

  it('is refused with parts that are not its own, twice the same, too few bytes, or after its end', async () => {
    const upload = await begin();
    const [first = '', second = ''] = await send(upload.id, cut([10]));
    const complete = (part_ids: string[]) => client.uploads.complete(upload.id, { part_ids });
    await expect(complete([first, `part_${'0'.repeat(32)}`])).rejects.toThrow('which is no part of this upload');
    await expect(complete([first, first])).rejects.toThrow('names a part twice');
    await expect(complete([first])).rejects.toThrow(
      `have 10 bytes together, but the upload was created for ${text.length}`,
    );
    await expect(complete([])).rejects.toThrow(OpenAI.BadRequestError);
    await complete([first, second]);
    await expect(complete([second, first])).rejects.toThrow('is completed already');
    await expect(send(upload.id, cut([]))).rejects.toThrow('is completed already');
    await expect(client.uploads.cancel(upload.id)).rejects.toThrow('is completed already');
  });

  it('can be cancelled, and takes nothing after that', async () => {
    const upload = await begin();
    const part_ids = await send(upload.id, cut([10]));
    expect(await client.uploads.cancel(upload.id)).toMatchObject({ status: 'cancelled' });
    await expect(client.uploads.complete(upload.id, { part_ids })).rejects.toThrow('is cancelled already');
    const record = await api.harness.services.uploads.get(upload.id);
    const keys = (await api.harness.services.uploads.listParts(upload.id)).map(({ object }) => object.key);
    expect(keys.every((key) => key.startsWith(filePrefix(record.fileId)))).toBe(true);
    expect(await Promise.all(keys.map((key) => api.harness.read(key)))).toEqual([null, null]);
  });

  it('expires after an hour', async () => {
    const upload = await begin();
    vi.setSystemTime(Date.now() + 3_600_000);
    await expect(send(upload.id, cut([]))).rejects.toThrow('is expired already');
  });

  it("of somebody else's is not there", async () => {
    const upload = await begin();
    const [part = ''] = await send(upload.id, cut([]));
    for (const call of [
      () => api.stranger.uploads.parts.create(upload.id, { data: new File(['x'], 'x') }),
      () => api.stranger.uploads.complete(upload.id, { part_ids: [part] }),
      () => api.stranger.uploads.cancel(upload.id),
    ])
      await expect(call()).rejects.toThrow(`404 No such Upload object: ${upload.id}`);
  });

  it.each([
    [{ filename: '../../etc/passwd.jsonl' }, 'without folders'],
    [{ filename: 'a\r\nx-evil: 1.jsonl' }, 'control characters'],
    [{ filename: 'a.docx' }, 'Must be .jsonl'],
    [{ bytes: 9 * 1024 * MiB }, 'above maximum value'],
    [{ purpose: 'vision' as const }, "Supported values are: 'batch'."],
    [{ mime_type: 7 as never }, "Invalid type for 'mime_type'"],
  ])('is refused for %j', async (change, message) => {
    const body = {
      filename: 'a.jsonl',
      purpose: 'batch' as const,
      bytes: 1,
      mime_type: 'application/jsonl',
      ...change,
    };
    await expect(client.uploads.create(body)).rejects.toThrow(message);
  });

  it('of many parts is merged on its way to an unmodified client that retries nothing, however little time a call has', async () => {
    const { file, text: big } = await largeFile(5, 9 * MiB);
    const hurried = await api.served({ mergeBudgetMs: 0, maxContentBytes: MiB });
    const content = await hurried.files.content(file.id);
    expect((await content.text()) === big).toBe(true);
    const record = await getFile(api.harness.services, 'default', file.id);
    expect(record).toMatchObject({ merged: { bytes: big.length } });
    expect(record.merge).toBeUndefined();
    await client.files.delete(file.id);
  });

  it('of many parts says how far its merge is, and two who ask at a time merge it once', async () => {
    const { file, text: big } = await largeFile(5, 9 * MiB);
    const first = await fileContent(api.harness.services, await getFile(api.harness.services, 'default', file.id), {
      maxBytes: 0,
      mergeBudgetMs: 0,
    });
    expect(first).toEqual({ mergedBytes: 32 * MiB });
    const begun = vi.spyOn(MultipartUpload.prototype, 'putPart');
    const linking = await api.served({ maxContentBytes: MiB });
    const both = await Promise.all([linking.files.content(file.id), linking.files.content(file.id)]);
    for (const content of both) expect((await content.text()) === big).toBe(true);
    expect(begun).toHaveBeenCalledTimes(2);
    await client.files.delete(file.id);
  });

  async function largeFile(count: number, partBytes: number) {
    const parts = Array.from({ length: count }, (_, place) => String.fromCharCode(97 + place).repeat(partBytes));
    const { id } = await begin(count * partBytes);
    const part_ids: string[] = [];
    for (const part of parts)
      part_ids.push((await client.uploads.parts.create(id, { data: new File([part], 'part') })).id);
    const { file } = await client.uploads.complete(id, { part_ids });
    if (!file) throw new Error('The upload gave no file.');
    return { file, text: parts.join('') };
  }
});
