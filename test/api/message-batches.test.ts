import Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ArrayElements } from '../../lib/lines/array-elements.ts';
import { TransientError } from '../../lib/records/errors.ts';
import { drive } from '../pipeline/drive.ts';
import { chatLine, nativeLine } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
let client: Anthropic;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  client = new Anthropic({ apiKey: api.key, baseURL: api.url, maxRetries: 0 });
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

type Requests = Anthropic.Messages.BatchCreateParams['requests'];

function request(custom_id: string, model = 'claude-sonnet-4-5', text = `Say ${custom_id}`): Requests[number] {
  return { custom_id, params: { model, max_tokens: 50, messages: [{ role: 'user', content: text }] } };
}

async function ended(id: string): Promise<Anthropic.Messages.MessageBatch> {
  await drive(api.harness, id.replace('msgbatch_', 'batch_'));
  return client.messages.batches.retrieve(id);
}

async function resultsOf(id: string): Promise<Anthropic.Messages.MessageBatchIndividualResponse[]> {
  return Array.fromAsync(await client.messages.batches.results(id));
}

/** The sum of all counts, which must hold at every moment. */
function sumOf({ request_counts }: Anthropic.Messages.MessageBatch): number {
  return Object.values(request_counts).reduce((sum, count) => sum + count, 0);
}

