import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { revalidatingFetch } from '../../lib/client/deployment/revalidating-fetch.ts';
import type { Services } from '../../lib/pipeline/services.ts';
import type { BatchRecord } from '../../lib/records/batch.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { drive, pass } from '../pipeline/drive.ts';
import { chatLine, claudeLine, fileOf } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
let deployment: Deployment;
/** The batches that all tests look at, the oldest first, and when each was made. */
const made: { id: string; at: number }[] = [];

async function drop(name: string, lines: string[], metadata?: Record<string, string>): Promise<void> {
  pass(10);
  const id = (await api.harness.drop(name, fileOf(lines), metadata)) ?? '';
  made.push({ id, at: (await api.harness.batch(id)).createdAt });
}

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  deployment = new Deployment({ url: api.url, apiKey: api.key, maxRetries: 0 });
  await drop('reviews/Monday.jsonl', [chatLine('a')], { metadata: '{"team":"search","run":"1"}' });
  await drop('reviews/tuesday.jsonl', [chatLine('a'), claudeLine('b')], {
    metadata: '{"team":"search","run":"2"}',
  });
  await drop('labels.jsonl', [claudeLine('a')]);
  await drop('waits.jsonl', [chatLine('a')]);
  for (const { id } of made.slice(0, 3)) await drive(api.harness, id);
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const idsOf = (...places: number[]) => places.map((place) => made[place]?.id);
const timeOf = (place: number) => made[place]?.at ?? 0;

async function listed(query: Parameters<Deployment['listBatches']>[0]) {
  return (await deployment.listBatches(query)).batches.map(({ id }) => id);
}

describe('a list of batches', () => {
  it('leaves out what has another status, name, model, label or time', async () => {
    expect(await listed({ status: 'completed' })).toEqual(idsOf(2, 1, 0));
    expect(await listed({ status: 'validating, failed' })).toEqual(idsOf(3));
    expect(await listed({ name: 'MONDAY' })).toEqual(idsOf(0));
    expect(await listed({ name: 't*.jsonl' })).toEqual(idsOf(1));
    expect(await listed({ name: 'reviews/' })).toEqual(idsOf(1, 0));
    expect(await listed({ model: 'claude' })).toEqual(idsOf(2, 1));
    expect(await listed({ metadata: { team: 'search' } })).toEqual(idsOf(1, 0));
    expect(await listed({ metadata: { team: 'search', run: '1' } })).toEqual(idsOf(0));
    expect(await listed({ metadata: { toString: 'search' } })).toEqual([]);
    expect(await listed({ model: 'gpt', metadata: { run: '2' }, status: 'completed' })).toEqual(idsOf(1));
    expect(await listed({ created_after: timeOf(1), created_before: timeOf(3) })).toEqual(idsOf(2, 1));
    expect(await listed({ created_after: timeOf(3) + 1 })).toEqual([]);
    expect(await listed({ created_after: timeOf(2), created_before: timeOf(2) })).toEqual([]);
  });

  it('is read page by page, and each page says how far it looked', async () => {
    const query = { model: 'claude', limit: 1 };
    const first = await deployment.listBatches(query);
    expect(first).toMatchObject({ batches: [{ id: made[2]?.id }], next: made[2]?.id });
    expect(first.looked).toEqual({ count: 2, to: timeOf(2) });
    const second = await deployment.listBatches({ ...query, after: first.next ?? '' });
    expect(second).toMatchObject({ batches: [{ id: made[1]?.id }], looked: { count: 1, to: timeOf(1) } });
    const third = await deployment.listBatches({ ...query, after: second.next ?? '' });
    expect(third).toMatchObject({ batches: [], next: null, looked: { count: 1, to: timeOf(0) } });
  });

  it('goes on behind a batch that is newer than the asked time, and ends behind one that is older', async () => {
    expect(await listed({ after: made[3]?.id ?? '', created_before: timeOf(2) })).toEqual(idsOf(1, 0));
    expect(await listed({ after: made[1]?.id ?? '', created_before: timeOf(3) })).toEqual(idsOf(0));
    expect(await listed({ after: made[0]?.id ?? '', created_after: timeOf(1) })).toEqual([]);
  });

  it('stops looking after a thousand, and goes on where it stopped', async () => {
    const { services } = api.harness;
    const [batch] = await Promise.all(made.slice(0, 1).map(({ id }) => api.harness.batch(id)));
    const many = Array.from({ length: 1_500 }, (_, number) => ({
      ...batch,
      id: `batch_${String(number).padStart(32, '0')}`,
      inboxKey: number === 1_200 ? 'inbox/needle.jsonl' : 'inbox/hay.jsonl',
    })) as BatchRecord[];
    const client = await servedWith(services, many);
    const page = await client.listBatches({ name: 'needle' });
    expect(page).toMatchObject({ batches: [], next: many[999]?.id, looked: { count: 1_000 } });
    const rest = await client.listBatches({ name: 'needle', after: page.next ?? '' });
    expect(rest).toMatchObject({ batches: [{ id: many[1_200]?.id }], next: null, looked: { count: 500 } });
  });

  it.each([
    ['status=done', 'status', 'invalid_value', "Invalid value: 'done'"],
    ['created_after=yesterday', 'created_after', 'invalid_type', 'expected a number'],
    [`created_after=${Date.now()}`, 'created_after', 'decimal_above_max_value', '<= 99999999999'],
    ['created_after=20&created_before=10', 'created_after', 'invalid_value', 'nothing lies between'],
    ['metadata=search', 'metadata', 'invalid_value', 'metadata[team]=search'],
    ['modle=gpt', 'modle', 'unknown_parameter', "Did you mean 'model'?"],
    ['createdAfter=1', 'createdAfter', 'unknown_parameter', "Did you mean 'created_after'?"],
    ['name=', 'name', 'string_below_min_length', 'below its minimum'],
  ])('refuses ?%s', async (query, param, code, text) => {
    const answer = await api.raw(`/v1/batches?${query}`);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(answer.status).toBe(400);
    expect(error).toMatchObject({ param, code });
    expect(error.message).toContain(text);
  });

  it("leaves a foreign client's own parameters alone", async () => {
    expect((await api.raw('/v1/batches?purpose=anything')).status).toBe(200);
  });

  it('never shows what another tenant has', async () => {
    expect((await api.stranger.batches.list({ query: { status: 'completed' } } as never)).data).toEqual([]);
    const { key } = await createApiKey(api.harness.services, 'third', 'test');
    const stranger = new Deployment({ url: api.url, apiKey: key, maxRetries: 0 });
    await expect(stranger.listBatches({ name: 'reviews', tenant: 'default' })).rejects.toMatchObject({ status: 403 });
    await expect(stranger.listBatches({ after: made[0]?.id ?? '' })).rejects.toMatchObject({ status: 404 });
  });
});

