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
import { messageOf, NotFoundError, safeText, WriteConflictError } from '../../records/errors.ts';
import { fileIdFrom } from '../../records/ids.ts';
import { keysWithResult, mergeWorkKey, resultKey } from '../../records/object-keys.ts';
import { hasEnded, type LineError, type TerminalStatus } from '../../records/openai-batch.ts';
import { holdsLines, type ShardRecord } from '../../records/shard.ts';
import type { BatchEvent } from '../../store/events.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import { isAnyGone, isGone } from '../gone-files.ts';
import { countEnded } from '../metrics.ts';
import { graceSeconds, scheduleRemoval } from '../removal-schedule.ts';
import { RunBudget } from '../run-budget.ts';
import { creationTimes, type Services, type StepContext, unixSeconds } from '../services.ts';
import { collectedShards } from '../shards/collected-shard.ts';
import { writeStatus } from '../status-file.ts';
import type { BatchStep, FinalizeAnswer } from '../step.ts';
import { invalidOutputCount, tableUri, tableView } from '../table-view.ts';
import { answerTask } from '../task-answer.ts';
import { addAnswerWarnings, invalidOutputsOf } from './answer-warnings.ts';
import { leaveCheckpoint, readCheckpoint } from './checkpoint.ts';
import { emptyMerge, type MergeCheckpoint, mergeCheckpointSchema, mergeResults, mergeStretch } from './merge.ts';
import { mayOpenRound, openNextRound } from './next-round.ts';
import { openReadingRound } from './reading-round.ts';
import { costOfShards, fileOf, type ResultFiles, receiptOf, usageOfShards } from './receipt.ts';
import { lacksTable, makeTable } from './result-table.ts';
import { emptyRetry, joinRetryPieces, retryCheckpointSchema, writeRetryPiece } from './retry-file.ts';
import { keepUsage } from './used.ts';

const anotherRound: FinalizeAnswer = { done: false, nextRound: true };
const anotherRun: FinalizeAnswer = { done: false, nextRound: false };
const batchEnded: FinalizeAnswer = { done: true, nextRound: false };

/** Left of a run's time when all is to be merged at once: what the end of the batch takes. */
const stopEarlyMs = 120_000;
/** Slower than merging has ever been seen: 5 MB/s. Where it is slower even so, the run stops and all is merged in stretches. */
const slowestBytesPerMs = 5_000;

/**
 * Opens another round for what may be sent again, or ends the batch: outputs first, then the record, then the event,
 * then the note that it was sent, then the retry file. Run again at any point, it takes up what is missing. Whatever may take
 * longer than the run has is done by several, each of which goes on from the checkpoint of the one before.
 */
export async function finalize(services: Services, step: BatchStep, context: StepContext): Promise<FinalizeAnswer> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  if (hasEnded(batch.status)) return settle(services, batch, context);
  if (batch.rounds.length === 0) return settle(services, await endWithoutResults(services, batch), context);
  const all = await Promise.all(batch.rounds.map((round) => services.records.listAllShards(batch.id, round.token)));
  const rounds = all.map((shards) => shards.filter(holdsLines));
  if (rounds.flat().some((shard) => shard.status !== 'collected')) return anotherRound;
  if (batch.recollection?.isOpen === false) {
    // Deleted since somebody asked for the collection: its owner wants no results.
    if (await isAnyGone(services, batch)) return settle(services, await endAsBefore(services, batch), context);
    await openReadingRound(services, batch, rounds.flat());
    return anotherRound;
  }
  const latest = collectedShards(services.objects, rounds.at(-1) ?? []);
  if (mayOpenRound(services, batch, latest))
    return (await openNextRound(services, batch, latest, context)) ? anotherRound : anotherRun;
  const finalizing = await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return beginFinalizing(current, unixSeconds(services));
  });
  if (lacksTable(finalizing)) {
    await makeTable(services, finalizing, rounds.flat(), context);
    return anotherRun;
  }
  const checkpoint = (await readCheckpoint(services.objects, finalizing, mergeCheckpointSchema)) ?? emptyMerge;
  if (mayOutlast(finalizing, rounds.flat(), checkpoint, context)) {
    await mergeFurther(services, finalizing, rounds.flat(), checkpoint, context);
    return anotherRun;
  }
  const ended = await endWithResults(services, finalizing, all.flat(), checkpoint, context);
  return ended ? settle(services, ended, context) : anotherRun;
}

/** Whether what is not merged yet may take longer than the run has. */
function mayOutlast(
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  checkpoint: MergeCheckpoint,
  context: StepContext,
): boolean {
  if (checkpoint.nextOrdinal >= batch.counts.total) return false;
  if (checkpoint.isTooMuch) return true;
  let bytes = 0;
  for (const { result } of shards) bytes += (result?.outputBytes ?? 0) + (result?.errorBytes ?? 0);
  for (const stretch of [...checkpoint.output, ...checkpoint.errors]) bytes -= stretch.bytes;
  return bytes > slowestBytesPerMs * (context.remainingMs() - stopEarlyMs);
}

