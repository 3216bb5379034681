import { z } from 'zod';
import { endpoints } from './endpoints.ts';
import { ConflictError, StaleEpochError } from './errors.ts';
import { inboxPrefix } from './object-keys.ts';
import { batchStatuses, emptyBatch, hasEnded, lineErrorSchema, type TerminalStatus } from './openai-batch.ts';
import { batchOptionsSchema } from './options.ts';
import { stepFailuresSchema } from './step-failures.ts';
import { outputFormats, tableKinds } from './table-kind.ts';
import { usageSchema } from './usage.ts';

const seconds = z.number().int();

/** Names of metadata kept in the record, each of at most 64 characters. */
export const maxIgnoredNames = 20;

/** Errors kept in the record; all of them stand in `validation.jsonl`. */
export const maxStoredErrors = 100;

export const s3ObjectSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  /** Quoted, as S3 gives it; reads are pinned to it. */
  etag: z.string(),
  bytes: z.number().int().nonnegative(),
  /** Set where the object is a list of parts (`partListSchema`) that are read as one; `bytes` is then their sum. */
  isPartList: z.boolean().optional(),
});

export type S3Object = z.infer<typeof s3ObjectSchema>;

export const costSchema = z.object({
  /** US dollars for what was answered, each request at the price of the way that it went; null where a price is unknown. */
  usd: z.number().nullable(),
  /** Models whose price is unknown. */
  unpriced: z.array(z.string()),
  /** Which prices these are: those of batches, of single calls, or some of each. Absent where nothing was sent, and in older records. */
  prices: z.enum(['batch', 'single', 'mixed']).optional(),
  /** Accounts that are simulated: nobody is billed for their part of it. Absent where there are none. */
  simulated: z.array(z.string()).optional(),
  /** Requests whose result is lost: they may have been paid for, and are not in `usd`. Absent where there are none. */
  lost: z.number().int().optional(),
});

export type Cost = z.infer<typeof costSchema>;

/** A record holds at most 400 KB: an input of thousands of models is reported in part. */
export const maxReportedGroups = 200;

/** A name may be long, and warnings.jsonl has all of them. */
export const maxReportedNotes = 10;

/** What a dry run and every validation can say before anything is sent. */
export const reportSchema = z.object({
  lines: z.number().int(),
  invalidLines: z.number().int(),
  warnings: z.number().int(),
  /** By provider, model and endpoint, at most `maxReportedGroups`. */
  shards: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      endpoint: z.enum(endpoints),
      shards: z.number().int(),
      requests: z.number().int(),
      bytes: z.number().int(),
    }),
  ),
  /** Estimated from the requests as they are sent: four bytes are a token of text, pictures count by their model's rule. */
  estimatedInputTokens: z.number().int(),
  /** The most that can be written where `isOutputBound`, and else an estimate. */
  estimatedOutputTokens: z.number().int(),
  estimatedCost: costSchema,
  isOutputBound: z.boolean().default(false),
  /** Whole sentences: what was counted of requests without a limit of their own, and what was not. */
  assumptions: z.array(z.string()).default([]),
  /** Sentences about models that went to an account which their name does not suggest, at most `maxReportedNotes`. */
  routingNotes: z.array(z.string()).default([]),
});

export type Report = z.infer<typeof reportSchema>;

const roundSchema = z.object({
  token: z.string(),
  shards: z.number().int(),
  /** Requests that earlier rounds answered or failed for good: the counts of this round come on top. */
  settled: z.object({ completed: z.number().int(), failed: z.number().int() }),
});

export type Round = z.infer<typeof roundSchema>;

/** A table that the batch's requests are made of. */
const tableInputSchema = z.object({
  kind: z.enum(tableKinds),
  /** The work object that holds the template, and the SHA-256 of its text in hex. */
  template: z.object({ key: z.string(), sha256: z.string() }),
  /** The work object that describes the columns, and those that keep the rows in their order; null until Prepare has read them. */
  rows: z
    .object({ columnsKey: z.string(), parts: z.array(z.object({ key: z.string(), bytes: z.number().int() })) })
    .nullable(),
});

