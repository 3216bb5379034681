import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type BatchProviderKind, batchProviderKinds, providerKinds } from '../../lib/providers/config.ts';
import type { LostCreate, ProviderBatch, Sending, TranslatedResult } from '../../lib/providers/contract.ts';
import { providers } from '../../lib/providers/registry.ts';
import { NotFoundError, ProviderAuthenticationError, TransientError } from '../../lib/records/errors.ts';
import { isOfOpenAIsFamily, subjects } from '../fixtures/providers/every-provider.ts';
import { withBucket } from './support/bucket.ts';
import {
  apiKey,
  clientFor,
  connect,
  ended,
  inputFileOf,
  noAbort,
  positionsOf,
  resultsOf,
  sendingOf,
  sendingOfBodies,
  submit,
  tally,
  temporaryFolder,
} from './support/connected-provider.ts';
import { lineOf, openAILine, resultLine } from './support/lines.ts';

withBucket();

/** Whose answers come over its own wire: of a bucket, S3 and `Objects` see to it that a download is whole. */
const downloadingKinds = batchProviderKinds.filter((kind) => subjects[kind].linesGoWith !== 'bucket');
/** Those that send by code of their own; the others of OpenAI's family do it as OpenAI. */
const sendingKinds = batchProviderKinds.filter((kind) => kind === 'openai' || !isOfOpenAIsFamily(kind));
const keyedKinds = batchProviderKinds.filter((kind) => subjects[kind].hasKey);

const visible = { validatingMs: 80, inProgressMs: 200, finalizingMs: 80 };
const slow = { validatingMs: 0, inProgressMs: 5_000, finalizingMs: 0 };
const tenTexts = Array.from({ length: 10 }, (_, index) => `Text ${index}`);
const patience = 60_000;

function lost(sending: Sending, providerInputFileId: string | null, changes: Partial<LostCreate> = {}): LostCreate {
  const nowMs = Date.now();
  return {
    sending,
    providerInputFileId,
    windowStartMs: nowMs - 60_000,
    windowEndMs: nowMs + 60_000,
    isClaimed: async () => false,
    ...changes,
  };
}

/** What there must be of ten lines, where a batch ended before it was through. */
function expectEarlyEnd(
  results: readonly TranslatedResult[],
  { kind, done, reason }: { kind: BatchProviderKind; done: number; reason: 'expired' | 'cancelled' },
): void {
  const { earlyEnd } = subjects[kind];
  const unexecuted = earlyEnd === 'every line' ? 10 - done : 0;
  const answered = earlyEnd === 'nothing' ? 0 : done;
  expect(tally(results)).toEqual({ ...(answered > 0 && { answered }), ...(unexecuted > 0 && { unexecuted }) });
  expect(new Set(positionsOf(results)).size).toBe(answered + unexecuted);
  const reasons = results.flatMap((result) => (result.kind === 'unexecuted' ? [result.reason] : []));
  expect(reasons).toEqual(Array.from({ length: unexecuted }, () => reason));
}

it('has a provider for every kind', () => {
  for (const kind of providerKinds) expect(providers[kind].kind).toBe(kind);
  expect(Object.keys(providers)).toHaveLength(providerKinds.length);
});

it('has batches for every kind, except for live endpoints, which say so', () => {
  const withoutBatches = providerKinds.filter(
    (kind) => providers[kind].limits.minRequests === Number.POSITIVE_INFINITY,
  );
  expect(withoutBatches).toEqual(['live']);
  expect(batchProviderKinds).toHaveLength(providerKinds.length - 1);
  for (const kind of withoutBatches) expect(providers[kind].live).toBeTypeOf('function');
});