it('lists and batches are not sent again to whoever has them already', async () => {
  const id = made[3]?.id;
  for (const path of ['/v1/batches?limit=2', `/v1/batches/${id}`, '/v1/files', '/v1/usage']) {
    const first = await api.raw(path);
    const etag = first.headers.get('etag') ?? '';
    await first.text();
    const second = await api.raw(path, { headers: { 'if-none-match': `"other", ${etag}` } });
    expect([second.status, await second.text(), second.headers.get('etag')]).toEqual([304, '', etag]);
    expect(second.headers.get('x-request-id')).toMatch(/^req_/);
    expect(second.headers.get('cache-control')).toBe('no-store');
  }
  const seen: [number, number][] = [];
  const send: typeof fetch = async (target, init) => {
    const answer = await fetch(target, init);
    seen.push([answer.status, (await answer.clone().text()).length]);
    return answer;
  };
  const watching = new Deployment({ url: api.url, apiKey: api.key, fetch: revalidatingFetch(send) });
  const before = await watching.retrieveBatch(id ?? '');
  expect(await watching.retrieveBatch(id ?? '')).toEqual(before);
  await watching.cancelBatch(id ?? '');
  expect((await watching.retrieveBatch(id ?? '')).status).toBe('cancelling');
  expect(seen.map(([status]) => status)).toEqual([200, 304, 200, 200]);
  expect(seen[1]).toEqual([304, 0]);
});

it('a file has a link that downloads it under its name, for its owner alone', async () => {
  const text = fileOf([chatLine('a')]);
  const file = await api.client.files.create({ file: jsonlFile([chatLine('a')], 'été %1.jsonl'), purpose: 'batch' });
  const link = await deployment.fileLink(file.id);
  expect(link).toMatchObject({ object: 'file.link', bytes: Buffer.byteLength(text), filename: 'été %1.jsonl' });
  expect(link.expires_at).toBe(Math.floor(Date.now() / 1_000) + 300);
  const download = await fetch(link.url);
  expect(await download.text()).toBe(text);
  expect(download.headers.get('content-disposition')).toMatch(/^attachment;.*filename\*=UTF-8''%C3%A9t%C3%A9/);
  await expect(api.stranger.get(`/files/${file.id}/link`)).rejects.toMatchObject({ status: 404 });
  await expect(api.client.get(`/files/${file.id}/link?merged=1`)).rejects.toMatchObject({ code: 'unknown_parameter' });
  await api.client.files.delete(file.id);
  await expect(api.client.get(`/files/${file.id}/link`)).rejects.toMatchObject({ status: 404 });
});

it('an upload in parts is merged before its link is given', async () => {
  const text = fileOf([chatLine('a')]);
  const whole = new Blob([text.repeat(5_000)]);
  const half = Math.ceil(whole.size / 2);
  const upload = await api.client.uploads.create({
    filename: 'parts.jsonl',
    purpose: 'batch',
    bytes: whole.size,
    mime_type: 'application/jsonl',
  });
  const part_ids: string[] = [];
  for (const [start, end] of [
    [0, half],
    [half, whole.size],
  ] as const) {
    const data = new File([whole.slice(start, end)], 'part');
    part_ids.push((await api.client.uploads.parts.create(upload.id, { data })).id);
  }
  const { file } = await api.client.uploads.complete(upload.id, { part_ids });
  const hurried = await api.served({ mergeBudgetMs: 0 });
  const client = new Deployment({ url: hurried.baseURL, apiKey: api.key, maxRetries: 0 });
  const link = await client.fileLink(file?.id ?? '');
  expect(link.bytes).toBe(whole.size);
  expect((await (await fetch(link.url)).blob()).size).toBe(whole.size);
});

/** The API over a list of other batches. */
async function servedWith(services: Services, batches: readonly BatchRecord[]) {
  const records: Services['records'] = new Proxy(services.records, {
    get: (real, name) => {
      if (name === 'findBatch') return async (id: string) => batches.find((batch) => batch.id === id) ?? null;
      if (name === 'listBatches')
        return async function* (_tenant: string, { after }: { after: BatchRecord | null }) {
          yield* batches.slice(batches.findIndex(({ id }) => id === after?.id) + 1);
        };
      const found: unknown = Reflect.get(real, name);
      return typeof found === 'function' ? found.bind(real) : found;
    },
  });
  const { baseURL: url } = await api.served({}, { ...services, records });
  return new Deployment({ url, apiKey: api.key, maxRetries: 0 });
}