export type TableInput = z.infer<typeof tableInputSchema>;

/** The results table of a batch, in parts. */
const resultTableSchema = z.object({
  format: z.enum(outputFormats),
  rows: z.number().int(),
  /** `part-00000` and so on, in their order. */
  parts: z.array(z.object({ fileId: z.string(), bytes: z.number().int(), rows: z.number().int() })),
  /** Why it could not be made; there are no parts then. */
  error: z.string().nullable(),
  /** Answers that cannot be used as what the template asked for; null where nothing was held against a schema. */
  invalidOutputs: z.number().int().nullable().default(null),
  /** Why the template's schema was not checked. */
  unchecked: z.string().nullable().default(null),
});

export type ResultTable = z.infer<typeof resultTableSchema>;

/** A task in somebody's state machine that waits for the batch's end. */
const taskSchema = z.object({
  /** Opens that task's answer to whoever has it: never shown, never logged. */
  token: z.string(),
  /** Unix milliseconds. */
  answeredAtMs: z.number().int().nullable(),
});

/** Why a batch that runs makes no progress. */
const waitingSchema = z.object({
  /** In the words of a provider, or ours. */
  reason: z.string(),
  /** Unix milliseconds. */
  sinceMs: z.number().int(),
  /** How often it was tried in vain. */
  tries: z.number().int(),
  /** Unix milliseconds; null where the next look decides. */
  nextAtMs: z.number().int().nullable(),
  provider: z.string().nullable(),
});

export type Waiting = z.infer<typeof waitingSchema>;

