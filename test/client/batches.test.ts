import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import {
  AbortError,
  AuthenticationError,
  batchResults,
  ConflictError,
  ConnectionError,
  cancelBatch,
  createBatch,
  InvalidInputError,
  isComplete,
  isSuccessful,
  listBatches,
  NotFoundError,
  NotSupportedError,
  OutcomeUnknownError,
  RateLimitError,
  retrieveBatch,
  waitForBatch,
} from '../../lib/client/index.ts';
import type { BatchProviderKind } from '../../lib/providers/config.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';
import {
  cancellingKinds,
  chatRequest,
  collect,
  downloadingKinds,
  endless,
  libraryKinds,
  models,
  startProvider,
  temporaryFolder,
  thrownBy,
} from './provider-at-hand.ts';

const batchMembers = [
  ...['id', 'object', 'endpoint', 'model', 'errors', 'input_file_id', 'completion_window', 'status', 'output_file_id'],
  ...['error_file_id', 'created_at', 'in_progress_at', 'expires_at', 'finalizing_at', 'completed_at', 'failed_at'],
  ...['expired_at', 'cancelling_at', 'cancelled_at', 'request_counts', 'usage', 'metadata'],
];

describe.each(libraryKinds)('%s', (kind) => {
  it('creates, waits, and gives every result under its own id', async () => {
    const { at, simulator } = await startProvider(kind);
    const input = Array.from({ length: 20 }, (_, index) => chatRequest(kind, `my-${index}`, `Text ${index}`));

    const created = await createBatch({ ...at, input, endpoint: '/v1/chat/completions' });
    const ended: OpenAI.Batch = await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.05 });
    const results = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/chat/completions' }));

    for (const batch of [created, ended]) expect(Object.keys(batch)).toEqual(expect.arrayContaining(batchMembers));
    expect(Object.values(ended)).not.toContain(undefined);
    expect(created).toMatchObject({ object: 'batch', endpoint: '/v1/chat/completions', warnings: [], warningCount: 0 });
    expect(ended).toMatchObject({ id: created.id, status: 'completed', completion_window: '24h', errors: null });
    expect(ended.request_counts).toEqual({ total: 20, completed: 20, failed: 0 });
    expect([isComplete(created), isComplete(ended), isSuccessful(ended)]).toEqual([
      created.status === 'completed',
      true,
      true,
    ]);
    expect(results.map((result) => result.customId).sort()).toEqual(input.map((request) => request.custom_id).sort());
    for (const result of results) {
      if (!result.succeeded) throw result.error;
      expect(result.response.choices[0]?.message.content).toEqual(expect.any(String));
    }
    expect(await simulator.creations()).toHaveLength(1);
  });

  it.each([
    ['an Array', (requests: object[]) => requests],
    ['an iterable', (requests: object[]) => requests.values()],
    [
      'an async iterable',
      (requests: object[]) =>
        (async function* () {
          yield* requests;
        })(),
    ],
    ['a file', (requests: object[]) => fileOf(requests)],
  ])('takes %s', async (_name, inputOf) => {
    const { at } = await startProvider(kind);
    const requests = ['a', 'b'].map((id) => ({
      method: 'POST',
      url: '/v1/chat/completions',
      ...chatRequest(kind, id, 'Hello'),
    }));

    const { id } = await createBatch({ ...at, input: inputOf(requests) as never });
    await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });

    const results = await collect(batchResults({ ...at, batchId: id }));
    expect(results.map((result) => result.customId).sort()).toEqual(['a', 'b']);
  });

  it('brings unusual ids back', async () => {
    const { at, simulator } = await startProvider(kind);
    const ids = [
      'with space',
      'ünïcödé/✓',
      '{"json": 1}',
      'bd64_YQ',
      'bd64_',
      'a'.repeat(64),
      'line\nbreak',
      '"',
      '__proto__',
      '0',
    ];

    const { id } = await createBatch({ ...at, input: ids.map((customId) => chatRequest(kind, customId, 'Hello')) });
    await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });
    const results = await collect(batchResults({ ...at, batchId: id }));

    expect(results.map((result) => result.customId).sort()).toEqual(ids.toSorted());
    const [creation] = await simulator.creations();
    expect(creation?.requestIds).toContain('0');
    expect(creation?.requestIds).toContain('a'.repeat(64));
  });

  it('tells what became of each request', async () => {
    const { at } = await startProvider(kind);
    const texts = { fine: 'fine', refused: '[[refuse]]', limited: '[[rate-limit]]', broken: '[[server-error]]' };
    const input = Object.entries(texts).map(([id, text]) => chatRequest(kind, id, text));

    const { id } = await createBatch({ ...at, input });
    const ended = await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });
    const results = new Map((await collect(batchResults({ ...at, batchId: id }))).map((each) => [each.customId, each]));

    expect([isComplete(ended), isSuccessful(ended)]).toEqual([true, false]);
    expect(results.get('fine')).toMatchObject({ succeeded: true, error: null });
    expect(results.get('refused')?.error).toMatchObject({ name: 'RequestError', statusCode: 400, isRetryable: false });
    expect(results.get('limited')?.error).toMatchObject({
      statusCode: 429,
      isRetryable: true,
      body: expect.any(Object),
    });
    expect(results.get('broken')?.error).toMatchObject({ isRetryable: true, code: expect.any(String) });
  });

  it('lists in pages, newest first', async () => {
    const { at } = await startProvider(kind);
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      ids.push((await createBatch({ ...at, input: [chatRequest(kind, name, 'Hello')] })).id);

    const first = await listBatches({ ...at, limit: 2 });
    const second = await listBatches({ ...at, limit: 2, after: first.last_id ?? '' });
    const third = await listBatches({ ...at, limit: 2, after: second.last_id ?? '' });

    expect([first, second, third].flatMap((page) => page.data.map((batch) => batch.id)).sort()).toEqual(ids.toSorted());
    expect([first, second, third].map((page) => page.has_more)).toEqual([true, true, false]);
    expect(first).toMatchObject({ object: 'list', first_id: first.data[0]?.id, last_id: first.data[1]?.id });
    expect(Object.keys(first.data[0] ?? {})).toEqual(expect.arrayContaining(batchMembers));
    await expect(listBatches({ ...at, limit: 101 })).rejects.toThrow(InvalidInputError);
  });

  it('names every wrong line, and sends nothing', async () => {
    const { at, simulator } = await startProvider(kind);
    const file = fileOf([
      chatLine(kind, 'a'),
      { custom_id: 'b' },
      chatLine(kind, 'a'),
      chatLine(kind, 'c', { stream: true }),
    ]);
    appendFileSync(file, '{"custom_id": \n');

    const error = await thrownBy(createBatch({ ...at, input: file }));

    if (!(error instanceof InvalidInputError)) throw error;
    expect(error.errors.map(({ line, code }) => [line, code])).toEqual([
      [2, 'missing_required_parameter'],
      [2, 'missing_required_parameter'],
      [2, 'missing_required_parameter'],
      [3, 'duplicate_custom_id'],
      [4, 'streaming_unsupported'],
      [5, 'invalid_json_line'],
    ]);
    expect(error.message).toMatch(/^line 2: Missing required parameter.*\(and 5 more, see errors\)$/);
    expect(await simulator.creations()).toEqual([]);
  });

  it('has an error of its own for each thing that may be wrong', async () => {
    const { at } = await startProvider(kind);
    const { simulator: closed } = await startProvider(kind);
    await closed.close();
    const input = [chatRequest(kind, 'a', 'Hello')];
    const create = (more: object) => thrownBy(createBatch({ ...at, input, ...more }));

    expect(await create({ apiKey: 'sk-wrong-0123456789' })).toBeInstanceOf(AuthenticationError);
    expect(await create({ apiKey: '' })).toMatchObject({
      name: 'AuthenticationError',
      message: expect.stringContaining('_API_KEY'),
    });
    expect(await create({ provider: 'nobody' })).toBeInstanceOf(NotSupportedError);
    const bedrock = await create({ provider: 'bedrock' });
    expect(bedrock).toBeInstanceOf(NotSupportedError);
    expect(String(bedrock)).toContain('pass deployment');
    expect(await create({ provider: undefined })).toMatchObject({ code: 'missing_target' });
    expect(await create({ completionWindow: '1h' })).toBeInstanceOf(NotSupportedError);
    expect(await create({ endpoint: '/v2/chat' })).toMatchObject({ name: 'InvalidInputError', param: 'endpoint' });
    expect(await create({ metadata: { key: 'x'.repeat(513) } })).toMatchObject({ param: 'metadata' });
    expect(await create({ input: [] })).toMatchObject({ name: 'InvalidInputError', code: 'empty_file' });
    expect(await create({ input: '/no/such.jsonl' })).toMatchObject({ code: 'input_unreadable' });
    expect(await create({ input: [{ custom_id: 'a', body: { model: 1n } }] })).toMatchObject({ errors: [{ line: 1 }] });
    expect(await create({ input: [undefined, 3] })).toMatchObject({ errors: [{ line: 1 }, { line: 2 }] });
    expect(await create({ apiBase: closed.url })).toBeInstanceOf(ConnectionError);
    expect(await create({ signal: AbortSignal.abort('enough') })).toMatchObject({
      name: 'AbortError',
      cause: 'enough',
    });
    expect(await thrownBy(retrieveBatch({ ...at, batchId: 'batch_none' }))).toBeInstanceOf(NotFoundError);
    expect(await thrownBy(cancelBatch({ ...at, batchId: 'batch_none' }))).toBeInstanceOf(NotFoundError);
    expect(await thrownBy(retrieveBatch({ ...at, batchId: '' }))).toBeInstanceOf(InvalidInputError);
    expect(await thrownBy(collect(batchResults({ ...at, batchId: 'batch_none' })))).toBeInstanceOf(NotFoundError);
  });

  it('says when to come again', async () => {
    const faults = [{ kind: 'http_error', operation: 'create', status: 429, retryAfterSeconds: 7, times: 1 } as const];
    const { at, simulator } = await startProvider(kind, { faults });

    const error = await thrownBy(createBatch({ ...at, input: [chatRequest(kind, 'a', 'Hello')] }));

    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ retryAfterSeconds: 7 });
    expect(await simulator.creations()).toEqual([]);
  });

  it('refuses more than a batch holds, before anything is sent', async () => {
    const { at, simulator } = await startProvider(kind);
    function* requests() {
      for (let index = 0; ; index += 1) yield chatRequest(kind, `r${index}`, 'Hello');
    }

    const error = await thrownBy(createBatch({ ...at, input: requests() }));

    expect(error).toMatchObject({ code: 'batch_too_large', message: expect.stringContaining('deployment') });
    expect(await simulator.creations()).toEqual([]);
  });

  it('passes options on to the SDK and to the provider', async () => {
    const { at, simulator } = await startProvider(kind);
    const seen: { url: string; header: string | null }[] = [];
    const spy: typeof fetch = (url, init) => {
      seen.push({ url: String(url), header: new Headers(init?.headers).get('x-mine') });
      return fetch(url, init);
    };
    const clientOptions = { fetch: spy, defaultHeaders: { 'x-mine': 'yes' } };
    const options = { ...at, clientOptions, providerOptions: { mine: 'yes' } };

    const refusal = await thrownBy(createBatch({ ...options, input: [chatRequest(kind, 'a', 'Hello')] }));
    await listBatches({ ...options, limit: 1 });
    await thrownBy(retrieveBatch({ ...options, batchId: 'batch_x' }));

    expect(refusal).toMatchObject({ name: 'InvalidInputError', message: expect.stringContaining('mine') });
    expect(seen.filter(({ url }) => url.startsWith('http')).every(({ header }) => header === 'yes')).toBe(true);
    expect(seen.some(({ url }) => /limit=1|page_?size=/i.test(url) && url.includes('mine=yes'))).toBe(true);
    expect(seen.some(({ url }) => url.includes('batch_x') && url.includes('mine=yes'))).toBe(true);
    expect(await simulator.creations()).toEqual([]);
  });

  it('gives a batch back that cannot be read yet', async () => {
    const { at } = await startProvider(kind, { faults: [{ kind: 'not_found_yet', durationMs: 300 }] });

    const created = await createBatch({ ...at, input: [chatRequest(kind, 'a', 'Hello')] });
    const ended = await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.1 }).catch(async () => {
      await vi.waitFor(() => retrieveBatch({ ...at, batchId: created.id }), 60_000);
      return await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.1 });
    });

    expect(created).toMatchObject({ status: 'validating', request_counts: { total: 1 } });
    expect(Object.keys(created)).toEqual(expect.arrayContaining(batchMembers));
    expect(ended.status).toBe('completed');
  });

  it('gives a damaged result as one, with the others', async () => {
    const { at } = await startProvider(kind, { faults: [{ kind: 'result_line', effect: 'malformed' }] });
    const input = ['a', 'b', 'c'].map((id) => chatRequest(kind, id, 'Hello'));
    const { id } = await createBatch({ ...at, input });
    await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });

    const results = await collect(batchResults({ ...at, batchId: id }));

    expect(results.filter((result) => result.succeeded)).toHaveLength(2);
    expect(results.find((result) => !result.succeeded)?.error).toMatchObject({ code: 'invalid_result_line' });
  });
});

