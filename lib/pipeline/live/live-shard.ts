import { liveSettingsOf } from '../../providers/config.ts';
import type { ProviderBatch, ProviderClient } from '../../providers/contract.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { messageOf, StaleEpochError, safeText } from '../../records/errors.ts';
import { sendingPrefix } from '../../records/ids.ts';
import { deferralSeconds } from '../../records/schedule.ts';
import { beginSending, beginSlice, endSlice, markSubmitted, ownsSlice, type ShardRecord } from '../../records/shard.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Account, Services, StepContext } from '../services.ts';
import { acquireLiveSlot, releaseLiveSlot } from '../shards/provider-semaphores.ts';
import { nameOf } from '../shards/shard-name.ts';
import { LiveCheckpoint, readLiveAnswers } from './live-checkpoint.ts';
import { type SliceObstacle, sendSlice } from './live-slice.ts';

/** A live shard is `submitted` without a call: its provider batch is our own. */
export async function beginLive(
  services: Services,
  shard: ShardRecord,
  reservedUsd: number | undefined,
): Promise<ShardRecord> {
  const nowMs = services.now();
  const { batchId, round, shard: position } = shard;
  return services.records.updateShard(shard, (current) => {
    if (current.status !== 'pending' || current.version !== shard.version) return current;
    const claimed = beginSending(current, { token: services.token(), nowMs, leaseUntilMs: nowMs, reservedUsd });
    const prefix = sendingPrefix({ batchId, round, shard: position, attempt: claimed.attempts });
    return markSubmitted(claimed, `live${prefix}`, nowMs);
  });
}

/**
 * Sends requests of a live shard for a while, if nobody else does and the account has a place for another function.
 * What was answered is recorded, whatever happens.
 */
export async function runSlice(
  services: Services,
  account: Account,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  const token = services.token();
  const nowMs = services.now();
  const lease = { token, untilMs: Math.round(nowMs + context.remainingMs()) };
  const claimed = await services.records.updateShard(shard, (current) =>
    nowMs >= current.notBeforeMs ? beginSlice(current, lease, nowMs) : current,
  );
  if (!ownsSlice(claimed, token)) return claimed;
  const { functions } = liveSettingsOf(account.config);
  if (!(await acquireLiveSlot(services, account.name, batch.tenant, claimed, functions)))
    return releaseSlice(services, claimed, token, {
      message: `Provider '${account.name}' is busy with other batches.`,
      pauseMs: 0,
    });
  let obstacle: SliceObstacle | null = null;
  try {
    obstacle = await sendSlice(services, { batch, shard: claimed, token, account }, context);
  } catch (error) {
    if (error instanceof StaleEpochError) throw error;
    countRefusedKey(services, error);
    obstacle = { message: safeText(messageOf(error)), pauseMs: 0 };
  } finally {
    await releaseLiveSlot(services, account.name, claimed);
    await releaseSlice(services, claimed, token, obstacle);
  }
  return services.records.getShard(shard);
}

async function releaseSlice(
  services: Services,
  shard: ShardRecord,
  token: string,
  obstacle: SliceObstacle | null,
): Promise<ShardRecord> {
  if (obstacle)
    services.log.warn('A live shard does not get on; it is tried again.', {
      ...nameOf(shard),
      error: obstacle.message,
    });
  return services.records.updateShard(shard, (current) => {
    // Pauses grow from slice to slice as long as nothing is answered.
    const hasAdvanced = (current.live?.answered ?? 0) > (shard.live?.answered ?? 0);
    const earlier = hasAdvanced ? 0 : current.deferrals;
    const pauseMs = deferralSeconds(earlier, services.config.polling.minSeconds, null) * 1_000;
    const nowMs = services.now();
    const notBeforeMs = nowMs + Math.round(Math.max(pauseMs, obstacle?.pauseMs ?? 0));
    return endSlice(current, token, obstacle && { reason: obstacle.message, notBeforeMs, nowMs, deferrals: earlier });
  });
}

/** Where the results of a shard are read: at its provider, or in the answers that we recorded. */
export function resultSource(
  services: Services,
  shard: ShardRecord,
  account: Account,
): Pick<ProviderClient, 'retrieve' | 'results'> {
  if (!shard.live) return account.client;
  return {
    retrieve: async () => liveBatch(shard),
    async *results() {
      const progress = await LiveCheckpoint.read(services.objects, shard);
      yield* readLiveAnswers(services.objects, shard, progress);
    },
  };
}

function liveBatch(shard: ShardRecord): ProviderBatch {
  const answered = shard.live?.answered ?? 0;
  const progressKey = shard.live?.progressKey ?? null;
  return {
    providerBatchId: shard.providerBatchId ?? '',
    phase: answered === shard.lineCount ? 'completed' : 'cancelled',
    status: 'live',
    isKnownStatus: true,
    counts: shard.counts ?? { total: shard.lineCount, completed: 0, failed: 0 },
    expectedResults: answered,
    resultRefs: progressKey === null ? [] : [progressKey],
    failure: null,
  };
}
