import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createBatch,
  estimateBatch,
  InvalidInputError,
  NotSupportedError,
  retrieveBatch,
  runBatch,
  waitForBatch,
} from '../../lib/client/index.ts';
import { type At, chatRequest, models, startProvider, thrownBy } from './provider-at-hand.ts';

const asked = (...texts: string[]) => texts.map((content) => ({ messages: [{ role: 'user' as const, content }] }));

describe('an answer with a schema', () => {
  const schema = z.object({ label: z.enum(['good', 'bad']), stars: z.number().int() });

  it('is asked for, parsed and typed', async () => {
    const { at } = await startProvider('openai');

    const results = await runBatch(models.openai, asked('one', '[[refuse]]'), { ...at, schema });

    const [first, second] = results;
    if (!first?.succeeded) throw first?.error;
    const label: 'good' | 'bad' = first.parsed.label;
    expect(['good', 'bad']).toContain(label);
    expect(Number.isInteger(first.parsed.stars)).toBe(true);
    expect(second).toMatchObject({ succeeded: false, parsed: null });
  });

  it('that does not fit is a failed request, whose answer is kept', async () => {
    const { at } = await startProvider('openai');
    const impossible = schema.refine(() => false, { message: 'never right' });

    const [result] = await runBatch(models.openai, asked('one'), { ...at, schema: impossible });

    expect(result).toMatchObject({
      succeeded: false,
      parsed: null,
      error: { code: 'schema_mismatch', isRetryable: false },
    });
    expect(result?.error?.message).toContain('never right');
    expect(result?.error?.body).toMatchObject({ object: 'chat.completion' });
  });

  it('is refused where there is none', async () => {
    const { at } = await startProvider('openai');
    const error = await thrownBy(
      runBatch('text-embedding-3-small', [{ input: 'x' }], { ...at, endpoint: '/v1/embeddings', schema }),
    );
    expect(error).toMatchObject({ name: 'InvalidInputError', param: 'schema' });
  });
});

/** Runs three requests, one of which fails. */
async function ranOnce(at: At): Promise<string> {
  let batchId = '';
  const onProgress = ({ id }: { id: string }) => {
    batchId = id;
  };
  await runBatch(models.openai, asked('one', '[[refuse]]', 'three'), { ...at, onProgress });
  return batchId;
}

describe('a run that was interrupted', () => {
  it('goes on from its id, with one result for each request in their order', async () => {
    const { at } = await startProvider('openai');
    let batchId = '';
    const first = await runBatch(models.openai, asked('one', '[[refuse]]', 'three'), {
      ...at,
      onProgress: ({ id }) => {
        batchId = id;
      },
    });

    const again = await runBatch({ ...at, batchId });

    const outcomes = (results: typeof first) =>
      results.map(({ index, succeeded, response }) => [index, succeeded, response]);
    expect(outcomes(again)).toEqual(outcomes(first));
  });

  it('goes on where the provider does not count', async () => {
    const { at } = await startProvider('openai');
    const batchId = await ranOnce(at);
    const uncounted = async (...call: Parameters<typeof fetch>) => {
      const response = await fetch(...call);
      if (!String(call[0]).endsWith(`/batches/${batchId}`)) return response;
      const { request_counts: _left, ...batch } = (await response.json()) as { request_counts: object };
      return Response.json(batch);
    };

    const again = await runBatch({ ...at, batchId, clientOptions: { fetch: uncounted } });

    expect(again.map(({ index, succeeded }) => [index, succeeded])).toEqual([
      [0, true],
      [1, false],
      [2, true],
    ]);
  });

  it('is none where the batch has ids of its own', async () => {
    const { at } = await startProvider('openai');
    const { id } = await createBatch({ ...at, input: [chatRequest('openai', 'mine', 'Hello')] });
    await waitForBatch({ ...at, batchId: id });
    await expect(runBatch({ ...at, batchId: id })).rejects.toThrow(`has a request 'mine'. Read it with batchResults()`);
  });
});

