import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { isObject } from '../records/json.ts';
import { resultKey } from '../records/object-keys.ts';
import { hasEnded } from '../records/openai-batch.ts';
import type { ShardRecord } from '../records/shard.ts';

export interface BatchDetails {
  /** The shards of all rounds so far, those that were taken apart too. */
  shards: ShardRecord[];
  /** As `batch.json` has it; null until the batch has ended. */
  receipt: Record<string, unknown> | null;
}

export async function batchDetails(services: Services, batch: BatchRecord): Promise<BatchDetails> {
  const [receipt, ...rounds] = await Promise.all([
    readReceipt(services, batch),
    ...batch.rounds.map(({ token }) => services.records.listAllShards(batch.id, token)),
  ]);
  return { shards: rounds.flat(), receipt };
}

async function readReceipt(services: Services, batch: BatchRecord): Promise<Record<string, unknown> | null> {
  const found = hasEnded(batch.status) ? await services.objects.readText(resultKey(batch.id, 'batch.json')) : null;
  if (!found) return null;
  const summary: unknown = JSON.parse(found.text);
  const additions = isObject(summary) ? summary.batchdrop : null;
  return isObject(additions) && isObject(additions.receipt) ? additions.receipt : null;
}
