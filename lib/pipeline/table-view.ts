import type { BatchRecord } from '../records/batch.ts';
import { resultTablePrefix } from '../records/object-keys.ts';
import type { Services } from './services.ts';

/** The results table as API and `batch.json` show it; null where none is asked for, and until it is made. */
export function tableView({ objects }: Pick<Services, 'objects'>, { id, resultTable }: BatchRecord) {
  if (!resultTable) return null;
  const { format, rows, parts, error, invalidOutputs, unchecked } = resultTable;
  return {
    format,
    rows,
    uri: tableUri({ objects }, { id, resultTable }),
    parts: parts.map((part) => ({ file_id: part.fileId, bytes: part.bytes, rows: part.rows })),
    error,
    invalid_outputs: invalidOutputs,
    unchecked,
  };
}

/** How many answers cannot be used as what was asked for; null where none was held against a schema. */
export function invalidOutputCount({
  resultTable,
  invalidOutputs,
}: Pick<BatchRecord, 'resultTable' | 'invalidOutputs'>): number | null {
  return resultTable?.invalidOutputs ?? invalidOutputs ?? null;
}

/** @returns the folder of the results table's parts; null where there is none. */
export function tableUri(
  { objects }: Pick<Services, 'objects'>,
  { id, resultTable }: Pick<BatchRecord, 'id' | 'resultTable'>,
): string | null {
  return resultTable && resultTable.parts.length > 0 ? `s3://${objects.bucket}/${resultTablePrefix(id)}` : null;
}
