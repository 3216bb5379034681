import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { digest } from '../records/digest.ts';
import { ConflictError } from '../records/errors.ts';
import { batchIdFrom, fileIdFrom } from '../records/ids.ts';
import { resultKey } from '../records/object-keys.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { withoutTableOptions } from '../records/options.ts';
import { startOrLeaveToSweep } from './create-batch.ts';

/** The retry file follows the batch's end: at once, or within minutes for a very large batch. */
const retryFilePauseMs = 250;
/** Ten seconds in all, of the 29 that the API has. */
const retryFileLooks = 40;

/**
 * Sends a batch's failed requests again, as a batch of their own with the same options. Asked again it gives the same
 * batch, unless that one failed at validation, where nothing was sent: then a new one.
 *
 * @throws ConflictError for a batch that has not ended, that has nothing to send again, or whose retry file is not written yet.
 */
export async function retryBatch(services: Services, batch: BatchRecord, apiKeyId?: string): Promise<BatchRecord> {
  if (!hasEnded(batch.status)) throw new ConflictError(`Cannot retry a batch with status '${batch.status}'.`);
  await awaitRetryFile(services, batch);
  const retry = await services.objects.head(resultKey(batch.id, 'retry.jsonl'));
  if (!retry || retry.bytes === 0) throw new ConflictError(`Batch '${batch.id}' has no failed requests to retry.`);
  const { bucket, key, etag, bytes } = retry;
  const { idempotency_key: _used, ...given } = batch.options;
  // The retry file of a table holds the requests that were made of its rows.
  const options = batch.table ? withoutTableOptions(given) : given;
  return startOrLeaveToSweep(services, {
    tenant: batch.tenant,
    identity: await freeIdentity(services, batch),
    parametersHash: digest('retry', batch.id),
    options: { ...options, ...(batch.endpoint && { endpoint: batch.endpoint }) },
    input: {
      fileId: fileIdFrom(digest('file', batch.id, 'retry.jsonl')),
      filename: `${batch.id}_retry.jsonl`,
      objects: [{ bucket, key, etag, bytes }],
    },
    inboxKey: null,
    ...(apiKeyId !== undefined && { apiKeyId }),
    retryOf: batch.id,
    taskToken: null,
  });
}

async function awaitRetryFile(services: Services, batch: BatchRecord): Promise<void> {
  let { retryFile } = batch;
  for (let looks = 1; retryFile === 'pending'; looks += 1) {
    if (looks > retryFileLooks)
      throw new ConflictError(
        `The retry file of batch '${batch.id}' is still being written. Try again in a few minutes.`,
      );
    await sleep(retryFilePauseMs);
    ({ retryFile } = await services.records.getBatch(batch.id));
  }
  if (retryFile === 'lost')
    throw new ConflictError(
      `The requests of batch '${batch.id}' are not kept any more. Send them from your own input.`,
    );
}

/** @returns the first identity whose batch does not exist, or exists and was not refused. */
async function freeIdentity(services: Services, batch: BatchRecord): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const identity = digest('retry', batch.id, String(attempt));
    const standing = await services.records.findBatch(batchIdFrom(identity));
    if (standing?.status !== 'failed') return identity;
  }
}
