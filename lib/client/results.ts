import { splitLines } from '../lines/jsonl.ts';
import { maxResultLineBytes } from '../lines/result-line.ts';
import type { ProviderBatch } from '../providers/contract.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { ConflictError, NotFoundError } from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import type { Connection } from './connection.ts';
import { ConnectionError } from './errors.ts';
import { type BatchResult, unusableResult } from './result.ts';

/**
 * Streams the results of a batch that has ended, in whatever order the provider gives them.
 *
 * @throws ConflictError while the batch runs.
 * @throws NotFoundError where its results are gone.
 * @throws ConnectionError where the download breaks off or lacks results; it may be read again from the start.
 */
export async function* readResults(
  connection: Connection,
  batchId: string,
  endpoint: Endpoint,
  signal: AbortSignal,
): AsyncGenerator<BatchResult> {
  const batch = await connection.client.retrieve(batchId, signal);
  yield* readLines(connection, batch, (bytes) => (bytes ? connection.readResult(bytes, endpoint) : tooLong()), signal);
}

/** What of a result every reader needs. */
interface Named {
  customId: string | null;
}

/** Reads one result line; null stands for one that was too long to be read. */
type ReadLine<Result extends Named> = (bytes: Buffer | null) => Result;

/** The same with a reader of one's own, for a batch that is known. Throws likewise. */
export async function* readLines<Result extends Named>(
  connection: Pick<Connection, 'client'>,
  batch: ProviderBatch,
  read: ReadLine<Result>,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  assertReadable(batch);
  let count = 0;
  for (const ref of batch.resultRefs) {
    for await (const result of readChunks(connection.client.results(batch, ref, signal), read, signal)) {
      count += 1;
      yield result;
    }
  }
  assertAllRead(batch, count);
}

/** Unreadable lines that may stand before the first one with an id. */
const maxLinesHeldBack = 1_000;

/**
 * Reads one file of results. Lines without an id are held back until one has an id.
 *
 * @throws ConnectionError where none has: it is another file, such as an error or the page of a gateway.
 */
export async function* readChunks<Result extends Named>(
  chunks: AsyncIterable<Uint8Array>,
  read: ReadLine<Result>,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const heldBack: Result[] = [];
  let isFileOfResults = false;
  for await (const lines of splitLines(chunks, maxResultLineBytes)) {
    signal.throwIfAborted();
    for (const { bytes } of lines) {
      const result = read(bytes);
      isFileOfResults ||= result.customId !== null;
      if (!isFileOfResults && heldBack.push(result) <= maxLinesHeldBack) continue;
      if (!isFileOfResults) throw noResults();
      yield* heldBack.splice(0);
      yield result;
    }
  }
  if (heldBack.length > 0) throw noResults();
}

function noResults(): ConnectionError {
  return new ConnectionError('What came as results of the batch is another file: no line has a custom_id. Read again.');
}

function tooLong(): BatchResult {
  return unusableResult(null, `The result line is longer than ${maxResultLineBytes} bytes.`);
}

function assertReadable(batch: ProviderBatch): void {
  const { providerBatchId, phase, status, counts } = batch;
  if (!hasEnded(phase))
    throw new ConflictError(
      `The batch ${providerBatchId} has no results yet: it is ${status}. Wait until it has ended.`,
    );
  const isWithoutResults = phase === 'completed' && batch.resultRefs.length === 0 && counts?.total !== 0;
  if (isWithoutResults)
    throw new NotFoundError(`The provider names no results of batch ${providerBatchId}, or keeps them no longer.`);
}

function assertAllRead({ providerBatchId, expectedResults }: ProviderBatch, count: number): void {
  if (count >= (expectedResults ?? 0)) return;
  const message = `The results of batch ${providerBatchId} came with ${count} of ${expectedResults} requests. Read them again.`;
  throw new ConnectionError(message);
}
