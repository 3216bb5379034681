import { isSimulated } from '../pipeline/cost.ts';
import { breakdownOf as sums } from '../pipeline/finalize/receipt.ts';
import type { Services } from '../pipeline/services.ts';
import { type BatchRecord, maxReportedGroups } from '../records/batch.ts';
import { isObject } from '../records/json.ts';
import { resultKey } from '../records/object-keys.ts';
import { hasEnded } from '../records/openai-batch.ts';
import type { ShardRecord } from '../records/shard.ts';
import type { Breakdown } from '../records/shard-view.ts';

export interface BatchDetails {
  /** The shards of all rounds so far, those that were taken apart too. */
  shards: ShardRecord[];
  /** As `batch.json` has it; null until the batch has ended. */
  receipt: Record<string, unknown> | null;
}

export async function batchDetails(services: Services, batch: BatchRecord): Promise<BatchDetails> {
  const [receipt, shards] = await Promise.all([readReceipt(services, batch), listBatchShards(services, batch)]);
  return { shards, receipt };
}

/** The shards of all rounds so far, in their order, those that were taken apart too. */
export async function listBatchShards(services: Services, batch: BatchRecord): Promise<ShardRecord[]> {
  const rounds = batch.rounds.map(({ token }) => services.records.listAllShards(batch.id, token));
  return (await Promise.all(rounds)).flat();
}

/** What a batch has used and cost so far, of all sendings whose results are there: of the first two hundred models. */
export function breakdownOf(services: Services, batch: BatchRecord, shards: readonly ShardRecord[]): Breakdown[] {
  const sent = shards.filter(({ provider }) => provider !== null);
  const openRound = hasEnded(batch.status) ? null : batch.rounds.length - 1;
  const some = sums(services, sent, openRound).slice(0, maxReportedGroups);
  return some.flatMap(({ provider, ...sum }) =>
    provider === null ? [] : [{ provider, is_simulated: isSimulated(services, provider), ...sum }],
  );
}

/** Whether simulators alone answer a batch's requests; null before it is known where they go. */
export function areSimulated(services: Services, batch: BatchRecord, shards: readonly ShardRecord[]): boolean | null {
  const routed = shards.length > 0 ? shards : (batch.report?.shards ?? []);
  const providers = new Set(routed.flatMap(({ provider }) => provider ?? []));
  return providers.size === 0 ? null : [...providers].every((provider) => isSimulated(services, provider));
}

async function readReceipt(services: Services, batch: BatchRecord): Promise<Record<string, unknown> | null> {
  const found = hasEnded(batch.status) ? await services.objects.readText(resultKey(batch.id, 'batch.json')) : null;
  if (!found) return null;
  const summary: unknown = JSON.parse(found.text);
  const additions = isObject(summary) ? summary.batchdrop : null;
  return isObject(additions) && isObject(additions.receipt) ? additions.receipt : null;
}
