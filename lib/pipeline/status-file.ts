import { z } from 'zod';
import type { BatchRecord } from '../records/batch.ts';
import { TransientError } from '../records/errors.ts';
import { resultKey, statusKey } from '../records/object-keys.ts';
import type { LineError } from '../records/openai-batch.ts';
import { hasEnded } from '../records/openai-batch.ts';
import type { Services } from './services.ts';

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
    if (standing && isOfLaterDrop(standing.text, batch.sequencer)) return;
    if (await services.objects.putTextIf(key, describe(services, batch), standing?.etag ?? null)) return;
  }
  throw new TransientError(`The status file of ${batchId} was changed by others ${maxTries} times in a row.`);
}

/** The same key may be dropped again: the status file follows the last drop, as S3 orders them. */
function isOfLaterDrop(text: string, sequencer: string | null): boolean {
  const standing = standingSchema.safeParse(parseJson(text)).data?.sequencer;
  if (!standing || sequencer === null) return false;
  const width = Math.max(standing.length, sequencer.length);
  return standing.padStart(width, '0') > sequencer.padStart(width, '0');
}

const standingSchema = z.object({ sequencer: z.string() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function describe(services: Services, batch: BatchRecord): string {
  const uri = (name: Parameters<typeof resultKey>[1]) => `s3://${services.objects.bucket}/${resultKey(batch.id, name)}`;
  const [input] = batch.input;
  return toJson({
    batch_id: batch.id,
    status: batch.status,
    tenant: batch.tenant,
    input: input ? `s3://${input.bucket}/${input.key}` : null,
    sequencer: batch.sequencer,
    created_at: batch.createdAt,
    updated_at: Math.floor(services.now() / 1_000),
    deadline_at: batch.deadlineAt,
    request_counts: batch.counts,
    output: batch.outputFileId === null ? null : uri('output.jsonl'),
    errors: batch.errorFileId === null ? null : uri('errors.jsonl'),
    retry: batch.errorFileId === null ? null : uri('retry.jsonl'),
    validation: batch.errorCount > 0 ? uri('validation.jsonl') : null,
    warnings: batch.warningCount > 0 ? uri('warnings.jsonl') : null,
    warning_count: batch.warningCount,
    summary: hasEnded(batch.status) ? uri('batch.json') : null,
    error_count: batch.errorCount,
    first_error: batch.errors[0] ?? batch.firstFailure,
    errors_sample: batch.errors.slice(0, 10),
  });
}

/** The status of a drop that never became a batch. */
export async function writeRefusal(services: Services, refused: RefusedDrop, error: LineError): Promise<void> {
  const key = statusKey(refused.key);
  const text = describeRefusal(services, refused, error);
  for (let tries = 0; tries < maxTries; tries += 1) {
    const standing = await services.objects.readText(key);
    if (standing && isOfLaterDrop(standing.text, refused.sequencer)) return;
    if (await services.objects.putTextIf(key, text, standing?.etag ?? null)) return;
  }
  throw new TransientError(`The status file ${key} was changed by others ${maxTries} times in a row.`);
}

export interface RefusedDrop {
  bucket: string;
  key: string;
  tenant: string;
  sequencer: string;
}

function describeRefusal(services: Services, refused: RefusedDrop, error: LineError): string {
  const nowSeconds = Math.floor(services.now() / 1_000);
  return toJson({
    batch_id: null,
    status: 'refused',
    tenant: refused.tenant,
    input: `s3://${refused.bucket}/${refused.key}`,
    sequencer: refused.sequencer,
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
