import type { ProviderBatch } from '../../providers/contract.ts';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { messageOf, NotFoundError, safeText, TransientError } from '../../records/errors.ts';
import { markCollected, type ShardEnd, type ShardRecord, type ShardResult } from '../../records/shard.ts';
import { LiveCheckpoint } from '../live/live-checkpoint.ts';
import { resultSource } from '../live/live-shard.ts';
import type { Services, StepContext } from '../services.ts';
import { ownerOf } from '../shards/provider-semaphores.ts';
import { readIndex } from '../shards/shard-lines.ts';
import type { ShardStep } from '../step.ts';
import { countCollected } from './collected-metrics.ts';
import { GatheredAnswers } from './gathered-answers.ts';
import { ResultSpool } from './result-spool.ts';
import { ShardResults } from './shard-results.ts';

/** Complete downloads with fewer lines than the provider counts, after which the missing lines count as lost. */
const maxShortDownloads = 3;
/** After the deadline, what cannot be downloaded for so long is given up. */
const giveUpSeconds = 30 * 60;

/**
 * Streams the results of one ended shard, orders them as its lines are, and turns whatever is missing, malformed or
 * doubled into exactly one result line per request.
 */
export async function collect(services: Services, step: ShardStep, context: StepContext): Promise<{ status: string }> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const set = batch.rounds.at(-1)?.token ?? '';
  const shard = await services.records.getShard({ batchId: batch.id, set, shard: step.shard });
  if (shard.status !== 'ended' || !shard.end) return { status: shard.status };
  const result = await collectShard(services, batch, shard, shard.end, context);
  const after = await services.records.updateShard(shard, (current) =>
    current.status === 'ended' ? markCollected(current, result) : current,
  );
  if (after.result === result) countCollected(services, after);
  return { status: after.status };
}

async function collectShard(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  end: ShardEnd,
  context: StepContext,
): Promise<ShardResult> {
  const index = await readIndex(services.objects, shard);
  const spool = await ResultSpool.open(index.length);
  try {
    const triesOf = shard.live ? await liveTries(services, shard) : undefined;
    const answers = new GatheredAnswers(shard, index, spool, triesOf);
    const unavailable = await download(services, batch, shard, answers, context);
    const sources = { shard, end: unavailable ?? end, index, answers, spool };
    return await new ShardResults(services.objects, services.token(), sources).write();
  } finally {
    await spool.close();
  }
}

async function liveTries(services: Services, shard: ShardRecord): Promise<(position: number) => number> {
  const progress = await LiveCheckpoint.read(services.objects, shard);
  return (position) => progress.tries(position);
}

/**
 * Reads what the provider has; a shard that ended without a provider batch has nothing to read.
 *
 * @returns why there is no more to be had, where the results are gone for good.
 */
async function download(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  answers: GatheredAnswers,
  context: StepContext,
): Promise<ShardEnd | null> {
  if (shard.provider === null || shard.providerBatchId === null) return null;
  const account = services.account(shard.provider);
  const { provider } = account;
  const client = resultSource(services, shard, account);
  try {
    const found = await client.retrieve(shard.providerBatchId, context.signal);
    for (const ref of found.resultRefs)
      await answers.read(provider, client.results(found, ref, context.signal), context.signal);
    assertComplete(shard, found, answers);
    return null;
  } catch (error) {
    if (!(await mustGiveUp(services, batch, shard, error))) throw error;
    const message = safeText(`The provider's results can no longer be read: ${messageOf(error)}`);
    services.log.error('The results of a shard cannot be read.', {
      batchId: shard.batchId,
      shard: ownerOf(shard),
      error: message,
    });
    if (shard.end?.reason !== 'completed') return null;
    return { reason: 'completed', code: 'results_unavailable', message };
  }
}

/**
 * A download that ended well may still lack lines that the provider counts. It is repeated a few times; then the
 * provider's own answer is that it has no result for them.
 */
function assertComplete(shard: ShardRecord, found: ProviderBatch, answers: GatheredAnswers): void {
  const expected = found.expectedResults ?? 0;
  if (answers.resultsRead >= expected || shard.shortDownloads >= maxShortDownloads) return;
  throw new ShortDownload(
    `The results of ${ownerOf(shard)} hold ${answers.resultsRead} requests where the provider counts ${expected}; they are downloaded again.`,
  );
}

class ShortDownload extends TransientError {}

/** Missing files and missing lines are asked for a few times; anything else until well past the deadline. */
async function mustGiveUp(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  error: unknown,
): Promise<boolean> {
  if (services.now() > (batch.deadlineAt + giveUpSeconds) * 1_000) return true;
  if (!(error instanceof ShortDownload || error instanceof NotFoundError)) return false;
  if (shard.shortDownloads >= maxShortDownloads) return true;
  await services.records.updateShard(shard, (current) => ({ ...current, shortDownloads: current.shortDownloads + 1 }));
  throw new TransientError(messageOf(error), { cause: error });
}
