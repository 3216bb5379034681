import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { StepContext } from '../../lib/pipeline/services.ts';
import { pass } from '../pipeline/drive.ts';
import { cancelBatch } from '../pipeline/steps.ts';
import { eachObject, inPlace, misdeeds, refusing, strangers, text } from './misdeeds.ts';
import {
  accountOf,
  type Ended,
  type Hostile,
  type Plan,
  runBatch,
  settleSeconds,
  startHostile,
  wires,
} from './one-batch.ts';
import type { Misdeed, Operation, Script } from './upstream.ts';

// Hours of the turned clock take their time on two slow cores.
vi.setConfig({ testTimeout: 120_000 });

let hostile: Hostile;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  hostile = await startHostile();
});

afterAll(async () => {
  await hostile.close();
  vi.useRealTimers();
});

const hourSeconds = 3_600;

/** Calls of these operations meet it for so long. */
function lasting(misdeed: Misdeed, operations: readonly Operation[], seconds: number): Script {
  const startedMs = Date.now();
  return ({ operation, atMs }) =>
    operations.includes(operation) && atMs < startedMs + seconds * 1_000 ? misdeed : null;
}

function always(misdeed: Misdeed, ...operations: Operation[]): Script {
  return lasting(misdeed, operations, Number.POSITIVE_INFINITY);
}

/** The first of the scripts that has something to say. */
function first(...scripts: Script[]): Script {
  return (call) => scripts.map((script) => script(call)).find((misdeed) => misdeed !== null) ?? null;
}

function once(misdeed: Misdeed, operation: Operation): Script {
  return (call) => (call.operation === operation && call.number === 1 ? misdeed : null);
}

function misdeed(name: string): Misdeed {
  const known = misdeeds[name];
  if (!known) throw new Error(`There is no misdeed '${name}'.`);
  return known;
}

const reset = misdeed('resets the connection once it is done');
const page = misdeed('answers with a page');
/** Without lines of a bucket, which has no statuses. */
const overHttp = wires.map(({ name }) => name).filter((name) => name !== 'bedrock');

async function run(plan: Plan): Promise<Ended> {
  return await runBatch(hostile, plan);
}

function expectAnswered(ended: Ended): void {
  expect(ended).toMatchObject({ status: 'completed', completed: ended.lines.length });
}

function ofEachWire(outcomes: Record<string, number>): Ended['byWire'] {
  return Object.fromEntries(wires.map(({ name }) => [name, outcomes]));
}

function callsOf(operation: Operation): number[] {
  return hostile.upstreams.map(({ calls }) => calls.filter((call) => call.operation === operation).length);
}

/** Each account's record said this at some time. */
function expectReason(ended: Ended, pattern: RegExp, names = wires.map(({ name }) => name)): void {
  for (const name of names)
    expect([...(ended.reasons.get(accountOf({ name })) ?? [])].join('\n'), name).toMatch(pattern);
}

describe('trouble that lasts, and passes', () => {
  it('a refused key while results wait: they are waited for, with few calls', async () => {
    const script = lasting(refusing(401, {}, '{"error":{"message":"bad key"}}'), ['results'], 2 * hourSeconds);
    const ended = await run({ script, only: overHttp });
    expectAnswered(ended);
    expectReason(ended, /refused its API key/, overHttp);
    expect(Math.max(...callsOf('results'))).toBeLessThan(200);
  });

  it('a key that may not look: the batch is looked at until it may', async () => {
    const script = lasting(refusing(403, {}, '{"message":"Forbidden"}'), ['retrieve', 'list'], 2 * hourSeconds);
    const ended = await run({ script });
    expectAnswered(ended);
    expect(Math.max(...callsOf('retrieve'))).toBeLessThan(20_000);
  });

  it('an account that cannot pay: it is waited for, and each line is accepted once', async () => {
    const unpaid = refusing(402, {}, '{"error":{"message":"Payment required","code":"billing_error"}}');
    const ended = await run({ script: lasting(unpaid, ['create'], 2 * hourSeconds) });
    expectAnswered(ended);
    expectReason(ended, /./);
  });

  it('a batch that is not found for ten minutes', async () => {
    const script = lasting(refusing(404, {}, '{"message":"Not found"}'), ['retrieve'], 600);
    expectAnswered(await run({ script }));
  });

  it('results that are not found for ten minutes', async () => {
    const script = lasting(refusing(404, {}, '{"message":"Not found"}'), ['results'], 600);
    expectAnswered(await run({ script, only: overHttp }));
  });

  it('a lost create whose list is a page for two hours', async () => {
    const script = first(once(reset, 'create'), lasting(page, ['list'], 2 * hourSeconds));
    const ended = await run({ script });
    expectAnswered(ended);
    expectReason(ended, /could not be proven/);
  });

  it('a function whose time is over before any answer comes', async () => {
    const silence: Misdeed = { answer: ({ right }) => void right() };
    const stepContext = (): StepContext => ({ remainingMs: () => 60_000, signal: AbortSignal.timeout(1_000) });
    const script: Script = ({ number, operation }) => (number === 1 && operation !== 'check' ? silence : null);
    const ended = await run({ script, stepContext });
    expectAnswered(ended);
  });
});