describe.each(downloadingKinds)('%s', (kind) => {
  it('says where a download lacks results', async () => {
    const { at } = await startProvider(kind, { faults: [{ kind: 'truncated_download', how: 'clean_end', times: 1 }] });
    const input = Array.from({ length: 50 }, (_, index) => chatRequest(kind, `r${index}`, 'Hello'));
    const { id } = await createBatch({ ...at, input });
    await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });

    await expect(collect(batchResults({ ...at, batchId: id }))).rejects.toThrow(ConnectionError);
    expect(await collect(batchResults({ ...at, batchId: id }))).toHaveLength(50);
  });

  it.runIf(kind !== 'xai').each(['html', 'error'] as const)('takes no other file for results: %s', async (body) => {
    const { at } = await startProvider(kind, {
      faults: [{ kind: 'wrong_body', operation: 'results', body, times: 1 }],
    });
    const input = ['a', 'b'].map((id) => chatRequest(kind, id, 'Hello'));
    const { id } = await createBatch({ ...at, input });
    await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });

    const seen: unknown[] = [];
    const read = async () => {
      for await (const result of batchResults({ ...at, batchId: id })) seen.push(result);
    };
    await expect(read()).rejects.toThrow(ConnectionError);
    expect(seen).toEqual([]);
    await read();
    expect(seen).toHaveLength(2);
  });
});

