import { z } from 'zod';
import { splitLines } from '../../lines/jsonl.ts';
import {
  assertEpoch,
  type BatchRecord,
  batchObject,
  beginFinalizing,
  endBatch,
  finalStatus,
} from '../../records/batch.ts';
import { sha256 } from '../../records/digest.ts';
import { safeText, WriteConflictError } from '../../records/errors.ts';
import { fileIdFrom } from '../../records/ids.ts';
import { keysWithResult, mergeWorkKey, resultKey } from '../../records/object-keys.ts';
import { hasEnded, type LineError, type TerminalStatus } from '../../records/openai-batch.ts';
import { holdsLines, type ShardRecord } from '../../records/shard.ts';
import type { BatchEvent } from '../../store/events.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import { countEnded } from '../metrics.ts';
import { scheduleRemoval } from '../removal-schedule.ts';
import { creationTimes, type Services, type StepContext, unixSeconds } from '../services.ts';
import { collectedShards } from '../shards/collected-shard.ts';
import { writeStatus } from '../status-file.ts';
import type { BatchStep, FinalizeAnswer } from '../step.ts';
import { answerTask } from '../task-answer.ts';
import { type MergeCheckpoint, mergeResults, mergeStretch } from './merge.ts';
import { readMergeCheckpoint, writeMergeCheckpoint } from './merge-checkpoint.ts';
import { mayOpenRound, openNextRound } from './next-round.ts';
import { openReadingRound } from './reading-round.ts';
import { costOfShards, type ResultFiles, receiptOf, usageOfShards } from './receipt.ts';
import { writeRetryFile } from './retry-file.ts';
import { keepUsage } from './used.ts';

const anotherRound: FinalizeAnswer = { done: false, nextRound: true };
const anotherRun: FinalizeAnswer = { done: false, nextRound: false };
const batchEnded: FinalizeAnswer = { done: true, nextRound: false };

/** Left of a run's time when it stops merging, to end its objects and to write its checkpoint: the longest run of results is 256 MiB. */
const stopEarlyMs = 120_000;
/** Slower than merging has ever been seen: 5 MB/s. What takes longer even so is no reason to worry, only to use two runs. */
const slowestBytesPerMs = 5_000;

/**
 * Opens another round for what may be sent again, or ends the batch: outputs first, then the record, then the event,
 * then the note that it was sent. Run again at any point, it takes up what is missing. Results that may take longer than the
 * run has are merged by several, stretch by stretch.
 */
export async function finalize(services: Services, step: BatchStep, context: StepContext): Promise<FinalizeAnswer> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  if (hasEnded(batch.status)) return announce(services, batch);
  if (batch.rounds.length === 0) return announce(services, await endWithoutResults(services, batch));
  const all = await Promise.all(batch.rounds.map((round) => services.records.listAllShards(batch.id, round.token)));
  const rounds = all.map((shards) => shards.filter(holdsLines));
  if (rounds.flat().some((shard) => shard.status !== 'collected')) return anotherRound;
  if (batch.recollection?.isOpen === false) {
    await openReadingRound(services, batch, rounds.flat());
    return anotherRound;
  }
  const latest = collectedShards(services.objects, rounds.at(-1) ?? []);
  if (mayOpenRound(services, batch, latest)) {
    await openNextRound(services, batch, latest);
    return anotherRound;
  }
  const finalizing = await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return beginFinalizing(current, unixSeconds(services));
  });
  const checkpoint = await readMergeCheckpoint(services.objects, finalizing);
  if (mayOutlast(finalizing, rounds.flat(), checkpoint, context)) {
    await mergeFurther(services, finalizing, rounds.flat(), checkpoint, context);
    return anotherRun;
  }
  return announce(services, await endWithResults(services, finalizing, all, checkpoint));
}

/** Whether what is not merged yet may take longer than the run has. */
function mayOutlast(
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  checkpoint: MergeCheckpoint,
  context: StepContext,
): boolean {
  if (checkpoint.nextOrdinal >= batch.counts.total) return false;
  let bytes = 0;
  for (const { result } of shards) bytes += (result?.outputBytes ?? 0) + (result?.errorBytes ?? 0);
  for (const stretch of [...checkpoint.output, ...checkpoint.errors]) bytes -= stretch.bytes;
  return bytes > slowestBytesPerMs * (context.remainingMs() - stopEarlyMs);
}

