import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulators/simulators.ts';
import {
  call,
  chatBody,
  chatLines,
  createBatch,
  messageRequest,
  messageRequests,
  requestLine,
  run,
  startAnthropic,
  startOpenAI,
  untilEnded,
  untilMessagesEnded,
  upload,
} from './started-simulators.ts';

const batches = '/batches';

async function startWith(...faults: Fault[]) {
  return startOpenAI({ faults });
}

describe('wrong bodies', () => {
  it.each([
    ['html', 'text/html', '<!doctype html>'],
    ['error', 'application/json', '{"error":{"message":"upstream busy"}}'],
    ['empty', 'text/plain', ''],
    ['empty_object', 'application/json', '{}'],
    ['empty_list', 'application/json', '[]'],
    ['null', 'application/json', 'null'],
  ] as const)('%s: with status 200, in place of the list', async (body, contentType, start) => {
    const { simulator } = await startWith({ kind: 'wrong_body', operation: 'list', body, times: 1 });
    const answer = await call(simulator, batches);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(contentType);
    expect(answer.text.startsWith(start)).toBe(true);
    expect(JSON.parse((await call(simulator, batches)).text).object).toBe('list');
  });

  it('replaces a download, and the answer to a creation that took effect', async () => {
    const { client, simulator } = await startOpenAI();
    const { batch } = await run(client, chatLines(2));
    simulator.setFaults([
      { kind: 'wrong_body', operation: 'results', body: 'html', times: 1 },
      { kind: 'wrong_body', operation: 'create', body: 'error', status: 502, times: 1 },
    ]);
    expect(await (await client.files.content(batch.output_file_id ?? '')).text()).toContain('One moment');
    await expect(createBatch(client, chatLines(1))).rejects.toMatchObject({ status: 502 });
    expect(await simulator.creations()).toHaveLength(2);
  });

  it('earlier: a creation gives an id twice, a look shows another batch', async () => {
    const { client, simulator } = await startOpenAI();
    const first = await createBatch(client, chatLines(1));
    simulator.setFaults([{ kind: 'wrong_body', operation: 'create', body: 'earlier', times: 1 }]);
    expect((await createBatch(client, chatLines(2))).id).toBe(first.id);
    expect(await simulator.creations()).toHaveLength(2);
    const second = (await simulator.creations())[1]?.providerBatchId ?? '';
    await client.batches.retrieve(first.id);
    simulator.setFaults([{ kind: 'wrong_body', operation: 'retrieve', body: 'earlier', times: 1 }]);
    expect((await client.batches.retrieve(second)).id).toBe(first.id);
    expect((await client.batches.retrieve(second)).id).toBe(second);
  });
});

describe('answers that leave something out, or have it wrong', () => {
  it.each([
    ['null', null],
    ['absent', undefined],
    ['zero', { total: 0, completed: 0, failed: 0 }],
    ['text', { total: 'many', completed: 'many', failed: 'many' }],
    ['negative', { total: -1, completed: -1, failed: -1 }],
    ['above', { total: 1_002, completed: 1_002, failed: 1_000 }],
  ] as const)('wrong_counts %s', async (how, expected) => {
    const { client, simulator } = await startOpenAI();
    const { batch } = await run(client, chatLines(2));
    simulator.setFaults([{ kind: 'wrong_counts', operation: 'retrieve', how }]);
    expect((await client.batches.retrieve(batch.id)).request_counts).toEqual(expected);
  });

  it('unnamed_results, at OpenAI and at Anthropic, for a while', async () => {
    const openai = await startOpenAI();
    const { batch } = await run(openai.client, chatLines(2));
    openai.simulator.setFaults([{ kind: 'unnamed_results', operation: 'retrieve', how: 'null', lastsMs: 300 }]);
    expect((await openai.client.batches.retrieve(batch.id)).output_file_id).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 320));
    expect((await openai.client.batches.retrieve(batch.id)).output_file_id).toBe(batch.output_file_id);
    const anthropic = await startAnthropic();
    const created = await anthropic.client.messages.batches.create({ requests: messageRequests(1) });
    await untilMessagesEnded(anthropic.client, created.id);
    anthropic.simulator.setFaults([{ kind: 'unnamed_results', operation: 'retrieve', how: 'absent' }]);
    expect(await anthropic.client.messages.batches.retrieve(created.id)).not.toHaveProperty('results_url');
  });

  it('wrong_clock: off by hours, the header too; no time at all; milliseconds; no offset', async () => {
    const { client, simulator } = await startOpenAI();
    const { id, created_at: createdAt } = await createBatch(client, chatLines(1));
    const withClock = async (how: Extract<Fault, { kind: 'wrong_clock' }>['how']) => {
      simulator.setFaults([{ kind: 'wrong_clock', operation: 'retrieve', how }]);
      return client.batches.retrieve(id).withResponse();
    };
    const behind = await withClock({ shiftSeconds: -36_000 });
    expect(behind.data.created_at).toBe(createdAt - 36_000);
    expect(Date.now() - Date.parse(behind.response.headers.get('date') ?? '')).toBeGreaterThan(35_000_000);
    expect((await withClock('zero')).data.created_at).toBe(0);
    expect((await withClock('milliseconds')).data.created_at).toBe(createdAt * 1_000);
    const anthropic = await startAnthropic();
    const message = await anthropic.client.messages.batches.create({ requests: messageRequests(1) });
    anthropic.simulator.setFaults([{ kind: 'wrong_clock', operation: 'retrieve', how: 'without_offset' }]);
    const bare = await anthropic.client.messages.batches.retrieve(message.id);
    expect(bare.created_at).toMatch(/T[\d:.]+$/);
  });
});

