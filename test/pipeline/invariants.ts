import { expect } from 'vitest';
import type { CreationRecord } from '../../lib/local/simulators/simulators.ts';
import type { Harness } from './harness.ts';

/** The custom_ids of an input, in its order; null for a line that has none. */
export function customIdsOf(lines: readonly string[]): unknown[] {
  return lines.map((line) => JSON.parse(line).custom_id);
}

/** Every custom_id once across output and errors, each file in input order, and retry.jsonl the failed lines' own bytes. */
export async function expectExactlyOnce(harness: Harness, batchId: string, input: readonly string[]): Promise<void> {
  const { output, errors, retry } = await harness.results(batchId);
  const given = customIdsOf(input);
  const answered = customIdsOf(output);
  const failed = customIdsOf(errors);
  expect([...answered, ...failed].toSorted()).toEqual(given.toSorted());
  expect(answered).toEqual(given.filter((id) => answered.includes(id)));
  expect(failed).toEqual(given.filter((id) => failed.includes(id)));
  expect(retry).toEqual(input.filter((line) => failed.includes(JSON.parse(line).custom_id)));
  const { counts } = await harness.batch(batchId);
  expect(counts.total).toBe(input.length);
  expect(counts.completed).toBe(output.length);
}

/** Names batch, round, shard and attempt of a provider batch by the ids that it was sent with. */
function sendingOf(creation: CreationRecord): { shard: string; round: number } {
  const [id = ''] = creation.requestIds;
  return { shard: id.slice(0, 1 + 32 + 2 + 4), round: Number.parseInt(id.slice(33, 35), 36) };
}

/** No line was sent while an earlier sending of it may still have lived at the provider. */
export async function expectNeverSentTwice(harness: Harness): Promise<void> {
  const { openai, anthropic } = harness.simulators;
  const creations = [...(await openai.creations()), ...(await anthropic.creations())];
  for (const earlier of creations) {
    for (const later of creations) {
      if (earlier === later || later.createdAtMs < earlier.createdAtMs) continue;
      const [first, second] = [sendingOf(earlier), sendingOf(later)];
      const isAgain = first.shard === second.shard || (first.shard.slice(0, 33) === second.shard.slice(0, 33) && first.round < second.round);
      if (!isAgain) continue;
      expect(earlier.endedAtMs, `${earlier.providerBatchId} lived while ${later.providerBatchId} was created`).not.toBeNull();
      expect(earlier.endedAtMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(later.createdAtMs);
    }
  }
}

export async function expectNothingOpen(harness: Harness): Promise<void> {
  const { openai, anthropic } = harness.simulators;
  expect(await openai.openBatches()).toEqual([]);
  expect(await anthropic.openBatches()).toEqual([]);
}