/**
 * Merges as far as the time allows. When two runs start from the same checkpoint, only one of them continues; the other's
 * work is never read.
 */
async function mergeFurther(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  checkpoint: MergeCheckpoint,
  context: StepContext,
): Promise<void> {
  const token = services.token();
  const collected = collectedShards(services.objects, shards);
  const keyOf = (part: string) => mergeWorkKey(batch.id, token, part);
  const keys = { output: keyOf('output.jsonl'), errors: keyOf('errors.jsonl') };
  const mustStop = () => context.remainingMs() < stopEarlyMs;
  const further = await mergeStretch(services.objects, collected, batch.counts.total, keys, checkpoint, mustStop);
  await writeMergeCheckpoint(services.objects, batch.id, token, further);
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return current.mergeCheckpoint === batch.mergeCheckpoint ? { ...current, mergeCheckpoint: token } : current;
  });
}

/** A batch that validation refused, a dry run, or one that was cancelled before anything was sent. */
async function endWithoutResults(services: Services, batch: BatchRecord): Promise<BatchRecord> {
  const closed = endBatch(batch, finalStatus(batch, false), unixSeconds(services), {});
  const receipt = receiptOf(services, closed, [], { output: null, errors: null, retry: null });
  await writeSummary(services, closed, receipt);
  return commitEnd(services, batch, closed);
}

/** @param rounds all shards of each, those that were taken apart too. */
async function endWithResults(
  services: Services,
  batch: BatchRecord,
  rounds: ShardRecord[][],
  checkpoint: MergeCheckpoint,
): Promise<BatchRecord> {
  const shards = rounds.flat().filter(holdsLines);
  const collected = collectedShards(services.objects, shards);
  const keys = { output: resultKey(batch.id, 'output.jsonl'), errors: resultKey(batch.id, 'errors.jsonl') };
  const merged = await mergeResults(services.objects, collected, batch.counts.total, keys, checkpoint);
  const retry = await writeRetryFile(services, batch.id, rounds[0]?.filter(holdsLines) ?? [], merged.failedOrdinals);
  const files: ResultFiles = { output: merged.output, errors: merged.errors, retry };
  if (batch.recollection) await emptyOldFiles(services, batch, files);
  const closed = endBatch(batch, finalStatus(batch, merged.expired > 0), unixSeconds(services), {
    counts: { total: batch.counts.total, completed: merged.completed, failed: merged.failed },
    usage: usageOfShards(shards),
    cost: costOfShards(services, shards),
    outputFileId: await fileIdOf(services, batch, 'output.jsonl', merged.output),
    errorFileId: await fileIdOf(services, batch, 'errors.jsonl', merged.errors),
    firstFailure: await firstFailureOf(services, merged.errors),
  });
  await writeSummary(services, closed, receiptOf(services, closed, rounds.flat(), files));
  return commitEnd(services, batch, closed);
}

/** What failed before and is answered now must not stand in the files of an earlier end. */
async function emptyOldFiles(services: Services, batch: BatchRecord, { errors, retry }: ResultFiles): Promise<void> {
  if (!retry) await services.objects.writer(resultKey(batch.id, 'retry.jsonl')).close();
  if (errors || batch.errorFileId === null) return;
  const { bucket, key, etag, bytes } = await services.objects.writer(resultKey(batch.id, 'errors.jsonl')).close();
  if (await services.records.findFile(batch.errorFileId))
    await services.records.updateFile(batch.errorFileId, (file) => ({
      ...file,
      bytes,
      objects: [{ bucket, key, etag, bytes }],
    }));
}

const errorLineSchema = z.object({
  custom_id: z.string().nullable(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }),
});

