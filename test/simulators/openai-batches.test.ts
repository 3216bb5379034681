import type OpenAI from 'openai';
import { toFile } from 'openai';
import { describe, expect, it } from 'vitest';
import {
  call,
  chat,
  chatBody,
  chatLines,
  createBatch,
  download,
  openAIClient,
  requestLine,
  run,
  startOpenAI,
  until,
  untilEnded,
  upload,
  visibleTiming,
} from './started-simulators.ts';

describe('the life of a batch', () => {
  it('passes through the states in order, with growing counts and times in seconds', async () => {
    const { client } = await startOpenAI({ timing: visibleTiming });
    const created = await createBatch(client, chatLines(8));
    const seen: OpenAI.Batch[] = [created];
    await until(
      async () => {
        const batch = await client.batches.retrieve(created.id);
        seen.push(batch);
        return batch;
      },
      (batch) => batch.status === 'completed',
    );
    expect([...new Set(seen.map((batch) => batch.status))]).toEqual([
      'validating',
      'in_progress',
      'finalizing',
      'completed',
    ]);
    const completed = seen.map((batch) => batch.request_counts?.completed ?? 0);
    expect(completed).toEqual(completed.toSorted((left, right) => left - right));
    expect(new Set(completed).size).toBeGreaterThan(2);
    const last = seen.at(-1);
    expect(last?.request_counts).toEqual({ total: 8, completed: 8, failed: 0 });
    expect(last?.expires_at).toBe((last?.created_at ?? 0) + 86_400);
    expect(Math.abs((last?.completed_at ?? 0) - Date.now() / 1000)).toBeLessThan(10);
  });

  it('answers every line exactly once, in an order that is not the input', async () => {
    const { client } = await startOpenAI();
    const { output, batch } = await run(client, chatLines(40));
    const ids = output.map((line) => line.custom_id);
    expect(ids).not.toEqual(chatLines(40).map((_, index) => `line-${index}`));
    expect(new Set(ids).size).toBe(40);
    expect(batch.error_file_id).toBeNull();
    expect(batch.model).toBe('gpt-4o-mini-2024-07-18');
    const tokens = output.reduce((sum, line) => sum + line.response?.body.usage.total_tokens, 0);
    expect(batch.usage?.total_tokens).toBe(tokens);
  });

  it('completes with an error file alone when every request fails', async () => {
    const { client } = await startOpenAI();
    const { batch, errors } = await run(client, [
      requestLine('a', chatBody('[[refuse]]')),
      requestLine('b', { model: 'gpt-4o-mini' }),
    ]);
    expect(batch.status).toBe('completed');
    expect(batch.output_file_id).toBeNull();
    expect(batch.request_counts).toEqual({ total: 2, completed: 0, failed: 2 });
    expect(errors.map((line) => line.response?.status_code)).toEqual([400, 400]);
  });

  it('names its result files and makes them retrievable', async () => {
    const { client } = await startOpenAI();
    const { batch } = await run(client, chatLines(2));
    const file = await client.files.retrieve(batch.output_file_id ?? '');
    expect(file).toMatchObject({ purpose: 'batch_output', filename: `${batch.id}_output.jsonl`, status: 'processed' });
    const response = await client.files.content(file.id);
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${batch.id}_output.jsonl"`);
    expect(response.headers.get('content-length')).toBe(String(file.bytes));
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect((await response.arrayBuffer()).byteLength).toBe(file.bytes);
  });

  it('goes on when the input file is deleted', async () => {
    const { client } = await startOpenAI({ timing: visibleTiming });
    const file = await upload(client, chatLines(3));
    const created = await client.batches.create({ input_file_id: file.id, endpoint: chat, completion_window: '24h' });
    expect(await client.files.delete(file.id)).toEqual({ object: 'file', deleted: true, id: file.id });
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404 });
    const batch = await untilEnded(client, created.id);
    expect(await download(client, batch.output_file_id)).toHaveLength(3);
  });
});