describe.each(batchProviderKinds)('%s', (kind) => {
  /** What a provider that counts says; null for one that does not. */
  function counted<Value>(value: Value): Value | null {
    return subjects[kind].hasCounts === false ? null : value;
  }

  it('takes a batch through all its phases, and answers every line', async () => {
    const connection = await connect(kind, { timing: visible });
    const sending = sendingOf(kind, tenTexts);

    const id = await submit(connection, sending);
    const seen: ProviderBatch[] = [];
    const batch = await ended(connection, id, seen);
    const results = await resultsOf(kind, connection, batch, sending);

    expect(seen.every((look) => look.isKnownStatus)).toBe(true);
    const phases = [...new Set(seen.map((look) => look.phase))];
    expect(phases.slice(-2)).toEqual(['in_progress', 'completed']);
    expect(batch.counts).toEqual(counted({ total: 10, completed: 10, failed: 0 }));
    expect(batch).toMatchObject({ providerBatchId: id, expectedResults: counted(10), failure: null });
    expect(seen[0]).toMatchObject({ expectedResults: null, resultRefs: [] });
    expect(positionsOf(results)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const result of results) {
      expect(result).toMatchObject({ kind: 'answered', succeeded: true, usage: { input_tokens: expect.any(Number) } });
      const line = resultLine(result);
      expect(line).toMatchObject({ response: { status_code: 200, body: { object: 'chat.completion' } }, error: null });
      expect(result.kind === 'answered' && `line-${result.position}`).toBe(line.custom_id);
    }
    const [creation, ...others] = await connection.simulator.creations();
    expect(others).toEqual([]);
    expect(creation?.requestIds.every((requestId) => requestId.startsWith(sending.prefix))).toBe(true);
  });

  it('tells the outcomes of lines apart', async () => {
    const texts = ['fine', '[[refuse]]', '[[rate-limit]]', '[[server-error]]', '[[overloaded]]', '[[decline]]'];
    const connection = await connect(kind);
    const sending = sendingOf(kind, texts);

    const batch = await ended(connection, await submit(connection, sending));
    const results = await resultsOf(kind, connection, batch, sending);

    const byPosition = new Map(
      results.flatMap((result) => (result.kind === 'answered' ? [[result.position, result]] : [])),
    );
    const outcomes = texts.map((_, position) => byPosition.get(position));
    expect(outcomes.map((result) => result?.succeeded)).toEqual([true, false, false, false, false, true]);
    expect(outcomes.map((result) => result?.retryable)).toEqual([false, false, true, true, true, false]);
    expect(batch.counts).toEqual(counted({ total: 6, completed: 2, failed: 4 }));
    expect(batch.expectedResults).toBe(counted(6));
    const refused = byPosition.get(1);
    expect(refused && resultLine(refused)).toMatchObject({
      custom_id: 'line-1',
      response: { status_code: 400, body: { error: { message: expect.any(String) } } },
      error: { code: expect.any(String), message: expect.any(String), attempts: 1 },
    });
  });

  it('cancels, keeps what was done, and minds no second cancel', async () => {
    const connection = await connect(kind, { timing: slow });
    const sending = sendingOf(kind, tenTexts);
    const id = await submit(connection, sending);
    await vi.waitFor(
      async () => expect((await connection.client.retrieve(id, noAbort)).phase).toBe('in_progress'),
      patience,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_200));

    await connection.client.cancel(id, noAbort);
    const batch = await ended(connection, id);
    await connection.client.cancel(id, noAbort);
    const results = await resultsOf(kind, connection, batch, sending);

    if (subjects[kind].hasNoCancel) {
      expect({ phase: batch.phase, ...tally(results) }).toEqual({ phase: 'completed', answered: 10 });
      return;
    }
    expect(batch.phase).toBe('cancelled');
    if (subjects[kind].isGoneOnceCancelled) {
      expect({ results, counts: batch.counts }).toEqual({ results: [], counts: null });
      return;
    }
    const done = batch.counts?.completed ?? tally(results).answered ?? 0;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(10);
    expect(batch.counts).toEqual(counted({ total: 10, completed: done, failed: 0 }));
    expectEarlyEnd(results, { kind, done, reason: 'cancelled' });
    expect(batch.expectedResults ?? 0).toBeLessThanOrEqual(results.length);
  });

  it('minds no cancel of a completed batch', async () => {
    const connection = await connect(kind);
    const id = await submit(connection, sendingOf(kind, ['x']));
    await ended(connection, id);

    await expect(connection.client.cancel(id, noAbort)).resolves.toBeUndefined();
  });

  it('tells what expired from what was done', async () => {
    const connection = await connect(kind, { faults: [{ kind: 'partial', fraction: 0.4 }] });
    const sending = sendingOf(kind, tenTexts);

    const batch = await ended(connection, await submit(connection, sending));
    const results = await resultsOf(kind, connection, batch, sending);

    expect(batch.phase).toBe('expired');
    expect(batch.counts).toEqual(counted({ total: 10, completed: 4, failed: 0 }));
    expectEarlyEnd(results, { kind, done: 4, reason: 'expired' });
    expect(batch.expectedResults ?? 0).toBeLessThanOrEqual(results.length);
  });

  it('finds a batch whose creation was cut off, and creates no other', async () => {
    const cut = { kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 } as const;
    const connection = await connect(kind, { timing: visible, faults: [cut] });
    const sending = sendingOf(kind, tenTexts);
    const fileId = await inputFileOf(connection, sending);

    const outcome = await connection.client.create(sending, fileId, noAbort);
    const [creation] = await connection.simulator.creations();
    const early = await connection.client.findLost(lost(sending, fileId), noAbort);
    await vi.waitFor(async () => expect(await connection.simulator.openBatches()).toEqual([]), patience);
    const late = await connection.client.findLost(lost(sending, fileId), noAbort);

    expect(outcome.outcome).toBe('unknown');
    const found = { finding: 'found', providerBatchId: creation?.providerBatchId };
    const undecided = {
      finding: 'undecided',
      providerBatchIds: [creation?.providerBatchId],
      reason: expect.stringContaining('may hold it'),
    };
    expect(early).toEqual(subjects[kind].provesAtOnce ? found : undecided);
    expect(late).toEqual(found);
    expect(await connection.simulator.creations()).toHaveLength(1);
  });

  it('finds nothing where the creation never arrived, whatever else there is', async () => {
    const connection = await connect(kind);
    await ended(connection, await submit(connection, sendingOf(kind, tenTexts)));
    await submit(connection, sendingOf(kind, ['another size']));
    connection.simulator.setFaults([{ kind: 'connection_cut', operation: 'create', when: 'before_effect', times: 1 }]);
    const sending = sendingOf(kind, tenTexts);
    const fileId = await inputFileOf(connection, sending);

    const outcome = await connection.client.create(sending, fileId, noAbort);

    expect(outcome.outcome).toBe('unknown');
    expect(await connection.client.findLost(lost(sending, fileId), noAbort)).toEqual({ finding: 'none' });
    expect(await connection.simulator.creations()).toHaveLength(2);
  });

  it('leaves a running batch that another shard owns out of the search, and no other', async () => {
    const connection = await connect(kind, { timing: slow });
    const id = await submit(connection, sendingOf(kind, tenTexts));
    const sending = sendingOf(kind, tenTexts);
    const isClaimed = vi.fn(async (providerBatchId: string) => providerBatchId === id);
    const later = Date.now() + 3_600_000;

    expect(await connection.client.findLost(lost(sending, null, { isClaimed }), noAbort)).toEqual({ finding: 'none' });
    const old = lost(sending, null, { windowStartMs: later, windowEndMs: later + 1 });
    const undecided = { finding: 'undecided', providerBatchIds: [id], reason: expect.stringContaining(id) };
    const mayBeOurs = subjects[kind].provesAtOnce ? { finding: 'none' } : undecided;
    expect(await connection.client.findLost(old, noAbort)).toEqual(mayBeOurs);
  });

  it('looks through the whole list for a lost batch', async () => {
    const connection = await connect(kind);
    const sending = sendingOf(kind, tenTexts);
    const fileId = await inputFileOf(connection, sending);
    const created = await connection.client.create(sending, fileId, noAbort);
    const id = created.outcome === 'created' ? created.providerBatchId : '';
    const others = Array.from({ length: subjects[kind].pageSize + 10 }, () => sendingOf(kind, ['x']));
    await Promise.all(others.map((other) => submit(connection, other)));
    await ended(connection, id);

    const provingFile = subjects[kind].provesBy === 'token' ? null : fileId;
    expect(await connection.client.findLost(lost(sending, provingFile), noAbort)).toEqual({
      finding: 'found',
      providerBatchId: id,
    });
  });

  it('waits as long as a 429 asks for', async () => {
    const faults = [{ kind: 'http_error', operation: 'create', status: 429, retryAfterSeconds: 7, times: 1 } as const];
    const connection = await connect(kind, { faults });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    const outcome = await connection.client.create(sending, fileId, noAbort);

    expect(outcome).toEqual({
      outcome: 'deferred',
      message: expect.any(String),
      retryAfterSeconds: 7,
      isRateLimit: true,
    });
    expect(await connection.simulator.creations()).toEqual([]);
  });

  it('comes again where the provider’s queue is full', async () => {
    const connection = await connect(kind, { faults: [{ kind: 'token_limit', how: 'refused_create' }] });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    expect((await connection.client.create(sending, fileId, noAbort)).outcome).toBe('deferred');
  });

  it.each([500, 503, 408, 409])('knows nothing after a %i, and does not try again', async (status) => {
    const connection = await connect(kind, { faults: [{ kind: 'http_error', operation: 'create', status, times: 1 }] });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    expect((await connection.client.create(sending, fileId, noAbort)).outcome).toBe('unknown');
    expect(await connection.simulator.creations()).toEqual([]);
  });

  it.each([400, 404, 413, 422])('is refused by a %i', async (status) => {
    const connection = await connect(kind, { faults: [{ kind: 'http_error', operation: 'create', status }] });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    // Only a refusal of the lines themselves says that none of them can have run.
    const areLinesRefused = subjects[kind].linesGoWith === 'create' && (status === 400 || status === 413);
    expect(await connection.client.create(sending, fileId, noAbort)).toEqual({
      outcome: 'refused',
      code: expect.stringMatching(/./),
      message: expect.stringMatching(/./),
      ...(areLinesRefused && { isUntouched: true, refusedLines: [] }),
    });
  });

  it('knows nothing after a creation that took too long, and there is one', async () => {
    const faults = [{ kind: 'slow_answer', operation: 'create', delayMs: 30_000 } as const];
    const connection = await connect(kind, { faults }, { createTimeoutSeconds: 0.4 });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    expect(await connection.client.create(sending, fileId, noAbort)).toEqual({
      outcome: 'unknown',
      message: expect.stringContaining('0.4 s'),
    });
    expect(await connection.simulator.creations()).toHaveLength(1);
  });

  it('knows nothing after being stopped in a creation, and sends none when stopped before', async () => {
    const faults = [{ kind: 'slow_answer', operation: 'create', delayMs: 30_000 } as const];
    const connection = await connect(kind, { faults });
    const sending = sendingOf(kind, ['x']);
    const fileId = await inputFileOf(connection, sending);

    expect((await connection.client.create(sending, fileId, AbortSignal.abort())).outcome).toBe('deferred');
    expect(await connection.simulator.creations()).toEqual([]);
    expect((await connection.client.create(sending, fileId, AbortSignal.timeout(300))).outcome).toBe('unknown');
    expect(await connection.simulator.creations()).toHaveLength(1);
  });

  it('proves that nothing was created where nobody listens', async () => {
    const { simulator } = await connect(kind);
    await simulator.close();
    const client = clientFor(kind, simulator.url, async () => apiKey);

    const outcome = await client.create(sendingOf(kind, ['x']), 'file-1', noAbort);

    expect(outcome).toEqual({
      outcome: 'deferred',
      message: expect.stringContaining('ECONNREFUSED'),
      retryAfterSeconds: null,
    });
    await expect(client.retrieve('batch_1', noAbort)).rejects.toThrow(TransientError);
  });

  it('creates nothing from lines that break off', async () => {
    const connection = await connect(kind);
    const sending: Sending = {
      ...sendingOf(kind, ['x']),
      async *lines(separator) {
        yield* sendingOf(kind, ['x']).lines(separator);
        throw new Error('S3 broke off');
      },
    };

    const broken =
      subjects[kind].linesGoWith === 'create'
        ? connection.client.create(sending, null, noAbort)
        : connection.client.upload(sending, noAbort);

    await expect(broken).rejects.toThrow('S3 broke off');
    expect(await connection.simulator.creations()).toEqual([]);
  });

  it('leaves no file behind, nor what a killed process left', async () => {
    const folder = temporaryFolder();
    const connection = await connect(kind, {
      faults: [{ kind: 'http_error', operation: 'create', status: 500, times: 1 }],
    });
    const left = 'a2b1c0de-0000-4000-8000-000000000000';
    writeFileSync(join(folder, `batchdrop-spool-${process.pid}-${left}`), 'of a process that had our number');
    writeFileSync(join(folder, `batchdrop-spool-2147483647-${left}`), 'of a process that is gone');
    writeFileSync(join(folder, `batchdrop-spool-${process.ppid}-${left}`), 'of a process that lives');
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const sending = sendingOf(kind, tenTexts);

    await connection.client.create(sending, await inputFileOf(connection, sending), noAbort);
    await submit(connection, sending);

    const own = `batchdrop-spool-${process.pid}-${left}`;
    const others = [own, `batchdrop-spool-2147483647-${left}`, `batchdrop-spool-${process.ppid}-${left}`];
    const spoolsNothing = subjects[kind].linesGoWith === 'bucket';
    expect(readdirSync(folder).toSorted()).toEqual(spoolsNothing ? others.toSorted() : others.slice(2));
  });

  it('says that a batch does not exist', async () => {
    const { client } = await connect(kind);

    await expect(client.retrieve(subjects[kind].unknownId, noAbort)).rejects.toThrow(NotFoundError);
    await expect(client.cancel(subjects[kind].unknownId, noAbort)).rejects.toThrow(NotFoundError);
  });

  it('gets over a short trouble of the provider, and says so after a longer one', async () => {
    const connection = await connect(kind);
    const id = await submit(connection, sendingOf(kind, ['x']));
    connection.simulator.setFaults([{ kind: 'http_error', operation: 'retrieve', status: 500, times: 1 }]);

    await expect(connection.client.retrieve(id, noAbort)).resolves.toMatchObject({ providerBatchId: id });
    connection.simulator.setFaults([{ kind: 'http_error', operation: 'retrieve', status: 529 }]);
    await expect(connection.client.retrieve(id, noAbort)).rejects.toThrow(TransientError);
  });

  it('waits on under a status that it does not know', async () => {
    const faults = [{ kind: 'unknown_status', status: 'pondering' } as const];
    const connection = await connect(kind, { timing: slow, faults });
    const id = await submit(connection, sendingOf(kind, ['x']));

    await vi.waitFor(
      async () =>
        expect(await connection.client.retrieve(id, noAbort)).toMatchObject({
          phase: 'in_progress',
          status: subjects[kind].unknownStatus ?? 'pondering',
          isKnownStatus: false,
          resultRefs: [],
        }),
      patience,
    );
  });

  it.each([
    ['lost', { answered: 9 }],
    ['malformed', { answered: 9, malformed: 1 }],
    ['doubled', { answered: 11 }],
    ['foreign', { answered: 10, foreign: 1 }],
  ] as const)('sees a result line that is %s', async (effect, expected) => {
    const connection = await connect(kind, { faults: [{ kind: 'result_line', effect }] });
    const sending = sendingOf(kind, tenTexts);

    const batch = await ended(connection, await submit(connection, sending));

    expect(tally(await resultsOf(kind, connection, batch, sending))).toEqual(expected);
  });
});

