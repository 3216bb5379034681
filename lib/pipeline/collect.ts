import { createHash } from 'node:crypto';
import { assertEpoch, type BatchRecord } from '../core/batch.ts';
import { messageOf, NotFoundError, safeText, TransientError } from '../core/errors.ts';
import { positionOf, positionWithin, sendingPrefix } from '../core/ids.ts';
import { splitLines } from '../core/jsonl.ts';
import { shardWorkKey } from '../core/keys.ts';
import { encodeResultIndex, type LineEntry, type ResultEntry } from '../core/line-index.ts';
import { type Failure, failureLine, resultLineId } from '../core/result-line.ts';
import { collected, type ShardEnd, type ShardRecord, type ShardResult } from '../core/shard.ts';
import { addUsage, noUsage, type Usage } from '../core/usage.ts';
import type { AnsweredLine, ProviderBatch, TranslatedResult } from '../providers/provider.ts';
import { countCollected } from './collected-metrics.ts';
import { ResultSpool } from './result-spool.ts';
import type { Services, StepContext } from './services.ts';
import { readIndex } from './shard-lines.ts';
import { ownerOf } from './provider-gate.ts';
import type { ShardStep } from './submit.ts';

/** Complete downloads with fewer lines than the provider counts, after which the missing lines count as lost. */
const maxShortDownloads = 3;
/** After the deadline, what cannot be downloaded for so long is given up. */
const giveUpSeconds = 30 * 60;
const newlineLength = 1;

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
    current.status === 'ended' ? collected(current, result) : current,
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
  const entries = await readIndex(services.objects, shard);
  const spool = await ResultSpool.open(entries.length);
  try {
    const gathering = new Gathering(services, shard, entries, spool);
    const unavailable = await download(services, batch, shard, gathering, context);
    return await new ResultWriting(services, shard, unavailable ?? end, entries, spool, gathering).write();
  } finally {
    await spool.close();
  }
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
  gathering: Gathering,
  context: StepContext,
): Promise<ShardEnd | null> {
  if (shard.provider === null || shard.providerBatchId === null) return null;
  const { client } = services.account(shard.provider);
  try {
    const found = await client.retrieve(shard.providerBatchId, context.signal);
    for (const ref of found.resultRefs)
      await gathering.read(client.results(found, ref, context.signal), context.signal);
    assertComplete(shard, found, gathering);
    return null;
  } catch (error) {
    if (!(await mustGiveUp(services, batch, shard, error))) throw error;
    const message = safeText(`The provider's results can no longer be read: ${messageOf(error)}`);
    services.log.error('The results of a shard cannot be read.', { shard: ownerOf(shard), error: message });
    if (shard.end?.reason !== 'completed') return null;
    return { reason: 'completed', code: 'results_unavailable', message };
  }
}

/**
 * A download that ended well may still lack lines that the provider counts. It is repeated a few times; then the
 * provider's own answer is that it has no result for them.
 */
function assertComplete(shard: ShardRecord, found: ProviderBatch, gathering: Gathering): void {
  const expected = found.expectedResults ?? 0;
  if (gathering.resultsRead >= expected || shard.shortDownloads >= maxShortDownloads) return;
  throw new ShortDownload(
    `The results of ${ownerOf(shard)} hold ${gathering.resultsRead} requests where the provider counts ${expected}; they are downloaded again.`,
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

/** What the provider's result files say, line by line, into the spool. */
class Gathering {
  readonly #services: Services;
  readonly #shard: ShardRecord;
  readonly #spool: ResultSpool;
  readonly #find: (lineId: string) => AnsweredLine | null;
  readonly #prefix: string;
  readonly answers: (Extract<TranslatedResult, { kind: 'answered' | 'unexecuted' }> | undefined)[] = [];
  readonly malformedAt = new Set<number>();
  readonly sourceSha256: string[] = [];
  usage: Usage = noUsage;
  /** Requests with a result, and lines that were damaged. */
  resultsRead = 0;
  doubled = 0;
  malformed = 0;
  foreign = 0;

  constructor(services: Services, shard: ShardRecord, entries: readonly LineEntry[], spool: ResultSpool) {
    this.#services = services;
    this.#shard = shard;
    this.#spool = spool;
    const { batchId, round, shard: place, attempts } = shard;
    this.#prefix = sendingPrefix({ batchId, round, shard: place, attempt: shard.intent?.attempt ?? attempts });
    this.#find = (lineId) => {
      const position = positionOf(lineId, this.#prefix);
      const entry = position === null ? undefined : entries[position];
      if (position === null || !entry) return null;
      return {
        position,
        customId: entry.customId,
        format: entry.format,
        endpoint: shard.endpoint,
        attempts: round + 1,
      };
    };
  }

  async read(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const hash = createHash('sha256');
    for await (const lines of splitLines(hashed(chunks, hash), maxResultLineBytes)) {
      signal.throwIfAborted();
      for (const line of lines) {
        if (line.bytes === null) this.#countMalformed();
        else await this.#take(line.bytes);
      }
    }
    this.sourceSha256.push(hash.digest('hex'));
  }

  async #take(bytes: Buffer): Promise<void> {
    const result = this.#services.account(this.#shard.provider ?? '').provider.translateResult(bytes, this.#find);
    switch (result.kind) {
      case 'answered':
      case 'unexecuted':
        return this.#keep(result);
      case 'malformed': {
        this.#countMalformed();
        const position = positionWithin(bytes.toString('utf8'), this.#prefix);
        if (position !== null) this.malformedAt.add(position);
        return;
      }
      case 'foreign':
        this.foreign += 1;
        return;
    }
  }

  #countMalformed(): void {
    this.malformed += 1;
    this.resultsRead += 1;
  }

  /** The first answer stands: a second one for the same request is only counted. */
  async #keep(result: Extract<TranslatedResult, { kind: 'answered' | 'unexecuted' }>): Promise<void> {
    if (this.answers[result.position] !== undefined) {
      this.doubled += 1;
      return;
    }
    this.resultsRead += 1;
    if (result.kind === 'unexecuted') {
      this.answers[result.position] = result;
      return;
    }
    await this.#spool.put(result.position, result.bytes);
    this.answers[result.position] = { ...result, bytes: noBytes };
    if (result.usage) this.usage = addUsage(this.usage, result.usage);
  }
}

