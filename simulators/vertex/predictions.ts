import { stat } from 'node:fs/promises';
import type { BatchView } from '../batch-ledger.ts';
import type { GoogleBackend } from '../google/service.ts';
import { LineWriter, readLines } from '../jsonl-lines.ts';
import { uniqueHex } from '../unique-id.ts';
import { objectId, placeOf } from './objects.ts';
import { outputDirectory } from './wire-job.ts';

interface Prediction {
  name: string;
  contentPath: string;
}

/** Puts a job's results into the bucket, before the directory is shown that they are in. */
export async function putPredictions(
  backend: GoogleBackend,
  { record, sums }: BatchView,
  fileCount: number,
): Promise<void> {
  if (!sums || sums.outputBytes === null) return;
  const { bucket, name: directory } = placeOf(outputDirectory(record));
  const names = namesOf(fileCount).map((name) => `${directory}/${name}`);
  if (names.every((name) => backend.fileStore.has(objectId({ bucket, name })))) return;
  for (const { name, contentPath } of await spread(backend.ledger.paths(record.id).output, names)) {
    backend.fileStore.putResult({
      id: objectId({ bucket, name }),
      bytes: (await stat(contentPath)).size,
      createdAtMs: Date.now(),
      expiresAtMs: null,
      fileName: name,
      purpose: bucket,
      contentPath,
      batchId: record.id,
    });
  }
}

function namesOf(fileCount: number): string[] {
  if (fileCount === 1) return ['predictions.jsonl'];
  const total = String(fileCount).padStart(5, '0');
  return Array.from(
    { length: fileCount },
    (_, index) => `predictions-${String(index).padStart(5, '0')}-of-${total}.jsonl`,
  );
}

/** Deals the lines out to as many files as there are names. */
async function spread(path: string, names: string[]): Promise<Prediction[]> {
  const [first] = names;
  if (first !== undefined && names.length === 1) return [{ name: first, contentPath: path }];
  // Of two looks at once each has its own.
  const draft = uniqueHex(`${path}.`, 8);
  const files = names.map((name, index) => ({ name, contentPath: `${draft}.${index}` }));
  const writers = await Promise.all(files.map(({ contentPath }) => LineWriter.create(contentPath)));
  for await (const { bytes, number } of readLines(path))
    await writers[number % writers.length]?.write(bytes.toString());
  await Promise.all(writers.map((writer) => writer.close()));
  return files;
}