describe('refused before anything is sent', () => {
  const at = { provider: 'openai', apiKey: 'sk-nobody-is-asked', apiBase: 'http://127.0.0.1:9' } as const;
  const run = (requests: unknown, options: object = {}) =>
    thrownBy(runBatch(models.openai, requests as never, { ...at, ...options }));

  it.each([
    ['NaN', { temperature: Number.NaN }, "'temperature' is NaN"],
    ['Infinity', { temperature: Number.POSITIVE_INFINITY }, "'temperature' is Infinity"],
    ['a BigInt', { seed: 7n }, "'seed' is the BigInt 7n"],
    ['a Map', { metadata: new Map() }, "'metadata' is a Map"],
    ['a function', { stop: () => 'x' }, "'stop' is () => "],
    ['undefined in a list', { stop: [undefined] }, "'0' is undefined"],
  ])('%s, with the place', async (_what, more, message) => {
    const error = await run([{ messages: [] }, { messages: [], ...more }]);
    expect(error).toMatchObject({ name: 'InvalidInputError', errors: [{ line: 2 }] });
    expect((error as Error).message).toContain(message);
  });

  it.each([undefined, null, 7, {}])('requests that are %j', async (requests) => {
    expect(await run(requests)).toMatchObject({ name: 'InvalidInputError', param: 'requests' });
  });

  it('another model than that of the run', async () => {
    const error = await run([{ messages: [] }, { model: 'gpt-4o', messages: [] }]);
    expect(error).toMatchObject({ name: 'InvalidInputError', param: 'model', errors: [{ line: 2 }] });
  });

  it.each([
    [{ maxCostUsd: 5 }, 'max_cost_usd'],
    [{ dryRun: true }, 'dry_run'],
    [{ timeout: 5 }, 'timeoutSeconds'],
  ])('an option that nobody reads: %j', async (option, known) => {
    const error = await run([{ messages: [] }], option);
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as Error).message).toContain(known);
    const input = [chatRequest('openai', 'a', 'Hello')];
    expect(await thrownBy(createBatch({ ...at, input, ...option } as never))).toBeInstanceOf(InvalidInputError);
    expect(await thrownBy(retrieveBatch({ ...at, batchId: 'b', ...option } as never))).toBeInstanceOf(
      InvalidInputError,
    );
  });

  it('a dry run that asks for results, and an idempotency key where there is none', async () => {
    expect(await run([], { providerOptions: { dry_run: true } })).toMatchObject({ param: 'providerOptions.dry_run' });
    expect(await run(asked('one'), { idempotencyKey: 'k' })).toBeInstanceOf(NotSupportedError);
  });
});

it('a member that is undefined is left out, as the official clients do', async () => {
  const { at } = await startProvider('openai');
  const [result] = await runBatch(models.openai, [{ ...asked('one')[0], temperature: undefined } as never], at);
  expect(result?.succeeded).toBe(true);
});

it('a creation that got no answer and is then put off may have happened: nobody says that nothing was created', async () => {
  const answers = [
    () =>
      Promise.reject(
        new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }),
      ),
    () =>
      Promise.resolve(
        Response.json({ error: { message: 'Slow down.' } }, { status: 429, headers: { 'retry-after': '0.01' } }),
      ),
  ];
  let creations = 0;
  const deployment = async (...[url, init]: Parameters<typeof fetch>): Promise<Response> => {
    if (String(url).endsWith('/files'))
      return Response.json({ id: 'file-1', filename: 'requests.jsonl', bytes: 1, purpose: 'batch', created_at: 1 });
    if (init?.method !== 'POST') return Response.json({ data: [], has_more: false });
    creations += 1;
    return await (answers[Math.min(creations, answers.length) - 1] ?? fetch)('');
  };
  const creation = createBatch({
    deployment: 'http://127.0.0.1:9',
    apiKey: 'sk-batchdrop-test',
    input: [chatRequest('openai', 'a', 'Hello')],
    idempotencyKey: 'key-1',
    clientOptions: { fetch: deployment },
  });
  const error = await thrownBy(creation);
  expect(error).toMatchObject({ name: 'OutcomeUnknownError', message: expect.stringContaining('same idempotencyKey') });
  expect(creations).toBe(3);
});

describe('an estimate for a provider', () => {
  it('is counted here, as it would be sent, and needs no key and no call', async () => {
    const input = [chatRequest('anthropic', 'a', 'Hello'), chatRequest('anthropic', 'b', 'Hello again')];
    const estimate = await estimateBatch({ provider: 'anthropic', apiBase: 'http://127.0.0.1:9', input });
    expect(estimate).toMatchObject({ requests: 2, estimatedOutputTokens: 100, isOutputBound: true, unpriced: [] });
    expect(estimate.estimatedUsd).toBeGreaterThan(0);
    expect(estimate.estimatedInputTokens).toBeGreaterThan(20);
  });

  it('says what is wrong with every request, and which price is not known', async () => {
    const wrong = [{ custom_id: 'a', body: { model: models.openai, stream: true } }];
    const error = await thrownBy(estimateBatch({ provider: 'openai', input: wrong }));
    expect(error).toMatchObject({ name: 'InvalidInputError', code: 'streaming_unsupported' });
    const input = [chatRequest('openai', 'a', 'Hello', { model: 'our-own-1' })];
    expect(await estimateBatch({ provider: 'openai', input })).toMatchObject({
      estimatedUsd: null,
      unpriced: ['openai/our-own-1'],
    });
  });
});
