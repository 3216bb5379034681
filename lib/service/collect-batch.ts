import { goneFiles, isTableGone } from '../pipeline/gone-files.ts';
import { resumeBatch } from '../pipeline/intake/new-batch.ts';
import type { Services } from '../pipeline/services.ts';
import { type BatchRecord, beginRecollection } from '../records/batch.ts';
import { ConflictError, messageOf, safeText } from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { settledAt, workKeptUntil } from '../records/retention.ts';
import { lostRequests } from '../records/shard.ts';

/** Rounds of a batch, readings included: one byte a line says which counts. */
const maxRounds = 200;

/**
 * Reads the providers' results of an ended batch again, for the requests whose answers are lost. Nothing is sent: the batch
 * goes back to `finalizing`, and ends as before with the answers that were found in the place of their errors.
 *
 * @throws ConflictError for a batch that runs, that lost nothing, or whose work is not kept any more.
 */
export async function collectBatch(services: Services, batch: BatchRecord): Promise<BatchRecord> {
  if (!hasEnded(batch.status)) {
    if (batch.recollection && batch.status === 'finalizing') return batch;
    throw new ConflictError(`Cannot collect a batch with status '${batch.status}': its results are still to come.`);
  }
  await assertCollectable(services, batch);
  const nowSeconds = Math.floor(services.now() / 1_000);
  const keepsTable = await isTableGone(services, batch);
  const reopened = await services.records.updateBatch(batch.id, (current) =>
    beginRecollection(current, nowSeconds, keepsTable),
  );
  await resumeBatch(services, reopened).catch((error: unknown) => {
    const text = safeText(messageOf(error));
    services.log.warn('A batch was not started; the sweep will.', { batchId: batch.id, error: text });
  });
  return reopened;
}

async function assertCollectable(services: Services, batch: BatchRecord): Promise<void> {
  const rounds = await Promise.all(batch.rounds.map(({ token }) => services.records.listShards(batch.id, token)));
  const shards = rounds.flat();
  if (lostRequests(shards) === 0) throw new ConflictError(`Batch '${batch.id}' has no lost results.`);
  if (batch.rounds.length >= maxRounds) throw new ConflictError(`Batch '${batch.id}' was collected too often.`);
  const gone = Object.entries(await goneFiles(services, batch)).flatMap(([file, isGone]) => (isGone ? file : []));
  if (gone.length > 0)
    throw new ConflictError(
      `Of batch '${batch.id}' these files are deleted: ${gone.join(', ')}. Its results cannot be merged again.`,
    );
  const ended = settledAt(batch);
  const [first] = shards.flatMap(({ result }) => result ?? []);
  if (
    (ended !== null && services.now() >= workKeptUntil(ended, services.config.workKeepDays) * 1_000) ||
    (first && !(await services.objects.head(first.indexKey)))
  )
    throw new ConflictError(
      `The work of batch '${batch.id}' is not kept any more, so its results cannot be merged again.`,
    );
}
