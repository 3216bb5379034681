import type { LineIndex } from '../../lines/line-index.ts';
import type { ProviderBatch } from '../../providers/contract.ts';
import { pricerOf } from '../../providers/estimate/price.ts';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { messageOf, safeText, TransientError } from '../../records/errors.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import {
  deferCollection,
  markCollected,
  type ShardEnd,
  type ShardRecord,
  type ShardResult,
} from '../../records/shard.ts';
import { findAccount } from '../configured-account.ts';
import { LiveCheckpoint } from '../live/live-checkpoint.ts';
import { resultSource } from '../live/live-shard.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Services, StepContext } from '../services.ts';
import { failuresAfter, keepFailure } from '../shards/kept-failure.ts';
import { lookAtBatch } from '../shards/look-at-batch.ts';
import { ownerOf } from '../shards/provider-semaphores.ts';
import { readIndex } from '../shards/shard-lines.ts';
import type { ShardStep } from '../step.ts';
import { AnswerChecks, hasAnswersToCheck } from './answer-checks.ts';
import { countCollected } from './collected-metrics.ts';
import { type Deferral, mayBeLast, nextDownload, ShortDownloadError } from './download-schedule.ts';
import { GatheredAnswers, type PriceOfAnswer } from './gathered-answers.ts';
import { isWhole, type MissingLines, missingLines } from './missing-lines.ts';
import { RawResults } from './raw-results.ts';
import { ResultSpool } from './result-spool.ts';
import { ShardResults } from './shard-results.ts';

/**
 * Streams the results of one ended shard, orders them as its lines are, and turns whatever is missing, malformed or
 * doubled into exactly one result line per request. Results that cannot be read for now are asked for again later.
 */
export async function collect(services: Services, step: ShardStep, context: StepContext): Promise<{ status: string }> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const set = batch.rounds.at(-1)?.token ?? '';
  const shard = await services.records.getShard({ batchId: batch.id, set, shard: step.shard });
  if (shard.status !== 'ended' || !shard.end || services.now() < shard.notBeforeMs) return { status: shard.status };
  const collection = new Collection(services, batch, shard, shard.end);
  const after = await keepFailure(services, 'collect', shard, () =>
    collectAndRecord(services, shard, collection, context),
  );
  return { status: after.status };
}

async function collectAndRecord(
  services: Services,
  shard: ShardRecord,
  collection: Collection,
  context: StepContext,
): Promise<ShardRecord> {
  const collected = await collection.run(context);
  if ('notBeforeMs' in collected) return defer(services, shard, collected);
  const after = await services.records.updateShard(shard, (current) =>
    current.status === 'ended' ? markCollected(current, collected, services.now()) : current,
  );
  if (after.result === collected) countCollected(services, after);
  return after;
}

interface DeferredCollection extends Deferral {
  reason: string;
  error: unknown;
}

async function defer(services: Services, shard: ShardRecord, deferral: DeferredCollection): Promise<ShardRecord> {
  const { reason } = deferral;
  services.log.warn('The results of a shard cannot be read yet; they are asked for again.', {
    batchId: shard.batchId,
    shard: ownerOf(shard),
    error: reason,
  });
  return services.records.updateShard(shard, (current) =>
    current.version === shard.version
      ? deferCollection(
          current,
          { ...deferral, nowMs: services.now() },
          failuresAfter(services, current, 'collect', deferral.error),
        )
      : current,
  );
}

/** One reading of one shard's results. */
class Collection {
  readonly #services: Services;
  readonly #batch: BatchRecord;
  readonly #shard: ShardRecord;
  readonly #end: ShardEnd;
  readonly #token: string;
  readonly #raw: RawResults;
  /** The provider's batch, once it was seen. */
  #found: ProviderBatch | null = null;

