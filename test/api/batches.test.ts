import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drive } from '../pipeline/drive.ts';
import { chatLine, claudeLine, fileOf, numbered } from '../pipeline/requests.ts';
import { runs, runTimeMs } from '../seed.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
let client: OpenAI;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi({ config: { inputPrefixes: ['s3://batchdrop/data/', 's3://batchdrop/own/{tenant}/'] } });
  client = api.client;
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

async function upload(lines: readonly string[]): Promise<string> {
  return (await client.files.create({ file: jsonlFile(lines), purpose: 'batch' })).id;
}

const chat = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const;

/** Our additions, which the official client passes through. */
function additions(batch: OpenAI.Batch) {
  return (batch as unknown as { batchdrop: Record<string, never> }).batchdrop as Record<string, unknown>;
}

/** Fields that the official client does not know. */
function create(body: Record<string, unknown>, options?: OpenAI.RequestOptions) {
  return client.batches.create({ ...chat, input_file_id: '', ...body }, options);
}

it('the answers of a shard are there before the batch has ended, for its owner', async () => {
  const { simulators, services } = api.harness;
  simulators.anthropic.setFaults([{ kind: 'stuck' }]);
  const input_file_id = await upload([chatLine('done'), claudeLine('never')]);
  const { id } = await client.batches.create({ ...chat, input_file_id });
  const path = `/batches/${id}/shards/0/0/output`;
  await expect(client.get(path)).rejects.toThrow(OpenAI.NotFoundError);
  await drive(api.harness, id, {
    onTurn: async () => {
      const batch = await services.records.getBatch(id);
      const [first] = await services.records.listShards(id, batch.rounds[0]?.token ?? '');
      if (first?.status === 'collected' && batch.status === 'in_progress') {
        const answers = await client.get(path, { __binaryResponse: true }).asResponse();
        expect(JSON.parse(await answers.text())).toMatchObject({ custom_id: 'done', error: null });
        await client.batches.cancel(id);
      }
    },
  });
  simulators.anthropic.setFaults([]);
  expect((await client.batches.retrieve(id)).status).toBe('cancelled');
  for (const [caller, wrong] of [
    [api.stranger, path],
    [client, `/batches/${id}/shards/0/1/output`], // nothing answered there
    [client, `/batches/${id}/shards/0/7/output`],
    [client, `/batches/${id}/shards/1/0/output`],
    [client, `/batches/${id}/shards/0/x/output`],
  ] as const)
    await expect(caller.get(wrong)).rejects.toThrow(OpenAI.NotFoundError);
});

it('the failures of a shard are there before the end as far as they are final', async () => {
  const { simulators, services } = api.harness;
  const lines = [chatLine('good'), chatLine('wrong', '[[refuse]]'), chatLine('busy', '[[rate-limit]]')];
  simulators.anthropic.setFaults([{ kind: 'stuck' }]);
  const input_file_id = await upload([...lines, chatLine('no', '[[refuse]]'), claudeLine('never')]);
  const { id } = await client.batches.create({ ...chat, input_file_id, ...({ max_attempts: 2 } as object) });
  const path = `/batches/${id}/shards/0/0/errors`;
  await expect(client.get(path)).rejects.toThrow(OpenAI.NotFoundError);
  const found: string[][] = [];
  await drive(api.harness, id, {
    onTurn: async () => {
      const batch = await services.records.getBatch(id);
      const [first] = await services.records.listShards(id, batch.rounds[0]?.token ?? '');
      if (first?.status !== 'collected' || batch.status !== 'in_progress' || found.length > 0) return;
      const answer = await client.get(path, { __binaryResponse: true }).asResponse();
      const text = await answer.text();
      expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
      found.push(
        text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).custom_id),
      );
      await expect(api.stranger.get(path)).rejects.toThrow(OpenAI.NotFoundError);
      await client.batches.cancel(id);
    },
  });
  simulators.anthropic.setFaults([]);
  expect(found).toEqual([['wrong', 'no']]);
  const after = await client.get(path, { __binaryResponse: true }).asResponse();
  expect((await after.text()).trim().split('\n')).toHaveLength(3);
});