describe('cancelling', () => {
  it('keeps what was done and names the rest as never run', async () => {
    const { client } = await startOpenAI({ timing: { ...visibleTiming, inProgressMs: 1000 } });
    const { id } = await createBatch(client, chatLines(20));
    await until(
      () => client.batches.retrieve(id),
      (batch) => (batch.request_counts?.completed ?? 0) > 0,
    );
    const cancelling = await client.batches.cancel(id);
    expect(cancelling).toMatchObject({ status: 'cancelling', cancelled_at: null });
    expect(cancelling.cancelling_at).toEqual(expect.any(Number));
    const batch = await untilEnded(client, id);
    expect(batch.status).toBe('cancelled');
    const [output, errors] = [
      await download(client, batch.output_file_id),
      await download(client, batch.error_file_id),
    ];
    expect(output).toHaveLength(batch.request_counts?.completed ?? -1);
    expect(output.length + errors.length).toBe(20);
    expect(errors[0]).toMatchObject({ response: null, error: { code: 'batch_cancelled' } });
    expect((await client.batches.cancel(id)).status).toBe('cancelled');
  });

  it('of a batch that is still being validated ends it with no files and no counts', async () => {
    const { client } = await startOpenAI({ timing: visibleTiming });
    const { id } = await createBatch(client, chatLines(3));
    expect(await client.batches.cancel(id)).toMatchObject({ status: 'cancelling', in_progress_at: null });
    const batch = await untilEnded(client, id);
    expect(batch).toMatchObject({
      status: 'cancelled',
      output_file_id: null,
      error_file_id: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
    });
  });

  it('of a completed batch is a conflict', async () => {
    const { client } = await startOpenAI();
    const { batch } = await run(client, chatLines(1));
    await expect(client.batches.cancel(batch.id)).rejects.toMatchObject({
      status: 409,
      error: { message: "Cannot cancel a batch with status 'completed'." },
    });
  });
});

describe('validation of the input', () => {
  it('reports every bad line with its number', async () => {
    const { client } = await startOpenAI();
    const { batch } = await run(client, [
      requestLine('a', chatBody('one')),
      '{"custom_id": "b", "method": "POST"',
      JSON.stringify({ method: 'POST', url: chat, body: chatBody('x') }),
      requestLine('d', { messages: [] }),
      requestLine('e', chatBody('x', { stream: true })),
      requestLine('f', chatBody('x'), '/v1/embeddings'),
      requestLine('a', chatBody('again')),
      requestLine('h', chatBody('x', { model: 'llama-3' })),
      requestLine('i', chatBody('x', { model: 'gpt-4.1' })),
    ]);
    expect(batch.status).toBe('failed');
    expect(batch.failed_at).toEqual(expect.any(Number));
    expect(batch.errors?.object).toBe('list');
    expect(batch.errors?.data?.map((error) => [error.line, error.code, error.param])).toEqual([
      [2, 'invalid_json_line', null],
      [3, 'missing_required_parameter', 'custom_id'],
      [4, 'invalid_request', 'body.model'],
      [5, 'streaming_unsupported', 'body.stream'],
      [6, 'invalid_url', 'url'],
      [7, 'duplicate_custom_id', 'custom_id'],
      [8, 'model_not_found', 'body.model'],
      [9, 'model_mismatch', 'body.model'],
    ]);
    expect(batch.errors?.data?.[7]?.message).toContain('gpt-4.1');
  });

  it.each([
    ['an unknown input file', 'file-doesnotexist', { code: 'invalid_request', param: 'file_id', line: null }],
    ['blank lines alone', undefined, { code: 'empty_file', param: null, line: null }],
  ])('fails a batch with %s', async (_, givenId, error) => {
    const { client } = await startOpenAI();
    const fileId = givenId ?? (await upload(client, [' ', ''])).id;
    const { id } = await client.batches.create({ input_file_id: fileId, endpoint: chat, completion_window: '24h' });
    const batch = await untilEnded(client, id);
    expect(batch.errors?.data).toEqual([expect.objectContaining(error)]);
  });

  it('takes 50,000 requests and fails with 50,001', async () => {
    const { client } = await startOpenAI();
    const lines = Array.from({ length: 50_001 }, (_, index) =>
      requestLine(`r${index}`, { model: 'gpt-4o', messages: [] }),
    );
    const tooMany = await untilEnded(client, (await createBatch(client, lines)).id);
    expect(tooMany.errors?.data?.[0]).toMatchObject({ code: 'too_many_tasks', line: null });
    const full = await untilEnded(client, (await createBatch(client, lines.slice(1))).id);
    expect(full.request_counts).toEqual({ total: 50_000, completed: 0, failed: 50_000 });
  });

  it('counts the inputs of embeddings over all lines', async () => {
    const { client } = await startOpenAI();
    const body = { model: 'text-embedding-3-small', input: Array.from({ length: 2048 }, () => 'x'), dimensions: 1 };
    const lines = Array.from({ length: 25 }, (_, index) => requestLine(`e${index}`, body, '/v1/embeddings'));
    const { id } = await createBatch(client, lines, '/v1/embeddings');
    expect((await untilEnded(client, id)).errors?.data?.[0]?.code).toBe('too_many_tasks');
  });
});