describe('lists', () => {
  it('unordered_list: newest last', async () => {
    const { client, simulator } = await startOpenAI();
    const ids = [];
    for (let count = 0; count < 3; count += 1) ids.push((await createBatch(client, chatLines(1))).id);
    simulator.setFaults([{ kind: 'unordered_list' }]);
    expect((await client.batches.list()).data.map(({ id }) => id)).toEqual(ids);
  });

  it('repeated_page: the first one for ever', async () => {
    const { client, simulator } = await startOpenAI();
    for (let count = 0; count < 3; count += 1) await createBatch(client, chatLines(1));
    simulator.setFaults([{ kind: 'repeated_page' }]);
    const first = await client.batches.list({ limit: 2 });
    const second = await client.batches.list({ limit: 2, after: first.data.at(-1)?.id ?? '' });
    expect(second.data).toEqual(first.data);
    expect(second.has_more).toBe(true);
  });
});

describe('refusals', () => {
  it('redirect: to wherever', async () => {
    const location = 'http://127.0.0.1:9/elsewhere';
    const { simulator } = await startWith({ kind: 'redirect', operation: 'list', status: 307, location });
    const answer = await call(simulator, batches, { redirect: 'manual' });
    expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({ status: 307, location });
  });

  it.each([
    ['plain', 'sk-test'],
    ['base64', Buffer.from('sk-test').toString('base64')],
    ['url_encoded', 'sk-test'],
  ] as const)('http_error that echoes the key: %s', async (echoesKey, spelled) => {
    const fault = { kind: 'http_error', operation: 'list', status: 403, echoesKey, messageChars: 50_000 } as const;
    const { simulator } = await startWith({ ...fault, retryAfter: 'tomorrow' });
    const { status, headers, text } = await call(simulator, batches);
    expect(status).toBe(403);
    expect(JSON.parse(text).error.message).toMatch(new RegExp(`x{50000} ${spelled}$`));
    expect(headers.get('retry-after')).toBe('tomorrow');
  });

  it('http_error 410 at the results, until it passes', async () => {
    const { client, simulator } = await startOpenAI();
    const { batch } = await run(client, chatLines(1));
    simulator.setFaults([{ kind: 'http_error', operation: 'results', status: 410, lastsMs: 300 }]);
    const download = () => client.files.content(batch.output_file_id ?? '');
    await expect(download()).rejects.toMatchObject({ status: 410 });
    await new Promise((resolve) => setTimeout(resolve, 320));
    expect((await download()).status).toBe(200);
  });

  it('size_limit: a 413 for a larger upload, and for a larger creation that carries its lines', async () => {
    const { client } = await startWith({ kind: 'size_limit', operation: 'upload', maxBytes: 400 });
    await expect(upload(client, chatLines(5))).rejects.toMatchObject({ status: 413 });
    expect((await upload(client, chatLines(1))).object).toBe('file');
    const anthropic = await startAnthropic({ faults: [{ kind: 'size_limit', operation: 'create', maxBytes: 400 }] });
    const create = (count: number) => anthropic.client.messages.batches.create({ requests: messageRequests(count) });
    await expect(create(5)).rejects.toMatchObject({ status: 413 });
    expect((await create(1)).type).toBe('message_batch');
    expect(await anthropic.simulator.creations()).toHaveLength(1);
  });

  it('half of a surrogate pair: the batch fails and names the line; at Anthropic the body is no JSON', async () => {
    const { client } = await startOpenAI({});
    const lines = [...chatLines(1), requestLine('cut', chatBody('\ud83d')), requestLine('whole', chatBody('😀'))];
    const failed = await untilEnded(client, (await createBatch(client, lines)).id);
    expect(failed.errors?.data).toMatchObject([{ code: 'invalid_json_line', line: 2 }]);
    const anthropic = await startAnthropic({});
    const create = (text: string) =>
      anthropic.client.messages.batches.create({ requests: [messageRequest('only', text)] });
    await expect(create('\ud83d')).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('surrogate'),
    });
    expect((await create('😀')).type).toBe('message_batch');
  });

  it.each([true, false])('refused_lines: all lines are, for the sake of some, names: %s', async (names) => {
    const faults: Fault[] = [{ kind: 'refused_lines', names, match: { text: 'POISON' } }];
    const { client } = await startOpenAI({ faults });
    const lines = [...chatLines(2), requestLine('bad', chatBody('POISON')), requestLine('worse', chatBody('POISON'))];
    const failed = await untilEnded(client, (await createBatch(client, lines)).id);
    expect(failed).toMatchObject({
      status: 'failed',
      in_progress_at: null,
      request_counts: { total: 0, completed: 0 },
    });
    expect(failed.errors?.data?.map(({ line }) => line)).toEqual(names ? [3, 4] : [null, null]);
    expect((await untilEnded(client, (await createBatch(client, chatLines(2))).id)).status).toBe('completed');
    const anthropic = await startAnthropic({ faults });
    const create = anthropic.client.messages.batches.create({
      requests: [...messageRequests(2), messageRequest('bad', 'POISON')],
    });
    const message = expect.stringContaining(names ? 'requests.2.params' : 'The request body is not valid.');
    await expect(create).rejects.toMatchObject({ status: 400, message });
    expect(await anthropic.simulator.creations()).toEqual([]);
  });
});