describe.each(keyedKinds)('%s, which has a key,', (kind) => {
  it('reads the secret once more where the key is refused', async () => {
    const { simulator } = await connect(kind);
    const key = vi.fn(async (refresh = false) => (refresh ? apiKey : 'sk-old-0123456789'));
    const client = clientFor(kind, simulator.url, key);
    const sending = sendingOf(kind, ['x']);

    const id = await submit({ simulator, client }, sending);
    await client.check(noAbort);

    expect(await simulator.creations()).toMatchObject([{ providerBatchId: id }]);
    expect(key).toHaveBeenCalledWith(true);
  });

  it.each(['check', 'upload or create', 'retrieve', 'cancel', 'findLost', 'results'])(
    'says which secret is wrong, and never the key: %s',
    async (call) => {
      const { simulator } = await connect(kind);
      const client = clientFor(kind, simulator.url, async () => 'sk-wrong-0123456789');
      const sending = sendingOf(kind, ['x']);
      const batch = { providerBatchId: 'a', resultRefs: ['b'] } as ProviderBatch;
      const calls: Record<string, () => Promise<unknown>> = {
        check: () => client.check(noAbort),
        'upload or create': async () => {
          await client.upload(sending, noAbort);
          return client.create(sending, 'file-1', noAbort);
        },
        retrieve: () => client.retrieve('a', noAbort),
        cancel: () => client.cancel('a', noAbort),
        findLost: () => client.findLost(lost(sending, null), noAbort),
        results: async () => Array.fromAsync(client.results(batch, 'b', noAbort)),
      };

      const error: unknown = await calls[call]?.().catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(ProviderAuthenticationError);
      expect(String(error)).toContain(`our-${kind}`);
      expect(String(error)).toContain(`batchdrop/${kind}`);
      expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain('sk-wrong');
    },
  );

  it('does not take an unreadable secret for an unknown creation', async () => {
    const { simulator } = await connect(kind);
    const client = clientFor(kind, simulator.url, async () => {
      throw new Error('Secrets Manager is down');
    });

    await expect(client.create(sendingOf(kind, ['x']), 'file-1', noAbort)).rejects.toThrow(TransientError);
  });
});

