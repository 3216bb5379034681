import type { BatchRecord } from '../../records/batch.ts';
import { safeText } from '../../records/errors.ts';
import { cancelledEnd, type Intent, type ShardEnd, type ShardRecord } from '../../records/shard.ts';
import { findAccount } from '../configured-account.ts';
import type { Services } from '../services.ts';

/** How long after the deadline or a cancellation the provider may take to end its batch: OpenAI says ten minutes. */
const closingSeconds = 15 * 60;

/** How long a batch that closes waits for others. */
export function closingMs(services: Pick<Services, 'config'>): number {
  return Math.min(closingSeconds, services.config.polling.maxSeconds * 2) * 1_000;
}

/** Why the batch closes its shards, or null while it does not. */
export function closingEnd(services: Pick<Services, 'now'>, batch: BatchRecord, shard: ShardRecord): ShardEnd | null {
  if (batch.status === 'cancelling') return cancelledEnd;
  if (services.now() < batch.deadlineAt * 1_000) return null;
  const why = shard.lastError ? ` Last obstacle: ${shard.lastError}` : '';
  const message = safeText(`This request could not be executed before the batch's deadline.${why}`);
  return { reason: 'expired', code: 'batch_expired', message };
}

/**
 * How a shard ends whose sending was begun and never proven, once its batch has closed for a while: by then it was looked
 * for as long as there was a way to look.
 *
 * @returns null as long as it is waited for.
 */
export function endOfUnproven(
  services: Pick<Services, 'account' | 'config' | 'now'>,
  batch: BatchRecord,
  shard: ShardRecord,
): ShardEnd | null {
  const closing = closingEnd(services, batch, shard);
  const { intent } = shard;
  if (!closing) return null;
  if (!intent) return closing;
  const lookedForMs = Math.max(closesAtMs(batch), windowEndMs(services, shard, intent)) + closingMs(services);
  if (services.now() < lookedForMs) return null;
  if (intent.phase === 'uploading' || intent.createStartedAtMs === null) return closing;
  const why = shard.lastError ? ` Last obstacle: ${shard.lastError}` : '';
  const message = `It could not be proven whether the provider accepted this request. It was not sent again.${why}`;
  return { reason: 'unconfirmed', code: 'submission_unconfirmed', message: safeText(message) };
}

/** When the batch closes: at its deadline, or when it was cancelled. */
export function closesAtMs({ status, cancellingAt, deadlineAt }: BatchRecord): number {
  return (status === 'cancelling' ? Math.min(cancellingAt ?? deadlineAt, deadlineAt) : deadlineAt) * 1_000;
}

/**
 * When a create of unknown outcome is over and shows in the provider's list. The create itself begins after the note of
 * its start, once its body is ready; the end of the lease is the latest end of it.
 */
function windowEndMs(services: Pick<Services, 'account'>, shard: ShardRecord, intent: Intent): number {
  const account = shard.provider === null ? null : findAccount(services, shard.provider);
  if (!account || intent.createStartedAtMs === null) return intent.leaseUntilMs;
  const { createTimeoutSeconds, settleSeconds } = account.config;
  const overAtMs = Math.max(intent.createStartedAtMs + createTimeoutSeconds * 1_000, intent.leaseUntilMs);
  return overAtMs + settleSeconds * 1_000;
}
