import { ResultIndex } from '../lines/line-index.ts';
import { ByteReader } from '../pipeline/finalize/byte-reader.ts';
import { isGone } from '../pipeline/gone-files.ts';
import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { ConflictError, NotFoundError } from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { settledAt, workKeptUntil } from '../records/retention.ts';
import type { ShardResult } from '../records/shard.ts';
import { type Download, downloadOf, opened } from './download.ts';

export interface ShardPosition {
  round: number;
  /** Within the round. */
  shard: number;
}

/**
 * The answers of one collected shard, or where they can be read, while other shards run. An answered request is never sent
 * again, so what stands there is part of the batch's output whatever comes. Once the batch has ended, they are kept as long as
 * its work, and no longer than its output.
 *
 * @param maxBytes that an answer may carry.
 * @throws NotFoundError for a shard that is not there, was not collected yet, has no answers, or is not kept any more.
 */
export async function shardOutput(
  services: Services,
  batch: BatchRecord,
  position: ShardPosition,
  maxBytes: number,
): Promise<Download> {
  const { outputKey: key = null, outputBytes: bytes = 0 } = (await resultOf(services, batch, position)) ?? {};
  if (key === null || !(await isKept(services, batch, batch.outputFileId))) throw nothingOf(batch, 'answers', position);
  return downloadOf(
    services,
    { bucket: services.objects.bucket, key, bytes },
    nameOf(batch, position, 'output'),
    maxBytes,
  );
}

/**
 * The same for its failures, as far as they are final: those of requests that the batch may send again are left out.
 *
 * @throws NotFoundError as above; ConflictError where some are left out and the others are more than an answer may carry.
 */
export async function shardErrors(
  services: Services,
  batch: BatchRecord,
  position: ShardPosition,
  maxBytes: number,
): Promise<Download> {
  const result = await resultOf(services, batch, position);
  const key = result?.errorsKey ?? null;
  if (!result || key === null || !(await isKept(services, batch, batch.errorFileId)))
    throw nothingOf(batch, 'failures', position);
  const filename = nameOf(batch, position, 'errors');
  if (result.retryable === 0 || isLastRound(batch, position))
    return downloadOf(services, { bucket: services.objects.bucket, key, bytes: result.errorBytes }, filename, maxBytes);
  const stretches = finalStretches(new ResultIndex(await services.objects.readBytes(result.indexKey)));
  const bytes = stretches.reduce((sum, { isFinal, length }) => sum + (isFinal ? length : 0), 0);
  if (bytes === 0) throw nothingOf(batch, 'final failures', position);
  if (bytes > maxBytes) throw tooMany(batch, position);
  return { filename, bytes, chunks: await opened(finalLines(new ByteReader(services.objects, key), stretches)) };
}

async function resultOf(
  services: Services,
  { id: batchId, rounds }: BatchRecord,
  { round, shard }: ShardPosition,
): Promise<ShardResult | null> {
  const set = rounds[round]?.token;
  const found = set === undefined ? null : await services.records.findShard({ batchId, set, shard });
  return found?.result ?? null;
}

/** Whether no further round comes after it, so that nothing of it is sent again. */
function isLastRound({ status, rounds, options }: BatchRecord, { round }: ShardPosition): boolean {
  return round === rounds.length - 1 && (hasEnded(status) || rounds.length >= options.max_attempts);
}

/** Error lines that follow each other, of which all are final, or none is. */
interface Stretch {
  isFinal: boolean;
  length: number;
}

function finalStretches(index: ResultIndex): Stretch[] {
  const stretches: Stretch[] = [];
  for (let place = 0; place < index.length; place += 1) {
    const { succeeded, retryable, byteLength } = index.entry(place);
    if (succeeded) continue;
    const last = stretches.at(-1);
    if (last?.isFinal === !retryable) last.length += byteLength;
    else stretches.push({ isFinal: !retryable, length: byteLength });
  }
  return stretches;
}

async function* finalLines(reader: ByteReader, stretches: readonly Stretch[]): AsyncGenerator<Uint8Array> {
  try {
    for (const { isFinal, length } of stretches)
      if (isFinal) yield await reader.read(length);
      else await reader.skip(length);
  } finally {
    await reader.close();
  }
}

function nameOf({ id }: BatchRecord, { round, shard }: ShardPosition, what: 'output' | 'errors'): string {
  return `${id}_${round}-${shard}_${what}.jsonl`;
}

function nothingOf({ id }: BatchRecord, what: string, { round, shard }: ShardPosition): NotFoundError {
  return new NotFoundError(`Batch '${id}' has no ${what} of shard ${shard} in round ${round}.`);
}

function tooMany({ id }: BatchRecord, { round, shard }: ShardPosition): ConflictError {
  const message = `The final failures of shard ${shard} in round ${round} of batch '${id}' are more than one answer may carry. They are in its error file once it has ended.`;
  return new ConflictError(message);
}

async function isKept(services: Services, batch: BatchRecord, fileId: string | null): Promise<boolean> {
  if (await isGone(services, fileId)) return false;
  const ended = settledAt(batch);
  return ended === null || services.now() < workKeptUntil(ended, services.config.workKeepDays) * 1_000;
}
