import type { BatchRecord } from '../../records/batch.ts';
import { type Budget, budgetDollars } from '../../records/budget.ts';
import { exactDollarsText } from '../../records/dollars.ts';
import { TransientError, WriteConflictError } from '../../records/errors.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { spentOn } from '../cost.ts';
import { costLimitOf } from '../maxima.ts';
import type { Services } from '../services.ts';

/** How often a count is tried while others write the budget. After that the step is repeated. */
const maxCounts = 8;

/** `usd` is what the shard's claim has to note; absent without a cap. */
type Reservation = { isReserved: true; usd?: number } | Refused;

interface Refused {
  isReserved: false;
  message: string;
}

/**
 * Reserves what a shard may cost, before it is sent: spent, open and this one stay within the cap, whoever else asks at the same
 * time. A shard keeps its reservation over all its tries, until its answers are priced, and never has two.
 *
 * @throws TransientError where the round is not counted yet.
 */
export async function reserveCost(services: Services, batch: BatchRecord, shard: ShardRecord): Promise<Reservation> {
  const limitUsd = costLimitOf(services.config, batch.options);
  if (limitUsd === undefined) return { isReserved: true };
  const usd = shard.reservedUsd ?? shard.estimatedUsd ?? 0;
  if (shard.estimatedUsd === null) return unpriced(shard, limitUsd);
  const { id: batchId } = batch;
  const { round } = shard;
  const owner = ownerIn(shard);
  if (shard.reservedUsd === undefined && (await services.budgets.reserve({ batchId, round, owner, usd, limitUsd })))
    return { isReserved: true, usd };
  const budget = await services.budgets.find(batchId);
  if (budget?.round !== round)
    throw new TransientError(`What ${batchId} has spent is not counted for round ${round} yet; Poll counts it.`);
  const isCounted = shard.reservedUsd !== undefined || Object.hasOwn(budget.reservations, owner);
  if (isCounted && budget.committedUsd <= limitUsd) return { isReserved: true, usd };
  return overCap(budget.committedUsd - (isCounted ? usd : 0), usd, limitUsd);
}

/**
 * Looks whether a shard may cost something else than what was reserved for it. What holds the cap are the reservations of whatever takes
 * its place.
 *
 * @param usd null where no price is known.
 * @returns why it must not; null where it may.
 */
export async function excessOver(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  usd: number | null,
): Promise<string | null> {
  const limitUsd = costLimitOf(services.config, batch.options);
  if (limitUsd === undefined) return null;
  if (usd === null) return unpriced(shard, limitUsd).message;
  const committedUsd = (await services.budgets.find(batch.id))?.committedUsd ?? 0;
  const othersUsd = budgetDollars(committedUsd - (shard.reservedUsd ?? 0));
  return budgetDollars(othersUsd + usd) <= limitUsd ? null : overCap(othersUsd, usd, limitUsd).message;
}

function unpriced({ provider, model }: ShardRecord, limitUsd: number): Refused {
  const message = `This request was not sent: max_cost_usd is ${limitUsd}, and no price is known for ${provider}/${model}.`;
  return { isReserved: false, message };
}

function overCap(othersUsd: number, usd: number, limitUsd: number): Refused {
  const others = exactDollarsText(Math.max(0, othersUsd));
  const message = `This request was not sent: the batch has spent or committed ${others}, and ${exactDollarsText(usd)} more would pass max_cost_usd ${limitUsd}.`;
  return { isReserved: false, message };
}

/** @returns undefined for a batch without a cap, null before the first count. */
export async function findBudget(services: Services, batch: BatchRecord): Promise<Budget | null | undefined> {
  const limitUsd = costLimitOf(services.config, batch.options);
  return limitUsd === undefined ? undefined : services.budgets.find(batch.id);
}

/**
 * Counts what a batch has spent and committed from its shards' records, so that answers which cost less, or more, than was reserved
 * count as they are. To be called before shards are offered for sending.
 *
 * @param before as it was read before the shards were.
 * @param shards those of the current round.
 * @throws WriteConflictError where others were faster every time.
 */
export async function countBudget(
  services: Services,
  batch: BatchRecord,
  before: Budget | null,
  shards: readonly ShardRecord[],
): Promise<void> {
  let budget = before;
  let seen = shards;
  for (let counts = 0; counts < maxCounts; counts += 1) {
    const counted = await countedFrom(services, batch, budget, seen);
    if (budget && isSame(budget, counted)) return;
    if (await services.budgets.replace(batch.id, budget, counted)) return;
    budget = await services.budgets.find(batch.id);
    seen = await services.records.listShards(batch.id, batch.rounds.at(-1)?.token ?? '');
  }
  throw new WriteConflictError(`The budget of ${batch.id} was changed by others ${maxCounts} times in a row.`);
}

type Counted = Omit<Budget, 'version'>;

async function countedFrom(
  services: Services,
  batch: BatchRecord,
  budget: Budget | null,
  shards: readonly ShardRecord[],
): Promise<Counted> {
  const round = batch.rounds.length - 1;
  const known = budget?.round === round ? budget : null;
  const earlierUsd = known?.earlierUsd ?? (await spentBefore(services, batch));
  const reservations = known ? unclaimed(known.reservations, shards) : {};
  const parts = [earlierUsd, ...Object.values(reservations), ...shards.map((shard) => countedUsd(services, shard))];
  const committedUsd = budgetDollars(parts.reduce((sum, usd) => sum + budgetDollars(usd), 0));
  return { round, earlierUsd, committedUsd, reservations };
}

function isSame(budget: Budget, counted: Counted): boolean {
  return (
    budget.round === counted.round &&
    budget.committedUsd === counted.committedUsd &&
    Object.keys(budget.reservations).length === Object.keys(counted.reservations).length
  );
}

/** All shards of earlier rounds are collected, and nothing of them changes any more. */
async function spentBefore(services: Services, { id, rounds }: BatchRecord): Promise<number> {
  let sum = 0;
  for (const { token } of rounds.slice(0, -1))
    for (const shard of await services.records.listShards(id, token)) sum += budgetDollars(countedUsd(services, shard));
  return budgetDollars(sum);
}

/** A claimed shard says itself what it costs. */
function unclaimed(reservations: Budget['reservations'], shards: readonly ShardRecord[]): Budget['reservations'] {
  const claimed = new Set(shards.filter(isClaimed).map(ownerIn));
  return Object.fromEntries(Object.entries(reservations).filter(([owner]) => !claimed.has(owner)));
}

function isClaimed(shard: ShardRecord): boolean {
  return shard.status !== 'pending' || shard.reservedUsd !== undefined;
}

/** What a shard has cost or may cost; 0 for one of which nothing is sent. Answers that are lost may have been paid for. */
function countedUsd(services: Services, shard: ShardRecord): number {
  const { status, reservedUsd, attempts, estimatedUsd, lineCount, result, end } = shard;
  if (status === 'split' || (status === 'ended' && end?.reason === 'refused')) return 0;
  // Of a release that made no reservations: what was sent is open.
  const wasSent = status !== 'pending' && attempts > 0;
  const heldUsd = reservedUsd ?? (wasSent ? estimatedUsd : null) ?? 0;
  if (status !== 'collected' || !result) return heldUsd;
  return (spentOn(services, shard) ?? heldUsd) + (heldUsd * result.lost) / Math.max(1, lineCount);
}

function ownerIn({ set, shard }: Pick<ShardRecord, 'set' | 'shard'>): string {
  return `${set}/${shard}`;
}
