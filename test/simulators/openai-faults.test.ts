import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulators/simulators.ts';
import {
  chat,
  chatBody,
  chatLines,
  createBatch,
  download,
  instantTiming,
  requestLine,
  run,
  startOpenAI,
  until,
  untilEnded,
  upload,
  visibleTiming,
} from './started-simulators.ts';

async function startWith(...faults: Fault[]) {
  return startOpenAI({ faults, timing: instantTiming });
}

describe('faults of a whole batch', () => {
  it('slow: takes longer, and ends well', async () => {
    const { client, simulator } = await startWith({ kind: 'slow', delayMs: 300 });
    const { id } = await createBatch(client, chatLines(2));
    const batch = await untilEnded(client, id);
    const [creation] = await simulator.creations();
    expect(batch.status).toBe('completed');
    expect((creation?.endedAtMs ?? 0) - (creation?.createdAtMs ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it('stuck: never ends by itself, and can be cancelled', async () => {
    const { client, simulator } = await startWith({ kind: 'stuck' });
    const { id } = await createBatch(client, chatLines(4));
    const batch = await until(
      () => client.batches.retrieve(id),
      ({ status }) => status === 'in_progress',
    );
    expect(batch.request_counts).toEqual({ total: 4, completed: 2, failed: 0 });
    expect(await simulator.openBatches()).toEqual([id]);
    await client.batches.cancel(id);
    expect((await untilEnded(client, id)).status).toBe('cancelled');
    expect(await simulator.openBatches()).toEqual([]);
  });

  it('partial: a fraction is done, the rest expired', async () => {
    const { client } = await startWith({ kind: 'partial', fraction: 0.75 });
    const { batch, output, errors } = await run(client, chatLines(8));
    expect(batch).toMatchObject({
      status: 'expired',
      completed_at: null,
      request_counts: { total: 8, completed: 6, failed: 0 },
    });
    expect(batch.expired_at).toEqual(expect.any(Number));
    expect(output).toHaveLength(6);
    expect(errors.map((line) => [line.response, line.error?.code])).toEqual([
      [null, 'batch_expired'],
      [null, 'batch_expired'],
    ]);
  });

  it('expired: nothing is done', async () => {
    const { client } = await startWith({ kind: 'expired' });
    const { batch, output, errors } = await run(client, chatLines(3));
    expect(batch).toMatchObject({ status: 'expired', output_file_id: null });
    expect([output.length, errors.length]).toEqual([0, 3]);
  });

  it('slow_cancel: stays cancelling', async () => {
    const { client } = await startOpenAI({
      faults: [{ kind: 'slow_cancel', delayMs: 1000 }],
      timing: { inProgressMs: 5000 },
    });
    const { id } = await createBatch(client, chatLines(2));
    const { cancelling_at: cancellingAt } = await client.batches.cancel(id);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await client.batches.retrieve(id)).toMatchObject({ status: 'cancelling', cancelling_at: cancellingAt });
    expect((await untilEnded(client, id)).status).toBe('cancelled');
  });

  it('unknown_status: a word that nobody documented, until it ends', async () => {
    const { client } = await startOpenAI({
      faults: [{ kind: 'unknown_status', status: 'paused' }],
      timing: visibleTiming,
    });
    const { id } = await createBatch(client, chatLines(1));
    await until(
      () => client.batches.retrieve(id),
      ({ status }) => String(status) === 'paused',
    );
    expect((await untilEnded(client, id)).status).toBe('completed');
  });

  it('batch_failed and token_limit: failed with an error of no line', async () => {
    const { client, simulator } = await startWith({
      kind: 'batch_failed',
      code: 'internal_error',
      message: 'Something broke.',
    });
    const failed = await untilEnded(client, (await createBatch(client, chatLines(2))).id);
    expect(failed).toMatchObject({
      status: 'failed',
      errors: { data: [{ code: 'internal_error', message: 'Something broke.', param: null, line: null }] },
    });
    simulator.setFaults([{ kind: 'token_limit', how: 'failed_batch', times: 1 }]);
    const limited = await untilEnded(client, (await createBatch(client, chatLines(2))).id);
    expect(limited.errors?.data?.[0]?.code).toBe('token_limit_exceeded');
    expect((await untilEnded(client, (await createBatch(client, chatLines(2))).id)).status).toBe('completed');
  });

  it('token_limit on create: a 429 and no batch', async () => {
    const { client, simulator } = await startWith({ kind: 'token_limit', how: 'refused_create' });
    await expect(createBatch(client, chatLines(1))).rejects.toMatchObject({
      status: 429,
      code: 'token_limit_exceeded',
    });
    expect(await simulator.creations()).toEqual([]);
  });

  it('not_found_yet: a 404 for a while, and missing from the list if so ordered', async () => {
    const { client } = await startWith({ kind: 'not_found_yet', durationMs: 500, unlisted: true });
    const { id } = await createBatch(client, chatLines(1));
    await expect(client.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    expect((await client.batches.list()).data).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 520));
    expect((await client.batches.list()).data).toHaveLength(1);
    expect((await untilEnded(client, id)).status).toBe('completed');
  });
});

describe('faults of lines', () => {
  it.each([
    ['lost', 9],
    ['doubled', 11],
    ['foreign', 11],
  ] as const)('result_line %s: the file differs, the counts do not', async (effect, expected) => {
    const { client } = await startWith({ kind: 'result_line', effect });
    const { batch, output } = await run(client, chatLines(10));
    expect(batch.request_counts).toEqual({ total: 10, completed: 10, failed: 0 });
    expect(output).toHaveLength(expected);
    const known = new Set(chatLines(10).map((_, index) => `line-${index}`));
    expect(output.filter((line) => !known.has(line.custom_id))).toHaveLength(effect === 'foreign' ? 1 : 0);
  });

  it('result_line malformed: one line is no JSON', async () => {
    const { client } = await startWith({ kind: 'result_line', effect: 'malformed', lines: 2 });
    const batch = await untilEnded(client, (await createBatch(client, chatLines(10))).id);
    const text = await (await client.files.content(batch.output_file_id ?? '')).text();
    const broken = text
      .trimEnd()
      .split('\n')
      .filter((line) => !isJson(line));
    expect(broken).toHaveLength(2);
  });

  it('result_line aimed by custom_id or text: exactly that line', async () => {
    const { client } = await startWith(
      { kind: 'result_line', effect: 'lost', match: { customId: 'line-3' } },
      { kind: 'result_line', effect: 'doubled', match: { text: 'Question 5?' } },
    );
    const { output } = await run(client, chatLines(8));
    const ids = output.map((line) => line.custom_id);
    expect(ids).not.toContain('line-3');
    expect(ids.filter((id) => id === 'line-5')).toHaveLength(2);
  });

  it.each([
    ['rate_limit', 429],
    ['server_error', 500],
    ['overloaded', 503],
  ] as const)('line_errors %s: the fraction, as error lines', async (error, status) => {
    const { client } = await startWith({ kind: 'line_errors', fraction: 0.25, error, when: 'always' });
    const { batch, errors } = await run(client, chatLines(8));
    expect(errors.map((line) => line.response?.status_code)).toEqual([status, status]);
    expect(batch.request_counts).toEqual({ total: 8, completed: 6, failed: 2 });
  });

  it('line_errors on the first submission: the same body under another id is spared', async () => {
    const { client } = await startWith({
      kind: 'line_errors',
      fraction: 1,
      error: 'rate_limit',
      when: 'first_submission',
    });
    expect((await run(client, [requestLine('first', chatBody('one'))])).errors).toHaveLength(1);
    expect((await run(client, [requestLine('second', chatBody('one'))])).output).toHaveLength(1);
    expect((await run(client, [requestLine('third', chatBody('two'))])).errors).toHaveLength(1);
  });
});

describe('faults of a call', () => {
  it.each(['upload', 'create', 'retrieve', 'list', 'cancel', 'results'] as const)(
    'http_error on %s, once, with Retry-After',
    async (operation) => {
      const { client, simulator } = await startWith();
      const { batch } = await run(client, chatLines(1));
      const slow = await createBatch(client, chatLines(1));
      simulator.setFaults([{ kind: 'http_error', operation, status: 429, retryAfterSeconds: 7, times: 1 }]);
      const calls = {
        upload: () => upload(client, chatLines(1)),
        create: () =>
          client.batches.create({ input_file_id: slow.input_file_id, endpoint: chat, completion_window: '24h' }),
        retrieve: () => client.batches.retrieve(batch.id),
        list: () => client.batches.list(),
        cancel: () =>
          client.batches.cancel(slow.id).catch((error) => (error.status === 409 ? 'ended' : Promise.reject(error))),
        results: () => client.files.content(batch.output_file_id ?? ''),
      };
      const error = await calls[operation]().then(
        () => null,
        (reason) => reason,
      );
      expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
      expect(error.headers.get('retry-after')).toBe('7');
      await calls[operation]();
    },
  );

  it('connection_cut before the effect: no batch', async () => {
    const { client, simulator } = await startWith({
      kind: 'connection_cut',
      operation: 'create',
      when: 'before_effect',
      times: 1,
    });
    await expect(createBatch(client, chatLines(1))).rejects.toThrow('Connection error');
    expect(await simulator.creations()).toEqual([]);
  });

  it('connection_cut after the effect: a batch that nobody was told of', async () => {
    const { client, simulator } = await startWith({
      kind: 'connection_cut',
      operation: 'create',
      when: 'after_effect',
      times: 1,
    });
    await expect(createBatch(client, chatLines(2))).rejects.toThrow('Connection error');
    const [creation, ...others] = await simulator.creations();
    expect(others).toEqual([]);
    expect(creation).toMatchObject({ provider: 'openai', requestIds: ['line-0', 'line-1'] });
    expect((await client.batches.list()).data.map((batch) => batch.id)).toEqual([creation?.providerBatchId]);
  });

  it('slow_answer: accepted at once, answered late', async () => {
    const { client, simulator } = await startWith({ kind: 'slow_answer', operation: 'create', delayMs: 800 });
    const file = await upload(client, chatLines(1));
    const body = { input_file_id: file.id, endpoint: chat, completion_window: '24h' } as const;
    await expect(client.batches.create(body, { timeout: 400 })).rejects.toThrow('timed out');
    expect(await simulator.creations()).toHaveLength(1);
    const startedAtMs = Date.now();
    await client.batches.create(body);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(795);
  });

  it('truncated_download by a cut: the length was promised', async () => {
    const { client, simulator } = await startWith();
    const { batch, output } = await run(client, chatLines(20));
    simulator.setFaults([{ kind: 'truncated_download', how: 'connection_cut', times: 1 }]);
    const response = await client.files.content(batch.output_file_id ?? '');
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(1000);
    await expect(response.text()).rejects.toThrow();
    expect(await download(client, batch.output_file_id)).toEqual(output);
  });

  it('truncated_download with a clean end: whole lines, too few of them, and no length', async () => {
    const { client, simulator } = await startWith();
    const { batch, output } = await run(client, chatLines(20));
    simulator.setFaults([{ kind: 'truncated_download', how: 'clean_end', fraction: 0.3, times: 1 }]);
    const response = await client.files.content(batch.output_file_id ?? '');
    expect(response.headers.get('content-length')).toBeNull();
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.every(isJson)).toBe(true);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(10);
    expect(await download(client, batch.output_file_id)).toEqual(output);
  });
});

describe('aiming', () => {
  it('strikes only the batches that match, as often as ordered', async () => {
    const { client } = await startWith(
      { kind: 'expired', times: 1, match: { model: 'gpt-4o' } },
      { kind: 'batch_failed', code: 'x', message: 'x', match: { endpoint: '/v1/embeddings' } },
    );
    const embedding = requestLine('e', { model: 'text-embedding-3-small', input: 'x' }, '/v1/embeddings');
    const bigger = [requestLine('a', chatBody('x', { model: 'gpt-4o' }))];
    expect((await run(client, chatLines(1))).batch.status).toBe('completed');
    expect((await run(client, bigger)).batch.status).toBe('expired');
    expect((await run(client, bigger)).batch.status).toBe('completed');
    expect((await run(client, [embedding], '/v1/embeddings')).batch.status).toBe('failed');
  });

  it('freezes faults into a batch: taking them away does not heal it', async () => {
    const { client, simulator } = await startOpenAI({ faults: [{ kind: 'expired' }], timing: visibleTiming });
    const { id } = await createBatch(client, chatLines(1));
    simulator.setFaults([]);
    expect((await untilEnded(client, id)).status).toBe('expired');
  });

  it('is steered over HTTP, and refuses an order that it does not know', async () => {
    const { client, simulator } = await startWith();
    const admin = new URL('/__simulator/', simulator.url);
    const put = (faults: unknown) => fetch(new URL('faults', admin), { method: 'PUT', body: JSON.stringify(faults) });
    expect((await put([{ kind: 'nonsense' }])).status).toBe(400);
    expect((await put([{ kind: 'stuck' }])).status).toBe(200);
    const { id } = await createBatch(client, chatLines(1));
    expect(await (await fetch(new URL('open', admin))).json()).toEqual([id]);
    const creations = await (await fetch(new URL('creations', admin))).json();
    expect(creations).toEqual([
      {
        provider: 'openai',
        providerBatchId: id,
        createdAtMs: expect.any(Number),
        requestIds: ['line-0'],
        endedAtMs: null,
        hasFailed: false,
      },
    ]);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
