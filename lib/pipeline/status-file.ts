import { z } from 'zod';
import { type BatchRecord, hasLineErrors, type Report, shownWaiting } from '../records/batch.ts';
import { type InvalidInputError, TransientError } from '../records/errors.ts';
import { resultKey, statusKey } from '../records/object-keys.ts';
import type { LineError } from '../records/openai-batch.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { shownOptions } from '../records/options.ts';
import { sidecarWarning, withoutQuotes } from './drop-options.ts';
import { isGone } from './gone-files.ts';
import type { Services } from './services.ts';
import { invalidOutputCount, tableUri } from './table-view.ts';

const maxTries = 6;

/**
 * Writes `status/<inbox key>.json` from the batch's record. The file's ETag is read before the record and the write is
 * conditional on it, so a late writer cannot put an older state over a newer one.
 */
export async function writeStatus(services: Services, batchId: string): Promise<void> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const seen = await services.records.getBatch(batchId);
    if (seen.inboxKey === null) return;
    const key = statusKey(seen.inboxKey);
    const standing = await services.objects.readText(key);
    const batch = await services.records.getBatch(batchId);
    if (standing && isLater(orderIn(standing.text), batch)) return;
    const text = describe(services, batch, await standingResults(services, batch));
    if (await services.objects.putTextIf(key, text, standing?.etag ?? null)) return;
  }
  throw new TransientError(`The status file of ${batchId} was changed by others ${maxTries} times in a row.`);
}

/** The place of a drop among those of its key. */
interface DropOrder {
  sequencer: string | null;
  lastModified: number | null;
}

/**
 * The same key may be dropped again: the status file follows the last drop, as S3 orders them by their events. A drop without
 * an event is what stood there when the sweep looked, so its time tells.
 */
function isLater(one: DropOrder, other: DropOrder): boolean {
  if (one.sequencer !== null && other.sequencer !== null) {
    const width = Math.max(one.sequencer.length, other.sequencer.length);
    return one.sequencer.padStart(width, '0') > other.sequencer.padStart(width, '0');
  }
  return one.lastModified !== null && other.lastModified !== null && one.lastModified > other.lastModified;
}

const standingSchema = z.object({
  status: z.string().nullish(),
  sequencer: z.string().nullish(),
  last_modified: z.number().nullish(),
});

function orderIn(text: string): DropOrder {
  const { sequencer = null, last_modified: lastModified = null } = standingSchema.safeParse(parseJson(text)).data ?? {};
  return { sequencer, lastModified };
}

/** @returns null for a text that is no JSON, such as a status file that somebody else has written. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface StandingResults {
  hasOutput: boolean;
  hasErrors: boolean;
}

async function standingResults(
  services: Services,
  { outputFileId, errorFileId }: BatchRecord,
): Promise<StandingResults> {
  return {
    hasOutput: outputFileId !== null && !(await isGone(services, outputFileId)),
    hasErrors: errorFileId !== null && !(await isGone(services, errorFileId)),
  };
}

/** Names a file only where it is. */
function describe(services: Services, batch: BatchRecord, { hasOutput, hasErrors }: StandingResults): string {
  const uri = (name: Parameters<typeof resultKey>[1]) => `s3://${services.objects.bucket}/${resultKey(batch.id, name)}`;
  const [input] = batch.input;
  return toJson({
    batch_id: batch.id,
    status: batch.status,
    tenant: batch.tenant,
    endpoint: batch.endpoint,
    model: batch.model,
    dry_run: batch.options.dry_run ?? false,
    input: input ? `s3://${input.bucket}/${input.key}` : null,
    etag: input ? withoutQuotes(input.etag) : null,
    sequencer: batch.sequencer,
    last_modified: batch.lastModified,
    created_at: batch.createdAt,
    updated_at: Math.floor(services.now() / 1_000),
    deadline_at: batch.deadlineAt,
    options: shownOptions(batch.options),
    ignored_metadata: batch.ignoredMetadata ?? [],
    waiting: shownWaiting(batch),
    request_counts: batch.counts,
    cost: batch.cost,
    estimate: batch.report && estimateOf(batch.report),
    output: hasOutput ? uri('output.jsonl') : null,
    errors: hasErrors ? uri('errors.jsonl') : null,
    retry: hasErrors && hasRetryFile(batch) ? uri('retry.jsonl') : null,
    validation: hasLineErrors(batch) ? uri('validation.jsonl') : null,
    warnings: batch.warningCount > 0 ? uri('warnings.jsonl') : null,
    warning_count: batch.warningCount,
    routing_notes: batch.report?.routingNotes ?? [],
    sidecar_warning: sidecarWarning(batch),
    table: tableUri(services, batch),
    table_error: batch.resultTable?.error ?? null,
    invalid_outputs: invalidOutputCount(batch),
    unchecked: batch.resultTable?.unchecked ?? null,
    summary: hasEnded(batch.status) ? uri('batch.json') : null,
    error_count: batch.errorCount,
    first_error: batch.errors[0] ?? batch.firstFailure,
    errors_sample: batch.errors.slice(0, 10),
  });
}