describe('the official Anthropic client', () => {
  it('runs a batch over models of several providers and reads its results in the order of the input', async () => {
    const models = ['claude-sonnet-4-5', 'gpt-5-mini', 'no-such-model'];
    const requests = Array.from({ length: 9 }, (_, place) => request(`r-${place}`, models[place % 3]));
    const created = await client.messages.batches.create({ requests });
    expect(created).toMatchObject({
      id: expect.stringMatching(/^msgbatch_[0-9a-f]{32}$/),
      type: 'message_batch',
      processing_status: 'in_progress',
      request_counts: { processing: 9, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      archived_at: null,
      cancel_initiated_at: null,
      results_url: null,
    });
    expect(Date.parse(created.expires_at)).toBeGreaterThan(Date.parse(created.created_at));
    await expect(client.messages.batches.results(created.id)).rejects.toThrow(/No batch `results_url`/);
    const running = await client.messages.batches.retrieve(created.id).withResponse();
    expect(running.response.headers.get('retry-after')).toBe('10');
    const batch = await ended(created.id);
    expect(batch).toMatchObject({
      processing_status: 'ended',
      request_counts: { processing: 0, succeeded: 6, errored: 3, canceled: 0, expired: 0 },
      results_url: `${api.url}/v1/messages/batches/${created.id}/results`,
    });
    const download = await fetch(batch.results_url ?? '', { headers: { 'x-api-key': api.key } });
    expect(download.headers.get('content-disposition')).toContain(`filename="${created.id}_results.jsonl"`);
    await download.body?.cancel();
    const results = await resultsOf(created.id);
    expect(results.map(({ custom_id }) => custom_id)).toEqual(requests.map(({ custom_id }) => custom_id));
    for (const [place, { result }] of results.entries()) {
      if (place % 3 === 2) {
        expect(result).toMatchObject({
          type: 'errored',
          error: { type: 'error', error: { type: expect.any(String) } },
        });
        continue;
      }
      expect(result).toMatchObject({
        type: 'succeeded',
        message: { type: 'message', role: 'assistant', content: [{ type: 'text', text: expect.any(String) }] },
      });
    }
    const { data } = await client.messages.batches.list({ limit: 1 });
    expect(data.map(({ id }) => id)).toEqual([created.id]);
  });

  it('does the same through its beta resource, whose own beta is no beta of the requests', async () => {
    const created = await client.beta.messages.batches.create({ requests: [request('only')] });
    await ended(created.id);
    const [only] = await Array.fromAsync(await client.beta.messages.batches.results(created.id));
    expect(only).toMatchObject({ custom_id: 'only', result: { type: 'succeeded' } });
  });

  it('cancels, and each request that was not answered is canceled', async () => {
    api.harness.simulators.anthropic.setFaults([{ kind: 'stuck' }]);
    const created = await client.messages.batches.create({ requests: [request('a'), request('b')] });
    let canceling: Anthropic.Messages.MessageBatch | null = null;
    await drive(api.harness, created.id.replace('msgbatch_', 'batch_'), {
      onTurn: async () => {
        const now = await client.messages.batches.retrieve(created.id);
        expect(sumOf(now)).toBe(2);
        if (now.processing_status === 'in_progress') canceling = await client.messages.batches.cancel(created.id);
      },
    });
    api.harness.simulators.anthropic.setFaults([]);
    expect(canceling).toMatchObject({ processing_status: 'canceling', cancel_initiated_at: expect.any(String) });
    const batch = await client.messages.batches.retrieve(created.id);
    expect(batch).toMatchObject({ processing_status: 'ended', request_counts: { canceled: 2 } });
    expect(sumOf(batch)).toBe(2);
    expect(await resultsOf(created.id)).toEqual([
      { custom_id: 'a', result: { type: 'canceled' } },
      { custom_id: 'b', result: { type: 'canceled' } },
    ]);
  });

  it('deletes a batch that has ended, and no other', async () => {
    const created = await client.messages.batches.create({ requests: [request('gone')] });
    await expect(client.messages.batches.delete(created.id)).rejects.toThrow(Anthropic.BadRequestError);
    await ended(created.id);
    expect(await client.messages.batches.delete(created.id)).toEqual({ id: created.id, type: 'message_batch_deleted' });
    await expect(client.messages.batches.retrieve(created.id)).rejects.toThrow(Anthropic.NotFoundError);
    const { data } = await client.messages.batches.list();
    expect(data.map(({ id }) => id)).not.toContain(created.id);
    const same = await api.client.batches.retrieve(created.id.replace('msgbatch_', 'batch_'));
    for (const fileId of [same.input_file_id, same.output_file_id ?? ''])
      await expect(api.client.files.retrieve(fileId)).rejects.toThrow(OpenAI.NotFoundError);
  });

  it('pages through batches in both directions', async () => {
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      vi.setSystemTime(Date.now() + 1_000);
      ids.push((await client.messages.batches.create({ requests: [request(name)] })).id);
    }
    const [one, two, three] = ids as [string, string, string];
    const newest = await client.messages.batches.list({ limit: 2 });
    expect(newest.data.map(({ id }) => id)).toEqual([three, two]);
    expect(newest).toMatchObject({ first_id: three, last_id: two, has_more: true });
    const older = await client.messages.batches.list({ limit: 1, after_id: two });
    expect(older.data.map(({ id }) => id)).toEqual([one]);
    const newer = await client.messages.batches.list({ limit: 1, before_id: one });
    expect(newer.data.map(({ id }) => id)).toEqual([two]);
    for (const id of ids) await ended(id);
  });

  it('sees models, and the OpenAI client sees the same', async () => {
    const anthropic = await Array.fromAsync(client.models.list());
    const openai = await Array.fromAsync(api.client.models.list());
    expect(anthropic.map(({ id }) => id)).toEqual(openai.map(({ id }) => id));
    expect(anthropic.map(({ id }) => id)).toContain('claude-sonnet-4-5');
    expect(await client.models.retrieve('gpt-5-mini')).toMatchObject({ type: 'model', id: 'gpt-5-mini' });
    await expect(client.models.retrieve('no-such-model')).rejects.toThrow(Anthropic.NotFoundError);
  });

  it('pages through models in both directions, and from none that is not listed', async () => {
    const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(3);
    expect((await Array.fromAsync(client.models.list({ limit: 2 }))).map(({ id }) => id)).toEqual(ids);
    const before = await client.models.list({ limit: 2, before_id: ids[3] as string });
    expect(before.data.map(({ id }) => id)).toEqual([ids[1], ids[2]]);
    expect(before).toMatchObject({ has_more: true, first_id: ids[1], last_id: ids[2] });
    const first = await client.models.list({ limit: 2, before_id: ids[1] as string });
    expect(first).toMatchObject({ has_more: false, first_id: ids[0], last_id: ids[0] });
    for (const query of [{ after_id: 'no-such-model' }, { before_id: 'no-such-model' }])
      await expect(client.models.list(query).then()).rejects.toThrow(/no model 'no-such-model' is in this list/);
    const both = client.models.list({ after_id: ids[0] as string, before_id: ids[1] as string }).then();
    await expect(both).rejects.toThrow(/Only one of before_id and after_id/);
  });
});

