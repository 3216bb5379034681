import { describe, expect, it } from 'vitest';
import anthropicRecordings from '../fixtures/recordings/anthropic.json' with { type: 'json' };
import openAIRecordings from '../fixtures/recordings/openai.json' with { type: 'json' };
import {
  call,
  chatBody,
  createBatch,
  messageRequest,
  parseLines,
  requestLine,
  startAnthropic,
  startOpenAI,
  until,
  untilEnded,
  untilMessagesEnded,
  upload,
  visibleTiming,
} from './started-simulators.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A value's fields and their types, nulls told from the rest; the pattern of an id or a time counts as its type. */
function shapeOf(value: Json): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === 'string') return textShape(value);
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
}

const textShapes: [string, RegExp][] = [
  ['OpenAI batch id', /^batch_[0-9a-f]{32}$/],
  ['OpenAI batch request id', /^batch_req_[0-9a-f]{32}$/],
  ['OpenAI file id', /^file-[0-9A-Za-z]{22}$/],
  ['chat completion id', /^chatcmpl-[0-9A-Za-z]{29}$/],
  ['hexadecimal id', /^[0-9a-f]{32}$/],
  ['Anthropic batch id', /^msgbatch_01[0-9A-Za-z]{22}$/],
  ['Anthropic message id', /^msg_01[0-9A-Za-z]{22}$/],
  ['results URL', /^https?:.*\/v1\/messages\/batches\/msgbatch_\w+\/results$/],
  ['time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/],
];

function textShape(text: string): string {
  return textShapes.find(([, pattern]) => pattern.test(text))?.[0] ?? 'string';
}

/** Asserts that every recorded field is there with the recorded type, and that no others are there than those named. */
function expectLikeRecorded(simulated: Json, recorded: Json, added: string[] = []): void {
  const shape = shapeOf(simulated);
  expect(shape).toMatchObject({ ...(shapeOf(recorded) as object) });
  if (isObject(simulated) && isObject(recorded)) {
    const extra = Object.keys(simulated).filter((name) => !(name in recorded));
    expect(extra.sort()).toEqual(added.toSorted());
  }
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields that OpenAI added to the batch object after the recordings. */
const batchAdditions = ['model', 'usage'];

describe('OpenAI', () => {
  it('answers about files as recorded', async () => {
    const { client, simulator } = await startOpenAI();
    const file = await upload(client, [requestLine('0', chatBody('Ramen'))]);
    expectLikeRecorded({ ...file } as Json, openAIRecordings.fileCreated.body);
    const retrieved = await call(simulator, `/files/${file.id}`);
    expectLikeRecorded(JSON.parse(retrieved.text), openAIRecordings.fileRetrieved.body);
    expect(retrieved.headers.get('content-type')).toBe(openAIRecordings.fileRetrieved.headers['content-type']);
    expect(retrieved.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
  });

  it.each(['validating', 'in_progress', 'finalizing', 'completed'] as const)(
    'shows a batch that is %s as recorded',
    async (status) => {
      const { client, simulator } = await startOpenAI({ timing: visibleTiming });
      const file = await upload(client, [requestLine('0', chatBody('Ramen'))]);
      const metadata = { request_file: 'requests_0.jsonl' };
      const { id } = await client.batches.create({
        input_file_id: file.id,
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
        metadata,
      });
      const answer = await until(
        () => call(simulator, `/batches/${id}`),
        ({ text }) => JSON.parse(text).status === status,
      );
      expectLikeRecorded(JSON.parse(answer.text), openAIRecordings[`batch_${status}`].body, batchAdditions);
      expect(openAIRecordings.statusesInOrder).toContain(status);
    },
  );

  it('shows a batch cancelled while validating as recorded', async () => {
    const { client, simulator } = await startOpenAI({ timing: visibleTiming });
    const file = await upload(client, [requestLine('0', chatBody('Ramen'))]);
    const { id } = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { request_file: 'x' },
    });
    const { text } = await call(simulator, `/batches/${id}/cancel`, { method: 'POST' });
    expectLikeRecorded(JSON.parse(text), openAIRecordings.batch_cancelling.body, batchAdditions);
  });

  it('writes results as recorded', async () => {
    const { client, simulator } = await startOpenAI();
    const { id } = await createBatch(client, [requestLine('0', chatBody('Ramen', { model: 'gpt-3.5-turbo' }))]);
    const batch = await untilEnded(client, id);
    const { headers, text } = await call(simulator, `/files/${batch.output_file_id}/content`);
    const recorded = openAIRecordings.results;
    expect(headers.get('content-type')).toBe(recorded.headers['content-type']);
    expect(headers.get('content-disposition')?.replace(/batch_\w{32}/, '')).toBe(
      recorded.headers['content-disposition'].replace(/batch_\w{32}/, ''),
    );
    expectLikeRecorded(parseLines<Json>(text)[0] ?? null, recorded.firstLine);
    expect(JSON.parse(text).response.body.model).toBe(recorded.firstLine.response.body.model);
  });
});

describe('Anthropic', () => {
  const collection = '/v1/messages/batches';
  const create = { method: 'POST', body: JSON.stringify({ requests: [messageRequest('0', 'Ramen')] }) };

  it('shows a batch in each of its states as recorded', async () => {
    const { client, simulator } = await startAnthropic({ timing: visibleTiming });
    const created = await call(simulator, collection, create);
    expectLikeRecorded(JSON.parse(created.text), anthropicRecordings.created.body);
    expect(created.headers.get('request-id')).toMatch(/^req_01[0-9A-Za-z]{22}$/);
    const { id } = JSON.parse(created.text);
    const running = await call(simulator, `${collection}/${id}`);
    expectLikeRecorded(JSON.parse(running.text), anthropicRecordings.inProgress.body);
    expect(running.headers.get('retry-after')).toBe(anthropicRecordings.inProgress.headers['retry-after']);
    await untilMessagesEnded(client, id);
    expectLikeRecorded(JSON.parse((await call(simulator, `${collection}/${id}`)).text), anthropicRecordings.ended.body);
    const other = JSON.parse((await call(simulator, collection, create)).text);
    const canceling = await call(simulator, `${collection}/${other.id}/cancel`, { method: 'POST' });
    expectLikeRecorded(JSON.parse(canceling.text), anthropicRecordings.canceling.body);
  });

  it('writes results as recorded, with the fields added since', async () => {
    const { client, simulator } = await startAnthropic();
    const thinking = { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 } };
    const requests = [messageRequest('0', 'Ramen'), messageRequest('1', 'Ramen', thinking)];
    const { id } = await client.messages.batches.create({ requests });
    await untilMessagesEnded(client, id);
    const { headers, text } = await call(simulator, `${collection}/${id}/results`);
    const lines = parseLines<{ custom_id: string; result: { message: { [name: string]: Json } } }>(text);
    for (const [customId, recorded] of [
      ['0', anthropicRecordings.results.firstLine],
      ['1', anthropicRecordings.thinkingLine],
    ] as const) {
      const line = lines.find((each) => each.custom_id === customId);
      const { message } = recorded.result;
      expectLikeRecorded(line?.result.message ?? null, message, ['container', 'diagnostics', 'stop_details']);
      const added = [
        'cache_creation',
        'inference_geo',
        'output_tokens_details',
        'server_tool_use',
        'service_tier',
        'speed',
      ];
      expectLikeRecorded(line?.result.message.usage ?? null, message.usage, added);
    }
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="msgbatch_\w+_results\.jsonl"$/);
  });
});