/** What stands first in the error file. */
async function firstFailureOf(services: Services, errors: WrittenObject | null): Promise<LineError | null> {
  if (!errors) return null;
  for await (const [line] of splitLines(services.objects.stream(errors))) {
    if (!line?.bytes) return null;
    const { custom_id, error } = errorLineSchema.parse(JSON.parse(line.bytes.toString('utf8')));
    const message = safeText(`${custom_id ?? 'A line without custom_id'}: ${error.message ?? ''}`);
    return { code: error.code ?? 'error', message, param: null, line: null };
  }
  return null;
}

async function fileIdOf(
  services: Services,
  batch: BatchRecord,
  name: 'output.jsonl' | 'errors.jsonl',
  written: WrittenObject | null,
): Promise<string | null> {
  if (!written) return null;
  const id = fileIdFrom(sha256(`${batch.id}:${name}`));
  const { bucket, key, etag, bytes } = written;
  if (batch.recollection && (await services.records.findFile(id))) {
    const objects = [{ bucket, key, etag, bytes }];
    await services.records.updateFile(id, (file) => ({ ...file, bytes, objects }));
    return id;
  }
  const times = creationTimes(services);
  const lifetime = batch.options.output_expires_after?.seconds;
  const expiresAt = lifetime === undefined ? null : times.createdAt + lifetime;
  if (expiresAt !== null) await scheduleRemoval(services, id, expiresAt, keysWithResult(key));
  await services.records.createFile({
    id,
    tenant: batch.tenant,
    version: 0,
    filename: `${batch.id}_${name}`,
    purpose: 'batch_output',
    bytes,
    ...times,
    expiresAt,
    objects: [{ bucket, key, etag, bytes }],
  });
  return id;
}

async function writeSummary(services: Services, batch: BatchRecord, receipt: object): Promise<void> {
  const { report, warningCount } = batch;
  const summary = {
    ...batchObject(batch),
    batchdrop: { tenant: batch.tenant, receipt, report, warning_count: warningCount },
  };
  await services.objects.putText(resultKey(batch.id, 'batch.json'), `${JSON.stringify(summary, null, 2)}\n`);
}

/**
 * @param closed what `batch` becomes, times included, so that the summary and the record say the same.
 * @throws WriteConflictError where the batch was changed meanwhile, by a cancellation say: Finalize runs again.
 */
async function commitEnd(services: Services, batch: BatchRecord, closed: BatchRecord): Promise<BatchRecord> {
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    if (hasEnded(current.status)) return current;
    if (current.version !== batch.version)
      throw new WriteConflictError(`${batch.id} was changed while it was finalized.`);
    return closed;
  });
}

/** Keeps what was used, and tells whoever waits for the batch's end, as often as it takes: the event bus, then the task of a state machine. */
async function announce(services: Services, batch: BatchRecord): Promise<FinalizeAnswer> {
  await writeStatus(services, batch.id);
  const { status, eventSentAtMs } = batch;
  if (!hasEnded(status)) return batchEnded;
  const after = eventSentAtMs === null ? await sendEvent(services, batch, status) : batch;
  await answerTask(services, after, eventOf(services, after));
  return batchEnded;
}

async function sendEvent(services: Services, batch: BatchRecord, status: TerminalStatus): Promise<BatchRecord> {
  await keepUsage(services, batch);
  await services.events.send(status, eventOf(services, batch));
  const sentAtMs = services.now();
  const after = await services.records.updateBatch(batch.id, (current) =>
    current.eventSentAtMs === null ? { ...current, eventSentAtMs: sentAtMs } : current,
  );
  if (after.version === batch.version + 1) countEnded(services, batch);
  return after;
}

function eventOf(services: Services, batch: BatchRecord): BatchEvent {
  const uri = (name: 'output.jsonl' | 'errors.jsonl') => `s3://${services.objects.bucket}/${resultKey(batch.id, name)}`;
  const [input] = batch.input;
  return {
    version: '1',
    id: `${batch.id}:${batch.status}${batch.recollection ? `:${batch.rounds.length}` : ''}`,
    batch: batchObject(batch),
    tenant: batch.tenant,
    input_uri: input ? `s3://${input.bucket}/${input.key}` : '',
    output_uri: batch.outputFileId === null ? null : uri('output.jsonl'),
    error_uri: batch.errorFileId === null ? null : uri('errors.jsonl'),
  };
}