describe('downloads and their lines', () => {
  async function downloadWith(fault: Fault, lines = 4): Promise<string> {
    const { client } = await startWith(fault);
    const batch = await untilEnded(client, (await createBatch(client, chatLines(lines))).id);
    return (await client.files.content(batch.output_file_id ?? '')).text();
  }

  it('truncated_download inside_line: ends well, within a line', async () => {
    const fractions = [0, 0.25, 0.5, 0.999];
    for (const fraction of fractions) {
      const text = await downloadWith({ kind: 'truncated_download', how: 'inside_line', fraction });
      const last = text.split('\n').at(-1) ?? '';
      expect(last).not.toBe('');
      expect(() => JSON.parse(last)).toThrow();
    }
  });

  it('truncated_download empty: ends well, with nothing', async () => {
    expect(await downloadWith({ kind: 'truncated_download', how: 'empty' })).toBe('');
  });

  it.each([
    ['nameless', (line: object) => !('custom_id' in line)],
    ['status_zero', (line: object) => JSON.stringify(line).includes('"status_code":0')],
    ['absurd_usage', (line: object) => JSON.stringify(line).includes(`:${Number.MAX_SAFE_INTEGER}`)],
    ['numeric_code', (line: object) => JSON.stringify(line).includes('"code":400')],
  ] as const)('result_line %s', async (effect, isStruck) => {
    const text = await downloadWith({ kind: 'result_line', effect });
    const lines = text.split('\n').filter((line) => line !== '');
    expect(lines).toHaveLength(4);
    expect(lines.map((line) => JSON.parse(line)).filter(isStruck)).toHaveLength(1);
  });
});
