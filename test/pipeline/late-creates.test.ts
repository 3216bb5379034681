import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Account, Services } from '../../lib/pipeline/services.ts';
import type { ProviderClient } from '../../lib/providers/contract.ts';
import { cancelBatch } from '../../lib/service/cancel-batch.ts';
import type { Fault } from '../../simulators/simulators.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { poll, prepare, submit } from './steps.ts';

let on: Harness | undefined;

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
});

afterEach(async () => {
  await on?.close();
});

afterAll(() => {
  vi.useRealTimers();
});

/** Services whose providers create by another function; everything else is theirs. */
function creatingBy(services: Services, create: (client: ProviderClient) => ProviderClient['create']): Services {
  return {
    ...services,
    account: (name): Account => {
      const account = services.account(name);
      const client = new Proxy(account.client, {
        get: (target, property) => {
          const value: unknown = Reflect.get(target, property);
          if (property === 'create') return create(target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return { ...account, client };
    },
  };
}

async function dropped(harness: Harness, name: string, lines: readonly string[]): Promise<string> {
  const batchId = await harness.drop(name, fileOf(lines));
  if (batchId === null) throw new Error('refused');
  return batchId;
}

async function shardsOf(harness: Harness, batchId: string) {
  const set = (await harness.batch(batchId)).rounds.at(-1)?.token ?? '';
  return harness.services.records.listShards(batchId, set);
}

describe('a create that began long after it was noted, and whose answer was lost', () => {
  it.each([
    ['OpenAI', chatLine],
    ['Anthropic', claudeLine],
  ])('is looked for until it must be listed: %s', async (_provider, line) => {
    on = await startHarness();
    // Within the settle time of 5 s.
    const hidden = { kind: 'not_found_yet', durationMs: 4_000, unlisted: true, times: 1 } as const;
    on.simulators.openai.setFaults([hidden]);
    on.simulators.anthropic.setFaults([hidden]);
    const lines = numbered(4, line);
    const batchId = await dropped(on, 'late.jsonl', lines);
    let creates = 0;
    const services = creatingBy(on.services, (client) => async (...of) => {
      creates += 1;
      if (creates > 1) return client.create(...of);
      pass(20); // S3 was slow to give the body: longer than the create's own 10 s and the settle time together
      await client.create(...of);
      return { outcome: 'unknown', message: 'The connection was cut.' };
    });
    await drive(on, batchId, { services });
    await expectExactlyOnce(on, batchId, lines);
    await expectNeverSentTwice(on, batchId);
    await expectNothingOpen(on);
    expect(creates).toBe(1);
  });
});

describe('a create whose answer was lost', () => {
  /** Faults from the first sending on: validation asks for the list as well. */
  async function runWith(line: (id: string) => string, faults: Fault[], options: Record<string, string> = {}) {
    on = await startHarness();
    const harness = on;
    const lines = numbered(4, line);
    const batchId = await harness.drop('lost.jsonl', fileOf(lines), options);
    if (batchId === null) throw new Error('refused');
    await drive(harness, batchId, {
      onTurn: (turn) => {
        if (turn !== 2) return;
        harness.simulators.openai.setFaults(faults);
        harness.simulators.anthropic.setFaults(faults);
      },
    });
    await expectExactlyOnce(harness, batchId, lines);
    await expectNeverSentTwice(harness, batchId);
    const { errors } = await harness.results(batchId);
    return { harness, batchId, codes: errors.map((text) => JSON.parse(text).error.code) };
  }

  const lostAnswer = { kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 } as const;
  const oneList = { operation: 'list', times: 1 } as const;
  const lists: [string, Fault][] = [
    [
      'the clock of the provider is ten hours late',
      { kind: 'wrong_clock', operation: 'list', how: { shiftSeconds: -36_000 } },
    ],
    ['a page comes for the list', { kind: 'wrong_body', body: 'html', ...oneList }],
    ["an error's document comes for the list", { kind: 'wrong_body', body: 'error', ...oneList }],
  ];

  describe.each([
    ['OpenAI', chatLine],
    ['Anthropic', claudeLine],
  ])('at %s', (_provider, line) => {
    it.each(lists)('is found, and sent no second time, although %s', async (_name, fault) => {
      const { harness, codes } = await runWith(line, [lostAnswer, fault]);
      expect(codes).toEqual([]);
      await expectNothingOpen(harness);
    });

    it('is waited for until the deadline where no list can be read', async () => {
      const faults: Fault[] = [
        lostAnswer,
        { kind: 'http_error', operation: 'list', status: 500, retryAfterSeconds: 0 },
      ];
      const { harness, batchId, codes } = await runWith(line, faults, { 'deadline-hours': '0.1' });
      expect(codes).toEqual(Array.from({ length: 4 }, () => 'submission_unconfirmed'));
      const [shard] = await shardsOf(harness, batchId);
      expect(shard?.lastError).toContain('could not be looked through');
    });
  });

  it('is not waited for much longer than its cancelled batch', async () => {
    on = await startHarness();
    const harness = on;
    const batchId = await dropped(on, 'cancelled.jsonl', numbered(4, chatLine));
    const startedMs = Date.now();
    await drive(on, batchId, {
      onTurn: async (turn) => {
        if (turn === 2)
          harness.simulators.openai.setFaults([
            lostAnswer,
            { kind: 'http_error', operation: 'list', status: 500, retryAfterSeconds: 0 },
          ]);
        if (turn === 4) await cancelBatch(harness.services, batchId, new AbortController().signal);
      },
    });
    expect((await on.batch(batchId)).status).toBe('cancelled');
    expect(Date.now() - startedMs).toBeLessThan(40 * 60_000);
  });

  it('is looked for where the provider answers with an id that it gave before', async () => {
    on = await startHarness();
    const first = await dropped(on, 'first.jsonl', numbered(3, chatLine));
    await drive(on, first);
    const lines = numbered(4, chatLine);
    const second = await dropped(on, 'second.jsonl', lines);
    on.simulators.openai.setFaults([{ kind: 'wrong_body', operation: 'create', body: 'earlier', times: 1 }]);
    await drive(on, second);
    await expectExactlyOnce(on, second, lines);
    expect((await on.results(second)).errors).toEqual([]);
    expect(await on.simulators.openai.creations()).toHaveLength(2);
  });
});

describe('a place at the provider', () => {
  it('is not taken from a shard that is about to be sent', async () => {
    const openai = { kind: 'openai', secret: 'openai', settleSeconds: 5, createTimeoutSeconds: 10, concurrency: 1 };
    on = await startHarness({ providers: { openai } });
    const harness = on;
    const ids = [
      await dropped(on, 'a.jsonl', numbered(3, chatLine)),
      await dropped(on, 'b.jsonl', numbered(3, chatLine)),
    ];
    const [first = '', second = ''] = ids;
    for (const batchId of ids) await prepare(on.services, { batchId, epoch: 0 }, functionContext());
    const { semaphores } = on.services;
    const acquireSlot: typeof semaphores.acquireSlot = async (...of) => {
      const isTaken = await semaphores.acquireSlot(...of);
      await submit(harness.services, { batchId: second, epoch: 0, shard: 0 }, functionContext());
      return isTaken;
    };
    const meeting = new Proxy(semaphores, {
      get: (target, property) => {
        const value: unknown = property === 'acquireSlot' ? acquireSlot : Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await submit({ ...on.services, semaphores: meeting }, { batchId: first, epoch: 0, shard: 0 }, functionContext());
    expect(await on.simulators.openai.openBatches()).toHaveLength(1);
    const turn = await poll(on.services, { batchId: second, epoch: 0, events: 0 }, functionContext());
    expect(turn.finished).toBe(false);
  });
});