const noBytes = Buffer.alloc(0);
/** Answers may be longer than requests: a 50,000-token answer with logprobs, a batch of embeddings. */
const maxResultLineBytes = 256 * 1024 * 1024;

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Writes output, errors and the index of a shard, in its order. */
class ResultWriting {
  readonly #services: Services;
  readonly #shard: ShardRecord;
  readonly #end: ShardEnd;
  readonly #entries: readonly LineEntry[];
  readonly #spool: ResultSpool;
  readonly #gathering: Gathering;
  readonly #keys: { output: string; errors: string; index: string };
  #missing = 0;

  constructor(
    services: Services,
    shard: ShardRecord,
    end: ShardEnd,
    entries: readonly LineEntry[],
    spool: ResultSpool,
    gathering: Gathering,
  ) {
    const token = services.token();
    const keyOf = (part: string) => shardWorkKey(shard.batchId, token, shard.round, shard.shard, part);
    this.#services = services;
    this.#shard = shard;
    this.#end = end;
    this.#entries = entries;
    this.#spool = spool;
    this.#gathering = gathering;
    this.#keys = { output: keyOf('output.jsonl'), errors: keyOf('errors.jsonl'), index: keyOf('results.index') };
  }

  async write(): Promise<ShardResult> {
    const { objects } = this.#services;
    const output = objects.writer(this.#keys.output);
    const errors = objects.writer(this.#keys.errors);
    const results: ResultEntry[] = [];
    try {
      for (let position = 0; position < this.#entries.length; position += 1) {
        const { bytes, ...entry } = await this.#resultOf(position);
        await (entry.succeeded ? output : errors).writeLine(bytes);
        results.push({ ...entry, byteLength: bytes.length + newlineLength });
      }
      const index = objects.writer(this.#keys.index, 'application/octet-stream');
      await index.write(encodeResultIndex(results));
      await Promise.all([output.close(), errors.close(), index.close()]);
    } catch (error) {
      await Promise.all([output.abort(), errors.abort()]);
      throw error;
    }
    return this.#describe(results, output.bytes, errors.bytes);
  }

  async #resultOf(position: number): Promise<Omit<ResultEntry, 'byteLength'> & { bytes: Buffer }> {
    const ordinal = this.#entries[position]?.ordinal ?? 0;
    const answer = this.#gathering.answers[position];
    if (answer?.kind === 'answered') {
      const { succeeded, retryable } = answer;
      return {
        ordinal,
        succeeded,
        retryable,
        unexecuted: false,
        expired: false,
        bytes: await this.#spool.get(position),
      };
    }
    const failure = this.#failureOf(position, answer);
    const isExpired = failure.code === 'batch_expired';
    return {
      ordinal,
      succeeded: false,
      retryable: isExpired || retryableCodes.has(failure.code),
      unexecuted: isExpired || failure.code === 'batch_cancelled',
      expired: isExpired,
      bytes: this.#failureLine(position, ordinal, failure),
    };
  }

  #failureOf(position: number, answer: Extract<TranslatedResult, { kind: 'unexecuted' }> | undefined): Failure {
    if (answer?.reason === 'expired') return { code: 'batch_expired', message: answer.message };
    // What the provider calls cancelled may have been cancelled by us, at the deadline: the shard's end knows why.
    if (answer) return this.#end.reason === 'expired' ? this.#end : { code: 'batch_cancelled', message: answer.message };
    if (this.#gathering.malformedAt.has(position))
      return { code: 'invalid_result_line', message: "The provider's result line for this request cannot be read." };
    if (this.#end.reason === 'completed') this.#missing += 1;
    return this.#end;
  }

  #failureLine(position: number, ordinal: number, failure: Failure): Buffer {
    const entry = this.#entries[position];
    const identity = { customId: entry?.customId ?? null, format: entry?.format ?? 'openai' };
    const attempts = this.#shard.providerBatchId === null ? this.#shard.round : this.#shard.round + 1;
    return failureLine(resultLineId(this.#shard.batchId, ordinal), identity, failure, { attempts });
  }

  #describe(results: readonly ResultEntry[], outputBytes: number, errorBytes: number): ShardResult {
    const count = (is: (entry: ResultEntry) => boolean) => results.reduce((sum, entry) => sum + (is(entry) ? 1 : 0), 0);
    const completed = count((entry) => entry.succeeded);
    const { doubled, malformed, foreign, usage, sourceSha256 } = this.#gathering;
    return {
      outputKey: outputBytes > 0 ? this.#keys.output : null,
      errorsKey: errorBytes > 0 ? this.#keys.errors : null,
      indexKey: this.#keys.index,
      outputBytes,
      errorBytes,
      completed,
      failed: results.length - completed,
      retryable: count((entry) => entry.retryable),
      expired: count((entry) => entry.expired),
      unexecuted: count((entry) => entry.unexecuted),
      doubled,
      malformed,
      foreign,
      missing: this.#missing,
      usage,
      sourceSha256,
    };
  }
}

/** Failures of ours after which a request may be sent again: its provider batch is over and its answer is gone. */
const retryableCodes: ReadonlySet<string> = new Set(['result_missing', 'invalid_result_line']);
