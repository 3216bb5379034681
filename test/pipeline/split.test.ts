import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ShardRecord } from '../../lib/records/shard.ts';
import type { CreationRecord, Fault } from '../../simulators/simulators.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, nativeLine, numbered } from './requests.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterEach(() => {
  setFaults([]);
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

function setFaults(faults: Fault[]): void {
  harness.simulators.openai.setFaults(faults);
  harness.simulators.anthropic.setFaults(faults);
}

const poison = { text: 'POISON' };

interface Ended {
  batchId: string;
  lines: string[];
  creations: CreationRecord[];
}

/** Runs a batch and checks what must hold whatever was refused. */
async function run(lines: string[], faults: Fault[], options: Record<string, string> = {}): Promise<Ended> {
  files += 1;
  setFaults(faults);
  const batchId = await harness.drop(`split-${files}.jsonl`, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  await drive(harness, batchId);
  await expectExactlyOnce(harness, batchId, lines);
  await expectNeverSentTwice(harness, batchId);
  await expectNothingOpen(harness);
  const { openai, anthropic } = harness.simulators;
  const creations = [...(await openai.creations()), ...(await anthropic.creations())].filter(({ requestIds: [id] }) =>
    id?.startsWith(`b${batchId.slice('batch_'.length)}`),
  );
  return { batchId, lines, creations };
}

/** Lines of which those at the given places are what the provider does not take. */
function linesWith(make: typeof chatLine, count: number, bad: readonly number[]): string[] {
  return numbered(count, (id) => make(id, bad.includes(Number(id.split('-')[1])) ? 'POISON' : 'good'));
}

async function failures({
  batchId,
}: Ended): Promise<{ id: string; code: string; message: string; attempts: number }[]> {
  const { errors } = await harness.results(batchId);
  return errors.map((line) => {
    const { custom_id, error } = JSON.parse(line);
    return { id: custom_id, ...error };
  });
}

async function allShards({ batchId }: Ended): Promise<ShardRecord[]> {
  const { rounds } = await harness.batch(batchId);
  return harness.services.records.listAllShards(batchId, rounds[0]?.token ?? '');
}

const wires = [
  ['OpenAI', chatLine],
  ['Anthropic', claudeLine],
  ['Anthropic natively', nativeLine],
] as const;

describe.each(wires)('%s: of a sending that is refused', (name, line) => {
  it.each([[[0, 11]], [[3, 4, 5]]])('the named lines %j fall out and all others are answered', async (bad) => {
    const ended = await run(linesWith(line, 12, bad), [{ kind: 'refused_lines', names: true, match: poison }]);
    const failed = await failures(ended);
    expect(failed.map(({ id }) => Number(id.split('-')[1]))).toEqual(bad);
    for (const { message, attempts } of failed) {
      expect(message).toContain(name === 'OpenAI' ? 'The request body is not valid.' : 'Input is not valid');
      expect(attempts).toBe(0);
    }
    expect(ended.creations.at(-1)?.requestIds).toHaveLength(12 - bad.length);
  });

  it.each([[[2, 11]]])('the lines %j, which nobody names, are found by halves', async (bad) => {
    const ended = await run(linesWith(line, 12, bad), [{ kind: 'refused_lines', names: false, match: poison }], {
      'max-attempts': '1',
    });
    expect((await failures(ended)).map(({ id }) => Number(id.split('-')[1]))).toEqual(bad);
  });
});

describe('a sending of which the provider takes nothing', () => {
  it('gives its words to all lines', async () => {
    const refused: Fault = { kind: 'refused_lines', names: false, match: { text: 'good' } };
    const failed = await failures(await run(linesWith(chatLine, 5, []), [refused]));
    expect(failed.map(({ message }) => message)).toEqual(failed.map(() => 'The request body is not valid.'));
    expect(failed).toHaveLength(5);
  });

  it('is taken apart until 64 were made of it', async () => {
    const every = Array.from({ length: 80 }, (_, place) => place);
    const ended = await run(linesWith(nativeLine, 80, every), [{ kind: 'refused_lines', names: false, match: poison }]);
    const sent = (await allShards(ended)).filter(({ refusal }) => refusal !== null);
    expect(sent.length).toBeGreaterThan(60);
    expect(sent.length).toBeLessThanOrEqual(64);
    expect(await failures(ended)).toHaveLength(80);
  });
});

describe('a sending that is too large', () => {
  it.each([
    ['an upload', chatLine, 'upload'],
    ['a creation that carries its lines', claudeLine, 'create'],
  ] as const)('%s, goes in parts that are not', async (_name, line, operation) => {
    const ended = await run(linesWith(line, 40, []), [{ kind: 'size_limit', operation, maxBytes: 3_000 }]);
    expect(await failures(ended)).toEqual([]);
    expect(ended.creations.length).toBeGreaterThan(1);
  });

  it('of a line that is too large by itself, fails that line alone', async () => {
    const lines = numbered(9, (id) => chatLine(id, id === 'request-4' ? 'x'.repeat(4_000) : 'short'));
    const ended = await run(lines, [{ kind: 'size_limit', operation: 'upload', maxBytes: 3_000 }]);
    expect((await failures(ended)).map(({ id }) => id)).toEqual(['request-4']);
  });
});

describe('a sending stays whole', () => {
  it.each<[string, typeof chatLine, Fault]>([
    ['an upload that is refused otherwise', chatLine, { kind: 'http_error', operation: 'upload', status: 400 }],
    ['a creation that names a file', chatLine, { kind: 'http_error', operation: 'create', status: 400 }],
    ['a model', chatLine, { kind: 'batch_failed', code: 'model_not_found', message: 'No such model.' }],
    ['an account', chatLine, { kind: 'batch_failed', code: 'account_deactivated', message: 'Ask us.' }],
    ['a permission', claudeLine, { kind: 'http_error', operation: 'create', status: 404 }],
  ])('where the reason is %s', async (_reason, line, fault) => {
    const ended = await run(linesWith(line, 4, []), [fault]);
    expect(await failures(ended)).toHaveLength(4);
    expect((await allShards(ended)).map(({ status, parts }) => ({ status, parts }))).toEqual([
      { status: 'collected', parts: null },
    ]);
  });
});

describe('parts', () => {
  it('stand in the receipt beside the shard that they were taken from, and no request counts twice', async () => {
    const ended = await run(linesWith(chatLine, 8, [6]), [{ kind: 'refused_lines', names: true, match: poison }]);
    const { batchdrop } = JSON.parse((await harness.read(`results/${ended.batchId}/batch.json`)) ?? '');
    expect(batchdrop.receipt).toMatchObject({
      rounds: 1,
      sendings: 1,
      breakdown: [{ requests: 8, completed: 7, failed: 1 }],
      provider_batches: [
        {
          shard: 0,
          end: 'split',
          parts: [1, 2],
          part_of: null,
          requests: 8,
          sendings: 0,
          refusal: { code: 'invalid_request', message: 'The request body is not valid.' },
        },
        { shard: 1, end: 'refused', parts: null, part_of: 0, requests: 1, sendings: 0, provider_batch_id: null },
        { shard: 2, end: 'completed', parts: null, part_of: 0, requests: 7, completed: 7, sendings: 1 },
      ],
    });
    expect(batchdrop.receipt.provider_batches[0].provider_batch_id).toBe(ended.creations[0]?.providerBatchId);
  });

  it('that nobody names are not there', async () => {
    const ended = await run(linesWith(chatLine, 4, [1]), [{ kind: 'refused_lines', names: false, match: poison }]);
    const [first] = await allShards(ended);
    if (!first) throw new Error('no shard');
    await harness.services.records.createShard({ ...first, shard: 100, partOf: { shard: 0, origin: 0 }, parts: null });
    const { records } = harness.services;
    const numbers = (shards: ShardRecord[]) => shards.map(({ shard }) => shard);
    expect(numbers(await records.listAllShards(ended.batchId, first.set))).toEqual([0, 1, 2, 3, 4]);
    expect(numbers(await records.listShards(ended.batchId, first.set))).toEqual([2, 3, 4]);
  });

  it('make no other shard wait, and a later round goes on from them', async () => {
    const lines = [...linesWith(chatLine, 9, [2]), chatLine('flaky', 'FLAKY')];
    const ended = await run(
      lines,
      [
        { kind: 'refused_lines', names: false, match: poison },
        { kind: 'line_errors', fraction: 1, error: 'overloaded', when: 'always', match: { text: 'FLAKY' } },
      ],
      { 'max-attempts': '2' },
    );
    expect(await failures(ended)).toMatchObject([
      { id: 'request-2', attempts: 0 },
      { id: 'flaky', attempts: 2 },
    ]);
    const { rounds } = await harness.batch(ended.batchId);
    expect(rounds.map(({ settled }) => settled)).toEqual([
      { completed: 0, failed: 0 },
      { completed: 8, failed: 1 },
    ]);
  });
});
