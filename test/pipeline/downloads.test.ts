import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { costText } from '../../cli/output/cost-text.ts';
import type { Account, Services } from '../../lib/pipeline/services.ts';
import type { ProviderBatch, ProviderClient } from '../../lib/providers/contract.ts';
import type { Cost } from '../../lib/records/batch.ts';
import { ConflictError, NotFoundError } from '../../lib/records/errors.ts';
import { collectBatch } from '../../lib/service/collect-batch.ts';
import { deleteFile, getFile } from '../../lib/service/files.ts';
import { retryBatch } from '../../lib/service/retry-batch.ts';
import type { Records } from '../../lib/store/records.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { poll, prepare, submit } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

type Change<Value> = (value: Value, since: number) => Value | Promise<Value>;

/** What comes in place of the provider's own answers. `since` is how long ago the first download was, in seconds. */
interface Wrong {
  batch?: Change<ProviderBatch>;
  /** The whole text of a file of results. */
  text?: Change<string>;
}

/** Services whose providers answer downloads wrongly. */
function answering(services: Services, { batch, text }: Wrong, downloads: number[]): Services {
  let firstMs: number | null = null;
  const since = () => {
    firstMs ??= Date.now();
    return (Date.now() - firstMs) / 1_000;
  };
  const changed = (client: ProviderClient): Partial<ProviderClient> => ({
    retrieve: async (...of) => {
      const found = await client.retrieve(...of);
      if (found.phase === 'in_progress' || found.phase === 'validating') return found;
      return batch ? batch(found, since()) : found;
    },
    async *results(...of) {
      downloads.push(since());
      const chunks: Uint8Array[] = [];
      for await (const chunk of client.results(...of)) chunks.push(chunk);
      const whole = Buffer.concat(chunks).toString('utf8');
      yield Buffer.from(text ? await text(whole, since()) : whole);
    },
  });
  return {
    ...services,
    account: (name): Account => {
      const account = services.account(name);
      const wrong = changed(account.client);
      const client = new Proxy(account.client, {
        get: (target, property) => {
          const value: unknown = Reflect.get(wrong, property) ?? Reflect.get(target, property);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return { ...account, client };
    },
  };
}

interface Ran {
  batchId: string;
  /** Provider batches that were created: each is paid for. */
  creations: number;
  completed: number;
  codes: string[];
  /** Seconds from the first download to each. */
  downloads: number[];
  receipt: { provider_batches: { raw_results: string[]; lost: number }[]; cost: Cost };
}

interface Drop {
  lines?: string[];
  options?: Record<string, string>;
  onTurn?: (turn: number) => void;
}

async function run(wrong: Wrong, { lines = numbered(6, chatLine), options = {}, onTurn }: Drop = {}): Promise<Ran> {
  files += 1;
  const batchId = (await harness.drop(`download-${files}.jsonl`, fileOf(lines), options)) ?? '';
  const downloads: number[] = [];
  const services = answering(harness.services, wrong, downloads);
  await drive(harness, batchId, { services, maxTurns: 1_000, ...(onTurn && { onTurn }) });
  await expectExactlyOnce(harness, batchId, lines);
  const { openai, anthropic } = harness.simulators;
  const created = [...(await openai.creations()), ...(await anthropic.creations())];
  const ours = created.filter(({ requestIds: [id = ''] }) => id.includes(batchId.slice('batch_'.length)));
  const { output, errors } = await harness.results(batchId);
  const summary = JSON.parse((await harness.read(`results/${batchId}/batch.json`)) ?? '{}');
  return {
    batchId,
    creations: ours.length,
    completed: output.length,
    codes: errors.map((line) => JSON.parse(line).error.code),
    downloads,
    receipt: summary.batchdrop.receipt,
  };
}

const page = `<!DOCTYPE html>\n${'<p>Sign in</p>\n'.repeat(500)}`;
const other =
  '{"custom_id":"b00000000000000000000000000000000000000a10000","response":{"status_code":200,"body":{}}}\n';
const pretty = '{\n  "error": {\n    "message": "upstream busy"\n  }\n}\n';

describe.each([
  ['OpenAI', chatLine],
  ['Anthropic', claudeLine],
])('%s: a download with status 200', (_name, line) => {
  it.each([
    ['a page of HTML', page],
    ['an error document', '{"error":{"message":"upstream busy"}}'],
    ['an error document of many lines', pretty],
    ["another batch's results", other.repeat(6)],
    ['an array', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('that is %s is asked for again, and nothing is sent again', async (_what, body) => {
    const lines = numbered(6, line);
    const ran = await run({ text: (text, since) => (since < 20 ? body : text) }, { lines });
    expect(ran).toMatchObject({ creations: 1, completed: 6 });
  });

  it.each([0.5, 0.9, 0.999])(
    'that ends after %d of its bytes is asked for again, and nothing is sent again',
    async (part) => {
      const lines = numbered(6, line);
      const cut = (text: string) => text.slice(0, Math.floor(text.length * part));
      const ran = await run({ text: (text, since) => (since < 20 ? cut(text) : text) }, { lines });
      expect(ran).toMatchObject({ creations: 1, completed: 6 });
    },
  );

  it('of a batch of one request is no result of it', async () => {
    const ran = await run({ text: (text, since) => (since < 20 ? page : text) }, { lines: [line('only')] });
    expect(ran).toMatchObject({ creations: 1, completed: 1 });
  });
});

function withoutCounts(found: ProviderBatch): ProviderBatch {
  return { ...found, counts: null, expectedResults: null };
}

function withoutFiles(found: ProviderBatch): ProviderBatch {
  return { ...found, resultRefs: [] };
}

describe('a completed batch', () => {
  it.each<[string, Change<ProviderBatch>]>([
    ['counts nothing and names no file', (found) => withoutFiles(withoutCounts(found))],
    ['counts all and names no file', withoutFiles],
    [
      'counts zero and names no file',
      (found) => withoutFiles({ ...found, counts: { total: 0, completed: 0, failed: 0 } }),
    ],
  ])('that %s for a while is asked again', async (_what, wrongly) => {
    const ran = await run({ batch: (found, since) => (since < 240 ? wrongly(found, since) : found) });
    expect(ran).toMatchObject({ creations: 1, completed: 6 });
  });

  it('that never names a file is said to have no results, and is not sent again', async () => {
    const ran = await run({ batch: (found) => withoutFiles(withoutCounts(found)) });
    expect(ran).toMatchObject({ creations: 1, completed: 0, codes: new Array(6).fill('results_unavailable') });
    expect(ran.receipt).toMatchObject({ provider_batches: [{ lost: 6 }], cost: { usd: 0, lost: 6 } });
    expect(costText(ran.receipt.cost)).toBe('$0.00; not in it: 6 requests whose result is lost, perhaps paid for');
  });

  it('without counts owes a result for each line', async () => {
    const half = (text: string) => `${text.split('\n').slice(0, 3).join('\n')}\n`;
    const ran = await run({ batch: withoutCounts, text: (text, since) => (since < 100 ? half(text) : text) });
    expect(ran).toMatchObject({ creations: 1, completed: 6 });
  });

  it.each([404, 410])('whose results are refused with %d for ten minutes loses nothing', async () => {
    const ran = await run({
      text: (text, since) => {
        if (since < 600) throw new NotFoundError('There is no such file.');
        return text;
      },
    });
    expect(ran).toMatchObject({ creations: 1, completed: 6 });
  });
});

function withoutFirst(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}

describe('a line that the results lack', () => {
  it('was paid for: it is an error after downloads over 15 minutes, and the raw file is kept', async () => {
    const ran = await run({ text: withoutFirst });
    expect(ran).toMatchObject({ creations: 1, completed: 5, codes: ['result_missing'] });
    expect(ran.downloads).toHaveLength(4);
    const [, second = 0, third = 0, last = 0] = ran.downloads;
    expect(second).toBeGreaterThanOrEqual(60);
    expect(third).toBeGreaterThanOrEqual(300);
    expect(last).toBeGreaterThanOrEqual(900);
    expect(last).toBeLessThan(960);
    const [{ raw_results: [raw = ''] = [], lost } = { raw_results: [], lost: 0 }] = ran.receipt.provider_batches;
    expect(lost).toBe(1);
    expect((await harness.read(raw.replace('s3://batchdrop/', '')))?.trim().split('\n')).toHaveLength(5);
  });

  it('is sent again where its owner says so', async () => {
    const ran = await run(
      { text: (text) => (text.split('\n').length > 3 ? withoutFirst(text) : text) },
      { options: { 'on-lost-result': 'resend' } },
    );
    expect(ran).toMatchObject({ creations: 2, completed: 6 });
  });

  it('is sent again where the provider counts it among the failed: it was not paid for', async () => {
    const batch = (found: ProviderBatch): ProviderBatch =>
      found.counts?.total === 6
        ? { ...found, counts: { total: 6, completed: 5, failed: 1 }, expectedResults: 5 }
        : found;
    const ran = await run({ batch, text: (text) => (text.split('\n').length > 3 ? withoutFirst(text) : text) });
    expect(ran).toMatchObject({ creations: 2, completed: 6 });
  });

  it('is not sent again where two are missing and only one is counted as failed', async () => {
    const batch = (found: ProviderBatch): ProviderBatch => ({
      ...found,
      counts: { total: 6, completed: 5, failed: 1 },
      expectedResults: 5,
    });
    const ran = await run({ batch, text: (text) => withoutFirst(withoutFirst(text)) });
    expect(ran).toMatchObject({ creations: 1, completed: 4, codes: ['result_missing', 'result_missing'] });
  });

  it('of an expired batch that counts nothing is lost, and not unexecuted', async () => {
    const batch = (found: ProviderBatch): ProviderBatch => ({
      ...withoutCounts(found),
      phase: 'expired',
      status: 'expired',
    });
    const ran = await run({ batch, text: withoutFirst });
    expect(ran).toMatchObject({ creations: 1, completed: 5, codes: ['result_missing'] });
    expect(ran.receipt.provider_batches[0]?.raw_results).toHaveLength(1);
  });

  it('is asked for once more past the deadline', async () => {
    const ran = await run(
      { text: withoutFirst },
      { options: { 'deadline-hours': '1' }, onTurn: (turn) => turn === 4 && pass(7_200) },
    );
    expect(ran).toMatchObject({ creations: 1, completed: 5, codes: ['result_missing'] });
    expect(ran.downloads).toHaveLength(2);
  });
});

describe('a damaged line', () => {
  it('was paid for: it is an error, and its bytes are kept', async () => {
    const ran = await run({ text: (text) => text.replace('"status_code":200', '"status_code":{}') });
    expect(ran).toMatchObject({ creations: 1, completed: 5, codes: ['invalid_result_line'] });
    expect(ran.downloads).toHaveLength(4);
    expect(ran.receipt.provider_batches[0]?.raw_results).toHaveLength(1);
  });
});

describe('a line without an HTTP status', () => {
  it('is no answer, and is sent again', async () => {
    const zero = (text: string) =>
      text.replace(/"response":\{"status_code":200.*$/m, '"response":{"status_code":0,"body":null},"error":null}');
    const ran = await run({ text: (text) => (text.split('\n').length > 3 ? zero(text) : text) });
    expect(ran).toMatchObject({ creations: 2, completed: 6 });
  });
});

describe('errors of a line that are written otherwise', () => {
  it.each([
    ['a numeric code', '{"code":400,"message":"boom"}', '400'],
    ['a text', '"boom"', 'request_failed'],
    ['no code', '{"message":"boom"}', 'request_failed'],
  ])('%s is the error of the line, and nothing is sent again', async (_what, error, code) => {
    const failing = (text: string) => text.replace(/"response":.*$/m, `"response":null,"error":${error}}`);
    const ran = await run({ text: failing });
    expect(ran).toMatchObject({ creations: 1, completed: 5, codes: [code] });
    const { errors } = await harness.results(ran.batchId);
    expect(errors[0]).toContain('boom');
  });
});

describe('collecting an ended batch again', () => {
  /** The batch as it is after another collection, answered as given. */
  async function collectAgain(ran: Ran, wrong: Wrong): Promise<void> {
    const services = answering(harness.services, wrong, []);
    await collectBatch(services, await harness.batch(ran.batchId));
    await drive(harness, ran.batchId, { services, maxTurns: 1_000 });
  }

  it('puts the answers in the place of their errors, and sends nothing', async () => {
    const lines = numbered(6, chatLine);
    const ran = await run({ text: (text) => withoutFirst(withoutFirst(text)) }, { lines });
    expect(ran).toMatchObject({ completed: 4, codes: ['result_missing', 'result_missing'] });
    const before = await harness.batch(ran.batchId);

    await collectAgain(ran, { text: withoutFirst });
    await expectExactlyOnce(harness, ran.batchId, lines);
    expect(await harness.batch(ran.batchId)).toMatchObject({
      status: 'completed',
      counts: { total: 6, completed: 5, failed: 1 },
    });

    await collectAgain(ran, {});
    await expectExactlyOnce(harness, ran.batchId, lines);
    const after = await harness.batch(ran.batchId);
    expect(after).toMatchObject({ status: 'completed', errorFileId: null, outputFileId: before.outputFileId });
    expect(after.usage?.total_tokens).toBeGreaterThan(before.usage?.total_tokens ?? 0);
    const file = await harness.services.records.getFile(after.outputFileId ?? '');
    const written = await harness.services.objects.head(`results/${ran.batchId}/output.jsonl`);
    expect(file.objects).toMatchObject([{ etag: written?.etag, bytes: written?.bytes }]);
    const summary = JSON.parse((await harness.read(`results/${ran.batchId}/batch.json`)) ?? '{}');
    expect(summary.batchdrop.receipt).toMatchObject({ rounds: 1, sendings: 1, errors: null, retry: null });
    const created = await harness.simulators.openai.creations();
    const id = ran.batchId.slice('batch_'.length);
    expect(created.filter(({ requestIds: [first = ''] }) => first.includes(id))).toHaveLength(1);
    await expect(retryBatch(harness.services, after)).rejects.toThrow('no failed requests');
    await expect(collectBatch(harness.services, after)).rejects.toThrow('no lost results');
  });

  it('leaves the errors as they are where the provider has the results no longer', async () => {
    const ran = await run({ text: withoutFirst });
    await collectAgain(ran, {
      text: () => {
        throw new NotFoundError('They are gone.');
      },
    });
    await expectExactlyOnce(harness, ran.batchId, numbered(6, chatLine));
    expect(await harness.batch(ran.batchId)).toMatchObject({
      status: 'completed',
      counts: { completed: 5, failed: 1 },
    });
  });

  /** Something happens once, right before the records are called by that name. */
  function rightBefore(name: 'updateBatch' | 'keepFilePlace', happens: () => Promise<unknown>): Services {
    let isOver = false;
    const records: Records = new Proxy(harness.services.records, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          const isNow = property === name && !isOver;
          isOver ||= isNow;
          if (isNow) await happens();
          return value.apply(target, given);
        };
      },
    });
    return { ...harness.services, records };
  }

  async function withLostAnswer() {
    const { batchId } = await run({ text: withoutFirst });
    const batch = await harness.batch(batchId);
    return { batch, batchId, fileId: batch.outputFileId ?? '', key: `results/${batchId}/output.jsonl` };
  }

  it('has its results deleted by nobody, also where the deletion began before', async () => {
    const { batch, batchId, fileId, key } = await withLostAnswer();
    const services = rightBefore('keepFilePlace', () => collectBatch(harness.services, batch));
    await expect(deleteFile(services, batch.tenant, fileId)).rejects.toThrow(ConflictError);
    await drive(harness, batchId, { maxTurns: 1_000 });
    await expectExactlyOnce(harness, batchId, numbered(6, chatLine));
    const file = await getFile(harness.services, batch.tenant, fileId);
    expect(file).toMatchObject({ expiresAt: null, bytes: (await harness.services.objects.head(key))?.bytes });
  });

  it('brings no result back that was deleted just before it began', async () => {
    const { batch, batchId, fileId, key } = await withLostAnswer();
    const services = rightBefore('updateBatch', () => deleteFile(harness.services, batch.tenant, fileId));
    expect(await collectBatch(services, batch)).toMatchObject({ status: 'finalizing' });
    await drive(harness, batchId, { maxTurns: 1_000 });
    expect(await harness.batch(batchId)).toMatchObject({
      status: 'completed',
      counts: batch.counts,
      rounds: batch.rounds,
    });
    await expect(getFile(harness.services, batch.tenant, fileId)).rejects.toThrow(NotFoundError);
    expect(await harness.services.objects.head(key)).toBeNull();
  });

  it('gives a first output the time that it would have had', async () => {
    const options = { 'output-expires-after': '{"anchor":"created_at","seconds":86400}' };
    const gone = () => Promise.reject(new NotFoundError('They are gone.'));
    const { batchId } = await run({ text: gone }, { lines: numbered(2, chatLine), options });
    const { completedAt, outputFileId } = await harness.batch(batchId);
    expect(outputFileId).toBeNull();
    pass(86_400 - 3_600);
    await collectBatch(harness.services, await harness.batch(batchId));
    await drive(harness, batchId, { maxTurns: 1_000 });
    const { outputFileId: found } = await harness.batch(batchId);
    const file = await harness.services.records.getFile(found ?? '');
    expect(file.expiresAt).toBe((completedAt ?? 0) + 86_400);
  });
});

describe('a provider batch that failed', () => {
  it('is not sent again for a code of the provider that is spelled like one of ours', async () => {
    const failure = { code: 'batch_expired', message: 'It was too late.', isQueueFull: false };
    const batch = (found: ProviderBatch): ProviderBatch => ({
      ...found,
      ...{ phase: 'failed', status: 'failed', counts: null, expectedResults: null, resultRefs: [], failure },
    });
    expect(await run({ batch })).toMatchObject({ creations: 1, completed: 0, codes: Array(6).fill('batch_expired') });
  });
});

describe('a provider batch of which anything was counted as done', () => {
  it.each([
    ['that its queue was full', { isQueueFull: true }],
    ['that none of it ran', { isQueueFull: false, isUntouched: true }],
  ] as const)('is not sent again, whatever is said later: %s', async (_what, said) => {
    files += 1;
    const lines = numbered(6, chatLine);
    const batchId = (await harness.drop(`download-${files}.jsonl`, fileOf(lines))) ?? '';
    const step = { batchId, epoch: 0 };
    await prepare(harness.services, step, functionContext());
    const turn = await poll(harness.services, { ...step, events: 0 }, functionContext());
    for (const shard of turn.submit) await submit(harness.services, { ...step, shard }, functionContext());
    const name = { batchId, set: (await harness.batch(batchId)).rounds[0]?.token ?? '', shard: 0 };
    const counts = { total: 6, completed: 2, failed: 0 };
    await harness.services.records.updateShard(name, (shard) => ({ ...shard, counts }));
    const failed = (found: ProviderBatch): ProviderBatch => ({
      ...found,
      ...{ phase: 'failed', counts: { total: 0, completed: 0, failed: 0 }, expectedResults: 0, resultRefs: [] },
      failure: { code: 'token_limit_exceeded', message: 'It was too much.', ...said },
    });
    await drive(harness, batchId, { services: answering(harness.services, { batch: failed }, []) });
    await expectExactlyOnce(harness, batchId, lines);
    const created = await harness.simulators.openai.creations();
    const id = batchId.slice('batch_'.length);
    expect(created.filter(({ requestIds: [first = ''] }) => first.includes(id))).toHaveLength(1);
  });
});
