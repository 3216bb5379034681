import { assertEpoch, type BatchRecord, withTask } from '../../records/batch.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { totalBytes } from '../../records/file.ts';
import { type BatchOptions, deadlineHours } from '../../records/options.ts';
import { findSidecar, optionsOfDrop, type Sidecar, withoutQuotes } from '../drop-options.ts';
import { assertAnswerable, assertWithinMaxima } from '../maxima.ts';
import type { Services } from '../services.ts';

/**
 * Looks once more for the sidecar of a drop, which most tools upload after the file. One that is new, or another than the one whose
 * options the batch has, gives the batch its options.
 *
 * @returns the batch with these options, where nothing was validated yet; else the batch as it is.
 * @throws InvalidInputError for options that cannot be taken.
 */
export async function withLateSidecar(services: Services, batch: BatchRecord): Promise<BatchRecord> {
  const [input] = batch.input;
  if (batch.inboxKey === null || !input) return batch;
  const sidecar = await findSidecar(services, { bucket: input.bucket, key: batch.inboxKey });
  if (!sidecar || withoutQuotes(sidecar.etag) === batch.sidecarEtag) return batch;
  const head = await services.objects.head(input.key, input.bucket);
  // An object that was overwritten is a drop of its own, and its sidecar is not this batch's.
  if (head?.etag !== input.etag) return batch;
  const { options, taskToken } = optionsOfDrop(services, head, sidecar);
  assertSameKey(batch, options, sidecar);
  assertAnswerable(services.config, taskToken);
  assertWithinMaxima(services.config, options, totalBytes(batch.input));
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    if (current.status !== 'validating' || current.verdict !== null) return current;
    return {
      ...(taskToken === null ? current : withTask(current, taskToken)),
      options,
      sidecarEtag: withoutQuotes(sidecar.etag),
      endpoint: options.endpoint ?? null,
      deadlineAt: current.createdAt + Math.ceil(deadlineHours(options) * 3_600),
      checkpoint: null,
    };
  });
}

/** The batch's id comes of it. */
function assertSameKey(
  { options: known }: BatchRecord,
  { idempotency_key: key }: BatchOptions,
  sidecar: Sidecar,
): void {
  if (key === undefined || key === known.idempotency_key) return;
  throw new InvalidInputError(
    'invalid_option',
    `${sidecar.key} came after the drop, too late for its idempotency_key. Drop the file again, its sidecar first.`,
    { param: 'idempotency_key' },
  );
}