describe('the official client', () => {
  it('uploads, creates, polls and downloads', async () => {
    const lines = numbered(12, (id) => (id.endsWith('3') ? claudeLine(id) : chatLine(id)));
    const input_file_id = await upload(lines);
    const created = await client.batches.create({ ...chat, input_file_id, metadata: { team: 'blue' } });
    expect(created).toMatchObject({
      object: 'batch',
      status: 'validating',
      input_file_id,
      metadata: { team: 'blue' },
      request_counts: { total: 0, completed: 0, failed: 0 },
      output_file_id: null,
      errors: null,
    });
    await drive(api.harness, created.id);
    const batch = await client.batches.retrieve(created.id);
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 12, completed: 12, failed: 0 } });
    const output = await (await client.files.content(batch.output_file_id ?? '')).text();
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).custom_id),
    ).toEqual(numbered(12, (id) => id));
    expect(await client.files.retrieve(batch.output_file_id ?? '')).toMatchObject({ purpose: 'batch_output' });
    expect(additions(batch)).toMatchObject({
      tenant: 'default',
      warning_count: 0,
      report: { lines: 12 },
      receipt: { sendings: 2 },
      shards: [
        {
          provider: 'openai',
          model: 'gpt-5-mini',
          provider_batch_id: expect.stringMatching(/^batch_/),
          status: 'collected',
        },
        { provider: 'anthropic', provider_batch_id: expect.stringMatching(/^msgbatch_/), provider_status: 'ended' },
      ],
    });
  });

  it('sees a dropped batch as its own, and its files', async () => {
    const batchId = await api.harness.drop('door.jsonl', fileOf(numbered(2, chatLine)));
    const batch = await client.batches.retrieve(batchId ?? '');
    expect(batch.endpoint).toBe('');
    expect((await client.files.retrieve(batch.input_file_id)).filename).toBe('door.jsonl');
    expect(await (await client.files.content(batch.input_file_id)).text()).toBe(fileOf(numbered(2, chatLine)));
    expect((await client.batches.list({ limit: 1 })).data[0]?.id).toBe(batchId);
  });

  it('pages through its batches, newest first', async () => {
    const input_file_id = await upload(numbered(1, chatLine));
    const created: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      vi.setSystemTime(Date.now() + 1_000);
      created.unshift((await client.batches.create({ ...chat, input_file_id })).id);
    }
    const first = await client.batches.list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual(created.slice(0, 2));
    expect(first).toMatchObject({ has_more: true });
    const seen: string[] = [];
    for await (const batch of client.batches.list({ limit: 2 })) seen.push(batch.id);
    expect(seen.slice(0, 5)).toEqual(created);
    expect(new Set(seen).size).toBe(seen.length);
    await expect(client.batches.list({ after: `batch_${'0'.repeat(32)}` })).rejects.toThrow(OpenAI.NotFoundError);
    await expect(client.batches.list({ limit: 101 })).rejects.toThrow(/above maximum value/);
  });

  it('cancels, twice if it likes, and cannot cancel what has ended', async () => {
    const batch = await client.batches.create({ ...chat, input_file_id: await upload(numbered(3, chatLine)) });
    expect((await client.batches.cancel(batch.id)).status).toBe('cancelling');
    expect((await client.batches.cancel(batch.id)).status).toBe('cancelling');
    await drive(api.harness, batch.id);
    expect((await client.batches.cancel(batch.id)).status).toBe('cancelled');
    const done = await client.batches.create({ ...chat, input_file_id: await upload(numbered(1, chatLine)) });
    await drive(api.harness, done.id);
    const refusal = client.batches.cancel(done.id);
    await expect(refusal).rejects.toThrow(OpenAI.ConflictError);
    await expect(refusal).rejects.toThrow("Cannot cancel a batch with status 'completed'.");
  });

  it('cancels a dropped batch, and its status file says so', async () => {
    const batchId = (await api.harness.drop('to cancel.jsonl', fileOf(numbered(2, chatLine)))) ?? '';
    expect((await client.batches.cancel(batchId)).status).toBe('cancelling');
    expect((await api.harness.status('to cancel.jsonl')).status).toBe('cancelling');
    await drive(api.harness, batchId);
    expect((await api.harness.status('to cancel.jsonl')).status).toBe('cancelled');
  });

  it('learns of all bad lines', async () => {
    const input_file_id = await upload([chatLine('a'), '{"custom_id":', chatLine('a')]);
    const { id } = await client.batches.create({ ...chat, input_file_id });
    await drive(api.harness, id);
    const batch = await client.batches.retrieve(id);
    expect(batch.status).toBe('failed');
    expect(batch.errors?.data).toMatchObject([
      { code: 'invalid_json_line', line: 2 },
      { code: 'duplicate_custom_id', line: 3 },
    ]);
  });

  it('gets a failed batch, not an error, for a file that does not exist', async () => {
    const missing = `file-${'0'.repeat(32)}`;
    const batch = await client.batches.create({ ...chat, input_file_id: missing });
    expect(batch).toMatchObject({ status: 'validating', input_file_id: missing });
    await drive(api.harness, batch.id);
    expect(await client.batches.retrieve(batch.id)).toMatchObject({
      status: 'failed',
      errors: {
        data: [
          {
            code: 'invalid_request',
            message: expect.stringContaining('Cannot find file'),
            param: 'file_id',
            line: null,
          },
        ],
      },
    });
  });

  it('retries what failed as a batch of its own, once', async () => {
    const lines = numbered(6, (id) => chatLine(id, id === 'request-4' ? '[[refuse]]' : 'hello'));
    const first = await client.batches.create({
      ...chat,
      input_file_id: await upload(lines),
      metadata: { team: 'red' },
    });
    await expect(client.post(`/batches/${first.id}/retry`)).rejects.toThrow(
      "Cannot retry a batch with status 'validating'.",
    );
    await drive(api.harness, first.id);
    const retried = await client.post<OpenAI.Batch>(`/batches/${first.id}/retry`);
    const again = await client.post<OpenAI.Batch>(`/batches/${first.id}/retry`);
    expect(again.id).toBe(retried.id);
    expect(retried).toMatchObject({ endpoint: '/v1/chat/completions', metadata: { team: 'red' } });
    expect(additions(retried).retry_of).toBe(first.id);
    await drive(api.harness, retried.id);
    expect((await client.batches.retrieve(retried.id)).request_counts?.total).toBe(1);
  });

  it('asks for a dry run and gets its report', async () => {
    const batch = await create({ input_file_id: await upload(numbered(4, chatLine)), dry_run: true });
    await drive(api.harness, batch.id);
    const ended = await client.batches.retrieve(batch.id);
    expect(ended).toMatchObject({ status: 'completed', output_file_id: null });
    expect(additions(ended).report).toMatchObject({ lines: 4, shards: [{ provider: 'openai', requests: 4 }] });
  });
});