/** What validation counted before anything was sent. */
function estimateOf(report: Report) {
  return {
    requests: report.lines,
    invalid_requests: report.invalidLines,
    input_tokens: report.estimatedInputTokens,
    output_tokens: report.estimatedOutputTokens,
    is_output_bound: report.isOutputBound,
    cost: report.estimatedCost,
    assumptions: report.assumptions,
  };
}

/** It follows the batch's end. */
function hasRetryFile({ retryFile }: BatchRecord): boolean {
  return retryFile !== 'pending' && retryFile !== 'lost';
}

/** Of a table that waits for its template. */
export const waitingStatus = 'waiting';

/** The status of a table that waits for its template. */
export async function writeWaiting(
  services: Services,
  drop: RefusedDrop,
  { code, message, param }: InvalidInputError,
): Promise<void> {
  await writeWithoutBatch(services, drop, waitingStatus, { code, message, param, line: null });
}

/** The status of a drop that never became a batch. It takes the place of one that is known to be of an earlier drop, of one that waits, and of no other. */
export async function writeRefusal(services: Services, refused: RefusedDrop, error: LineError): Promise<void> {
  await writeWithoutBatch(services, refused, 'refused', error);
}

async function writeWithoutBatch(
  services: Services,
  refused: RefusedDrop,
  status: 'refused' | typeof waitingStatus,
  error: LineError,
): Promise<void> {
  const key = statusKey(refused.key);
  const text = describeRefusal(services, refused, status, error);
  for (let tries = 0; tries < maxTries; tries += 1) {
    const standing = await services.objects.readText(key);
    if (standing && stands(standing.text, refused, status)) return;
    if (await services.objects.putTextIf(key, text, standing?.etag ?? null)) return;
  }
  throw new TransientError(`The status file ${key} was changed by others ${maxTries} times in a row.`);
}

/** Whether a status file tells of this drop or a later one, and more than it would be told now. */
function stands(text: string, refused: RefusedDrop, status: 'refused' | typeof waitingStatus): boolean {
  const order = orderIn(text);
  if (!isKnown(order) || isLater(refused, order)) return false;
  const waits = standingSchema.safeParse(parseJson(text)).data?.status === waitingStatus;
  return !waits || status === waitingStatus || isLater(order, refused);
}

/** A status file of somebody else's, or one that cannot be read, has no place. */
function isKnown({ sequencer, lastModified }: DropOrder): boolean {
  return sequencer !== null || lastModified !== null;
}

export interface RefusedDrop extends DropOrder {
  bucket: string;
  key: string;
  /** Null where the sweep found it and it was gone again. */
  etag: string | null;
  tenant: string;
}

function describeRefusal(services: Services, refused: RefusedDrop, status: string, error: LineError): string {
  const nowSeconds = Math.floor(services.now() / 1_000);
  return toJson({
    batch_id: null,
    status,
    tenant: refused.tenant,
    input: `s3://${refused.bucket}/${refused.key}`,
    etag: refused.etag && withoutQuotes(refused.etag),
    sequencer: refused.sequencer,
    last_modified: refused.lastModified,
    created_at: nowSeconds,
    updated_at: nowSeconds,
    request_counts: { total: 0, completed: 0, failed: 0 },
    output: null,
    errors: null,
    retry: null,
    summary: null,
    error_count: 1,
    first_error: error,
    errors_sample: [error],
  });
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
