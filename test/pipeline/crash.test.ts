import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import type { Fault } from '../../simulators/simulators.ts';
import { runs, runTimeMs } from '../seed.ts';
import { crashing, crashPoint } from './crashing.ts';
import { drive, pass, shortTimes } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen, namedAsUnproven } from './invariants.ts';
import { chatLine, claudeLine, fileOf, nativeLine } from './requests.ts';
import { cancelBatch } from './steps.ts';

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

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.constant<Fault>({ kind: 'slow', delayMs: 10_000, times: 1 }),
  fc.constant<Fault>({ kind: 'slow', delayMs: 600_000 }),
  fc.constant<Fault>({ kind: 'partial', fraction: 0.5, times: 1 }),
  fc.constant<Fault>({ kind: 'expired', times: 1 }),
  fc.record({
    kind: fc.constant('line_errors' as const),
    fraction: fc.constantFrom(0.3, 1),
    error: fc.constantFrom('rate_limit' as const, 'server_error' as const, 'overloaded' as const),
    when: fc.constantFrom('first_submission' as const, 'always' as const),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('result_line' as const),
    effect: fc.constantFrom('lost' as const, 'malformed' as const, 'doubled' as const, 'foreign' as const),
    lines: fc.integer({ min: 1, max: 3 }),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('connection_cut' as const),
    operation: fc.constantFrom('upload' as const, 'create' as const),
    when: fc.constantFrom('before_effect' as const, 'after_effect' as const),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('http_error' as const),
    operation: fc.constantFrom('upload' as const, 'create' as const),
    status: fc.constantFrom(429, 500, 503),
    times: fc.integer({ min: 1, max: 2 }),
  }),
  fc.constant<Fault>({ kind: 'truncated_download', how: 'clean_end', times: 1 }),
  fc.constant<Fault>({ kind: 'unknown_status', status: 'thinking', times: 1 }),
  fc.constant<Fault>({ kind: 'batch_failed', code: 'some_trouble', message: 'Some trouble.', times: 1 }),
  fc.record({
    kind: fc.constant('refused_lines' as const),
    names: fc.boolean(),
    match: fc.constantFrom({ text: '-0"' }, { text: '-2"' }, { text: '1"' }),
  }),
  fc.record({
    kind: fc.constant('size_limit' as const),
    operation: fc.constantFrom('upload' as const, 'create' as const),
    maxBytes: fc.constantFrom(200, 600, 1_200),
  }),
);

const line = fc.constantFrom(chatLine, claudeLine);
const lines = fc.oneof(
  fc.array(line, { minLength: 1, maxLength: 12 }),
  fc.array(fc.constant(nativeLine), { minLength: 1, maxLength: 8 }),
);

async function drop(
  made: readonly ((id: string) => string)[],
  options: Record<string, string>,
): Promise<{ batchId: string; input: string[] }> {
  files += 1;
  const input = made.map((make, place) => make(`${files}-${place}`));
  const batchId = await harness.drop(`crash-${files}.jsonl`, fileOf(input), options);
  if (batchId === null) throw new Error('refused');
  return { batchId, input };
}

/** Seed 1944438098: nothing shows whose the batch is while it runs, and its shard's batch ends before it does. */
const cancelledWhileUnproven: [
  ((id: string) => string)[],
  never[],
  Fault[],
  cancelAt: number,
  jitterSeed: number,
  looks: number[],
] = [
  new Array(8).fill(nativeLine),
  [],
  [
    { kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 },
    { kind: 'slow', delayMs: 600_000 },
  ],
  3,
  2_147_483_619,
  [19, 11],
];

/** Named in the errors of the batches that they may belong to. */
const unproven = new Set<string>();

describe('whatever fails and wherever a function dies', () => {
  it(
    'every request comes back exactly once and none is paid for twice',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          lines,
          fc.array(crashPoint, { maxLength: 8 }),
          fc.array(fault, { maxLength: 3 }),
          fc.option(fc.integer({ min: 2, max: 12 }), { freq: 3, nil: null }),
          fc.nat(),
          fc.array(fc.integer({ min: 3, max: 20 }), { minLength: 1, maxLength: 4 }),
          async (made, points, faults, cancelAt, jitterSeed, looks) => {
            harness.simulators.openai.setFaults(faults);
            harness.simulators.anthropic.setFaults(faults);
            const { batchId, input } = await drop(made, { 'max-attempts': '2' });
            const onTurn = async (turn: number) => {
              // What can never be proven waits for the deadline, a day or two away.
              if (turn > 150) pass(3_600);
              if (turn !== cancelAt) return;
              const { status } = await harness.batch(batchId);
              if (status === 'in_progress') await cancelBatch(harness.services, batchId, new AbortController().signal);
            };
            const jitter = new SeededRandom(jitterSeed);
            const services = { ...crashing(harness.services, points), random: () => jitter.next() };
            await drive(harness, batchId, { services, onTurn, context: shortTimes(looks) });
            await expectExactlyOnce(harness, batchId, input);
            await expectNeverSentTwice(harness, batchId);
            for (const id of await namedAsUnproven(harness, batchId)) unproven.add(id);
            await expectNothingOpen(harness, unproven);
            const batch = await harness.batch(batchId);
            expect(batch.eventSentAtMs).not.toBeNull();
            const sent = harness.events.filter((event) => event.detail.id.startsWith(batchId));
            expect(new Set(sent.map((event) => event.detail.id))).toEqual(new Set([`${batchId}:${batch.status}`]));
          },
        ),
        { numRuns: runs(25), endOnFailure: true, examples: [cancelledWhileUnproven] },
      );
    },
    runTimeMs(300_000),
  );

  it('two executions of one batch at once do no harm', async () => {
    harness.simulators.openai.setFaults([]);
    const { batchId, input } = await drop(
      Array.from({ length: 10 }, () => chatLine),
      {},
    );
    await Promise.all([drive(harness, batchId), drive(harness, batchId)]);
    await expectExactlyOnce(harness, batchId, input);
    await expectNeverSentTwice(harness, batchId);
  });
});