/** A batch as DynamoDB holds it. Times are unix seconds unless the name says otherwise. */
export const batchRecordSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  /** Raised by every write; each write is conditional on the one it read. */
  version: z.number().int(),
  status: z.enum(batchStatuses),
  /** Which execution may write; the sweep and `continue` raise it. */
  epoch: z.number().int(),
  endpoint: z.enum(endpoints).nullable(),
  /** The model, where all lines have the same. */
  model: z.string().nullable(),
  options: batchOptionsSchema,
  /** Digest of what the batch was created from, to tell a repeated creation from a conflicting one. */
  parametersHash: z.string(),
  /** Of a creation that a client may repeat by itself: the name of its claim, and the identity that the claim holds. */
  creation: z.object({ claim: z.string(), identity: z.string() }).optional(),
  /** Id of the API key that created it; absent for a drop. */
  apiKeyId: z.string().optional(),
  inputFileId: z.string(),
  /** Whether the requests came with the batch's creation: their file is the batch's own, and goes with it. */
  ownsInput: z.boolean().optional(),
  /** MD5 of the input, where its file says it. */
  inputMd5: z.string().optional(),
  input: z.array(s3ObjectSchema),
  /** What the file of requests is called. Absent for a drop, whose key says it, and in records of before this was kept. */
  inputName: z.string().optional(),
  /** Set where the input is a table. */
  table: tableInputSchema.nullable().default(null),
  /** The batch whose failed requests these are. */
  retryOf: z.string().nullable().default(null),
  /** Names in a dropped object's metadata that are no options, the first of them. */
  ignoredMetadata: z.array(z.string()).max(maxIgnoredNames).optional(),
  /** Set for a drop: the key under `inbox/` whose status file follows the batch. */
  inboxKey: z.string().nullable(),
  /** S3's own order of the drops of one key; null where the event of the drop was lost. */
  sequencer: z.string().nullable().default(null),
  /** When the dropped object was written. Absent from older records. */
  lastModified: seconds.nullable().default(null),
  /** Without quotes: of the sidecar whose options the batch has; null where there was none. */
  sidecarEtag: z.string().nullable().default(null),
  /** Of the last one that came since the batch was made. */
  latestSidecarEtag: z.string().nullable().default(null),
  createdAt: seconds,
  /** Unix milliseconds: the order of records made within one second. Absent where an earlier release made them. */
  createdAtMs: z.number().int().optional(),
  deadlineAt: seconds,
  inProgressAt: seconds.nullable(),
  finalizingAt: seconds.nullable(),
  completedAt: seconds.nullable(),
  failedAt: seconds.nullable(),
  expiredAt: seconds.nullable(),
  cancellingAt: seconds.nullable(),
  cancelledAt: seconds.nullable(),
  /** Why validation refused the batch or ended a dry run; Finalize turns it into the status. */
  verdict: z.enum(['accepted', 'failed', 'dry_run']).nullable(),
  errors: z.array(lineErrorSchema).max(maxStoredErrors),
  errorCount: z.number().int(),
  /** The first line of the error file, for a person who looks at the status. */
  firstFailure: z.nullable(lineErrorSchema).default(null),
  warningCount: z.number().int(),
  /** What stood in `warnings.jsonl` before the check of the answers added to it; absent where that added nothing. */
  warningsBefore: z.object({ count: z.number().int(), bytes: z.number().int() }).optional(),
  /** Answers that cannot be used as what their schemas ask for; absent where none was held against a schema. A table counts its own. */
  invalidOutputs: z.number().int().optional(),
  /**
   * The shards of each round so far. The token is their writer's and part of their keys: shards that no token here
   * names were written by a run that lost, and are never read.
   */
  rounds: z.array(roundSchema),
  counts: z.object({ total: z.number().int(), completed: z.number().int(), failed: z.number().int() }),
  usage: z.nullable(usageSchema),
  cost: costSchema.nullable(),
  report: reportSchema.nullable(),
  /** The run of Prepare from whose checkpoint the next one goes on. */
  checkpoint: z.string().nullable().default(null),
  /**
   * How far Poll is with its looks at the providers, where one run does not get through all shards, or where the next turn follows
   * at once: from which shard on, and not before when. Null where every turn looks at all of them.
   */
  looks: z.object({ fromShard: z.number().int(), notBeforeMs: z.number().int() }).nullable().default(null),
  /** Set while it waits for something. */
  waiting: waitingSchema.nullable().default(null),
  /** Of a step of the whole batch. */
  failures: stepFailuresSchema.nullable().default(null),
  /** The run of Finalize from whose checkpoint the next one goes on, whatever it does. */
  mergeCheckpoint: z.string().nullable().default(null),
  /**
   * What is left to do for the retry file, which follows the batch's end: to write it, or to name it in the status file. Null
   * where nothing is left; `lost` where the requests were not kept long enough.
   */
  retryFile: z.enum(['pending', 'written', 'lost']).nullable().default(null),
  /** Set once somebody asked for lost results to be read again after the batch had ended. */
  recollection: z
    .object({
      /** The status that the batch had, and gets back. */
      endedAs: z.enum(['failed', 'completed', 'expired', 'cancelled']),
      requestedAt: seconds,
      /** Whether the shards that are read again stand in the last round. */
      isOpen: z.boolean(),
    })
    .nullable()
    .default(null),
  /** How many requests ran out of time before they were executed; absent until the batch has ended, and in older records. */
  expiredCount: z.number().int().optional(),
  /** When its owner deleted it as a message batch. Unix seconds. */
  deletedAt: seconds.optional(),
  /** When the batch ended for the first time, where lost results were read again after that. */
  firstEndedAt: seconds.optional(),
  /** How often a run has begun to make the results table and not come further: one that never comes further is given up. */
  tableTries: z.number().int().default(0),
  /** Why the last of these runs failed. */
  tableFailure: z.string().nullable().default(null),
  /** Null where none is asked for, and until it is made. */
  resultTable: resultTableSchema.nullable().default(null),
  outputFileId: z.string().nullable(),
  errorFileId: z.string().nullable(),
  /** Unix milliseconds. */
  eventSentAtMs: z.number().int().nullable(),
  task: taskSchema.nullable().default(null),
});

