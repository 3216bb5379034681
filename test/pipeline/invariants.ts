import { expect } from 'vitest';
import type { CreationRecord } from '../../simulators/simulators.ts';
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

/**
 * No shard was accepted by a provider twice, and no round began while a batch of an earlier one lived.
 *
 * @param repeats a shard may have been accepted again, one after the other: the provider failed it as a whole before.
 */
export async function expectNeverSentTwice(
  harness: Harness,
  batchId: string,
  repeats: 'none' | 'one after the other' = 'none',
): Promise<void> {
  const { openai, anthropic } = harness.simulators;
  const creations = [...(await openai.creations()), ...(await anthropic.creations())];
  const ofBatch = creations.filter((creation) =>
    sendingOf(creation).shard.startsWith(`b${batchId.slice('batch_'.length)}`),
  );
  const shards = ofBatch.map((creation) => sendingOf(creation).shard);
  if (repeats === 'none') expect(new Set(shards).size, `sent twice: ${shards.join(' ')}`).toBe(shards.length);
  for (const [earlier, later] of pairsSentAgain(ofBatch)) {
    expect(
      earlier.endedAtMs,
      `${earlier.providerBatchId} lived while ${later.providerBatchId} was created`,
    ).not.toBeNull();
    expect(earlier.endedAtMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(later.createdAtMs);
  }
}

function pairsSentAgain(creations: readonly CreationRecord[]): [CreationRecord, CreationRecord][] {
  return creations.flatMap((earlier) =>
    creations.flatMap((later): [CreationRecord, CreationRecord][] => {
      const [first, second] = [sendingOf(earlier), sendingOf(later)];
      const isSameShard = earlier !== later && first.shard === second.shard && earlier.createdAtMs <= later.createdAtMs;
      return isSameShard || first.round < second.round ? [[earlier, later]] : [];
    }),
  );
}

/** @param but batches that may run on. */
export async function expectNothingOpen(harness: Harness, but: ReadonlySet<string> = new Set()): Promise<void> {
  const { openai, anthropic } = harness.simulators;
  const open = [...(await openai.openBatches()), ...(await anthropic.openBatches())];
  expect(open.filter((id) => !but.has(id))).toEqual([]);
}

/** Provider batches that a batch's lines name as those that may hold them: a batch that ends before that is proven cannot end them. */
export async function namedAsUnproven(harness: Harness, batchId: string): Promise<string[]> {
  const errors = (await harness.results(batchId)).errors.map((line) => JSON.parse(line).error);
  const unproven = errors.filter(({ code }) => code === 'submission_unconfirmed');
  return unproven.flatMap(({ message }) => message.match(/(?:msgbatch|batch)_\w+/g) ?? []);
}