describe('a create is refused, in the words of OpenAI,', () => {
  it.each([
    [
      { endpoint: '/v1/nonsense' },
      'endpoint',
      "Invalid value: '/v1/nonsense'. Supported values are: '/v1/responses', ",
    ],
    [{ endpoint: 7 }, 'endpoint', "Invalid type for 'endpoint'"],
    [{ completion_window: '48h' }, 'completion_window', "Invalid value: '48h'. Supported values are: '24h'."],
    [{ completion_window: undefined }, 'completion_window', "Missing required parameter: 'completion_window'."],
    [{ input_file_id: undefined }, 'input_file_id', "Missing required parameter: 'input_file_id'."],
    [{ metadata: 'text' }, 'metadata', "Invalid type for 'metadata': expected an object, but got a string instead."],
    [{ metadata: { a: 1 } }, 'metadata.a', "Invalid type for 'metadata.a': expected a string"],
    [{ metadata: { a: 'x'.repeat(513) } }, 'metadata.a', '512'],
    [{ metadata: { ['k'.repeat(65)]: 'x' } }, `metadata.${'k'.repeat(64)}`, '64'],
    [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v'])) }, 'metadata', '16 pairs'],
    [{ output_expires_after: { anchor: 'created_at', seconds: 10 } }, 'output_expires_after.seconds', '3600'],
    [{ provider: 'nobody' }, 'provider', "The provider 'nobody' is not configured"],
    [{ provider: 'openai', custom_llm_provider: 'anthropic' }, 'provider', 'Two different values'],
    [{ input_file_id: 's3://elsewhere/a.jsonl' }, 'input_file_id', 'no configured input prefix'],
    [{ input_file_id: 's3://batchdrop/own/other/a.jsonl' }, 'input_file_id', 'no configured input prefix'],
    [{ input_file_id: 's3://batchdrop/files/a.jsonl' }, 'input_file_id', 'no configured input prefix'],
  ])('for %j', async (change, param, message) => {
    const refusal = create({ input_file_id: `file-${'1'.repeat(32)}`, ...change });
    await expect(refusal).rejects.toThrow(OpenAI.BadRequestError);
    await expect(refusal).rejects.toThrow(message);
    await expect(refusal).rejects.toMatchObject({ param, type: 'invalid_request_error' });
  });
});

it('an endpoint that no configured provider can run is refused, naming those that can be', async () => {
  const { services } = api.harness;
  const { anthropic } = services.config.providers;
  if (!anthropic) throw new Error('no anthropic');
  const claudeOnly = await api.served({}, { ...services, config: { ...services.config, providers: { anthropic } } });
  const embeddings = { input_file_id: 'x', endpoint: '/v1/embeddings', completion_window: '24h' } as const;
  await expect(claudeOnly.batches.create(embeddings)).rejects.toThrow(
    /^400 Invalid value: '\/v1\/embeddings'. Supported values are: '\/v1\/responses', '\/v1\/chat\/completions',? and '\/v1\/messages'\.$/,
  );
});

describe('a create', () => {
  it('leaves unknown fields and nulls alone', async () => {
    const batch = await create({ input_file_id: 'x', metadata: null, output_expires_after: null, colour: { a: 1 } });
    expect(batch).toMatchObject({ status: 'validating', metadata: null });
  });

  it.each([
    [{ max_cost: 1 }, "'max_cost' is no option; did you mean 'max_cost_usd'?"],
    [{ dryRun: true }, "'dryRun' is no option; did you mean 'dry_run'?"],
    [{ metadata: { 'max-cost-usd': '50' } }, 'Give max_cost_usd beside metadata'],
    [{ max_cost_usd: 0 }, "Invalid 'max_cost_usd': decimal below minimum value. Expected a value >= 0.000001."],
  ])('is refused for %j, which nobody would read', async (body, message) => {
    await expect(create({ input_file_id: 'x', ...body })).rejects.toThrow(message);
  });

  it('takes labels of one word that are options elsewhere', async () => {
    const metadata = { priority: 'low', provider: 'us', 'cost-center': '7' };
    expect(await create({ input_file_id: 'x', metadata })).toMatchObject({ metadata });
  });

  it('takes our options, and custom_llm_provider for provider', async () => {
    const options = { custom_llm_provider: 'openai', max_cost_usd: 5, priority: 'high', on_invalid_line: 'error_line' };
    const batch = await create({ input_file_id: await upload(numbered(1, chatLine)), ...options });
    expect(additions(batch).options).toMatchObject({ provider: 'openai', max_cost_usd: 5, priority: 'high' });
  });

  it('takes rows and a template', async () => {
    const template = { body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: '{{ a }}' }] } };
    const batch = await create({ input_file_id: await upload(['{"a": "first"}']), template });
    await drive(api.harness, batch.id);
    expect(await client.batches.retrieve(batch.id)).toMatchObject({ request_counts: { total: 1, completed: 1 } });
  });

  it('takes an object of the bucket as its input', async () => {
    await api.harness.put('data/mine.jsonl', fileOf(numbered(2, chatLine)));
    const batch = await create({ input_file_id: 's3://batchdrop/data/mine.jsonl' });
    await drive(api.harness, batch.id);
    expect(await client.batches.retrieve(batch.id)).toMatchObject({
      status: 'completed',
      request_counts: { total: 2 },
    });
    expect((await client.files.retrieve(batch.input_file_id)).filename).toBe('mine.jsonl');
    expect(await (await client.files.content(batch.input_file_id)).text()).toBe(fileOf(numbered(2, chatLine)));
    const missing = await create({ input_file_id: 's3://batchdrop/own/default/none.jsonl' });
    await drive(api.harness, missing.id);
    expect((await client.batches.retrieve(missing.id)).errors?.data?.[0]?.message).toContain('Cannot find file s3://');
  });

  it('with an idempotency key gives the same batch, and says conflict for other parameters', async () => {
    const input_file_id = await upload(numbered(1, chatLine));
    const body = { input_file_id, metadata: { a: '1', b: '2' }, idempotency_key: 'monday, early' };
    const first = await create(body);
    const second = await create({ ...body, metadata: { b: '2', a: '1' } });
    const byHeader = await create(
      { ...body, idempotency_key: undefined },
      { headers: { 'Idempotency-Key': 'monday, early' } },
    );
    expect([second.id, byHeader.id]).toEqual([first.id, first.id]);
    await client.files.delete(input_file_id);
    expect((await create(body)).id).toBe(first.id);
    const conflict = create({ ...body, metadata: { a: '2' } });
    await expect(conflict).rejects.toThrow(OpenAI.ConflictError);
    await expect(conflict).rejects.toThrow(/Conflict/);
    await expect(create(body, { headers: { 'Idempotency-Key': 'tuesday' } })).rejects.toThrow(OpenAI.BadRequestError);
  });

  it('many times at once with one idempotency key makes one batch', { timeout: runTimeMs(300_000) }, async () => {
    const input_file_id = await upload(numbered(1, chatLine));
    const before = api.harness.started.length;
    const created = await Promise.all(
      Array.from({ length: runs(200) }, () => create({ input_file_id, idempotency_key: 'stampede' })),
    );
    expect(new Set(created.map(({ id }) => id)).size).toBe(1);
    expect(api.harness.started.length - before).toBe(1);
  });

  it('answers with the batch that stands, even where its execution did not start', async () => {
    const services = { ...api.harness.services };
    services.executions = { ...services.executions, start: () => Promise.reject(new Error('throttled')) };
    const limping = await api.served({}, services);
    const input_file_id = await upload(numbered(1, chatLine));
    const batch = await limping.batches.create({ ...chat, input_file_id });
    expect((await client.batches.retrieve(batch.id)).status).toBe('validating');
  });
});

it("somebody else's batch is not there", async () => {
  const { id } = await client.batches.create({ ...chat, input_file_id: await upload(numbered(1, chatLine)) });
  for (const call of [
    () => api.stranger.batches.retrieve(id),
    () => api.stranger.batches.cancel(id),
    () => api.stranger.post(`/batches/${id}/retry`),
    () => api.stranger.batches.list({ after: id }),
  ])
    await expect(call()).rejects.toThrow(`404 No batch found with id '${id}'.`);
  expect((await api.stranger.batches.list()).data).toEqual([]);
});