export type BatchRecord = z.infer<typeof batchRecordSchema>;

/** Why a batch waits, for whoever asks; null where it does not, or has ended. */
export function shownWaiting({ status, waiting }: BatchRecord) {
  if (waiting === null || hasEnded(status)) return null;
  const seconds = (milliseconds: number) => Math.floor(milliseconds / 1_000);
  const { reason, sinceMs, tries, nextAtMs, provider } = waiting;
  return { reason, since: seconds(sinceMs), tries, next_at: nextAtMs === null ? null : seconds(nextAtMs), provider };
}

/** What people find a batch by beside its id: the name of its file, for a drop with its folder in the inbox. */
export function nameOf({ inboxKey, inputName }: Pick<BatchRecord, 'inboxKey' | 'inputName'>): string | null {
  return inboxKey === null ? (inputName ?? null) : inboxKey.slice(inboxPrefix.length);
}

/** @throws StaleEpochError where a later execution has taken over. */
export function assertEpoch(batch: BatchRecord, epoch: number): void {
  if (batch.epoch !== epoch) throw new StaleEpochError(batch.id, epoch, batch.epoch);
}

/** Validation is over and round 0 is open: `validating -> in_progress`, unless the batch was cancelled meanwhile. */
export function beginProgress(batch: BatchRecord, nowSeconds: number, change: Partial<BatchRecord>): BatchRecord {
  if (batch.status !== 'validating') return batch;
  return { ...batch, ...change, status: 'in_progress', verdict: 'accepted', inProgressAt: nowSeconds };
}

/** Validation ended the batch; Finalize writes its files and then its status. */
export function closeAtValidation(
  batch: BatchRecord,
  verdict: 'failed' | 'dry_run',
  change: Partial<BatchRecord>,
): BatchRecord {
  if (batch.status !== 'validating' || batch.verdict !== null) return batch;
  return { ...batch, ...change, verdict };
}

export function beginFinalizing(batch: BatchRecord, nowSeconds: number): BatchRecord {
  if (batch.status !== 'in_progress') return batch;
  return { ...batch, status: 'finalizing', finalizingAt: nowSeconds };
}

/** Opens the next round by one write: its shards stand already. */
export function openRound(batch: BatchRecord, round: number, opening: Round): BatchRecord {
  if (batch.rounds.length !== round || hasEnded(batch.status) || batch.status === 'cancelling') return batch;
  return { ...batch, looks: null, mergeCheckpoint: null, rounds: [...batch.rounds, opening] };
}

/**
 * @throws ConflictError for a batch that has already ended otherwise. Cancelling twice is allowed, as at OpenAI.
 */
export function beginCancelling(batch: BatchRecord, nowSeconds: number): BatchRecord {
  switch (batch.status) {
    case 'validating':
    case 'in_progress':
    case 'finalizing':
      return { ...batch, status: 'cancelling', cancellingAt: nowSeconds };
    case 'cancelling':
    case 'cancelled':
      return batch;
    case 'completed':
    case 'failed':
    case 'expired':
      throw new ConflictError(`Cannot cancel a batch with status '${batch.status}'.`);
  }
}

/**
 * The batch's lost results are read again: it goes back to `finalizing`, and nothing is sent.
 *
 * @param keepsTable whether the results table stays as it is, and is not made again.
 */
export function beginRecollection(batch: BatchRecord, nowSeconds: number, keepsTable = false): BatchRecord {
  switch (batch.status) {
    case 'validating':
    case 'in_progress':
    case 'finalizing':
    case 'cancelling':
      return batch;
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return {
        ...batch,
        status: 'finalizing',
        epoch: batch.epoch + 1,
        mergeCheckpoint: null,
        retryFile: null,
        tableTries: 0,
        tableFailure: null,
        resultTable: keepsTable ? batch.resultTable : null,
        eventSentAtMs: null,
        firstEndedAt: batch.firstEndedAt ?? endedAt(batch) ?? undefined,
        recollection: { endedAs: batch.status, requestedAt: nowSeconds, isOpen: false },
      };
  }
}

