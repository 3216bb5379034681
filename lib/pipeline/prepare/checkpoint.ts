import { z } from 'zod';
import { CustomIds } from '../../lines/custom-ids.ts';
import { fileStart, type LinePosition } from '../../lines/jsonl.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { prepareWorkKey } from '../../records/object-keys.ts';
import type { Objects } from '../../store/objects.ts';
import { type Confirmation, confirmationSchema, linePositionSchema } from './confirm-doubled-ids.ts';
import { type InflatedInput, inflatedInputSchema } from './inflated-input.ts';
import { type ValidationState, validationStateSchema } from './input-sharding.ts';
import { type Md5State, md5StateSchema } from './running-md5.ts';
import { type TableState, tableStateSchema } from './table-state.ts';

const suspectSchema = z.object({ earlierLine: z.number().int(), laterLine: z.number().int() });
const checkpointSchema = z.object({
  position: linePositionSchema,
  suspects: z.array(suspectSchema),
  validation: validationStateSchema,
  md5: md5StateSchema.nullable().default(null),
  confirmation: confirmationSchema.nullable().default(null),
  table: tableStateSchema.nullable().default(null),
  inflated: inflatedInputSchema.nullable().default(null),
});

/** How far the runs of Prepare have come with one input. */
export interface PrepareCheckpoint {
  position: LinePosition;
  customIds: CustomIds;
  /** Null for a run that begins. */
  validation: ValidationState | null;
  /** Of the input so far, where its upload named one. */
  md5: Md5State | null;
  /** How far the lines were read again whose custom_ids seem to be doubled. */
  confirmation: Confirmation | null;
  /** What was read of a table; null for an input of requests. */
  table: TableState | null;
  /** What of a compressed input was inflated; null for any other, and before that. */
  inflated: InflatedInput | null;
}

/** Writes down, under the run's own token, what the next run needs. Nobody reads it before the batch names the token. */
export async function writeCheckpoint(
  objects: Objects,
  batchId: string,
  token: string,
  { customIds, ...rest }: PrepareCheckpoint,
): Promise<void> {
  const writer = objects.writer(prepareWorkKey(batchId, token, 'custom-ids'), {
    contentType: 'application/octet-stream',
  });
  for (const piece of customIds.pieces()) await writer.write(piece);
  await writer.close();
  const checkpoint = { ...rest, suspects: customIds.suspects };
  await objects.putText(prepareWorkKey(batchId, token, 'checkpoint.json'), JSON.stringify(checkpoint));
}

/** @returns where the batch's last run stopped, or the beginning. */
export async function readCheckpoint(
  objects: Objects,
  { id, checkpoint: token }: Pick<BatchRecord, 'id' | 'checkpoint'>,
): Promise<PrepareCheckpoint> {
  const stored = token === null ? null : await objects.readText(prepareWorkKey(id, token, 'checkpoint.json'));
  const checkpoint = checkpointSchema.safeParse(stored && JSON.parse(stored.text));
  // One that another release wrote may read otherwise: nothing was committed yet, so the input is read anew.
  if (token === null || !checkpoint.success)
    return {
      position: fileStart,
      customIds: new CustomIds(),
      validation: null,
      md5: null,
      confirmation: null,
      table: null,
      inflated: null,
    };
  const { suspects, ...rest } = checkpoint.data;
  const ids = objects.stream({ bucket: objects.bucket, key: prepareWorkKey(id, token, 'custom-ids') });
  return { ...rest, customIds: await CustomIds.restore(ids, suspects) };
}
