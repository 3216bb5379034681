import { embeddingInputs } from '../../lines/embedding-inputs.ts';
import { passedBytes } from '../../lines/passed-lines.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { type BatchRecord, openRound, type Round } from '../../records/batch.ts';
import { placeholderLineId } from '../../records/ids.ts';
import type { BatchOptions } from '../../records/options.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { findAccount } from '../configured-account.ts';
import { Estimator } from '../estimate.ts';
import { inParallel } from '../parallel.ts';
import type { Account, Services } from '../services.ts';
import { limitsOf } from '../shards/account-limits.ts';
import type { CollectedShard } from '../shards/collected-shard.ts';
import { readIndex, readShardLines, requestOf } from '../shards/shard-lines.ts';
import { ShardWriter } from '../shards/shard-writer.ts';
import { makeLiveIfSmall } from '../shards/small-shards.ts';

/** Time that a round must have at least before the deadline to be worth sending. */
const minRoundSeconds = 60;

/** Whether lines that failed for no fault of their own are sent again. */
export function mayOpenRound(services: Services, batch: BatchRecord, latest: readonly CollectedShard[]): boolean {
  return (
    batch.status === 'in_progress' &&
    batch.rounds.length < batch.options.max_attempts &&
    services.now() / 1_000 < batch.deadlineAt - minRoundSeconds &&
    latest.some(({ shard, result }) => result.retryable > 0 && mayBeSent(services, shard))
  );
}

/** Lines whose account left the configuration keep the failure that they have. */
function mayBeSent(services: Services, shard: ShardRecord): boolean {
  return shard.provider !== null && findAccount(services, shard.provider) !== null;
}

/**
 * Writes the next round's shards from the retryable lines of the last one, then opens the round by one write. All their
 * provider batches have ended and their downloads were complete, so nothing is sent while an earlier sending lives.
 */
export async function openNextRound(
  services: Services,
  batch: BatchRecord,
  latest: readonly CollectedShard[],
): Promise<void> {
  const token = services.token();
  const round = batch.rounds.length;
  const settled = settledAfter(services, batch, latest);
  const writer = new ShardWriter(services.objects, { batchId: batch.id, round, token }, (name) =>
    limitsOf(services.account(name)),
  );
  try {
    for (const collected of latest) await copyRetryable(services, batch.options, collected, writer);
    const written = await writer.finish();
    const shards = written.map((shard) => makeLiveIfSmall(shard, (name) => services.account(name)));
    await inParallel(10, shards, (shard) => services.records.createShard(shard));
    await services.records.updateBatch(batch.id, (current) =>
      current.epoch === batch.epoch ? openRound(current, round, { token, shards: shards.length, settled }) : current,
    );
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function copyRetryable(
  services: Services,
  options: BatchOptions,
  { shard, result, readIndex: readResultIndex }: CollectedShard,
  writer: ShardWriter,
): Promise<void> {
  if (result.retryable === 0 || shard.provider === null || !mayBeSent(services, shard)) return;
  const account = services.account(shard.provider);
  const isTranslated = shard.sentKey !== null;
  const { model, endpoint } = shard;
  const estimator = new Estimator(account, model, options);
  const queue = writer.queue({ provider: shard.provider, model, endpoint, isTranslated });
  const index = await readResultIndex();
  const entries = await readIndex(services.objects, shard);
  for await (const lines of readShardLines(services.objects, shard, entries)) {
    for (const line of lines) {
      if (!index.entry(line.position).retryable) continue;
      const request = requestOf(line, shard);
      const translated = isTranslated ? translatedBytes(account, request, model) : null;
      const sentBytes = translated?.length ?? passedBytes(line.bytes.length, request.spans, model, request.model);
      await writer.add(queue, {
        entry: line.entry,
        line,
        translated,
        sentBytes,
        embeddingInputs: embeddingInputs(request),
        estimate: estimator.estimate(request, sentBytes),
      });
    }
  }
}

/** What was accepted goes again, also where the table of models has come to refuse it. */
function translatedBytes({ provider, config }: Account, request: RequestLine, model: string): Buffer {
  const target = { lineId: placeholderLineId, model };
  const usual = provider.translateRequest(request, { ...target, modelRules: config.model_rules });
  const translated = usual.ok ? usual : provider.translateRequest(request, { ...target, modelRules: 'warn' });
  if (translated.ok) return translated.bytes;
  throw new Error(
    `Line ${request.lineNumber} was accepted and can no longer be translated: ${translated.error.message}`,
  );
}

function settledAfter(services: Services, batch: BatchRecord, latest: readonly CollectedShard[]): Round['settled'] {
  const { completed, failed } = batch.rounds.at(-1)?.settled ?? { completed: 0, failed: 0 };
  return latest.reduce(
    (sum, { shard, result }) => ({
      completed: sum.completed + result.completed,
      failed: sum.failed + result.failed - (mayBeSent(services, shard) ? result.retryable : 0),
    }),
    { completed, failed },
  );
}
