import { describe, expect, it } from 'vitest';
import type { Fault } from '../../simulators/simulators.ts';
import {
  call,
  instantTiming,
  messageRequests,
  readResults,
  runMessages,
  startAnthropic,
  untilMessagesEnded,
  visibleTiming,
} from './started-simulators.ts';

async function startWith(...faults: Fault[]) {
  return startAnthropic({ faults, timing: instantTiming });
}

describe('faults of a whole batch', () => {
  it('partial and expired: the rest is expired', async () => {
    const { client, simulator } = await startWith({ kind: 'partial', fraction: 0.5 });
    const { batch, results } = await runMessages(client, messageRequests(8));
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 4, errored: 0, canceled: 0, expired: 4 });
    expect(results.filter((each) => each.result.type === 'expired')).toHaveLength(4);
    simulator.setFaults([{ kind: 'expired' }]);
    expect((await runMessages(client, messageRequests(3))).batch.request_counts.expired).toBe(3);
  });

  it('stuck, an unknown status, a slow cancel', async () => {
    const { client, simulator } = await startWith(
      { kind: 'stuck' },
      { kind: 'unknown_status', status: 'paused' },
      { kind: 'slow_cancel', delayMs: 1000 },
    );
    const { id } = await client.messages.batches.create({ requests: messageRequests(4) });
    expect(String((await client.messages.batches.retrieve(id)).processing_status)).toBe('paused');
    expect(await simulator.openBatches()).toEqual([id]);
    await client.messages.batches.cancel(id);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await client.messages.batches.retrieve(id)).processing_status).toBe('canceling');
    expect((await untilMessagesEnded(client, id)).request_counts).toMatchObject({ succeeded: 2, canceled: 2 });
  });

  it('batch_failed: every line errs', async () => {
    const { client } = await startWith({ kind: 'batch_failed', code: 'billing_error', message: 'No credit.' });
    const { batch, results } = await runMessages(client, messageRequests(2));
    expect(batch.request_counts.errored).toBe(2);
    expect(results[0]?.result).toMatchObject({
      type: 'errored',
      error: { error: { type: 'billing_error', message: 'No credit.' } },
    });
  });

  it('not_found_yet and token_limit', async () => {
    const { client, simulator } = await startWith({ kind: 'not_found_yet', durationMs: 500, unlisted: true });
    const { id } = await client.messages.batches.create({ requests: messageRequests(1) });
    await expect(client.messages.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    expect((await client.messages.batches.list()).data).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 520));
    await untilMessagesEnded(client, id);
    simulator.setFaults([{ kind: 'token_limit', how: 'refused_create' }]);
    await expect(client.messages.batches.create({ requests: messageRequests(1) })).rejects.toMatchObject({
      status: 429,
    });
    expect(await simulator.creations()).toHaveLength(1);
  });
});

describe('faults of lines', () => {
  it('damage the results and not the counts', async () => {
    const { client } = await startWith(
      { kind: 'result_line', effect: 'lost', match: { customId: 'line-1' } },
      { kind: 'result_line', effect: 'foreign' },
    );
    const { batch, results } = await runMessages(client, messageRequests(5));
    expect(batch.request_counts.succeeded).toBe(5);
    const ids = results.map((each) => each.custom_id).sort();
    expect(ids).toEqual(['line-0', 'line-2', 'line-3', 'line-4', 'simulator_foreign_line']);
  });

  it('make a malformed line that the SDK stumbles over', async () => {
    const { client } = await startWith({ kind: 'result_line', effect: 'malformed' });
    const { id } = await client.messages.batches.create({ requests: messageRequests(3) });
    await untilMessagesEnded(client, id);
    await expect(readResults(client, id)).rejects.toThrow();
  });

  it('line_errors: errored lines, spared at the second submission', async () => {
    const { client } = await startWith({
      kind: 'line_errors',
      fraction: 0.5,
      error: 'overloaded',
      when: 'first_submission',
    });
    const first = await runMessages(client, messageRequests(4));
    expect(first.batch.request_counts).toMatchObject({ succeeded: 2, errored: 2 });
    const errored = first.results.filter((each) => each.result.type === 'errored').map((each) => each.custom_id);
    const again = messageRequests(4).filter((request) => errored.includes(request.custom_id));
    expect((await runMessages(client, again)).batch.request_counts).toMatchObject({ succeeded: 2, errored: 0 });
  });
});

