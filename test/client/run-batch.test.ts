import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import {
  AbortError,
  type Batch,
  BatchFailedError,
  batchResults,
  InvalidInputError,
  NotSupportedError,
  RateLimitError,
  type RunBatchOptions,
  retrieveBatch,
  runBatch,
  TimeoutError,
  waitForBatch,
} from '../../lib/client/index.ts';
import { providers } from '../../lib/providers/registry.ts';
import { subjects } from '../fixtures/providers/every-provider.ts';
import {
  cancellingKinds,
  collect,
  endless,
  libraryKinds,
  models,
  startProvider,
  thrownBy,
} from './provider-at-hand.ts';

const soon = { pollIntervalSeconds: 0.05 };

function asking(content: string) {
  return { messages: [{ role: 'user' as const, content }] };
}

function* askingFor(count: number) {
  for (let index = 0; index < count; index += 1) yield asking(`Text ${index}`);
}

/** Whether its name alone says whose model it is. */
function isKnownModel(model: string): boolean {
  return /^(gpt|claude|grok)-/.test(model);
}

describe.each(libraryKinds)('%s', (kind) => {
  const model = models[kind];

  it('gives one result per request, in their order', async () => {
    const { at, simulator } = await startProvider(kind);
    const requests = ['fine', '[[refuse]]', '[[rate-limit]]', 'fine too'].map(asking);

    const results = await runBatch(model, requests, { ...at, ...soon });

    expect(results.map(({ index, succeeded }) => [index, succeeded])).toEqual([
      [0, true],
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(results[0]?.response?.choices[0]?.message.content).toEqual(expect.any(String));
    expect(results[1]?.error).toMatchObject({ name: 'RequestError', statusCode: 400, isRetryable: false });
    expect(results[2]?.error).toMatchObject({ statusCode: 429, isRetryable: true });
    expect(await simulator.creations()).toHaveLength(1);
  });

  it('keeps the order of many, out of an async iterable', async () => {
    const { at } = await startProvider(kind);
    const results = await runBatch(
      model,
      (async function* () {
        yield* askingFor(300);
      })(),
      { ...at, ...soon },
    );

    expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, index) => index));
    expect(results.every(({ succeeded }) => succeeded)).toBe(true);
  });

  it('shares defaults, which a request overrides', async () => {
    const { at } = await startProvider(kind);
    const bodies: string[] = [];
    const spy: typeof fetch = async (url, init) => {
      const { body } = init ?? {};
      if (body instanceof Blob) bodies.push(await body.text());
      if (body instanceof FormData)
        for (const part of body.values()) if (part instanceof Blob) bodies.push(await part.text());
      return fetch(url, init);
    };
    const defaults = { max_tokens: 11, ...asking('the default') };

    await runBatch(model, [{}, { max_tokens: 22 }, asking('my own')], {
      ...at,
      ...soon,
      defaults,
      clientOptions: { fetch: spy },
    });

    const sent = bodies.join('\n');
    expect(sent.match(/"(max_tokens|maxOutputTokens)":11/g)).toHaveLength(2);
    expect(sent.match(/"(max_tokens|maxOutputTokens)":22/g)).toHaveLength(1);
    expect(sent.match(/the default/g)).toHaveLength(2);
    expect(sent.match(/my own/g)).toHaveLength(1);
  });

  it('takes tools, a JSON schema and images as a live call does', async () => {
    const { at } = await startProvider(kind);
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    };
    const parameters = schema;
    const pixel =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    // OpenRouter's batches take pictures by URL only.
    const picture = kind === 'openrouter' ? 'https://pictures.example/pixel.png' : pixel;
    const defaults = { max_tokens: 200 };

    const [tool, json, image] = await runBatch(
      model,
      [
        {
          ...asking('Weather in Paris?'),
          tools: [{ type: 'function', function: { name: 'weather', parameters } }],
          tool_choice: 'required',
        },
        {
          ...asking('Where?'),
          response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
        },
        {
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: 'What is this?' },
                { type: 'image_url', image_url: { url: picture } },
              ],
            },
          ],
        },
      ],
      { ...at, ...soon, defaults },
    );

    const call = tool?.response?.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String) });
    expect(JSON.parse(json?.response?.choices[0]?.message.content ?? '')).toEqual({ city: expect.any(String) });
    expect(image).toMatchObject({ succeeded: true, error: null });
  });

  it('creates nothing once it is aborted', async () => {
    const { at, simulator } = await startProvider(kind);

    const error = await thrownBy(runBatch(model, askingFor(2), { ...at, signal: AbortSignal.abort('no') }));

    expect(error).toMatchObject({ name: 'AbortError', batchId: null, cause: 'no' });
    expect(await simulator.creations()).toEqual([]);
  });

  it('never takes an unknown outcome for an abort', async () => {
    const faults = [{ kind: 'slow_answer', operation: 'create', delayMs: 2_000, times: 1 } as const];
    const { at, simulator } = await startProvider(kind, { faults, timing: endless });
    const limits = { createTimeoutSeconds: 0.4, settleSeconds: 0.3, signal: AbortSignal.timeout(200) };

    const error = await thrownBy(runBatch(model, askingFor(2), { ...at, ...soon, ...limits }));

    const [{ providerBatchId = '' } = {}] = await simulator.creations();
    const known = { name: 'AbortError', batchId: providerBatchId };
    const unknown = { name: 'OutcomeUnknownError', candidates: [providerBatchId] };
    expect(error).toMatchObject(providers[kind].direct.listsInputFile ? known : unknown);
  });

  it('tells how it goes', async () => {
    const { at } = await startProvider(kind, { timing: { validatingMs: 50, inProgressMs: 600, finalizingMs: 0 } });
    const seen: Batch[] = [];

    await runBatch(model, askingFor(3), { ...at, ...soon, onProgress: (batch) => seen.push(batch) });

    expect(seen.length).toBeGreaterThan(2);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    expect(seen.at(-1)).toMatchObject({ status: 'completed', request_counts: { total: 3, completed: 3 } });
  });

  it('goes on where looks and downloads fail for a while', async () => {
    const { at } = await startProvider(kind, {
      timing: { validatingMs: 0, inProgressMs: 200, finalizingMs: 0 },
      faults: [
        { kind: 'connection_cut', operation: 'retrieve', when: 'before_effect', times: 3 },
        { kind: 'truncated_download', how: 'connection_cut', times: 1 },
      ],
    });

    const results = await runBatch(model, askingFor(40), { ...at, ...soon, clientOptions: { maxRetries: 0 } });

    expect(results.filter(({ succeeded }) => succeeded)).toHaveLength(40);
  });

  it('gives a result for a request for which the provider gave none', async () => {
    const { at } = await startProvider(kind, { faults: [{ kind: 'result_line', effect: 'lost' }] });

    const results = await runBatch(model, askingFor(5), { ...at, ...soon });

    expect(results).toHaveLength(5);
    expect(results.filter(({ succeeded }) => !succeeded)).toMatchObject([
      { error: { code: 'result_missing', isRetryable: false } },
    ]);
  });

  it('gives what was finished of a batch that expired', async () => {
    const { at } = await startProvider(kind, { faults: [{ kind: 'partial', fraction: 0.5 }] });

    const results = await runBatch(model, askingFor(10), { ...at, ...soon });

    const kept = subjects[kind].earlyEnd === 'nothing' ? 0 : 5;
    expect(results.filter(({ succeeded }) => succeeded)).toHaveLength(kept);
    for (const { error } of results)
      if (error) expect(error).toMatchObject({ code: 'batch_expired', isRetryable: true });
  });

  it('names every wrong request by its place', async () => {
    const { at, simulator } = await startProvider(kind);
    const requests = [asking('fine'), { ...asking('x'), stream: true }, asking('fine')];

    const error = await thrownBy(runBatch(model, requests, { ...at, ...soon }));

    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({ errors: [{ line: 2, code: 'streaming_unsupported' }] });
    expect(await simulator.creations()).toEqual([]);
  });

  it('answers no requests with no results', async () => {
    const { at } = await startProvider(kind);

    expect(await runBatch(model, [], at)).toEqual([]);
  });

  it('finds the provider by the model', async () => {
    const { at } = await startProvider(kind);
    const { provider: _provider, ...options } = at;

    const named = isKnownModel(model) ? [model, `${kind}/${model}`] : [`${kind}/${model}`];
    for (const name of named)
      expect(await runBatch(name, askingFor(1), { ...options, ...soon })).toMatchObject([{ succeeded: true }]);
    await expect(runBatch('llama-9', askingFor(1), options)).rejects.toThrow(NotSupportedError);
    await expect(runBatch('', askingFor(1), options)).rejects.toThrow(InvalidInputError);
    await expect(runBatch(model, askingFor(1), { ...at, timeoutSeconds: 0 })).rejects.toThrow('timeoutSeconds');
  });
});

