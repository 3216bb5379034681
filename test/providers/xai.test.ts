import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchObjectSchema, providerBatchFrom } from '../../lib/providers/openai-family/batch-object.ts';
import { openAIBatch } from '../../lib/providers/xai/batch.ts';
import { xaiDialect } from '../../lib/providers/xai/dialect.ts';
import { translateResult } from '../../lib/providers/xai/result.ts';
import { connect, ended, noAbort, positionsOf, resultsOf, sendingOf, submit } from './support/connected-provider.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const counts = { num_requests: 4, num_pending: 0, num_success: 3, num_error: 1, num_cancelled: 0 };

function read(changes: object) {
  const batch = { batch_id: 'b', name: 'prefix token-1', create_time: '2026-11-25', state: counts, ...changes };
  return providerBatchFrom(batchObjectSchema.parse(openAIBatch(batch, now)), xaiDialect);
}

describe('a batch of xAI', () => {
  const pending = { ...counts, num_pending: 1 };
  it.each([
    ['completed', {}],
    ['validating', { state: { num_requests: 0, num_pending: 0, num_success: 0, num_error: 0, num_cancelled: 0 } }],
    ['in_progress', { state: pending }],
    ['in_progress', { state: pending, expire_time: '2026-11-25' }],
    ['in_progress', { state: pending, expire_time: '2026-11-25T12:00:01Z' }],
    ['expired', { state: pending, expire_time: '2026-11-24' }],
    ['expired', { state: pending, expire_time: '2026-11-25T11:59:59Z' }],
    ['completed', { expire_time: '2026-11-24' }],
    ['cancelling', { state: pending, cancel_time: '2026-11-25' }],
    ['cancelled', { cancel_time: '2026-11-25' }],
    ['failed', { cancel_time: '2026-11-25', cancel_by_xai_message: 'Bad file' }],
  ])('is %s with %o', (phase, changes) => {
    expect(read(changes)).toMatchObject({ phase, isKnownStatus: true });
  });

  it('is waited for where its counts cannot be read', () => {
    for (const state of [null, {}, { ...counts, num_pending: 'many' }])
      expect(read({ state })).toMatchObject({ phase: 'in_progress', isKnownStatus: false, counts: null });
  });

  it('says why it failed, and what results to expect', () => {
    expect(read({ cancel_by_xai_message: 'Bad file' }).failure).toMatchObject({ message: 'Bad file' });
    expect(read({})).toMatchObject({ expectedResults: 4, resultRefs: ['b'] });
  });

  it('gives its results over as many pages as it takes', async () => {
    const connection = await connect('xai');
    const texts = Array.from({ length: 230 }, (_, index) => (index % 50 === 0 ? '[[refuse]]' : `Text ${index}`));
    const sending = sendingOf('xai', texts);

    const batch = await ended(connection, await submit(connection, sending));

    expect(batch.counts).toEqual({ total: 230, completed: 225, failed: 5 });
    expect(positionsOf(await resultsOf('xai', connection, batch, sending))).toEqual(texts.map((_, place) => place));
  });

  it('lists batches behind one, whatever names its pages', async () => {
    const connection = await connect('xai');
    const ids: string[] = [];
    for (let made = 0; made < 23; made += 1) ids.push(await submit(connection, sendingOf('xai', ['x'])));

    const first = await connection.client.list({ limit: 21 }, noAbort);
    const rest = await connection.client.list({ limit: 21, after: first.batches.at(-1)?.id ?? '' }, noAbort);

    expect([first.hasMore, rest.hasMore]).toEqual([true, false]);
    expect([...first.batches, ...rest.batches].map(({ id }) => id)).toEqual(ids.toReversed());
  });
});

describe('a result of xAI', () => {
  function translate(result: object) {
    return translateResult(Buffer.from(JSON.stringify({ batch_request_id: lineId, ...result })), answered());
  }

  it('becomes OpenAI’s line, with the tokens that it took', () => {
    const body = { object: 'chat.completion', model: 'grok-4', usage: { prompt_tokens: 3, completion_tokens: 2 } };

    const result = translate({ batch_result: { response: { chat_get_completion: body }, error: { code: 0 } } });

    expect(result).toMatchObject({ kind: 'answered', succeeded: true, model: 'grok-4', usage: { input_tokens: 3 } });
    expect(resultLine(result)).toMatchObject({ custom_id: 'mine', response: { status_code: 200, body }, error: null });
  });

  it.each([
    [3, 400, false],
    [8, 429, true],
    [13, 500, true],
    [14, 503, true],
    ['429', 429, true],
    ['unheard of', 400, false],
  ])('with the error %s is HTTP %i', (code, status, retryable) => {
    const result = translate({ batch_result: { error: { code, message: 'why' } } });

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
    expect(resultLine(result)).toMatchObject({
      response: { status_code: status, body: { error: { message: 'why' } } },
      error: { code: String(code), message: 'why', attempts: 1 },
    });
  });

  it.each([
    [1, 'cancelled'],
    ['CANCELLED', 'cancelled'],
    [4, 'expired'],
  ])('with the error %s was never executed', (code, reason) => {
    expect(translate({ batch_result: { error: { code, message: 'why' } } })).toMatchObject({
      kind: 'unexecuted',
      reason,
    });
  });

  it('may carry its error outside', () => {
    expect(translate({ error_message: 'why' })).toMatchObject({ kind: 'answered', succeeded: false });
  });

  it('is malformed or foreign rather than lost', () => {
    expect(translateResult(Buffer.from('"half a line'), answered())).toMatchObject({ kind: 'malformed' });
    expect(translate({})).toMatchObject({ kind: 'malformed' });
    expect(translate({ batch_request_id: 'another' })).toEqual({ kind: 'foreign' });
  });

  it('never throws, and never loses its line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (batch_result, error_message) => {
        const result = translate({ batch_result, error_message });
        expect(['answered', 'unexecuted', 'malformed']).toContain(result.kind);
        if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(['malformed', 'foreign']).toContain(translateResult(Buffer.from(bytes), answered()).kind);
      }),
    );
  });
});

it.each([
  [2, 500, true],
  [10, 409, true],
  [12, 501, true],
  [15, 500, true],
  [3, 400, false],
  [8, 429, true],
])('reads gRPC’s code %i as HTTP status %i', (code, status, retryable) => {
  const line = { batch_request_id: lineId, batch_result: { error: { code, message: 'a reason' } } };
  const result = translateResult(Buffer.from(JSON.stringify(line)), answered());

  expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
  expect(resultLine(result)).toMatchObject({ response: { status_code: status }, error: { message: 'a reason' } });
});