describe.each(cancellingKinds)('%s', (kind) => {
  it('cancels, twice if need be', async () => {
    const { at } = await startProvider(kind, { timing: endless });
    const input = [chatRequest(kind, 'a', 'Hello'), chatRequest(kind, 'b', 'Hello')];
    const { id } = await createBatch({ ...at, input });

    await expect(collect(batchResults({ ...at, batchId: id }))).rejects.toThrow(ConflictError);
    const cancelling = await cancelBatch({ ...at, batchId: id });
    const cancelled = await waitForBatch({ ...at, batchId: id, pollIntervalSeconds: 0.05 });
    const again = await cancelBatch({ ...at, batchId: id });
    const results = await collect(batchResults({ ...at, batchId: id }));

    expect(['cancelling', 'cancelled']).toContain(cancelling.status);
    expect(cancelled).toMatchObject({ status: 'cancelled', cancelled_at: expect.any(Number), completed_at: null });
    expect(again.status).toBe('cancelled');
    expect(cancelled.request_counts).toMatchObject({ total: 2, failed: 0 });
    expect(results).toHaveLength(subjects[kind].earlyEnd === 'every line' ? 2 : 0);
    for (const { error } of results) expect(error).toMatchObject({ code: 'batch_cancelled', isRetryable: false });
  });
});

