import { addDollars } from '../../providers/estimate/estimate.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { safeText } from '../../records/errors.ts';
import {
  endShard,
  isToBeSplit,
  numberOfPart,
  type RefusedShard,
  reserveParts,
  type ShardRecord,
  splitShard,
} from '../../records/shard.ts';
import type { Account, Services } from '../services.ts';
import { excessOver } from '../shards/cost-budget.ts';
import { nameOf } from '../shards/shard-name.ts';
import { type Division, divisionOf, writeParts } from './shard-parts.ts';

/**
 * Takes a shard apart of which its provider took nothing. Lines that the provider names fall out with its words, and the
 * others are sent without them; where it names none, each half is sent by itself. The parts are shards of the same round, so
 * that no other shard waits for them, and exist by one write of the shard that they were taken from.
 *
 * A shard that cannot be taken apart, or not again, ends with the provider's words.
 */
export async function takeApart(
  services: Services,
  account: Account,
  batch: BatchRecord,
  shard: RefusedShard,
): Promise<ShardRecord> {
  const division = divisionOf(shard);
  const numbers = division && (await reserveNumbers(services, batch, shard, division));
  if (!division || !numbers) return giveUp(services, shard);
  const parts = await writeParts(services, account, batch, shard, division, numbers);
  const excess = await excessOfSingleCalls(services, batch, shard, parts);
  if (excess !== null) return giveUp(services, shard, excess);
  for (const part of parts) await services.records.createShard(part);
  const { code, message } = shard.refusal;
  services.log.warn('A provider took none of a shard; its lines go on in parts.', {
    ...nameOf(shard),
    code,
    error: message,
    parts: numbers,
  });
  return services.records.updateShard(shard, (current) =>
    isToBeSplit(current) ? splitShard(current, numbers) : current,
  );
}

/** @returns null where the shard that the round began with has none left. */
async function reserveNumbers(
  services: Services,
  batch: BatchRecord,
  { batchId, set, round, shard, partOf }: ShardRecord,
  division: Division,
): Promise<number[] | null> {
  const roundShards = batch.rounds[round]?.shards;
  if (roundShards === undefined) return null;
  const origin = partOf?.origin ?? shard;
  const needed = { numbers: division.parts, sendings: division.sendings };
  let numbers: number[] | null = null;
  await services.records.updateShard({ batchId, set, shard: origin }, (current) => {
    const reserved = reserveParts(current, needed);
    const first = current.reserved.numbers;
    const places = Array.from({ length: division.parts }, (_, index) => first + index);
    numbers = reserved === current ? null : places.map((place) => numberOfPart(roundShards, origin, place));
    return reserved;
  });
  return numbers;
}

/** Parts that are too small for a batch go one by one, for another price. @returns why they must not; null where they may. */
async function excessOfSingleCalls(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  parts: readonly ShardRecord[],
): Promise<string | null> {
  if (parts.every(({ live }) => live === null)) return null;
  const estimatedUsd = parts.reduce<number | null>((sum, part) => addDollars(sum, part.estimatedUsd ?? null), 0);
  return excessOver(services, batch, shard, estimatedUsd);
}

/** @param obstacle what stands beside the provider's words in the way. */
async function giveUp(services: Services, shard: RefusedShard, obstacle = ''): Promise<ShardRecord> {
  const { reason, code, message } = shard.refusal;
  services.log.warn('A provider took none of a shard, and it is not taken apart.', {
    ...nameOf(shard),
    code,
    error: message,
  });
  const end = { reason, code, message: safeText(`${message} ${obstacle}`.trim()) };
  return services.records.updateShard(shard, (current) =>
    isToBeSplit(current) ? endShard(current, end, services.now()) : current,
  );
}
