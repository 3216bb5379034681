import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { chatLine } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const chat = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const;

async function upload(): Promise<string> {
  return (await api.client.files.create({ file: jsonlFile([chatLine('a')]), purpose: 'batch' })).id;
}

/** An unmodified client with its usual retries, whose network loses the first so many answers. */
function clientThatLoses(answers: number, key = api.key): OpenAI {
  let lost = 0;
  return new OpenAI({
    apiKey: key,
    baseURL: `${api.url}/v1`,
    fetch: async (target, init) => {
      const answer = await fetch(target, init);
      if (lost >= answers) return answer;
      lost += 1;
      throw new TypeError('fetch failed: other side closed');
    },
  });
}

/** A creation that its client counts as the retry of such a number; without a number, of a client that counts nothing. */
async function created(input_file_id: string, count: number | null, key = api.key, more = {}) {
  const answer = await fetch(`${api.url}/v1/batches`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(count !== null && { 'x-stainless-retry-count': String(count) }),
    },
    body: JSON.stringify({ ...chat, input_file_id, ...more }),
  });
  const { id, batchdrop } = (await answer.json()) as { id: string; batchdrop: { repeated: boolean } };
  return { id, isRepeated: batchdrop.repeated };
}

async function batchesOf(inputFileId: string): Promise<number> {
  const all = await Array.fromAsync(api.client.batches.list({ limit: 100 }));
  return all.filter(({ input_file_id }) => input_file_id === inputFileId).length;
}

describe('a creation whose answer got lost', () => {
  it.each([1, 2])('%i times makes one batch, by an unmodified client, and says so', async (losses) => {
    const input_file_id = await upload();
    const batch = await clientThatLoses(losses).batches.create({ ...chat, input_file_id });
    expect(batch).toMatchObject({ batchdrop: { repeated: true } });
    expect(await batchesOf(input_file_id)).toBe(1);
  });

  it('makes one batch even while the first try is at work', async () => {
    const input_file_id = await upload();
    const { creationClaims } = api.harness.services;
    const taken = Promise.withResolvers<void>();
    const take = creationClaims.take.bind(creationClaims);
    const spy = vi.spyOn(creationClaims, 'take').mockImplementationOnce(async (...call) => {
      const claim = await take(...call);
      taken.resolve();
      return claim;
    });
    const first = created(input_file_id, 0);
    await taken.promise;
    const second = created(input_file_id, 1);
    expect((await first).id).toBe((await second).id);
    expect(await batchesOf(input_file_id)).toBe(1);
    spy.mockRestore();
  });
});

describe('a creation is no repetition', () => {
  it('where its client counts no retry: equal calls are two batches', async () => {
    const input_file_id = await upload();
    const ids = [];
    for (const count of [0, 0, null]) ids.push((await created(input_file_id, count)).id);
    expect(new Set(ids).size).toBe(3);
    const { id, isRepeated } = await created(input_file_id, 1);
    expect([id, isRepeated]).toEqual([ids[1], true]);
  });

  it('where somebody has asked for the batch since: its answer had arrived', async () => {
    const input_file_id = await upload();
    const { id } = await created(input_file_id, 0);
    await api.client.batches.retrieve(id);
    const next = await created(input_file_id, 1);
    expect(next.id).not.toBe(id);
    expect(next.isRepeated).toBe(false);
  });

  it('where another retry of that number came before: that was another program', async () => {
    const input_file_id = await upload();
    const { id } = await created(input_file_id, 0);
    expect((await created(input_file_id, 1)).id).toBe(id);
    const other = await created(input_file_id, 1);
    expect(other).toMatchObject({ isRepeated: false });
    expect(await created(input_file_id, 2)).toEqual({ id: other.id, isRepeated: true });
  });

  it('after 35 minutes', async () => {
    const input_file_id = await upload();
    const { id } = await created(input_file_id, 0);
    vi.setSystemTime(Date.now() + 35 * 60_000);
    expect((await created(input_file_id, 1)).id).not.toBe(id);
  });

  it('with another body, or by another key', async () => {
    const input_file_id = await upload();
    const { id } = await created(input_file_id, 0);
    const { key } = await createApiKey(api.harness.services, 'default', 'second');
    for (const other of [
      await created(input_file_id, 1, api.key, { metadata: { run: '2' } }),
      await created(input_file_id, 1, key),
    ])
      expect(other.id).not.toBe(id);
    expect((await created(input_file_id, 1)).id).toBe(id);
  });

  it('with an idempotency key, which alone decides', async () => {
    const input_file_id = await upload();
    const plain = await created(input_file_id, 0);
    const keyed = await created(input_file_id, 1, api.key, { idempotency_key: 'mine' });
    expect(keyed).toMatchObject({ isRepeated: false });
    expect(keyed.id).not.toBe(plain.id);
    expect((await created(input_file_id, 0, api.key, { idempotency_key: 'mine' })).id).toBe(keyed.id);
  });
});