describe.each(cancellingKinds)('%s', (kind) => {
  const model = models[kind];

  it.each([
    ['the timeout', { timeoutSeconds: 0.4 }, TimeoutError],
    ['an AbortSignal', { signal: AbortSignal.timeout(400) }, AbortError],
  ])('cancels the provider’s batch at %s', async (_name, limit, errorClass) => {
    const { at, simulator } = await startProvider(kind, { timing: endless });

    const options = 'signal' in limit ? { signal: AbortSignal.timeout(400) } : limit;
    const error = await thrownBy(runBatch(model, askingFor(2), { ...at, ...soon, ...options }));

    expect(error).toBeInstanceOf(errorClass);
    const [creation] = await simulator.creations();
    expect(error).toMatchObject({
      batchId: creation?.providerBatchId,
      message: expect.stringContaining('was cancelled'),
    });
    const ended = await waitForBatch({ ...at, ...soon, batchId: creation?.providerBatchId ?? '' });
    expect(ended.status).toBe('cancelled');
  });

  it('cancels what was created while it was aborted', async () => {
    const faults = [{ kind: 'slow_answer', operation: 'create', delayMs: 500, times: 1 } as const];
    const { at, simulator } = await startProvider(kind, { faults, timing: endless });

    const error = await thrownBy(runBatch(model, askingFor(2), { ...at, ...soon, signal: AbortSignal.timeout(250) }));

    const [creation] = await simulator.creations();
    expect(error).toMatchObject({ name: 'AbortError', batchId: creation?.providerBatchId });
    expect(['cancelling', 'cancelled']).toContain(
      (await retrieveBatch({ ...at, batchId: creation?.providerBatchId ?? '' })).status,
    );
  });
});