describe('a batch of one API in the other', () => {
  it('shows chat completions as messages, whatever order they were answered in', async () => {
    const lines = [chatLine('x'), chatLine('y', 'hi', 'no-such-model'), chatLine('z')];
    const input_file_id = (await api.client.files.create({ file: jsonlFile(lines), purpose: 'batch' })).id;
    const batch = await api.client.batches.create({
      ...{ input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' },
      ...({ on_unknown_model: 'error_line' } as object),
    });
    await ended(batch.id);
    const id = batch.id.replace('batch_', 'msgbatch_');
    const results = await resultsOf(id);
    expect(results.map(({ custom_id, result }) => [custom_id, result.type])).toEqual([
      ['x', 'succeeded'],
      ['y', 'errored'],
      ['z', 'succeeded'],
    ]);
    expect(results[0]?.result).toMatchObject({
      message: { type: 'message', stop_reason: 'end_turn', usage: { input_tokens: expect.any(Number) } },
    });
  });

  it('says where the answers are that are no messages', async () => {
    const { embeddingLine } = await import('../pipeline/requests.ts');
    const file = jsonlFile([embeddingLine('e')]);
    const input_file_id = (await api.client.files.create({ file, purpose: 'batch' })).id;
    const creation = { input_file_id, endpoint: '/v1/embeddings', completion_window: '24h' } as const;
    const { id } = await api.client.batches.create(creation);
    await ended(id);
    await expect(resultsOf(id.replace('batch_', 'msgbatch_'))).rejects.toThrow(/no messages.*GET \/v1\/batches/);
  });

  it('a message batch is a batch, with its requests as its input file', async () => {
    const { id } = await client.messages.batches.create({ requests: [request('both')] });
    const same = await api.client.batches.retrieve(id.replace('msgbatch_', 'batch_'));
    expect(same).toMatchObject({ endpoint: '/v1/messages', request_counts: { total: 1 } });
    const content = await (await api.client.files.content(same.input_file_id)).text();
    expect(content).toBe(`${JSON.stringify(request('both'))}\n`);
    await ended(id);
  });
});

describe('what is refused is refused as at Anthropic, and leaves nothing', () => {
  const one = request('a');
  const big = { ...one, params: { ...one.params, stream: true } };
  it.each<[string, unknown, RegExp]>([
    ['an empty list', { requests: [] }, /requests: List should have at least 1 item/],
    ['no list', { request: [one] }, /requests: Field required/],
    ['an object', { requests: { a: one } }, /requests: Input should be a valid list/],
    ['a doubled id', { requests: [one, one] }, /requests\.1\.custom_id: custom_id must be unique, found duplicate: a/],
    ['an id of other characters', { requests: [request('a b')] }, /requests\.0\.custom_id: String should match/],
    ['no params', { requests: [one, { custom_id: 'b' }] }, /requests\.1\.params: Field required/],
    ['a stream', { requests: [big] }, /requests\.0\.params\.stream/],
    ['one member more', { requests: [{ ...one, url: '/v1/messages' }] }, /requests\.0\.url: Extra inputs/],
    ['a number', { requests: [5] }, /requests\.0: Input should be an object/],
    ['half a pair', { requests: [request('a', 'claude-sonnet-4-5', '\ud83d')] }, /requests\.0: not valid JSON/],
    ['a misspelt option', { requests: [one], max_cost: 5 }, /max_cost_usd/],
    ['a dry run', { requests: [one], dry_run: true }, /dry_run/],
  ])('%s', async (_name, body, message) => {
    const before = await Array.fromAsync(api.client.files.list());
    const refusal = client.messages.batches.create(body as Anthropic.Messages.BatchCreateParams);
    await expect(refusal).rejects.toThrow(Anthropic.BadRequestError);
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toMatchObject({ error: { type: 'error', error: { type: 'invalid_request_error' } } });
    expect(await Array.fromAsync(api.client.files.list())).toHaveLength(before.length);
  });

  it.each([
    '{"requests": [',
    '{"requests": [] []}',
    '{"requests": [1,,2]}',
    'no json',
    '{"requests": [{}], "requests": [{}]}',
  ])('a body of %s', async (body) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': api.key };
    const answer = await fetch(`${api.url}/v1/messages/batches`, { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });

  it('a body that is larger than one may be, whose client hears of it', async () => {
    const served = await api.served({ maxFileBytes: 10_000 });
    const small = new Anthropic({ apiKey: api.key, baseURL: served.baseURL.replace('/v1', ''), maxRetries: 0 });
    const refusal = small.messages.batches.create({ requests: [request('a', 'gpt-5-mini', 'x'.repeat(4_000_000))] });
    const error = {
      type: 'error',
      error: { type: 'request_too_large', message: expect.stringContaining('10000 bytes') },
    };
    await expect(refusal).rejects.toMatchObject({ status: 413, error });
  });

  it('an empty key is none, and the bearer counts', async () => {
    const url = `${api.url}/v1/messages/batches`;
    const none = await fetch(url, { headers: { 'x-api-key': '' } });
    expect(none.status).toBe(401);
    expect(await none.text()).toContain("You didn't provide an API key");
    const bearer = await fetch(url, { headers: { 'x-api-key': '', authorization: `Bearer ${api.key}` } });
    expect(bearer.status).toBe(200);
  });

  it('two keys, of which one was not meant', async () => {
    const url = `${api.url}/v1/messages/batches`;
    const refused = await fetch(url, { headers: { 'x-api-key': api.key, authorization: 'Bearer sk-other' } });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error', message: expect.stringContaining('carry different keys') },
    });
    const same = await fetch(url, { headers: { 'x-api-key': api.key, authorization: `Bearer ${api.key}` } });
    expect(same.status).toBe(200);
    const proxied = await fetch(url, { headers: { 'x-api-key': api.key, authorization: 'Basic YTpi' } });
    expect(proxied.status).toBe(200);
  });

  it.each([
    ['GET', '?limits=5'],
    ['GET', '/msgbatch_00000000000000000000000000000000?limit=5'],
    ['GET', '/msgbatch_00000000000000000000000000000000/results?after_id=x'],
    ['POST', '?merged_bytes=5'],
  ])('a parameter that is none of the route: %s %s', async (method, rest) => {
    const headers = { 'x-api-key': api.key, 'content-type': 'application/json' };
    const refused = await fetch(`${api.url}/v1/messages/batches${rest}`, { method, headers });
    const [, name] = /\?(\w+)=/.exec(rest) ?? [];
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: { type: 'invalid_request_error', message: `${name}: Extra inputs are not permitted` },
    });
  });

  it("a stranger's batch, an unknown key and a live message", async () => {
    const { id } = await client.messages.batches.create({ requests: [request('mine')] });
    const stranger = new Anthropic({ apiKey: api.stranger.apiKey, baseURL: api.url, maxRetries: 0 });
    await expect(stranger.messages.batches.retrieve(id)).rejects.toThrow(Anthropic.NotFoundError);
    const nobody = new Anthropic({ apiKey: 'sk-nobody', baseURL: api.url, maxRetries: 0 });
    await expect(nobody.messages.batches.list()).rejects.toThrow(Anthropic.AuthenticationError);
    const live = client.messages.create(request('live').params as Anthropic.MessageCreateParamsNonStreaming);
    await expect(live).rejects.toThrow(/not live: POST \/v1\/messages\/batches/);
    await ended(id);
  });
});