describe('a status', () => {
  const backwards = text((right) =>
    eachObject(right, (value) => renamed(value, /^(completed|ended|SUCCESS|Completed)$/, 'queued')),
  );
  const googleBackwards = text((right) => right.replaceAll('BATCH_STATE_SUCCEEDED', 'BATCH_STATE_RUNNING'));

  it('that goes back for an hour is waited for', async () => {
    const startedMs = Date.now();
    const script: Script = ({ operation, number, atMs }) => {
      if (operation !== 'retrieve' || number === 1 || atMs > startedMs + hourSeconds * 1_000) return null;
      return inPlace((right) => changedBy(googleBackwards, changedBy(backwards, right)));
    };
    expectAnswered(await run({ script }));
  });

  it('of a batch that had ended and is then said to have failed untouched pays for nothing again', async () => {
    const script: Script = ({ operation, number }) => (operation === 'retrieve' && number > 1 ? failed : null);
    const ended = await run({ script });
    expect(ended.status).toBe('completed');
  });

  it('that nobody knows is waited for until the deadline', async () => {
    const unknown = text((right) =>
      right.replaceAll(/"(completed|ended|SUCCESS|Completed|BATCH_STATE_SUCCEEDED)"/g, '"pondering"'),
    );
    const ended = await run({ script: always(unknown, 'retrieve'), options: { 'deadline-hours': '1' } });
    expect(ended).toMatchObject({ completed: 0 });
  });
});

function renamed(value: Record<string, unknown>, from: RegExp, to: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      typeof member === 'string' && from.test(member) ? to : member,
    ]),
  );
}

function changedBy(misdeed: Misdeed, right: Parameters<Parameters<typeof inPlace>[0]>[0]) {
  return { ...right, body: misdeed.bytes?.(right.body) ?? right.body };
}

/** The batch as it is where nothing of it ran. */
const failed = text((right) =>
  eachObject(right, ({ results_url, output_file_id, output_file, response, request_counts, ...value }) => ({
    ...renamed(value, /^(completed|SUCCESS|Completed)$/, 'failed'),
    ...('total_requests' in value && { status: 'FAILED' }),
    ...('jobArn' in value && { status: 'Failed' }),
    ...(results_url !== undefined && { results_url: null, request_counts }),
  })).replaceAll('BATCH_STATE_SUCCEEDED', 'BATCH_STATE_FAILED'),
);

describe('counts', () => {
  const countMembers =
    /"(total|completed|failed|succeeded|errored|requestCount|successfulRequestCount|(?:total|completed|succeeded|failed)_requests|(?:total|success|error)RecordCount)":("?\d+"?)/g;
  const counted = (write: (name: string, count: string) => string) =>
    text((right) =>
      right.replaceAll(countMembers, (_, name: string, count: string) => `"${name}":${write(name, count)}`),
    );

  it.each([
    ['are above the lines', counted(() => '1000000')],
    ['are negative', counted(() => '-1')],
    ['are texts', counted((_name, count) => `"${count.replaceAll('"', '')}"`)],
    [
      'say that all failed',
      counted((name, count) => (/fail|err/i.test(name) ? '3' : /total|request/i.test(name) ? count : '0')),
    ],
  ])('that %s hide no answer that is there', async (_name, wrongly) => {
    const ended = await run({ script: always(wrongly, 'retrieve', 'list'), options: { 'deadline-hours': '1' } });
    expect(ended.byWire).toEqual(ofEachWire({ answered: 3 }));
    expect(ended.receipt.provider_batches.map(({ lost }) => lost)).toEqual([0, 0, 0, 0, 0]);
  });

  it('of zero beside half of the results: what is missing was paid for', async () => {
    const zero = counted(() => '0');
    const halved = text((right) => `${right.split('\n').slice(0, 1).join('\n')}\n`);
    const script = first(always(zero, 'retrieve'), always(halved, 'results'));
    const ended = await run({ script, only: ['openai', 'anthropic', 'mistral', 'bedrock'] });
    expect(ended.codes).toEqual(['result_missing']);
    expect(ended.receipt.provider_batches.map(({ lost }) => lost)).toEqual([2, 2, 2, 2]);
  });
});