describe.each(downloadingKinds)('%s, which is downloaded from,', (kind) => {
  it('says that a download broke off', async () => {
    const connection = await connect(kind);
    const sending = sendingOf(kind, tenTexts);
    const batch = await ended(connection, await submit(connection, sending));
    connection.simulator.setFaults([{ kind: 'truncated_download', how: 'connection_cut', times: 1 }]);

    await expect(resultsOf(kind, connection, batch, sending)).rejects.toThrow(TransientError);
    expect(await resultsOf(kind, connection, batch, sending)).toHaveLength(10);
  });

  it('lets a download that ends well but short be seen by its count, or its size', async () => {
    const connection = await connect(kind);
    const sending = sendingOf(kind, tenTexts);
    const batch = await ended(connection, await submit(connection, sending));
    connection.simulator.setFaults([{ kind: 'truncated_download', how: 'clean_end', times: 1 }]);

    const reading = resultsOf(kind, connection, batch, sending);

    const showsByCount = subjects[kind].hasCounts !== false && !subjects[kind].showsCuts;
    if (showsByCount) expect((await reading).length).toBeLessThan(batch.expectedResults ?? 0);
    else await expect(reading).rejects.toThrow(TransientError);
  });
});

describe('bedrock', () => {
  it('makes one job of a token, however often it is asked', async () => {
    const connection = await connect('bedrock');
    const sending = sendingOf('bedrock', tenTexts);
    const input = await inputFileOf(connection, sending);

    const first = await connection.client.create(sending, input, noAbort);
    const second = await connection.client.create(sending, input, noAbort);

    expect(second).toEqual(first);
    expect(await connection.simulator.creations()).toHaveLength(1);
  });

  it('tells a job that only has our name from one that has our token', async () => {
    const connection = await connect('bedrock');
    const sending = sendingOf('bedrock', tenTexts);
    await submit(connection, sending);

    const other = { ...sending, token: 'another' };
    expect(await connection.client.findLost(lost(other, null), noAbort)).toEqual({ finding: 'none' });
  });

  it('says why a job failed', async () => {
    const connection = await connect('bedrock', { minRecords: 100 });

    const batch = await ended(connection, await submit(connection, sendingOf('bedrock', tenTexts)));

    expect(batch).toMatchObject({
      phase: 'failed',
      resultRefs: [],
      failure: { code: 'batch_failed', message: expect.stringContaining('minimum of: 100'), isQueueFull: false },
    });
  });

  it('says that a job which never began expired, and has no results', async () => {
    const connection = await connect('bedrock', { faults: [{ kind: 'expired' }] });

    const batch = await ended(connection, await submit(connection, sendingOf('bedrock', tenTexts)));

    expect(batch).toMatchObject({ phase: 'expired', status: 'Expired', resultRefs: [], expectedResults: null });
  });

  it.each(['check', 'create', 'retrieve', 'cancel', 'findLost'] as const)(
    'says which permissions are missing: %s',
    async (call) => {
      const connection = await connect('bedrock');
      const { client } = connection;
      const sending = sendingOf('bedrock', ['x']);
      const input = await inputFileOf(connection, sending);
      const id = await submit(connection, sending);
      const operation = { check: 'list', findLost: 'list' } as const;
      const aim = call === 'check' || call === 'findLost' ? operation[call] : call;
      connection.simulator.setFaults([{ kind: 'http_error', operation: aim, status: 403 }]);
      const calls: Record<typeof call, () => Promise<unknown>> = {
        check: () => client.check(noAbort),
        create: () => client.create(sending, input, noAbort),
        retrieve: () => client.retrieve(id, noAbort),
        cancel: () => client.cancel(id, noAbort),
        findLost: () => client.findLost(lost(sending, null), noAbort),
      };

      const error: unknown = await calls[call]().catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(ProviderAuthenticationError);
      expect(String(error)).toMatch(/our-bedrock.*bedrock:CreateModelInvocationJob.*iam:PassRole/);
    },
  );

  it('says that the results are not where they should be', async () => {
    const connection = await connect('bedrock');
    const sending = sendingOf('bedrock', ['x']);
    const batch = await ended(connection, await submit(connection, sending));
    const [ref = ''] = batch.resultRefs;

    const results = connection.client.results(batch, `${ref}x`, noAbort);

    await expect(Array.fromAsync(results)).rejects.toThrow(NotFoundError);
  });

  it('shows a job in OpenAI’s form, alone and in a list', async () => {
    const connection = await connect('bedrock');
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c']) ids.unshift(await submit(connection, sendingOf('bedrock', [text])));
    for (const id of ids) await ended(connection, id);
    const [newest = '', middle = '', oldest = ''] = ids;

    const first = await connection.client.list({ limit: 2 }, noAbort);
    const second = await connection.client.list({ after: middle, limit: 2 }, noAbort);

    expect(first.batches.map(({ id }) => id)).toEqual([newest, middle]);
    expect(first.hasMore).toBe(true);
    expect(second.batches.map(({ id }) => id)).toEqual([oldest]);
    expect(second.hasMore).toBe(false);
    expect(await connection.client.describe(newest, noAbort)).toMatchObject({
      object: 'batch',
      status: 'completed',
      model: subjects.bedrock.model,
      completed_at: expect.any(Number),
      request_counts: { total: 1, completed: 1, failed: 0 },
    });
  });

  it('gets nothing from a translation that it would refuse', async () => {
    const messages = [{ role: 'user', content: 'x' }];
    const parameters = { type: 'object', properties: { a: { type: 'string' } } };
    const tools = [{ type: 'function', function: { name: 'f', parameters } }];
    const bodies = [
      { messages, temperature: 0.2, stop: ['END'], user: 'u', stream: false, n: 1 },
      { messages, tools, tool_choice: 'required', parallel_tool_calls: false },
      { messages, reasoning_effort: 'minimal', max_tokens: 3000 },
      { messages: [{ role: 'system', content: 'Be brief.' }, ...messages], service_tier: 'flex', metadata: { a: 'b' } },
    ];
    const connection = await connect('bedrock');
    const sending = sendingOfBodies('bedrock', bodies);

    const batch = await ended(connection, await submit(connection, sending));
    const results = await resultsOf('bedrock', connection, batch, sending);

    const lines = results.map((result) => (result.kind === 'answered' && result.succeeded) || resultLine(result));
    expect(lines).toEqual(bodies.map(() => true));
  });
});

