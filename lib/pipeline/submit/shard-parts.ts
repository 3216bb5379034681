import type { BatchRecord } from '../../records/batch.ts';
import { endShard, type Refusal, type RefusedShard, type ShardRecord } from '../../records/shard.ts';
import type { Account, Services } from '../services.ts';
import { limitsOf } from '../shards/account-limits.ts';
import { OpenShard } from '../shards/shard-writer.ts';
import { makeLiveIfSmall } from '../shards/small-shards.ts';
import { writtenLines } from '../shards/written-lines.ts';

type NamedLine = Refusal['lines'][number];

/** How a shard is taken apart. */
export interface Division {
  parts: number;
  /** How many of the parts are sent. */
  sendings: number;
  /** The part, from 0, that a line of the shard goes into. */
  partOf(position: number): number;
  /** The lines of the first part, in order, where those are not sent again; null where all parts are sent. */
  refused: readonly NamedLine[] | null;
}

/** @returns null for a shard that no sending of fewer lines would help. */
export function divisionOf({ lineCount, refusal }: RefusedShard): Division | null {
  const named = new Map<number, NamedLine>();
  for (const line of refusal.lines)
    if (line.position < lineCount && !named.has(line.position)) named.set(line.position, line);
  if (lineCount === 1 || named.size === lineCount) return null;
  const half = Math.ceil(lineCount / 2);
  if (named.size === 0)
    return { parts: 2, sendings: 2, partOf: (position) => (position < half ? 0 : 1), refused: null };
  const refused = [...named.values()].toSorted((left, right) => left.position - right.position);
  return { parts: 2, sendings: 1, partOf: (position) => (named.has(position) ? 0 : 1), refused };
}

/** Writes the parts' lines and indexes under a token of its own. @returns their records, which are not stored yet. */
export async function writeParts(
  services: Services,
  account: Account,
  batch: BatchRecord,
  shard: RefusedShard,
  division: Division,
  numbers: readonly number[],
): Promise<ShardRecord[]> {
  const { batchId, round, model, endpoint, shared = null } = shard;
  const place = { batchId, round, token: services.token() };
  const target = { provider: account.name, model, endpoint, isTranslated: shard.sentKey !== null, shared };
  const parts = numbers.map((number) => new OpenShard(services.objects, { ...place, shard: number }, target));
  try {
    const limits = limitsOf(account);
    for await (const line of writtenLines(services.objects, account, batch.options, shard))
      await parts[division.partOf(line.position)]?.add(line, limits);
    const written = await Promise.all(parts.map((part) => part.close()));
    return written.map((part, index) => {
      const { refused } = index === 0 ? division : { refused: null };
      return refused ? refusedPart(services, shard, part, refused) : sentPart(account, shard, part);
    });
  } catch (error) {
    await Promise.all(parts.map((part) => part.abort()));
    throw error;
  }
}

function partOfShard(shard: ShardRecord, part: ShardRecord): ShardRecord {
  const origin = shard.partOf?.origin ?? shard.shard;
  return { ...part, set: shard.set, partOf: { shard: shard.shard, origin } };
}

function sentPart(account: Account, shard: RefusedShard, written: ShardRecord): ShardRecord {
  const part = { ...partOfShard(shard, written), lastError: shard.refusal.message };
  return makeLiveIfSmall(part, () => account);
}

/** Nothing of it is sent: Collect makes an error line of each line, with what the provider said of it. */
function refusedPart(
  services: Services,
  shard: RefusedShard,
  written: ShardRecord,
  named: readonly NamedLine[],
): ShardRecord {
  const { code, message } = shard.refusal;
  const lines = named.map((line, position) => ({ ...line, position }));
  const part = { ...partOfShard(shard, written), estimatedTokens: 0, estimatedUsd: 0, estimatedSingleUsd: 0 };
  const refusal = { ...shard.refusal, lines };
  return endShard({ ...part, refusal }, { reason: 'refused', code, message }, services.now());
}
