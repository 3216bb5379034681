import { continueAsNew } from '../continue-as-new.ts';
import type { Services } from '../services.ts';

/** A job of Bedrock's, and what EventBridge says that it has become. */
export interface BedrockJobChange {
  jobArn: string;
  status: string;
}

const endings: ReadonlySet<string> = new Set(['Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired']);

/**
 * Lets the batch of a job that has ended go on at once, in an execution that waits for nothing. A hint only: Poll asks
 * Bedrock itself, and finds the end without it; one that comes late, twice or for somebody else's job changes nothing.
 *
 * @returns whether it did.
 */
export async function resumeBatchOfJob(
  services: Services,
  { jobArn, status }: BedrockJobChange,
): Promise<{ restarted: boolean }> {
  const shardName = endings.has(status) ? await shardOfJob(services, jobArn) : null;
  if (!shardName) return { restarted: false };
  const shard = await services.records.findShard(shardName);
  if (shard?.status !== 'submitted' || shard.providerBatchId !== jobArn) return { restarted: false };
  await continueAsNew(services, await services.records.getBatch(shardName.batchId));
  return { restarted: true };
}

/** By the claims that shards have on jobs, as `ownerOf` writes them. */
async function shardOfJob(
  services: Services,
  jobArn: string,
): Promise<{ batchId: string; set: string; shard: number } | null> {
  for (const [name, { kind }] of Object.entries(services.config.providers)) {
    if (kind !== 'bedrock') continue;
    const owner = await services.records.providerBatchOwner(name, jobArn);
    const [batchId, set, _round, shard] = owner?.split('/') ?? [];
    if (batchId !== undefined && set !== undefined && shard !== undefined)
      return { batchId, set, shard: Number(shard) };
  }
  return null;
}