describe('openai', () => {
  it('finds a batch whose creation was not answered', async () => {
    const faults = [{ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 } as const];
    const { at, simulator } = await startProvider('openai', { faults });

    const created = await createBatch({ ...at, input: [chatRequest('openai', 'a', 'Hello')], settleSeconds: 1 });

    expect((await simulator.creations()).map((creation) => creation.providerBatchId)).toEqual([created.id]);
  });

  it('says how to check where no batch appears', async () => {
    const faults = [{ kind: 'http_error', operation: 'create', status: 500 } as const];
    const { at, simulator } = await startProvider('openai', { faults });

    const error = await thrownBy(
      createBatch({ ...at, input: [chatRequest('openai', 'a', 'Hello')], settleSeconds: 0.3 }),
    );

    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error).toMatchObject({ candidates: [], message: expect.stringContaining('listBatches()') });
    expect(await simulator.creations()).toEqual([]);
  });

  it('keeps metadata, and carries other endpoints', async () => {
    const { at } = await startProvider('openai');
    const body = { model: 'text-embedding-3-small', input: ['one', 'two'] };

    const created = await createBatch({
      ...at,
      input: [{ custom_id: 'e', body }],
      endpoint: '/v1/embeddings',
      metadata: { team: 'search' },
    });
    const ended = await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.05 });
    const [result] = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/embeddings' }));

    expect(ended).toMatchObject({
      endpoint: '/v1/embeddings',
      metadata: { team: 'search' },
      usage: { output_tokens: 0 },
    });
    expect(result?.response?.data).toHaveLength(2);
    await expect(collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/responses' }))).rejects.toThrow(
      'is for /v1/embeddings',
    );
  });

  it('takes Messages through chat completions, and one endpoint per batch', async () => {
    const { at } = await startProvider('openai');
    const params = { model: models.openai, max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] };
    const native = { custom_id: 'a', params };

    const created = await createBatch({ ...at, input: [native], endpoint: '/v1/messages' });
    await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.05 });
    const [result] = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/messages' }));
    const error = await thrownBy(createBatch({ ...at, input: [chatRequest('openai', 'b', 'Hello'), native] }));

    expect(result).toMatchObject({ customId: 'a', response: { type: 'message', content: [{ type: 'text' }] } });
    expect(error).toMatchObject({ errors: [{ line: 2, code: 'invalid_url' }] });
  });

  it('takes one model per batch, with or without its provider', async () => {
    const { at } = await startProvider('openai');
    const input = [
      chatRequest('openai', 'a', 'Hello', { model: 'openai/gpt-4o-mini' }),
      chatRequest('openai', 'b', 'Hello', { model: 'gpt-4o-mini' }),
      chatRequest('openai', 'c', 'Hello', { model: 'gpt-4o' }),
    ];

    expect((await createBatch({ ...at, input: input.slice(0, 2) })).warningCount).toBe(0);
    const error = await thrownBy(createBatch({ ...at, input }));

    expect(error).toMatchObject({ errors: [{ line: 3, code: 'model_mismatch' }] });
  });
});