/** Merges as far as the time allows. */
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
  const budget = new RunBudget(context);
  const mustStop = () => budget.mustStop();
  const further = await mergeStretch(services.objects, collected, batch.counts.total, keys, checkpoint, mustStop);
  await leaveCheckpoint(services, batch, token, further);
}

/** A batch that validation refused, a dry run, or one that was cancelled before anything was sent. */
async function endWithoutResults(services: Services, batch: BatchRecord): Promise<BatchRecord> {
  const closed = endBatch(batch, finalStatus(batch, false), unixSeconds(services), {});
  const receipt = receiptOf(services, closed, [], { output: null, errors: null });
  await writeSummary(services, closed, receipt);
  return commitEnd(services, batch, closed);
}

/** Nothing is read again: the batch is what it was. */
async function endAsBefore(services: Services, batch: BatchRecord): Promise<BatchRecord> {
  const retryFile = batch.errorFileId === null ? null : 'pending';
  return commitEnd(services, batch, endBatch(batch, finalStatus(batch, false), unixSeconds(services), { retryFile }));
}

/**
 * @param all shards of all rounds, those that were taken apart too.
 * @returns null where the time was too short: other runs merge in stretches.
 */
async function endWithResults(
  services: Services,
  batch: BatchRecord,
  all: readonly ShardRecord[],
  checkpoint: MergeCheckpoint,
  context: StepContext,
): Promise<BatchRecord | null> {
  const shards = all.filter(holdsLines);
  const collected = collectedShards(services.objects, shards);
  const keys = {
    output: resultKey(batch.id, 'output.jsonl'),
    errors: resultKey(batch.id, 'errors.jsonl'),
    places: resultKey(batch.id, 'index'),
  };
  const budget = new RunBudget(context);
  const mustStop = () => budget.mustStop();
  const merged = await mergeResults(services.objects, collected, batch.counts.total, keys, checkpoint, mustStop);
  if (!merged) {
    await leaveCheckpoint(services, batch, services.token(), { ...checkpoint, isTooMuch: true });
    return null;
  }
  const files: ResultFiles = { output: merged.output, errors: merged.errors };
  if (batch.recollection) await emptyOldFiles(services, batch, files);
  const noted = await addAnswerWarnings(services, batch, shards);
  const closed = endBatch(noted, finalStatus(noted, merged.expired > 0), unixSeconds(services), {
    ...invalidOutputsOf(shards),
    mergeCheckpoint: null,
    retryFile: merged.errors ? 'pending' : null,
    counts: { total: batch.counts.total, completed: merged.completed, failed: merged.failed },
    expiredCount: merged.expired,
    usage: usageOfShards(shards),
    cost: costOfShards(services, shards),
    outputFileId: await fileIdOf(services, batch, 'output.jsonl', merged.output, batch.outputFileId),
    errorFileId: await fileIdOf(services, batch, 'errors.jsonl', merged.errors, batch.errorFileId),
    firstFailure: await firstFailureOf(services, merged.errors),
  });
  await writeSummary(services, closed, receiptOf(services, closed, all, files));
  return commitEnd(services, noted, closed);
}

/** What failed before and is answered now must not stand in the files of an earlier end. */
async function emptyOldFiles(services: Services, batch: BatchRecord, { errors }: ResultFiles): Promise<void> {
  await services.objects.writer(resultKey(batch.id, 'retry.jsonl')).close();
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
  error: z.object({ code: z.string().nullish(), message: z.string().nullish(), line: z.number().int().nullish() }),
});

/** What stands first in the error file. */
async function firstFailureOf(services: Services, errors: WrittenObject | null): Promise<LineError | null> {
  if (!errors) return null;
  for await (const [line] of splitLines(services.objects.stream(errors))) {
    if (!line?.bytes) return null;
    const { custom_id, error } = errorLineSchema.parse(JSON.parse(line.bytes.toString('utf8')));
    const message = safeText(`${custom_id ?? 'A line without custom_id'}: ${error.message ?? ''}`);
    return { code: error.code ?? 'error', message, param: null, line: error.line ?? null };
  }
  return null;
}

