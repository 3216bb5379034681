import type { BatchRecord } from '../core/batch.ts';
import { isTerminal } from '../core/batch.ts';
import { TransientError } from '../core/errors.ts';
import { resultKey, statusKey } from '../core/keys.ts';
import type { LineError } from '../core/request-line.ts';
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
    if (standing && isOfNewerBatch(standing.text, batch)) return;
    if (await services.objects.putTextIf(key, describe(services, batch), standing?.etag ?? null)) return;
  }
  throw new TransientError(`The status file of ${batchId} was changed by others ${maxTries} times in a row.`);
}

/** The same key may be dropped again: the status file follows the batch of the last drop. */
function isOfNewerBatch(text: string, batch: BatchRecord): boolean {
  const standing = readStatus(text);
  if (!standing || standing.batch_id === batch.id) return false;
  return standing.created_at > batch.createdAt;
}

function readStatus(text: string): { batch_id: unknown; created_at: number } | null {
  try {
    const value: unknown = JSON.parse(text);
    const isStatus = typeof value === 'object' && value !== null && 'batch_id' in value && 'created_at' in value;
    return isStatus && typeof value.created_at === 'number'
      ? { batch_id: value.batch_id, created_at: value.created_at }
      : null;
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
    summary: isTerminal(batch.status) ? uri('batch.json') : null,
    error_count: batch.errorCount,
    first_error: batch.errors[0] ?? batch.firstFailure,
    errors_sample: batch.errors.slice(0, 10),
  });
}

/** The status of a drop that never became a batch. */
export async function writeRefusal(
  services: Services,
  drop: { bucket: string; key: string; tenant: string },
  error: LineError,
): Promise<void> {
  const nowSeconds = Math.floor(services.now() / 1_000);
  const refusal = {
    batch_id: null,
    status: 'refused',
    tenant: drop.tenant,
    input: `s3://${drop.bucket}/${drop.key}`,
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
  };
  await services.objects.putText(statusKey(drop.key), toJson(refusal));
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
