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
  assertReadable(batch);
  let count = 0;
  for (const ref of batch.resultRefs) {
    const chunks = connection.client.results(batch, ref, signal);
    for await (const lines of splitLines(chunks, maxResultLineBytes)) {
      signal.throwIfAborted();
      for (const { bytes } of lines) {
        count += 1;
        yield bytes ? connection.readResult(bytes, endpoint) : tooLong();
      }
    }
  }
  assertAllRead(batch, count);
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
  const isArchived = phase === 'completed' && batch.resultRefs.length === 0 && (counts?.total ?? 0) > 0;
  if (isArchived)
    throw new NotFoundError(`The results of batch ${providerBatchId} are no longer kept by the provider.`);
}

function assertAllRead({ providerBatchId, expectedResults }: ProviderBatch, count: number): void {
  if (count >= (expectedResults ?? 0)) return;
  const message = `The results of batch ${providerBatchId} came with ${count} of ${expectedResults} requests. Read them again.`;
  throw new ConnectionError(message);
}