/** Whether the batch has ended, and everybody who waits for that was told. */
export function isAnnounced({ status, eventSentAtMs, task }: BatchRecord): boolean {
  return hasEnded(status) && eventSentAtMs !== null && task?.answeredAtMs !== null;
}

/**
 * Another task waits for the batch: a state machine that tries its state again has a new token. Of a batch whose end was told
 * already, a new execution tells the new task.
 */
export function withTask(batch: BatchRecord, token: string): BatchRecord {
  if (batch.task?.token === token) return batch;
  return { ...batch, task: { token, answeredAtMs: null }, epoch: batch.epoch + (isAnnounced(batch) ? 1 : 0) };
}

/** When an execution that has not ended the batch is late. */
export function dueAt({ deadlineAt, recollection }: BatchRecord): number {
  return recollection ? Math.max(deadlineAt, recollection.requestedAt) : deadlineAt;
}

/** Whether nothing is left to do for a batch: its end was told, and its retry file stands. */
export function isSettled(batch: BatchRecord): boolean {
  return isAnnounced(batch) && batch.retryFile !== 'pending' && batch.retryFile !== 'written';
}

const timeOfStatus = {
  failed: 'failedAt',
  completed: 'completedAt',
  expired: 'expiredAt',
  cancelled: 'cancelledAt',
} as const satisfies Record<TerminalStatus, keyof BatchRecord>;

/** Unix seconds; null for a batch that has not ended. */
export function endedAt(batch: BatchRecord): number | null {
  return hasEnded(batch.status) ? batch[timeOfStatus[batch.status]] : null;
}

/** The last move. A batch that has ended stays as it is. */
export function endBatch(
  batch: BatchRecord,
  status: TerminalStatus,
  nowSeconds: number,
  change: Partial<BatchRecord>,
): BatchRecord {
  if (hasEnded(batch.status)) return batch;
  return { ...batch, ...change, status, [timeOfStatus[status]]: nowSeconds };
}

/** The status with which a batch whose work is done ends. */
export function finalStatus(batch: BatchRecord, someExpired: boolean): TerminalStatus {
  if (batch.recollection) return batch.recollection.endedAs;
  if (batch.verdict === 'failed') return 'failed';
  if (batch.status === 'cancelling') return 'cancelled';
  return someExpired ? 'expired' : 'completed';
}

/** Keeps the first hundred errors, cut to size by whoever made them. */
export function withErrors(
  batch: BatchRecord,
  errors: BatchRecord['errors'],
  total = errors.length,
): Pick<BatchRecord, 'errors' | 'errorCount'> {
  return {
    errors: [...batch.errors, ...errors].slice(0, maxStoredErrors),
    errorCount: batch.errorCount + total,
  };
}

/** Whether there is a `validation.jsonl`: it holds the errors of lines, and not why a whole batch was refused. */
export function hasLineErrors({ errors }: BatchRecord): boolean {
  return errors.some(({ line }) => line !== null);
}

/** A batch of a deployment as OpenAI's object. */
export function batchObject(batch: BatchRecord) {
  return {
    ...emptyBatch(batch.id),
    endpoint: batch.endpoint ?? '', // a drop's, until its first line is read: official clients have it as a string
    model: batch.model,
    errors: batch.errors.length > 0 ? { object: 'list' as const, data: batch.errors } : null,
    input_file_id: batch.inputFileId,
    status: batch.status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: batch.createdAt,
    in_progress_at: batch.inProgressAt,
    expires_at: batch.deadlineAt,
    finalizing_at: batch.finalizingAt,
    completed_at: batch.completedAt,
    failed_at: batch.failedAt,
    expired_at: batch.expiredAt,
    cancelling_at: batch.cancellingAt,
    cancelled_at: batch.cancelledAt,
    request_counts: batch.counts,
    usage: batch.usage,
    metadata: batch.options.metadata ?? null,
  };
}