  constructor(services: Services, batch: BatchRecord, shard: ShardRecord, end: ShardEnd) {
    const token = services.token();
    this.#services = services;
    this.#batch = batch;
    this.#shard = shard;
    this.#end = end;
    this.#token = token;
    this.#raw = new RawResults(services.objects, (file) =>
      shardWorkKey(batch.id, token, shard.round, shard.shard, `raw-${file}.jsonl`),
    );
  }

  async run(context: StepContext): Promise<ShardResult | DeferredCollection> {
    const index = await readIndex(this.#services.objects, this.#shard);
    const spool = await ResultSpool.open(index.length);
    try {
      const triesOf = this.#shard.live ? await liveTries(this.#services, this.#shard) : undefined;
      const priceOf = priceOfAnswers(this.#services, this.#shard);
      const { sent, sentIndex, placeOf } = await sendingOf(this.#services, this.#shard, index);
      const answers = new GatheredAnswers(sent, index, spool, priceOf, triesOf, placeOf);
      const missing = await this.#download(answers, context);
      if ('notBeforeMs' in missing) return missing;
      const resendsLost = this.#batch.options.on_lost_result === 'resend';
      const checks = hasAnswersToCheck(this.#batch, sent)
        ? await AnswerChecks.open(this.#services.objects, this.#shard, this.#token, { shard: sent, index: sentIndex })
        : null;
      const sources = { shard: this.#shard, missing, resendsLost, index, answers, spool, checks };
      const result = await new ShardResults(this.#services.objects, this.#token, sources).write();
      return result.lost > 0 ? { ...result, rawKeys: await this.#raw.keep() } : result;
    } finally {
      await this.#raw.discard();
      await spool.close();
    }
  }

  /** Reads what the provider has; a shard that ended without a provider batch has nothing to read. */
  async #download(answers: GatheredAnswers, context: StepContext): Promise<MissingLines | DeferredCollection> {
    try {
      await this.#read(answers, context);
      return this.#missing(answers, null);
    } catch (error) {
      countRefusedKey(this.#services, error);
      const reason = safeText(`The provider's results cannot be read: ${messageOf(error)}`);
      const deferral = nextDownload(this.#services, this.#batch, this.#shard, error);
      if (deferral) return { ...deferral, reason, error };
      this.#services.log.error('The results of a shard are given up.', {
        batchId: this.#batch.id,
        shard: ownerOf(this.#shard),
        error: reason,
      });
      return this.#missing(answers, error instanceof ShortDownloadError ? null : reason);
    }
  }

  async #read(answers: GatheredAnswers, { signal }: StepContext): Promise<void> {
    const shard = this.#shard;
    if (shard.provider === null || shard.providerBatchId === null) return;
    const account = this.#services.account(shard.provider);
    const client = resultSource(this.#services, shard, account);
    const seen = await lookAtBatch(client, shard.providerBatchId, signal);
    if (this.#end.reason === 'completed' && !hasEnded(seen.phase))
      throw new TransientError(`The batch of ${ownerOf(shard)} had ended and is now ${seen.status}.`);
    const found = this.#end.reason === 'completed' ? stillCompleted(seen) : seen;
    this.#found = found;
    const keepsRaw = mayBeLast(this.#services, this.#batch, shard) || mayLackUnseen(found);
    for (const ref of found.resultRefs) {
      const chunks = client.results(found, ref, signal);
      await answers.read(account.provider, keepsRaw ? this.#raw.record(chunks) : chunks, signal);
    }
    if (isWhole(shard, found, answers)) return;
    const { resultsRead, malformed } = answers;
    throw new ShortDownloadError(
      `They hold ${resultsRead} of the ${shard.lineCount} requests of ${ownerOf(shard)}, and ${malformed} damaged lines.`,
    );
  }

  #missing(answers: GatheredAnswers, obstacle: string | null): MissingLines {
    return missingLines(this.#shard, this.#end, this.#found, answers, obstacle);
  }
}

/** A batch that was seen completed has been paid for, whatever is said of it later, and whatever that counts. */
function stillCompleted(seen: ProviderBatch): ProviderBatch {
  return seen.phase === 'completed' ? seen : { ...seen, phase: 'completed', counts: null, expectedResults: null };
}

/** Whether what is missing shows by nothing, so that the first download may be the last one. */
function mayLackUnseen({ phase, counts, expectedResults }: ProviderBatch): boolean {
  return phase !== 'completed' && (counts === null || expectedResults === null);
}

/** Each answer has a price of its own: a long prompt costs more by the token. */
function priceOfAnswers(services: Services, { provider, model, live }: ShardRecord): PriceOfAnswer {
  const account = provider === null ? null : findAccount(services, provider);
  const pricer = account && pricerOf(account, model);
  if (!pricer) return () => null;
  return live ? pricer.single : pricer.batch;
}

async function liveTries(services: Services, shard: ShardRecord): Promise<(position: number) => number> {
  const progress = await LiveCheckpoint.read(services.objects, shard);
  return (position) => progress.tries(position);
}

/** The shard as it was sent, and where its lines stand in the index of what is asked for. */
async function sendingOf(services: Services, shard: ShardRecord, index: LineIndex) {
  if (!shard.rereads) return { sent: shard, sentIndex: index, placeOf: (sentPosition: number) => sentPosition };
  const sent = await services.records.getShard({ batchId: shard.batchId, ...shard.rereads });
  const sentIndex = await readIndex(services.objects, sent);
  const places = new Map<number, number>();
  for (let position = 0; position < index.length; position += 1) places.set(index.ordinal(position), position);
  const placeOf = (sentPosition: number) =>
    sentPosition < sentIndex.length ? (places.get(sentIndex.ordinal(sentPosition)) ?? null) : null;
  return { sent, sentIndex, placeOf };
}