describe('ids', () => {
  it('that are another batch of the account: nothing there is believed', async () => {
    const startedMs = Date.now();
    const other = text((right) =>
      right.replaceAll(/[0-9a-f]{12,}/g, (id) => createHash('md5').update(id).digest('hex').slice(0, id.length)),
    );
    const failedOther = inPlace((right) => changedBy(failed, changedBy(other, right)));
    const script: Script = ({ operation, atMs }) =>
      operation === 'retrieve' && atMs < startedMs + 600_000 ? failedOther : null;
    const ended = await run({ script });
    expectAnswered(ended);
  });

  it('in capital letters: nothing is taken for what it is not', async () => {
    const capital = text((right) => right.replaceAll(/b[0-9a-z]{46}/g, (id) => id.toUpperCase()));
    const ended = await run({ script: always(capital, 'results'), options: { 'deadline-hours': '1' } });
    expect(ended).toMatchObject({ completed: 0, codes: ['results_unavailable'] });
    for (const { raw_results } of ended.receipt.provider_batches) expect(raw_results.length).toBeLessThanOrEqual(1);
  });

  it('of another batch alone: its lines are nobody’s results', async () => {
    const ended = await run({
      script: always(
        inPlace((right) => ({ ...right, body: Buffer.from(strangers(right.body)) })),
        'results',
      ),
      options: { 'deadline-hours': '1' },
    });
    expect(ended).toMatchObject({ completed: 0, codes: ['results_unavailable'] });
  });

  it('that a creation gave before: the second one is unproven, and not sent again', async () => {
    const same = inPlace((right) => ({
      ...right,
      body: Buffer.from(
        right.body
          .toString('utf8')
          .replaceAll(
            /(batch_|msgbatch_|batches\/|model-invocation-job\/|"id":")[0-9a-f]{12,32}/g,
            `$1${'0'.repeat(12)}`,
          ),
      ),
    }));
    const script = first(
      always(same, 'create', 'list'),
      always(refusing(404, {}, '{"message":"Not found"}'), 'retrieve'),
    );
    const earlier = await run({ script, options: { 'deadline-hours': '1' } });
    const second = await run({ script, options: { 'deadline-hours': '1' } });
    // The first one has its batch, which it never finds again: what it has may be paid for.
    expect(earlier.byWire).toEqual(ofEachWire({ batch_expired: 3 }));
    expect(earlier.receipt.provider_batches.map(({ lost }) => lost)).toEqual([3, 3, 3, 3, 3]);
    expect(second.byWire).toEqual(ofEachWire({ submission_unconfirmed: 3 }));
    expectReason(second, /which it had named for other requests before/);
  });

  it.each([
    // The list beside it shows the right ids: what was created is found there.
    { operation: 'create', only: wires.map(({ name }) => name), isAnswered: true },
    { operation: 'upload', only: ['openai', 'gemini', 'mistral'], isAnswered: false },
  ] as const)('of a megabyte, at $operation: the record stays small, and the batch ends', async (one) => {
    const huge = text((right) => right.replaceAll(/("(?:id|name|jobArn)":")/g, `$1${'x'.repeat(1_000_000)}`));
    const script = always(huge, one.operation);
    const ended = await run({ script, only: one.only, options: { 'deadline-hours': '1' } });
    expect(ended.completed).toBe(one.isAnswered ? ended.lines.length : 0);
    expectReason(ended, /./, [...one.only]);
    for (const shard of ended.shards) expect(JSON.stringify(shard).length).toBeLessThan(10_000);
  });
});

describe('errors', () => {
  it('that repeat our key, and go on for a megabyte: the key stands nowhere', async () => {
    const key = 'right-key';
    const spelled = [key, Buffer.from(key).toString('base64'), encodeURIComponent(`${key}/`)].join(' ');
    const telling = JSON.stringify({
      error: { message: `Bad: ${spelled} ${'x'.repeat(1_000_000)}`, code: `code-${key}`, type: key, status: key },
      message: `Bad: ${spelled}`,
    });
    const startedMs = Date.now();
    const script: Script = ({ operation, atMs }) =>
      operation !== 'check' && atMs < startedMs + 600_000
        ? refusing(operation === 'create' ? 402 : 500, {}, telling)
        : null;
    const ended = await run({ script });
    expectAnswered(ended);
    const records = JSON.stringify([
      ended.shards,
      await hostile.harness.batch(ended.batchId),
      [...ended.reasons.values()].map((some) => [...some]),
    ]);
    for (const place of [records, hostile.harness.logs.join('\n')])
      for (const spelling of [key, Buffer.from(key).toString('base64')]) expect(place).not.toContain(spelling);
  });

  it('of every line, told in the file of errors alone', async () => {
    const allFailed = text((right) =>
      right
        .replace(/"output_file_id":"([^"]+)","error_file_id":null/, '"output_file_id":null,"error_file_id":"$1"')
        .replace(/"completed":3,"failed":0/, '"completed":0,"failed":3'),
    );
    const errors = text((right) => right.replaceAll('"status_code":200', '"status_code":400'));
    const ended = await run({
      script: first(always(allFailed, 'retrieve'), always(errors, 'results')),
      only: ['openai'],
    });
    expect(ended).toMatchObject({ status: 'completed', completed: 0, codes: ['http_400'] });
  });

  it('file that is named and is not there: the answers beside it come through', async () => {
    const named = text((right) => right.replace('"error_file_id":null', '"error_file_id":"file-of-nothing"'));
    expectAnswered(await run({ script: always(named, 'retrieve'), only: ['openai'] }));
  });
});

describe('a list', () => {
  it('that never ends: what may be in it is not sent again', async () => {
    const script: Script = (call) => {
      for (const { work } of hostile.upstreams) Object.assign(work, { listNeverEnds: true, listIsForeign: true });
      return once(reset, 'create')(call);
    };
    const ended = await run({ script, options: { 'deadline-hours': '1' } });
    expect(ended).toMatchObject({ completed: 0, codes: ['submission_unconfirmed'] });
  });

  it.each([
    ['of ten hours ahead', (ms: number) => ms + 36_000_000],
    ['of 1970', () => 0],
  ])('whose times are %s shows a lost create all the same', async (_name, shift) => {
    const shifted = text((right) =>
      right
        .replaceAll(
          /"((?:created|started|completed|in_progress|ended|expires|finalizing)_at)":(\d+)/g,
          (_, name: string, seconds: string) => `"${name}":${Math.floor(shift(Number(seconds) * 1_000) / 1_000)}`,
        )
        .replaceAll(
          /"(\w*(?:Time|_at))":"(\d{4}-[^"]+)"/g,
          (_, name: string, time: string) => `"${name}":"${new Date(shift(Date.parse(time))).toISOString()}"`,
        ),
    );
    const script = first(once(reset, 'create'), always(shifted, 'list', 'retrieve'));
    expectAnswered(await run({ script }));
  });
});

describe('a batch that is cancelled', () => {
  it('ends although no cancellation is understood', async () => {
    const open = text((right) =>
      right.replaceAll(/"(completed|ended|SUCCESS|Completed|BATCH_STATE_SUCCEEDED)"/g, '"pondering"'),
    );
    const script = first(always(page, 'cancel'), always(open, 'retrieve'));
    const ended = await run({ script, onTurn: cancelAt(8) });
    expect(ended).toMatchObject({ status: 'cancelled', codes: ['batch_cancelled'] });
  });

  it('ends while its create is unproven and no list can be read', async () => {
    const script = first(once(reset, 'create'), always(page, 'list'));
    const ended = await run({ script, onTurn: cancelAt(8) });
    expect(ended).toMatchObject({ status: 'cancelled', codes: ['submission_unconfirmed'] });
  });

  function cancelAt(turn: number) {
    return async (now: number) => {
      if (now !== turn) return;
      const { started } = hostile.harness;
      const batchId = started.at(-1)?.batchId ?? '';
      await cancelBatch(hostile.harness.services, batchId, AbortSignal.timeout(10_000)).catch(() => undefined);
      pass(settleSeconds);
    };
  }
});

describe('an upstream that is gone for good', () => {
  it('leaves every line with a reason at the deadline', async () => {
    const script: Script = ({ operation }) => (operation === 'check' ? null : reset);
    const ended = await run({ script, options: { 'deadline-hours': '1' } });
    expect(ended.completed).toBe(0);
    expectReason(ended, /./);
  });
});