describe('anthropic', () => {
  it('lets what may be a lost batch decide nothing, and names it', async () => {
    const faults = [{ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 } as const];
    const { at, simulator } = await startProvider('anthropic', { faults });

    const error = await thrownBy(
      createBatch({ ...at, input: [chatRequest('anthropic', 'a', 'Hello')], settleSeconds: 0.2 }),
    );

    const [creation] = await simulator.creations();
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error).toMatchObject({ candidates: [creation?.providerBatchId] });
  });

  it('answers in the form of the endpoint that is asked for', async () => {
    const { at } = await startProvider('anthropic');
    const params = { model: models.anthropic, max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] };

    const created = await createBatch({ ...at, input: [{ custom_id: 'a', params }], endpoint: '/v1/messages' });
    await waitForBatch({ ...at, batchId: created.id, pollIntervalSeconds: 0.05 });
    const [native] = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/messages' }));
    const [chat] = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/chat/completions' }));

    expect(created.endpoint).toBe('/v1/messages');
    expect(native?.response).toMatchObject({ type: 'message', content: [{ type: 'text' }] });
    expect(chat?.response?.choices).toHaveLength(1);
  });

  it('says that it does not know where it could not even look', async () => {
    const faults = [
      { kind: 'connection_cut', operation: 'create', when: 'after_effect' } as const,
      { kind: 'http_error', operation: 'list', status: 400 } as const,
    ];
    const { at } = await startProvider('anthropic', { faults });

    const error = await thrownBy(
      createBatch({ ...at, input: [chatRequest('anthropic', 'a', 'Hello')], settleSeconds: 0.1 }),
    );

    expect(error).toMatchObject({ name: 'OutcomeUnknownError', candidates: [], cause: expect.any(Error) });
  });

  it('has neither files nor metadata, and says what it dropped', async () => {
    const { at } = await startProvider('anthropic');
    const input = [chatRequest('anthropic', 'a', 'Hello', { frequency_penalty: 1 })];
    const options = { ...at, input, metadata: { team: 'search' } };

    const created = await createBatch(options);

    expect(created).toMatchObject({ input_file_id: null, metadata: null, usage: null, warningCount: 2 });
    expect(created.warnings).toMatchObject([
      { param: 'metadata', line: null },
      { param: 'body.frequency_penalty', code: 'parameter_dropped', line: 1 },
    ]);
    expect(await thrownBy(createBatch({ ...options, strict: true }))).toMatchObject({ param: 'metadata' });
    expect(await thrownBy(createBatch({ ...at, input, strict: true }))).toMatchObject({ errors: [{ line: 1 }] });
  });

  it('refuses an id that fits in no way, and an endpoint that it has not', async () => {
    const { at } = await startProvider('anthropic');

    const error = await thrownBy(createBatch({ ...at, input: [chatRequest('anthropic', 'ü'.repeat(23), 'Hello')] }));

    expect(error).toMatchObject({ errors: [{ line: 1, code: 'invalid_custom_id' }] });
    const endpoint = '/v1/embeddings';
    await expect(createBatch({ ...at, input: [], endpoint })).rejects.toThrow(NotSupportedError);
  });
});

it('knows an aborted call from a failed one', async () => {
  const { at } = await startProvider('openai', {
    faults: [{ kind: 'slow_answer', operation: 'list', delayMs: 5_000 }],
  });

  const error = await thrownBy(listBatches({ ...at, signal: AbortSignal.timeout(50) }));

  expect(error).toBeInstanceOf(AbortError);
});

function chatLine(kind: BatchProviderKind, customId: string, more: object = {}): object {
  return { method: 'POST', url: '/v1/chat/completions', ...chatRequest(kind, customId, 'Hello', more) };
}

function fileOf(requests: object[]): string {
  const path = join(temporaryFolder(), 'requests.jsonl');
  writeFileSync(path, `${requests.map((request) => JSON.stringify(request)).join('\n')}\n`);
  return path;
}
