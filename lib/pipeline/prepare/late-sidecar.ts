import { assertEpoch, type BatchRecord, withTask } from '../../records/batch.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { totalBytes } from '../../records/file.ts';
import type { JsonObject } from '../../records/json.ts';
import { type BatchOptions, deadlineHours } from '../../records/options.ts';
import type { ObjectHead } from '../../store/objects.ts';
import { findSidecar, isDropOf, optionsOfDrop, type Sidecar, withoutQuotes } from '../drop-options.ts';
import { assertAnswerable, assertWithinMaxima } from '../maxima.ts';
import type { Services } from '../services.ts';
import { assertTableOptions, frozenTable, kindOfInput } from '../table-input.ts';

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
  // After the sidecar: what was written over the drop before that is a drop of its own, and the sidecar is not this batch's.
  const head = await services.objects.head(input.key, input.bucket);
  if (!head || !isDropOf(batch, head)) return batch;
  const { options, taskToken, template } = optionsOfDrop(services, head, sidecar);
  assertSameKey(batch, options, sidecar);
  assertAnswerable(services.config, taskToken);
  assertWithinMaxima(services.config, options, totalBytes(batch.input));
  const table = template === null ? batch.table : await tableOf(services, batch, head, { options, template });
  assertTableOptions(services, options, table?.kind ?? null);
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    if (current.status !== 'validating' || current.verdict !== null) return current;
    return {
      ...(taskToken === null ? current : withTask(current, taskToken)),
      options,
      table,
      sidecarEtag: withoutQuotes(sidecar.etag),
      endpoint: options.endpoint ?? null,
      deadlineAt: current.createdAt + Math.ceil(deadlineHours(options) * 3_600),
      checkpoint: null,
    };
  });
}

/** A sidecar that names a template makes a table of the drop. */
async function tableOf(
  { objects }: Services,
  { id }: BatchRecord,
  head: ObjectHead,
  { options, template }: { options: BatchOptions; template: JsonObject },
): Promise<BatchRecord['table']> {
  const kind = await kindOfInput(head.key, true, () => objects.stream(head));
  return kind === 'requests' ? null : frozenTable(objects, id, { kind, template }, options);
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