/** @param earlier the file of the batch's earlier end, where its lost results were read again since. */
async function fileIdOf(
  services: Services,
  batch: BatchRecord,
  name: 'output.jsonl' | 'errors.jsonl',
  written: WrittenObject | null,
  earlier: string | null,
): Promise<string | null> {
  if (!written) return null;
  const id = fileIdFrom(sha256(`${batch.id}:${name}`));
  const { bucket, key, etag, bytes } = written;
  if (batch.recollection && earlier !== null) {
    const objects = [{ bucket, key, etag, bytes }];
    if (await services.records.findFile(id))
      await services.records.updateFile(id, (file) => ({ ...file, bytes, objects }));
    // It came to its end meanwhile, and does not come back: what was written goes with the next sweep.
    else await scheduleRemoval(services, id, unixSeconds(services) - graceSeconds, keysWithResult(key));
    return id;
  }
  const times = creationTimes(services);
  const lifetime = batch.options.output_expires_after?.seconds;
  const expiresAt = lifetime === undefined ? null : (batch.firstEndedAt ?? times.createdAt) + lifetime;
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

const summarySchema = z.looseObject({ batchdrop: z.looseObject({ receipt: z.looseObject({}) }) });

/** The retry file was not there yet when the summary was written. */
async function addToSummary(services: Services, batch: BatchRecord, retry: WrittenObject): Promise<void> {
  const key = resultKey(batch.id, 'batch.json');
  const stored = await services.objects.readText(key);
  if (!stored) return;
  const { batchdrop, ...object } = summarySchema.parse(JSON.parse(stored.text));
  await putSummary(services, key, {
    ...object,
    batchdrop: { ...batchdrop, receipt: { ...batchdrop.receipt, retry: fileOf(retry) } },
  });
}

async function putSummary(services: Services, key: string, summary: object): Promise<void> {
  await services.objects.putText(key, `${JSON.stringify(summary, null, 2)}\n`);
}

async function writeSummary(services: Services, batch: BatchRecord, receipt: object): Promise<void> {
  const { report, warningCount } = batch;
  const summary = {
    ...batchObject(batch),
    batchdrop: {
      tenant: batch.tenant,
      receipt,
      report,
      warning_count: warningCount,
      table: tableView(services, batch),
    },
  };
  await putSummary(services, resultKey(batch.id, 'batch.json'), summary);
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

/** What is left to do for a batch that has ended. Its results wait for none of it. */
async function settle(services: Services, batch: BatchRecord, context: StepContext): Promise<FinalizeAnswer> {
  await announce(services, batch);
  if (batch.retryFile === 'pending') {
    if (!(await writeRetryFile(services, batch, context))) return anotherRun;
    await writeStatus(services, batch.id);
  }
  if (batch.retryFile !== null) await setRetryFile(services, batch, 'written', null);
  return batchEnded;
}

/**
 * Writes the retry file, or a piece of it.
 *
 * @returns false where another run is needed.
 */
async function writeRetryFile(services: Services, batch: BatchRecord, context: StepContext): Promise<boolean> {
  // It goes with the error file, so it must not come after that has gone.
  if (await isGone(services, batch.errorFileId)) {
    await setRetryFile(services, batch, 'pending', 'lost');
    return true;
  }
  const rounds = await Promise.all(batch.rounds.map((round) => services.records.listShards(batch.id, round.token)));
  const token = services.token();
  const checkpoint = (await readCheckpoint(services.objects, batch, retryCheckpointSchema)) ?? emptyRetry;
  try {
    const further = await writeRetryPiece(services, batch, rounds.flat(), token, checkpoint, new RunBudget(context));
    if (!further.isWhole) {
      await leaveCheckpoint(services, batch, token, further);
      return false;
    }
    await addToSummary(services, batch, await joinRetryPieces(services, batch, further));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const reason = safeText(messageOf(error));
    services.log.error('The retry file is given up: the requests are not kept any more.', {
      batchId: batch.id,
      reason,
    });
    await setRetryFile(services, batch, 'pending', 'lost');
    return true;
  }
  // Nothing follows a batch that no drop made; else the status file is to name it first.
  await setRetryFile(services, batch, 'pending', batch.inboxKey === null ? null : 'written');
  return true;
}

async function setRetryFile(
  services: Services,
  batch: BatchRecord,
  from: BatchRecord['retryFile'],
  to: BatchRecord['retryFile'],
): Promise<void> {
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return current.retryFile === from ? { ...current, retryFile: to, mergeCheckpoint: null } : current;
  });
}

/** Keeps what was used, and tells whoever waits for the batch's end, as often as it takes: the event bus, then the task of a state machine. */
async function announce(services: Services, batch: BatchRecord): Promise<void> {
  await writeStatus(services, batch.id);
  const { status, eventSentAtMs } = batch;
  if (!hasEnded(status)) return;
  const after = eventSentAtMs === null ? await sendEvent(services, batch, status) : batch;
  await answerTask(services, after, eventOf(services, after));
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
  const invalidOutputs = invalidOutputCount(batch);
  return {
    version: '1',
    id: `${batch.id}:${batch.status}${batch.recollection ? `:${batch.rounds.length}` : ''}`,
    batch: batchObject(batch),
    tenant: batch.tenant,
    input_uri: input ? `s3://${input.bucket}/${input.key}` : '',
    output_uri: batch.outputFileId === null ? null : uri('output.jsonl'),
    error_uri: batch.errorFileId === null ? null : uri('errors.jsonl'),
    ...(batch.resultTable && { table_uri: tableUri(services, batch), table_error: batch.resultTable.error }),
    ...(invalidOutputs !== null && { invalid_outputs: invalidOutputs }),
  };
}