describe('a creation that is repeated', () => {
  it('by its key gives the same batch, and keeps one file', async () => {
    const create = (id: string) =>
      client.messages.batches.create({ requests: [request(id)] }, { headers: { 'idempotency-key': 'once' } });
    const first = await create('same');
    const files = await Array.fromAsync(api.client.files.list());
    expect((await create('same')).id).toBe(first.id);
    await expect(create('other')).rejects.toThrow(Anthropic.ConflictError);
    expect(await Array.fromAsync(api.client.files.list())).toHaveLength(files.length);
    await ended(first.id);
  });

  it('by the client itself, whose first answer got lost, gives the same batch', async () => {
    let calls = 0;
    const lossy = new Anthropic({
      apiKey: api.key,
      baseURL: api.url,
      maxRetries: 1,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        calls += 1;
        if (calls === 1) throw new TypeError('fetch failed');
        return answer;
      },
    });
    const before = (await client.messages.batches.list({ limit: 1_000 })).data.length;
    const { id } = await lossy.messages.batches.create({ requests: [request('retried')] });
    expect((await client.messages.batches.list({ limit: 1_000 })).data).toHaveLength(before + 1);
    await ended(id);
  });
});

it('a creation whose outcome is unknown keeps its requests, which the batch may need', async () => {
  const { records } = api.harness.services;
  let isLost = true;
  const forgetful = new Proxy(records, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'createBatch')
        return async (...given: unknown[]) => {
          await value.apply(target, given);
          if (isLost) throw new TransientError('no answer');
          return value.apply(target, given);
        };
      return (...given: unknown[]) => {
        if (isLost && name === 'findBatch') throw new TransientError('no answer');
        return value.apply(target, given);
      };
    },
  });
  const served = await api.served({}, { ...api.harness.services, records: forgetful });
  const flaky = new Anthropic({ apiKey: api.key, baseURL: served.baseURL.replace('/v1', ''), maxRetries: 0 });
  const retried = { headers: { 'x-stainless-retry-count': '0' } };
  await expect(flaky.messages.batches.create({ requests: [request('kept')] }, retried)).rejects.toThrow(/503/);
  isLost = false;
  const again = { headers: { 'x-stainless-retry-count': '1' } };
  const { id } = await flaky.messages.batches.create({ requests: [request('kept')] }, again);
  expect((await ended(id)).request_counts).toMatchObject({ succeeded: 1, errored: 0 });
});