it('says why OpenAI failed a batch as a whole', async () => {
  const failed = { kind: 'batch_failed', code: 'model_mismatch', message: 'One model, please.' } as const;
  const { at, simulator } = await startProvider('openai', { faults: [failed] });
  const run = () => thrownBy(runBatch(models.openai, askingFor(1), { ...at, ...soon }));

  const error = await run();
  simulator.setFaults([{ kind: 'token_limit', how: 'failed_batch' }]);
  const queueFull = await run();

  expect(error).toBeInstanceOf(BatchFailedError);
  expect(error).toMatchObject({ message: expect.stringContaining('One model, please.'), batch: { status: 'failed' } });
  expect(queueFull).toBeInstanceOf(RateLimitError);
});

it('tells with each result what Anthropic did not take', async () => {
  const { at } = await startProvider('anthropic');
  const requests = [asking('plain'), { ...asking('odd'), frequency_penalty: 1 }];

  const results = await runBatch(models.anthropic, requests, { ...at, ...soon });

  expect(results.map(({ warnings }) => warnings.map(({ param }) => param))).toEqual([[], ['body.frequency_penalty']]);
  await expect(runBatch(models.anthropic, requests, { ...at, strict: true })).rejects.toThrow('line 2: ');
});

it('has the types of the endpoint', async () => {
  const { at } = await startProvider('openai');
  const options = { ...at, ...soon, endpoint: '/v1/embeddings' } as const;

  const [embedding] = await runBatch('text-embedding-3-small', [{ input: 'one' }], options);
  const response: OpenAI.CreateEmbeddingResponse | null | undefined = embedding?.response;

  expect(response?.data[0]?.embedding.length).toBeGreaterThan(10);
});

it('leaves the finished part of an aborted batch to be read', async () => {
  const { at } = await startProvider('openai', { timing: { validatingMs: 0, inProgressMs: 3_000, finalizingMs: 0 } });
  const run: RunBatchOptions = { ...at, ...soon, timeoutSeconds: 1.5 };

  const error = await thrownBy(runBatch(models.openai, askingFor(20), run));

  if (!(error instanceof TimeoutError) || error.batchId === null) throw error;
  await waitForBatch({ ...at, ...soon, batchId: error.batchId });
  const results = await collect(batchResults({ ...at, batchId: error.batchId }));
  expect(results).toHaveLength(20);
  expect(results.some(({ succeeded }) => succeeded)).toBe(true);
});