describe('anthropic', () => {
  it('gets nothing from a translation that it would refuse', async () => {
    const ask = (content: unknown) => [{ role: 'user', content }];
    const closed = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    };
    const open = { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } };
    const tools = [
      { type: 'function', function: { name: 'f', strict: true, parameters: open } },
      { type: 'function', function: { name: 'g' } },
    ];
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }];
    const format = (schema: object) => ({ type: 'json_schema', json_schema: { name: 'n', strict: true, schema } });
    const shared = {
      messages: ask('x'),
      temperature: 0.2,
      top_p: 0.9,
      presence_penalty: 1,
      n: 1,
      stop: ['END'],
      user: 'u',
    };
    const models = ['claude-opus-5-5', 'claude-opus-4-6', 'claude-sonnet-4-5', 'claude-3-5-haiku-20241022'];
    const bodies = models.flatMap((model) => [
      { ...shared, model },
      { ...shared, model, reasoning_effort: 'high' },
      { ...shared, model, reasoning_effort: 'minimal', max_tokens: 3000 },
      { ...shared, model, reasoning_effort: 'none' },
      { ...shared, model, reasoning_effort: 'medium', tools, tool_choice: 'required', parallel_tool_calls: false },
      { ...shared, model, tools, tool_choice: { type: 'function', function: { name: 'g' } } },
      { ...shared, model, response_format: format(closed) },
      { ...shared, model, response_format: format(open) },
      {
        ...shared,
        model,
        messages: [
          { role: 'system', content: 'Be brief.' },
          ...ask('x'),
          { role: 'assistant', tool_calls: calls },
          { role: 'tool', tool_call_id: 'call_1', content: '' },
          ...ask('y'),
        ],
        tools,
      },
      {
        ...shared,
        model,
        messages: ask([
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0x' } },
        ]),
      },
    ]);
    const isTaken = (body: { model: string }) =>
      providers.anthropic.translateRequest(lineOf(openAILine('x', body)), { lineId: 'x', model: body.model }).ok;
    const taken = bodies.filter(isTaken);
    // Forced tools there, schemas here: nobody may ask for them.
    expect(bodies.filter((body) => !isTaken(body)).map(({ model }) => model)).toEqual([
      ...['claude-opus-5-5', 'claude-opus-5-5'],
      ...['claude-3-5-haiku-20241022', 'claude-3-5-haiku-20241022'],
    ]);
    const connection = await connect('anthropic');
    const sending = sendingOfBodies('anthropic', taken);

    const batch = await ended(connection, await submit(connection, sending));
    const results = await resultsOf('anthropic', connection, batch, sending);

    const refused = results.flatMap((result) =>
      result.kind === 'answered' && result.succeeded ? [] : [result.kind === 'answered' ? resultLine(result) : result],
    );
    expect(refused).toEqual([]);
    expect(results).toHaveLength(taken.length);
  });
});