describe('what is refused at once', () => {
  const valid = { input_file_id: 'file-x', endpoint: chat, completion_window: '24h' };
  const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

  it.each([
    ['a missing parameter', { ...valid, endpoint: undefined }, 'endpoint', 'missing_required_parameter'],
    ['an unknown endpoint', { ...valid, endpoint: '/v1/nothing' }, 'endpoint', 'invalid_value'],
    ['another window', { ...valid, completion_window: '48h' }, 'completion_window', 'invalid_value'],
    ['an unknown parameter', { ...valid, extra: 1 }, 'extra', 'unknown_parameter'],
    ['metadata that is not text', { ...valid, metadata: { a: 1 } }, 'metadata.a', 'invalid_type'],
    [
      'a metadata value that is too long',
      { ...valid, metadata: { a: 'x'.repeat(513) } },
      'metadata.a',
      'string_above_max_length',
    ],
    ['a metadata key that is too long', { ...valid, metadata: { ['k'.repeat(65)]: '' } }, 'metadata', null],
    ['too many metadata pairs', { ...valid, metadata: pairs(17) }, 'metadata', null],
    [
      'an output that lives too short',
      { ...valid, output_expires_after: { anchor: 'created_at', seconds: 60 } },
      'output_expires_after.seconds',
      'integer_below_min_value',
    ],
  ])('a creation with %s', async (_, body, param, code) => {
    const { simulator } = await startOpenAI();
    const { status, text } = await call(simulator, '/batches', { method: 'POST', body: JSON.stringify(body) });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', param, code },
    });
    expect(await simulator.creations()).toEqual([]);
  });

  it('accepts metadata at its limits', async () => {
    const { client } = await startOpenAI();
    const metadata = { ...pairs(15), ['k'.repeat(64)]: 'v'.repeat(512) };
    const file = await upload(client, chatLines(1));
    const batch = await client.batches.create({
      input_file_id: file.id,
      endpoint: chat,
      completion_window: '24h',
      metadata,
    });
    expect(batch.metadata).toEqual(metadata);
  });

  it('a missing or wrong key', async () => {
    const { simulator } = await startOpenAI({ apiKey: 'sk-right-key' });
    await expect(openAIClient(simulator.url, 'sk-wrong-key').batches.list()).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    const { status } = await call(simulator, '/batches', { headers: { authorization: '' } });
    expect(status).toBe(401);
    await expect(openAIClient(simulator.url, 'sk-right-key').batches.list()).resolves.toMatchObject({ data: [] });
  });

  it('a creation whose body is huge, or no JSON', async () => {
    const { simulator } = await startOpenAI();
    const huge = await call(simulator, '/batches', { method: 'POST', body: ' '.repeat(5_000_000) });
    expect(huge.status).toBe(413);
    const broken = await call(simulator, '/batches', { method: 'POST', body: '{' });
    expect([broken.status, JSON.parse(broken.text).error.type]).toEqual([400, 'invalid_request_error']);
  });

  it('ids that nobody has', async () => {
    const { client, simulator } = await startOpenAI();
    await expect(client.batches.retrieve('batch_none')).rejects.toMatchObject({
      status: 404,
      error: { message: "No batch found with id 'batch_none'." },
    });
    await expect(client.batches.cancel('batch_none')).rejects.toMatchObject({ status: 404 });
    await expect(client.files.content('file-none')).rejects.toMatchObject({
      status: 404,
      error: { message: 'No such File object: file-none', param: 'id' },
    });
    expect((await call(simulator, '/nothing')).status).toBe(404);
  });
});

