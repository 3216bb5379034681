import { describe, expect, it } from 'vitest';
import {
  anthropicClient,
  call,
  messageRequest,
  messageRequests,
  readResults,
  runMessages,
  startAnthropic,
  until,
  untilMessagesEnded,
  visibleTiming,
} from './started-simulators.ts';

const collection = '/v1/messages/batches';

describe('the life of a batch', () => {
  it('counts everything as processing until it ends', async () => {
    const { client } = await startAnthropic({ timing: visibleTiming });
    const created = await client.messages.batches.create({ requests: messageRequests(6) });
    expect(created).toMatchObject({
      processing_status: 'in_progress',
      request_counts: { processing: 6, succeeded: 0 },
      results_url: null,
    });
    const seen = new Set<string>();
    const ended = await until(
      async () => {
        const batch = await client.messages.batches.retrieve(created.id);
        seen.add(`${batch.processing_status} ${batch.request_counts.processing}`);
        return batch;
      },
      (batch) => batch.processing_status === 'ended',
    );
    expect([...seen]).toEqual(['in_progress 6', 'ended 0']);
    expect(ended.request_counts).toEqual({ processing: 0, succeeded: 6, errored: 0, canceled: 0, expired: 0 });
    expect(ended.ended_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  });

  it('answers every request exactly once, in an order that is not the input', async () => {
    const { client } = await startAnthropic();
    const { results } = await runMessages(client, messageRequests(40));
    const ids = results.map((result) => result.custom_id);
    expect(new Set(ids).size).toBe(40);
    expect(ids).not.toEqual(messageRequests(40).map((request) => request.custom_id));
  });

  it('gives no results before it ended, and none of a batch that nobody has', async () => {
    const { client, simulator } = await startAnthropic({ timing: visibleTiming });
    const { id } = await client.messages.batches.create({ requests: messageRequests(1) });
    expect((await call(simulator, `${collection}/${id}/results`)).status).toBe(404);
    const missing = await call(simulator, `${collection}/msgbatch_none`);
    expect(missing.status).toBe(404);
    expect(JSON.parse(missing.text)).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: expect.any(String) },
      request_id: missing.headers.get('request-id'),
    });
  });

  it('asks to be polled later while it runs', async () => {
    const { simulator, client } = await startAnthropic({ timing: visibleTiming });
    const { id } = await client.messages.batches.create({ requests: messageRequests(1) });
    expect((await call(simulator, `${collection}/${id}`)).headers.get('retry-after')).toBe('10');
    await untilMessagesEnded(client, id);
    expect((await call(simulator, `${collection}/${id}`)).headers.get('retry-after')).toBeNull();
  });
});

describe('cancelling and deleting', () => {
  it('keeps what was done and names the rest as canceled', async () => {
    const { client } = await startAnthropic({ timing: { ...visibleTiming, inProgressMs: 2000 } });
    const { id } = await client.messages.batches.create({ requests: messageRequests(20) });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const canceling = await client.messages.batches.cancel(id);
    expect(canceling).toMatchObject({ processing_status: 'canceling', ended_at: null });
    expect(canceling.cancel_initiated_at).toEqual(expect.any(String));
    expect((await client.messages.batches.cancel(id)).cancel_initiated_at).toBe(canceling.cancel_initiated_at);
    const { request_counts: counts } = await untilMessagesEnded(client, id);
    const results = await readResults(client, id);
    expect(results.filter((each) => each.result.type === 'canceled')).toHaveLength(counts.canceled);
    expect(results.filter((each) => each.result.type === 'succeeded')).toHaveLength(counts.succeeded);
    expect(counts.canceled).toBeGreaterThan(0);
    expect(results).toHaveLength(20);
  });

  it('refuses to cancel what has ended, and to delete what has not', async () => {
    const { client } = await startAnthropic({ timing: visibleTiming });
    const { id } = await client.messages.batches.create({ requests: messageRequests(1) });
    await expect(client.messages.batches.delete(id)).rejects.toMatchObject({ status: 400 });
    await untilMessagesEnded(client, id);
    await expect(client.messages.batches.cancel(id)).rejects.toMatchObject({ status: 400 });
  });

  it('forgets a deleted batch, but for the log of creations', async () => {
    const { client, simulator } = await startAnthropic();
    const { batch } = await runMessages(client, messageRequests(2));
    expect(await client.messages.batches.delete(batch.id)).toEqual({ id: batch.id, type: 'message_batch_deleted' });
    await expect(client.messages.batches.retrieve(batch.id)).rejects.toMatchObject({ status: 404 });
    expect((await client.messages.batches.list()).data).toEqual([]);
    expect(await simulator.creations()).toEqual([
      expect.objectContaining({
        providerBatchId: batch.id,
        requestIds: ['line-0', 'line-1'],
        endedAtMs: expect.any(Number),
      }),
    ]);
  });
});

