import { z } from 'zod';
import { assertEpoch, type BatchRecord, type ResultTable } from '../../records/batch.ts';
import { sha256 } from '../../records/digest.ts';
import { InvalidInputError, messageOf, NotFoundError, StaleEpochError, safeText } from '../../records/errors.ts';
import { fileIdFrom } from '../../records/ids.ts';
import { mergeWorkKey, resultTableKey } from '../../records/object-keys.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { OutputFormat } from '../../records/table-kind.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import { resultColumns } from '../../tables/result-columns.ts';
import type { SchemaCheck } from '../../tables/schema-check.ts';
import {
  CsvEncoder,
  contentTypes,
  JsonLinesEncoder,
  type TableEncoder,
  type TableForm,
} from '../../tables/table-encoder.ts';
import { graceSeconds, scheduleRemoval } from '../removal-schedule.ts';
import { RunBudget } from '../run-budget.ts';
import { creationTimes, type Services, type StepContext, unixSeconds } from '../services.ts';
import { collectedShards, withIndexes } from '../shards/collected-shard.ts';
import { type TableDescription, tableDescriptionSchema } from '../table-description.ts';
import { outputFormatOf } from '../table-input.ts';
import { leaveCheckpoint, readCheckpoint } from './checkpoint.ts';
import { KeptRows } from './kept-rows.ts';
import { RowValues } from './row-values.ts';
import { SentResults } from './sent-results.ts';

/** How far earlier runs have come with the results table. */
const tableCheckpointSchema = z.object({
  /** The first row that is in no part yet. */
  tableFromRow: z.number().int(),
  kept: z.object({ part: z.number().int(), byteOffset: z.number().int() }),
  parts: z.array(z.object({ key: z.string(), bytes: z.number().int(), rows: z.number().int() })),
  invalidOutputs: z.number().int().default(0),
});
type TableCheckpoint = z.infer<typeof tableCheckpointSchema>;

const tableBegin: TableCheckpoint = { tableFromRow: 0, kept: { part: 0, byteOffset: 0 }, parts: [], invalidOutputs: 0 };

/** A part of the table ends here, or with its run. */
const maxPartBytes = 1024 * 1024 * 1024;
/** Rows between two looks at the clock. */
const rowsAtATime = 100;
/** Runs that begin at the same row and die, before the table is given up. */
const maxTries = 3;

/** Whether the batch's results table is still to be made. */
export function lacksTable({ options, table, resultTable }: BatchRecord): boolean {
  return resultTable === null && outputFormatOf(options, table?.kind ?? null) !== null;
}

/**
 * Makes the results table, or a part of it. A table that cannot be made does not hold up the batch: the record then says why.
 *
 * @param shards of all rounds.
 * What is left is for another run.
 */
export async function makeTable(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  context: StepContext,
): Promise<void> {
  const format = outputFormatOf(batch.options, batch.table?.kind ?? null);
  if (format === null) return;
  try {
    if (batch.tableTries >= maxTries)
      throw new NotFoundError(
        `It was begun ${batch.tableTries} times and never came further${batch.tableFailure === null ? '.' : `: ${batch.tableFailure}`}`,
      );
    const begun = await services.records.updateBatch(batch.id, (current) => {
      assertEpoch(current, batch.epoch);
      return { ...current, tableTries: current.tableTries + 1 };
    });
    const checkpoint = (await readCheckpoint(services.objects, begun, tableCheckpointSchema)) ?? tableBegin;
    const further = await writePart(services, begun, shards, { format, checkpoint, context });
    if (further.tableFromRow < batch.counts.total) {
      await leaveCheckpoint(services, begun, services.token(), further);
      await services.records.updateBatch(batch.id, (current) => ({ ...current, tableTries: 0, tableFailure: null }));
    } else await endTable(services, begun, await publish(services, begun, format, further));
  } catch (error) {
    const reason = safeText(messageOf(error));
    if (!(error instanceof NotFoundError || error instanceof InvalidInputError)) {
      if (!(error instanceof StaleEpochError)) await noteFailure(services, batch, reason);
      throw error;
    }
    services.log.error('The results table could not be made; the batch ends without it.', {
      batchId: batch.id,
      reason,
    });
    await endTable(services, batch, {
      format,
      rows: 0,
      parts: [],
      error: reason,
      invalidOutputs: null,
      unchecked: null,
    });
  }
}

/** Kept for whoever asks why there is no table, if no later run makes one. */
async function noteFailure(services: Services, batch: BatchRecord, reason: string): Promise<void> {
  await services.records.updateBatch(batch.id, (current) =>
    current.epoch === batch.epoch ? { ...current, tableFailure: reason } : current,
  );
}

async function endTable(services: Services, batch: BatchRecord, table: ResultTable): Promise<void> {
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return { ...current, resultTable: table, tableTries: 0, tableFailure: null, mergeCheckpoint: null };
  });
}

interface PartWork {
  format: OutputFormat;
  checkpoint: TableCheckpoint;
  context: StepContext;
}