describe('faults of a call', () => {
  it('http_error: the error type that goes with the status', async () => {
    const { client, simulator } = await startWith();
    const { batch } = await runMessages(client, messageRequests(1));
    for (const [status, type] of [
      [429, 'rate_limit_error'],
      [500, 'api_error'],
      [529, 'overloaded_error'],
    ] as const) {
      simulator.setFaults([{ kind: 'http_error', operation: 'retrieve', status, times: 1 }]);
      await expect(client.messages.batches.retrieve(batch.id)).rejects.toMatchObject({
        status,
        error: { type: 'error', error: { type } },
      });
    }
    for (const operation of ['list', 'results', 'create', 'cancel'] as const) {
      simulator.setFaults([{ kind: 'http_error', operation, status: 503 }]);
      const calls = {
        list: () => client.messages.batches.list(),
        results: () => readResults(client, batch.id),
        create: () => client.messages.batches.create({ requests: messageRequests(1) }),
        cancel: () => client.messages.batches.cancel(batch.id),
      };
      await expect(calls[operation]()).rejects.toMatchObject({ status: 503 });
    }
  });

  it('connection_cut: before the effect no batch, after it one that nobody was told of', async () => {
    const { client, simulator } = await startWith({
      kind: 'connection_cut',
      operation: 'create',
      when: 'before_effect',
      times: 1,
    });
    await expect(client.messages.batches.create({ requests: messageRequests(2) })).rejects.toThrow('Connection error');
    expect(await simulator.creations()).toEqual([]);
    simulator.setFaults([{ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 }]);
    await expect(client.messages.batches.create({ requests: messageRequests(2) })).rejects.toThrow('Connection error');
    expect(await simulator.creations()).toEqual([
      expect.objectContaining({ provider: 'anthropic', requestIds: ['line-0', 'line-1'] }),
    ]);
    expect((await client.messages.batches.list()).data).toHaveLength(1);
  });

  it('slow_answer: accepted although the client gave up', async () => {
    const { client, simulator } = await startWith({ kind: 'slow_answer', operation: 'create', delayMs: 800 });
    await expect(client.messages.batches.create({ requests: messageRequests(1) }, { timeout: 400 })).rejects.toThrow(
      'timed out',
    );
    expect(await simulator.creations()).toHaveLength(1);
  });

  it('truncated_download: cut in the middle, or ended well with lines missing', async () => {
    const { client, simulator } = await startWith();
    const { batch } = await runMessages(client, messageRequests(20));
    simulator.setFaults([{ kind: 'truncated_download', how: 'connection_cut', times: 1 }]);
    await expect(readResults(client, batch.id)).rejects.toThrow();
    simulator.setFaults([{ kind: 'truncated_download', how: 'clean_end', times: 1 }]);
    const some = await readResults(client, batch.id);
    expect(some.length).toBeGreaterThan(3);
    expect(some.length).toBeLessThan(20);
    expect(await readResults(client, batch.id)).toHaveLength(20);
  });
});

it('promises no length for its results', async () => {
  const { client, simulator } = await startAnthropic({ timing: visibleTiming });
  const { batch } = await runMessages(client, messageRequests(1));
  const { headers } = await call(simulator, `/v1/messages/batches/${batch.id}/results`);
  expect(headers.get('content-length')).toBeNull();
  expect(headers.get('content-disposition')).toBe(`attachment; filename="${batch.id}_results.jsonl"`);
});