describe('openai', () => {
  it('says why a batch failed, and whether it may come again', async () => {
    const connection = await connect('openai', { faults: [{ kind: 'token_limit', how: 'failed_batch' }] });

    const full = await ended(connection, await submit(connection, sendingOf('openai', ['x'])));
    connection.simulator.setFaults([
      { kind: 'batch_failed', code: 'invalid_request', message: 'Bad key sk-abcdefghijkl' },
    ]);
    const bad = await ended(connection, await submit(connection, sendingOf('openai', ['x'])));

    expect(full).toMatchObject({
      phase: 'failed',
      resultRefs: [],
      failure: { code: 'token_limit_exceeded', isQueueFull: true },
    });
    expect(bad).toMatchObject({
      phase: 'failed',
      failure: { code: 'invalid_request', message: 'Bad key [hidden]', isQueueFull: false },
    });
  });

  it.each([
    [429, { outcome: 'deferred', retryAfterSeconds: 3 }],
    [400, { outcome: 'refused' }],
  ])('reads the outcome of an upload: %i', async (status, outcome) => {
    const faults = [{ kind: 'http_error', operation: 'upload', status, retryAfterSeconds: 3 } as const];
    const { client } = await connect('openai', { faults });

    expect(await client.upload(sendingOf('openai', ['x']), noAbort)).toMatchObject(outcome);
  });

  it('leaves an upload that broke off to be repeated', async () => {
    const faults = [{ kind: 'connection_cut', operation: 'upload', when: 'after_effect', times: 1 } as const];
    const { client } = await connect('openai', { faults });

    await expect(client.upload(sendingOf('openai', ['x']), noAbort)).rejects.toThrow(TransientError);
    expect((await client.upload(sendingOf('openai', ['x']), noAbort)).outcome).toBe('uploaded');
  });
});