/** Writes rows into a part of this run's own, until the rows, the part's size or the run's time end. */
async function writePart(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  { format, checkpoint, context }: PartWork,
): Promise<TableCheckpoint> {
  const { objects } = services;
  const { counts, options } = batch;
  const budget = new RunBudget(context);
  const description = await readDescription(objects, batch);
  const columns = resultColumns(description.columns, description.answerSchema, options.answer);
  const hasJsonRows = batch.table?.kind === 'json';
  const form = { columns, hasJsonRows, escapesFormulas: options.escape_formulas ?? false };
  const encoder = await encoderOf(format, form);
  const check = await checkOf(batch, description);
  const rules = {
    check: check && 'problemOf' in check ? check : null,
    keepsInvalid: options.on_invalid_output === 'keep',
  };
  const values = new RowValues(services, columns, description.columns, rules);
  const rows = batch.table?.rows ? new KeptRows(objects, batch.table.rows, checkpoint.kept) : null;
  const indexed = await withIndexes(collectedShards(objects, shards));
  const results = new SentResults(objects, indexed, checkpoint.tableFromRow);
  const writer = objects.writer(mergeWorkKey(batch.id, services.token(), `table.${format}`), {
    contentType: contentTypes[format],
  });
  let row = checkpoint.tableFromRow;
  try {
    while (row < counts.total) {
      context.signal.throwIfAborted();
      const kept = (await rows?.next()) ?? null;
      const encoded = encoder.add(values.rowOf(kept, await results.of(row)));
      const pending = encoded && writer.write(encoded);
      if (pending) await pending;
      row += 1;
      const isFull = writer.bytes >= maxPartBytes || (row % rowsAtATime === 0 && budget.mustStop());
      if (row < counts.total && isFull) break;
    }
    await writer.write(encoder.finish());
    const { key, bytes } = await writer.close();
    const part = { key, bytes, rows: row - checkpoint.tableFromRow };
    return {
      tableFromRow: row,
      kept: rows?.position ?? checkpoint.kept,
      parts: [...checkpoint.parts, part],
      invalidOutputs: checkpoint.invalidOutputs + values.invalidOutputs,
    };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    await Promise.all([rows?.close(), results.close()]);
  }
}

async function readDescription(objects: Objects, { table }: BatchRecord): Promise<TableDescription> {
  if (!table?.rows) return { columns: [], answerSchema: null };
  const stored = await objects.readText(table.rows.columnsKey);
  if (!stored) throw new NotFoundError('The rows of the table are not kept any more.');
  return tableDescriptionSchema.parse(JSON.parse(stored.text));
}

/** @returns null where answers are not to be held against a schema. */
async function checkOf({ options }: BatchRecord, { answerSchema }: TableDescription): Promise<SchemaCheck | null> {
  if (answerSchema === null || options.check === 'none') return null;
  // The validator is loaded by those who have a schema.
  const { compileCheck } = await import('../../tables/schema-check.ts');
  return compileCheck(answerSchema);
}

async function encoderOf(format: OutputFormat, form: TableForm): Promise<TableEncoder> {
  switch (format) {
    case 'csv':
      return new CsvEncoder(form);
    case 'jsonl':
      return new JsonLinesEncoder(form);
    case 'parquet': {
      // Its writer is loaded by those who ask for it.
      const { ParquetEncoder } = await import('../../tables/parquet-encoder.ts');
      return new ParquetEncoder(form);
    }
  }
}

/** Puts the parts where readers look for them: no run of an earlier execution gets here. */
async function publish(
  services: Services,
  batch: BatchRecord,
  format: OutputFormat,
  { parts, invalidOutputs }: TableCheckpoint,
): Promise<ResultTable> {
  assertEpoch(await services.records.getBatch(batch.id), batch.epoch);
  const published: ResultTable['parts'] = [];
  for (const [number, { key, bytes, rows }] of parts.entries()) {
    const { objects } = services;
    const writer = objects.writer(resultTableKey(batch.id, format, number), { contentType: contentTypes[format] });
    await writer.append({ key, bytes, sections: [], read: () => objects.stream({ bucket: objects.bucket, key }) });
    const fileId = await mintFile(services, batch, number, await writer.close());
    published.push({ fileId, bytes, rows });
  }
  if (batch.recollection) await removePartsFrom(services, batch, format, parts.length);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const check = await checkOf(batch, await readDescription(services.objects, batch));
  const unchecked = check && 'unchecked' in check ? check.unchecked : null;
  return {
    ...{ format, rows, parts: published, error: null },
    invalidOutputs: check && unchecked === null ? invalidOutputs : null,
    unchecked: unchecked && `The answers were not held against the template's schema: ${unchecked}.`,
  };
}

/** A table that was made in more parts before: readers take the folder, so what is left of that one must go. */
async function removePartsFrom(
  services: Services,
  batch: BatchRecord,
  format: OutputFormat,
  from: number,
): Promise<void> {
  const nowSeconds = unixSeconds(services);
  for (let part = from; ; part += 1) {
    const id = partFileId(batch, part);
    if (!(await services.records.findFile(id))) return;
    await scheduleRemoval(services, id, nowSeconds - graceSeconds, [resultTableKey(batch.id, format, part)]);
    await services.records.updateFile(id, (file) => ({ ...file, expiresAt: nowSeconds }));
  }
}

function partFileId({ id }: BatchRecord, part: number): string {
  return fileIdFrom(sha256(`${id}:table:${part}`));
}

async function mintFile(
  services: Services,
  batch: BatchRecord,
  part: number,
  { bucket, key, etag, bytes }: WrittenObject,
): Promise<string> {
  const id = partFileId(batch, part);
  const objects = [{ bucket, key, etag, bytes }];
  if (await services.records.findFile(id)) {
    await services.records.updateFile(id, (file) => ({ ...file, bytes, objects }));
    return id;
  }
  const times = creationTimes(services);
  const lifetime = batch.options.output_expires_after?.seconds;
  const expiresAt = lifetime === undefined ? null : (batch.firstEndedAt ?? times.createdAt) + lifetime;
  if (expiresAt !== null) await scheduleRemoval(services, id, expiresAt, [key]);
  const filename = `${batch.id}_${key.slice(key.lastIndexOf('/') + 1)}`;
  const file = { id, tenant: batch.tenant, version: 0, filename, purpose: 'batch_output' as const, bytes };
  await services.records.createFile({ ...file, ...times, expiresAt, objects });
  return id;
}