it('a dry run of the other API sent nothing, and says so', async () => {
  const input_file_id = (await api.client.files.create({ file: jsonlFile([nativeLine('d')]), purpose: 'batch' })).id;
  const creation = { input_file_id, endpoint: '/v1/messages', completion_window: '24h', dry_run: true };
  const { id } = await api.client.batches.create(creation as never);
  const messageId = id.replace('batch_', 'msgbatch_');
  expect((await ended(messageId)).request_counts).toMatchObject({ canceled: 1, expired: 0, errored: 0 });
  expect(await resultsOf(messageId)).toEqual([{ custom_id: 'd', result: { type: 'canceled' } }]);
});

it('betas of the header are added to each request, whose other bytes stay', async () => {
  const params = '"model": "claude-sonnet-4-5", "max_tokens": 5.0, "x": 12345678901234567890, "messages": []';
  const bodies = [`{${params}}`, '{ }', `{"betas": ["b-2", "own-1"], ${params}}`, `{"betas": "none", ${params}}`];
  const body = `{"requests": [${bodies.map((each, place) => `{"custom_id": "${place}", "params": ${each}}`).join(',')}]}`;
  const headers = { 'content-type': 'application/json', 'x-api-key': api.key, 'anthropic-beta': 'b-1,b-2' };
  const answer = await fetch(`${api.url}/v1/messages/batches`, { method: 'POST', headers, body });
  const { id } = (await answer.json()) as { id: string };
  const { input_file_id } = await api.client.batches.retrieve(id.replace('msgbatch_', 'batch_'));
  const written = [
    `{"betas":["b-1","b-2"],${params}}`,
    '{"betas":["b-1","b-2"] }',
    `{"betas": ["b-2","own-1","b-1"], ${params}}`,
    bodies[3],
  ].map((each, place) => `{"custom_id": "${place}", "params": ${each}}\n`);
  expect(await (await api.client.files.content(input_file_id)).text()).toBe(written.join(''));
  await ended(id);
});