describe('uploading', () => {
  it.each([
    ['another extension', 'input.txt', '{"a":1}'],
    ['a first line that is not JSON', 'input.jsonl', 'hello\n{"a":1}'],
    ['no content', 'input.jsonl', ''],
  ])('refuses %s', async (_, name, content) => {
    const { client } = await startOpenAI();
    const file = await toFile(Buffer.from(content), name);
    await expect(client.files.create({ file, purpose: 'batch' })).rejects.toMatchObject({
      status: 400,
      error: { message: 'Invalid file format for Batch API. Must be .jsonl' },
    });
  });

  it('takes a form whose file has no extension, and keeps every byte', async () => {
    const { client } = await startOpenAI();
    const content = '{"text":"é \\u0000 ünïcode"}\r\n{"b":2}\n';
    const file = await client.files.create({ file: await toFile(Buffer.from(content), 'upload'), purpose: 'batch' });
    expect(await (await client.files.content(file.id)).text()).toBe(content);
    expect(file.bytes).toBe(Buffer.byteLength(content));
  });

  it('refuses an unknown purpose, a missing file and a body that is no form', async () => {
    const { simulator } = await startOpenAI();
    const form = new FormData();
    form.set('purpose', 'nonsense');
    expect(JSON.parse((await call(simulator, '/files', { method: 'POST', body: form })).text).error.param).toBe(
      'purpose',
    );
    form.set('purpose', 'batch');
    expect(JSON.parse((await call(simulator, '/files', { method: 'POST', body: form })).text).error.param).toBe('file');
    expect((await call(simulator, '/files', { method: 'POST', body: '{}' })).status).toBe(400);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const torn = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n{"a":1}';
    expect((await call(simulator, '/files', { method: 'POST', body: torn, headers })).status).toBe(400);
  });

  it('shows the expiry that was asked for', async () => {
    const { client } = await startOpenAI();
    const file = await toFile(Buffer.from('{"a":1}'), 'a.jsonl');
    const created = await client.files.create({
      file,
      purpose: 'batch',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    });
    expect(created.expires_at).toBe(created.created_at + 3600);
  });

  it('refuses a batch over a file with another purpose', async () => {
    const { client } = await startOpenAI();
    const file = await client.files.create({ file: await toFile(Buffer.from('hello'), 'a.txt'), purpose: 'user_data' });
    await expect(
      client.batches.create({ input_file_id: file.id, endpoint: chat, completion_window: '24h' }),
    ).rejects.toMatchObject({ status: 400, param: 'input_file_id' });
  });
});

describe('listing', () => {
  it('shows batches newest first, page by page', async () => {
    const { client } = await startOpenAI();
    const file = await upload(client, chatLines(1));
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      ids.unshift(
        (await client.batches.create({ input_file_id: file.id, endpoint: chat, completion_window: '24h' })).id,
      );
    }
    const first = await client.batches.list({ limit: 2 });
    expect(first.data.map((batch) => batch.id)).toEqual(ids.slice(0, 2));
    expect(first).toMatchObject({ has_more: true });
    const all: string[] = [];
    for await (const batch of client.batches.list({ limit: 2 })) all.push(batch.id);
    expect(all).toEqual(ids);
    await expect(client.batches.list({ limit: 101 })).rejects.toMatchObject({
      status: 400,
      code: 'integer_above_max_value',
    });
  });

  it('shows files by purpose, in either order', async () => {
    const { client } = await startOpenAI();
    const { batch } = await run(client, chatLines(1));
    const outputs = await client.files.list({ purpose: 'batch_output' });
    expect(outputs.data.map((file) => file.id)).toEqual([batch.output_file_id]);
    const oldestFirst = await client.files.list({ order: 'asc' });
    expect(oldestFirst.data.map((file) => file.purpose)).toEqual(['batch', 'batch_output']);
  });
});