describe('memory', () => {
  it.each(sendingKinds)('stays flat, however large the batch: %s', async (kind) => {
    const sink = createServer((request, response) => {
      const { body, headers } = subjects[kind].anything?.(`http://${request.headers.host}`) ?? { body: {} };
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify({ id: 'batch_1', ...body }));
      });
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      sink.close();
    });
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
    const script = new URL('./support/send-large-batch.ts', import.meta.url).pathname;

    const { stdout } = await promisify(execFile)(process.execPath, [script, kind, url, '250']);

    // What is read ahead and not collected yet; fetch that copies its requests would add all 250.
    expect(Number(stdout)).toBeLessThan(170);
  });
});

describe('the wire', () => {
  /** A server that answers with the given text, and remembers who asked for what. */
  async function listen(answer: (url: string) => { body: string; headers?: Record<string, string | number> }) {
    const asked: { url: string; headers: NodeJS.Dict<string | string[]> }[] = [];
    const server = createServer((request, response) => {
      const url = request.url ?? '';
      asked.push({ url, headers: request.headers });
      const { body, headers } = answer(url);
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.end(body, () => response.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  const batch = { providerBatchId: 'a/b', resultRefs: ['a/b'] } as ProviderBatch;

  it('tells Anthropic the version under which sampling parameters still work', async () => {
    const { url, asked } = await listen(() => ({ body: '{"data":[],"has_more":false}' }));

    await clientFor('anthropic', url, async () => apiKey).check(noAbort);

    expect(asked[0]?.headers).toMatchObject({ 'anthropic-version': '2023-06-01', authorization: `Bearer ${apiKey}` });
  });

  it('asks our own base URL for results, and keeps ids within their place in it', async () => {
    const { url, asked } = await listen(() => ({ body: '{}' }));

    await Array.fromAsync(clientFor('anthropic', url, async () => apiKey).results(batch, 'a/b', noAbort));
    await Array.fromAsync(clientFor('openai', `${url}/v1`, async () => apiKey).results(batch, 'a/b', noAbort));

    expect(asked.map((request) => request.url)).toEqual([
      '/v1/messages/batches/a%2Fb/results',
      '/v1/files/a%2Fb/content',
    ]);
  });

  it.each(downloadingKinds)('says that a download is shorter than it was promised to be: %s', async (kind) => {
    const { url } = await listen(() => ({ body: '{}\n', headers: { 'content-length': 100 } }));
    const client = clientFor(kind, url, async () => apiKey);

    await expect(Array.fromAsync(client.results(batch, 'a', noAbort))).rejects.toThrow(TransientError);
  });

  it.each(batchProviderKinds)(
    'waits for the whole answer to a creation no longer than for its start: %s',
    async (kind) => {
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const client = clientFor(kind, url, async () => apiKey, { createTimeoutSeconds: 0.5 });

      expect((await client.create(sendingOf(kind, ['x']), 'file-1', noAbort)).outcome).toBe('unknown');
    },
  );

  it.each(batchProviderKinds)('does not take an answer without an id for a creation: %s', async (kind) => {
    const { url } = await listen(() => ({ body: '{"hello":"world"}' }));
    const client = clientFor(kind, url, async () => apiKey);

    expect((await client.create(sendingOf(kind, ['x']), 'file-1', noAbort)).outcome).toBe('unknown');
  });

  it.each(batchProviderKinds)('does not take half a list for the whole: %s', async (kind) => {
    const { url } = await listen(() => ({ body: JSON.stringify(subjects[kind].halfList()) }));
    const client = clientFor(kind, url, async () => apiKey);

    const finding = await client.findLost(lost(sendingOf(kind, ['x']), null), noAbort).catch((error: unknown) => error);

    if (finding instanceof Error) expect(finding).toBeInstanceOf(TransientError);
    else expect(finding).toEqual({ finding: 'undecided', providerBatchIds: [], reason: expect.stringMatching(/./) });
  });
});