describe('listing', () => {
  it('goes newest first, in both directions', async () => {
    const { client } = await startAnthropic();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++)
      ids.unshift((await client.messages.batches.create({ requests: messageRequests(1) })).id);
    const first = await client.messages.batches.list({ limit: 2 });
    expect(first).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[1] });
    const newer = await client.messages.batches.list({ limit: 2, before_id: ids[4] ?? '' });
    expect(newer.data.map((batch) => batch.id)).toEqual(ids.slice(2, 4));
    const all: string[] = [];
    for await (const batch of client.messages.batches.list({ limit: 2 })) all.push(batch.id);
    expect(all).toEqual(ids);
  });
});

describe('a creation that is refused at once', () => {
  const request = messageRequest('a', 'hi');
  it.each<[string, unknown, string]>([
    ['a body that is not JSON', '{"requests": [', 'not valid JSON'],
    ['requests that run into each other', '{"requests": [{} {}]}', 'not valid JSON'],
    ['no requests', {}, 'requests: Field required'],
    ['an empty list', { requests: [] }, 'at least 1 item'],
    ['another member', { requests: [request], model: 'x' }, 'model: Extra inputs are not permitted'],
    [
      'an id with a dot',
      { requests: [request, { ...request, custom_id: 'a.b' }] },
      'requests.1.custom_id: String should match pattern',
    ],
    ['an id of 65 characters', { requests: [{ ...request, custom_id: 'a'.repeat(65) }] }, 'requests.0.custom_id'],
    ['an id given twice', { requests: [request, request] }, 'unique'],
    ['no params', { requests: [{ custom_id: 'a' }] }, 'requests.0.params: Field required'],
  ])('for %s', async (_, body, message) => {
    const { simulator } = await startAnthropic();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await call(simulator, collection, { method: 'POST', body: text });
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.text);
    expect(error.type).toBe('invalid_request_error');
    expect(error.message).toContain(message);
    expect(await simulator.creations()).toEqual([]);
  });

  it('for more than 100,000 requests', async () => {
    const { simulator } = await startAnthropic();
    const requests = Array.from({ length: 100_001 }, (_, index) => `{"custom_id":"r${index}","params":{}}`);
    const answer = await call(simulator, collection, { method: 'POST', body: `{"requests":[${requests.join(',')}]}` });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('at most 100000');
  });

  it('for a body over 256 MB', async () => {
    const { simulator } = await startAnthropic();
    const answer = await call(simulator, collection, { method: 'POST', body: Buffer.alloc(257 * 1024 * 1024, ' ') });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text).error.type).toBe('request_too_large');
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    const stream = ReadableStream.from(Array.from({ length: 257 }, () => chunk));
    const chunked = { method: 'POST', body: stream, duplex: 'half' } as RequestInit;
    expect((await call(simulator, collection, chunked)).status).toBe(413);
  });

  it('without a key, with a wrong one, or without a version', async () => {
    const { simulator } = await startAnthropic({ apiKey: 'sk-right' });
    const status = async (headers: Record<string, string>) => (await call(simulator, collection, { headers })).status;
    expect(await status({ authorization: '' })).toBe(401);
    expect(await status({ authorization: 'Bearer sk-wrong' })).toBe(401);
    expect(await status({ authorization: '', 'x-api-key': 'sk-right' })).toBe(200);
    expect(await status({ authorization: 'Bearer sk-right' })).toBe(200);
    expect(await status({ authorization: 'Bearer sk-right', 'anthropic-version': 'soon' })).toBe(400);
  });
});

it('takes a body that is written over many lines', async () => {
  const { simulator, client } = await startAnthropic();
  const body = JSON.stringify(
    { requests: [messageRequest('a', 'two\nlines, "quoted", [brackets] and \\ {braces}')] },
    null,
    2,
  );
  const answer = await call(simulator, collection, { method: 'POST', body });
  const { id } = JSON.parse(answer.text);
  await untilMessagesEnded(client, id);
  expect(await readResults(client, id)).toEqual([expect.objectContaining({ custom_id: 'a' })]);
});

it('serves a client with the older API version', async () => {
  const { simulator } = await startAnthropic();
  const older = anthropicClient(simulator.url, '2023-06-01');
  const { results } = await runMessages(older, [messageRequest('a', 'Hi', { temperature: 0.5 })]);
  expect(results[0]?.result.type).toBe('succeeded');
});