it('options come in the header or in the body', async () => {
  const headers = { 'x-batchdrop-options': JSON.stringify({ deadline_hours: 2 }) };
  const extra = { metadata: { team: 'blue' } } as object;
  const { id } = await client.messages.batches.create({ requests: [request('o')], ...extra }, { headers });
  const same = await api.client.batches.retrieve(id.replace('msgbatch_', 'batch_'));
  expect(same.metadata).toEqual({ team: 'blue' });
  expect(Number(same.expires_at) - same.created_at).toBe(7_200);
  await ended(id);
});

it('the elements of an array are found, however the object is written and wherever the chunks end', () => {
  const value = fc.jsonValue();
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 5 }),
      fc.dictionary(fc.string(), value, { maxKeys: 3 }),
      fc.constantFrom(undefined, 1, '\t'),
      fc.array(fc.nat(20), { maxLength: 20 }),
      (elements, others, space, cuts) => {
        const { requests: _mine, ...rest } = others;
        const bytes = Buffer.from(JSON.stringify({ ...rest, requests: elements }, null, space));
        const splitter = new ArrayElements('requests', { maxElementBytes: 1_000_000 });
        const found: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          found.push(...splitter.push(bytes.subarray(at, at + cut)));
          at = Math.min(bytes.length, at + cut);
        }
        found.push(...splitter.push(bytes.subarray(at)));
        expect(found.every((element) => !element.includes(0x0a))).toBe(true);
        expect(found.map((element) => JSON.parse(element.toString()))).toEqual(JSON.parse(JSON.stringify(elements)));
        const { rest: text, count } = splitter.finish();
        expect(count).toBe(elements.length);
        expect(JSON.parse(text)).toEqual({ ...JSON.parse(JSON.stringify(rest)), requests: elements.map(() => 0) });
      },
    ),
  );
});

it('white space between the elements of an array has no bound', () => {
  const splitter = new ArrayElements('requests', { maxElementBytes: 100 });
  const elements = Array(50_000)
    .fill(`{"a": 1}`)
    .join(`,${' '.repeat(30)}`);
  const text = `{"requests": [${elements}\n], "x": "a b"}`;
  expect(splitter.push(Buffer.from(text))).toHaveLength(50_000);
  const { rest, count } = splitter.finish();
  expect(count).toBe(50_000);
  expect(JSON.parse(rest)).toEqual({ requests: Array(50_000).fill(0), x: 'a b' });
});

it('a native line in a dropped file is answered as here', async () => {
  const batchId = await api.harness.drop('native.jsonl', `${nativeLine('n')}\n`);
  await ended(batchId ?? '');
  expect(await resultsOf((batchId ?? '').replace('batch_', 'msgbatch_'))).toMatchObject([
    { custom_id: 'n', result: { type: 'succeeded', message: { type: 'message' } } },
  ]);
});
