import fc from 'fast-check';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { pass } from '../pipeline/drive.ts';
import { cancelBatch } from '../pipeline/steps.ts';
import { runs, runTimeMs } from '../seed.ts';
import { misdeeds, oddities } from './misdeeds.ts';
import { type Hostile, runBatch, startHostile, wires } from './one-batch.ts';
import type { Operation, Script } from './upstream.ts';

let hostile: Hostile;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  hostile = await startHostile();
});

afterAll(async () => {
  await hostile.close();
  vi.useRealTimers();
});

const all = { ...misdeeds, ...oddities };
const operations: readonly Operation[] = ['upload', 'create', 'retrieve', 'list', 'results', 'cancel'];

/** Calls of an operation at one upstream that meet a misdeed: so many from this one on. */
const trouble = fc.record({
  wire: fc.constantFrom(...wires.map(({ name }) => name)),
  operation: fc.constantFrom(...operations),
  from: fc.integer({ min: 1, max: 4 }),
  calls: fc.constantFrom(1, 1, 2, 5),
  misdeed: fc.constantFrom(...Object.keys(all)),
});

type Trouble = typeof trouble extends fc.Arbitrary<infer Drawn> ? Drawn : never;

function scriptOf(troubles: readonly Trouble[]): Script {
  return (call) => {
    const found = troubles.find(
      ({ wire, operation, from, calls }) =>
        wire === call.wire && operation === call.operation && call.number >= from && call.number < from + calls,
    );
    return (found && all[found.misdeed]) ?? null;
  };
}

describe('whatever the answers of an upstream are, and whichever calls they answer,', () => {
  it(
    'every request comes back once, none is accepted twice, and the batch ends',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(trouble, { minLength: 8, maxLength: 24 }),
          fc.option(fc.integer({ min: 4, max: 20 }), { freq: 4, nil: null }),
          async (troubles, cancelAt) => {
            const onTurn = async (turn: number) => {
              // What can never be proven waits for the deadline.
              if (turn > 150) pass(3_600);
              const { batchId = '' } = hostile.harness.started.at(-1) ?? {};
              if (turn !== cancelAt || (await hostile.harness.batch(batchId)).status !== 'in_progress') return;
              await cancelBatch(hostile.harness.services, batchId, new AbortController().signal);
            };
            await runBatch(hostile, { script: scriptOf(troubles), linesEach: 2, onTurn });
          },
        ),
        { numRuns: runs(5), endOnFailure: true },
      );
    },
    runTimeMs(120_000),
  );
});
