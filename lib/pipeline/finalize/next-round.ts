import { z } from 'zod';
import { answerSchemaOf } from '../../lines/answer-schema.ts';
import { embeddingInputs } from '../../lines/embedding-inputs.ts';
import { passedBytes } from '../../lines/passed-lines.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { Estimator } from '../../providers/estimate/estimate.ts';
import { assertEpoch, type BatchRecord, openRound, type Round } from '../../records/batch.ts';
import { placeholderLineId } from '../../records/ids.ts';
import type { BatchOptions } from '../../records/options.ts';
import { type ShardRecord, shardRecordSchema } from '../../records/shard.ts';
import { findAccount } from '../configured-account.ts';
import { inParallel } from '../parallel.ts';
import { RunBudget } from '../run-budget.ts';
import type { Account, Services, StepContext } from '../services.ts';
import { limitsOf } from '../shards/account-limits.ts';
import type { CollectedShard } from '../shards/collected-shard.ts';
import { readIndex, readShardLines, requestOf } from '../shards/shard-lines.ts';
import { ShardWriter } from '../shards/shard-writer.ts';
import { makeLiveIfSmall } from '../shards/small-shards.ts';
import { writtenLines } from '../shards/written-lines.ts';
import { leaveCheckpoint, readCheckpoint } from './checkpoint.ts';

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

/** How far earlier runs have come with the shards of a round. */
const roundCheckpointSchema = z.object({
  round: z.number().int(),
  /** Of the round before: the shard and the place of its line where the next run goes on. */
  next: z.object({ shard: z.number().int(), position: z.number().int() }),
  shards: z.array(shardRecordSchema),
});
type Place = z.infer<typeof roundCheckpointSchema>['next'];

/**
 * Writes the next round's shards from the retryable lines of the last one, then opens the round by one write. All their
 * provider batches have ended and their downloads were complete, so nothing is sent while an earlier sending lives. A run
 * whose time ends leaves a checkpoint.
 *
 * @returns false where another run is needed.
 */
export async function openNextRound(
  services: Services,
  batch: BatchRecord,
  latest: readonly CollectedShard[],
  context: StepContext,
): Promise<boolean> {
  const token = services.token();
  const round = batch.rounds.length;
  const stored = await readCheckpoint(services.objects, batch, roundCheckpointSchema);
  const { next: from, shards } = stored?.round === round ? stored : noEarlierRun;
  const writer = new ShardWriter(
    services.objects,
    { batchId: batch.id, round, token },
    (name) => limitsOf(services.account(name)),
    {
      shards,
      linesOf: (shard) => writtenLines(services.objects, services.account(shard.provider ?? ''), batch.options, shard),
    },
  );
  try {
    const next = await copyAllRetryable(services, batch.options, { latest, from }, writer, new RunBudget(context));
    const written = await writer.finish();
    if (next) await leaveCheckpoint(services, batch, token, { round, next, shards: written });
    else await commitRound(services, batch, { token, shards: written, settled: settledAfter(services, batch, latest) });
    return next === null;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

const noEarlierRun = { next: { shard: 0, position: 0 }, shards: [] };

async function commitRound(
  services: Services,
  batch: BatchRecord,
  { token, shards, settled }: { token: string; shards: ShardRecord[]; settled: Round['settled'] },
): Promise<void> {
  const made = shards.map((shard) => makeLiveIfSmall(shard, (name) => services.account(name)));
  await inParallel(10, made, (shard) => services.records.createShard(shard));
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return openRound(current, batch.rounds.length, { token, shards: made.length, settled });
  });
}

/** @returns where another run goes on, or null at the end. */
async function copyAllRetryable(
  services: Services,
  options: BatchOptions,
  { latest, from }: { latest: readonly CollectedShard[]; from: Place },
  writer: ShardWriter,
  budget: RunBudget,
): Promise<Place | null> {
  const sources = latest.filter(
    ({ shard, result }) => shard.shard >= from.shard && result.retryable > 0 && mayBeSent(services, shard),
  );
  for (const [place, collected] of sources.entries()) {
    const { shard } = collected;
    if (place > 0 && budget.mustStop()) return { shard: shard.shard, position: 0 };
    const position = shard.shard === from.shard ? from.position : 0;
    const next = await copyRetryable(services, options, collected, position, writer, budget);
    if (next !== null) return { shard: shard.shard, position: next };
  }
  return null;
}

/**
 * @param from the place of the shard's first line that is looked at.
 * @returns the place where the time was up; null at the shard's end.
 */
async function copyRetryable(
  services: Services,
  options: BatchOptions,
  { shard, readIndex: readResultIndex }: CollectedShard,
  from: number,
  writer: ShardWriter,
  budget: RunBudget,
): Promise<number | null> {
  if (shard.provider === null) return null;
  const account = services.account(shard.provider);
  const isTranslated = shard.sentKey !== null;
  const { model, endpoint } = shard;
  const estimator = new Estimator(account, model, options);
  const { provider, shared = null } = shard;
  const queue = writer.queue({ provider, model, endpoint, isTranslated, shared });
  const index = await readResultIndex();
  const entries = await readIndex(services.objects, shard);
  let next = from;
  for await (const lines of readShardLines(services.objects, shard, entries, from)) {
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
        asksForSchema: answerSchemaOf(request.body) !== null,
        estimate: estimator.estimate(request, sentBytes),
      });
    }
    next += lines.length;
    if (next < entries.length && budget.mustStop()) return next;
  }
  return null;
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
