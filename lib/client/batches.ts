import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError } from '../records/errors.ts';
import type { Answer, Answers } from './answers.ts';
import { type Batch, type BatchList, batchFrom, type CreatedBatch } from './batch.ts';
import { connect } from './connection.ts';
import { assertKnownOptions } from './known-options.ts';
import { type BatchInput, inputBytes, usualEndpoint } from './request-source.ts';
import type { BatchResult } from './result.ts';
import { readResults } from './results.ts';
import { assertBatchOptions, type SubmissionOptions, submissionOptionNames } from './submission.ts';
import { type TargetOptions, targetOptionNames } from './target.ts';

export interface CreateBatchOptions extends TargetOptions, SubmissionOptions {
  /** Path of a JSONL file, or the requests themselves, read once and never held together. */
  input: BatchInput;
}

export interface BatchIdOptions extends TargetOptions {
  batchId: string;
  /**
   * The endpoint in whose form the requests were written, where the provider does not keep it (Anthropic), or has it
   * through chat completions only. Default: `/v1/chat/completions`.
   */
  endpoint?: Endpoint;
}

export interface ListBatchesOptions extends TargetOptions {
  /** Id of the batch behind which the page begins. */
  after?: string;
  /** 1 to 100. Default: 20. */
  limit?: number;
  /** As in `BatchIdOptions`. */
  endpoint?: Endpoint;
}

export const batchIdOptionNames = {
  ...targetOptionNames,
  batchId: true,
  endpoint: true,
} as const satisfies Record<keyof BatchIdOptions, true>;

/** @throws InvalidInputError, NotSupportedError */
export function assertCreateOptions(options: CreateBatchOptions): void {
  assertKnownOptions(options, { ...targetOptionNames, ...submissionOptionNames, input: true });
  assertBatchOptions(options);
}

/** OpenAI's default. */
const usualLimit = 20;

/**
 * Creates a batch. Every request is checked before anything is sent; a creation is sent once and never repeated. The
 * input is gathered on disk, so that it may be larger than memory.
 *
 * @returns the batch, and warnings about parameters that the provider cannot take.
 * @throws InvalidInputError with every wrong line, or for a batch too large for the provider.
 * @throws ConflictError where the idempotency key stands for a batch of other requests or options.
 * @throws OutcomeUnknownError where the answer was lost and the provider does not prove what became of it.
 * @throws AuthenticationError, RateLimitError, NotSupportedError, ConnectionError: nothing was created.
 */
export async function createBatch(options: CreateBatchOptions): Promise<CreatedBatch> {
  assertCreateOptions(options);
  const { endpoint, metadata, strict = false, idempotencyKey } = options;
  const connection = connect(options);
  return await connection.call((signal) =>
    connection.create({
      input: inputBytes(options.input, endpoint),
      endpoint,
      metadata,
      strict,
      idempotencyKey,
      signal,
    }),
  );
}

/**
 * Looks at a batch.
 *
 * @throws NotFoundError, AuthenticationError, RateLimitError, ConnectionError
 */
export async function retrieveBatch(options: BatchIdOptions): Promise<Batch> {
  assertKnownOptions(options, batchIdOptionNames);
  const { client, call } = connect(options);
  const fields = await call((signal) => client.describe(checkedId(options), signal));
  return batchFrom(fields, options.endpoint ?? usualEndpoint);
}

/**
 * Asks for a batch to be cancelled; it goes on as `cancelling` for up to ten minutes, and what was finished is kept. A
 * batch that has ended stays as it is.
 *
 * @returns the batch as it is now.
 * @throws ConflictError where the provider cannot cancel batches; NotFoundError, AuthenticationError, RateLimitError, ConnectionError
 */
export async function cancelBatch(options: BatchIdOptions): Promise<Batch> {
  assertKnownOptions(options, batchIdOptionNames);
  const { client, call, cancel } = connect(options);
  const fields = await call(async (signal) => {
    await cancel(checkedId(options), signal);
    return await client.describe(options.batchId, signal);
  });
  return batchFrom(fields, options.endpoint ?? usualEndpoint);
}

/**
 * Lists batches, newest first, in pages: `after: page.last_id` gives the next one as long as `page.has_more`.
 *
 * @throws InvalidInputError, AuthenticationError, RateLimitError, ConnectionError
 */
export async function listBatches(options: ListBatchesOptions): Promise<BatchList> {
  assertKnownOptions(options, { ...targetOptionNames, after: true, limit: true, endpoint: true });
  const { after, limit = usualLimit } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw new InvalidInputError('invalid_value', `limit is a number from 1 to 100, not ${limit}.`, { param: 'limit' });
  const { client, call } = connect(options);
  const page = await call((signal) => client.list({ limit, ...(after !== undefined && { after }) }, signal));
  const data = page.batches.map((fields) => batchFrom(fields, options.endpoint ?? usualEndpoint));
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
}

/**
 * Streams the results of a batch that has ended, in whatever order the provider gives them, as they come: match them by
 * `customId`. With `endpoint`, the answers have that endpoint's type.
 *
 * @throws ConflictError while the batch runs.
 * @throws NotFoundError where there is no such batch, or its results are gone.
 * @throws ConnectionError where the download breaks off; read it again from the start.
 */
export function batchResults<Name extends Endpoint>(
  options: BatchIdOptions & { endpoint: Name },
): AsyncGenerator<BatchResult<Answers[Name]>>;
export function batchResults(options: BatchIdOptions): AsyncGenerator<BatchResult<Answer>>;
export function batchResults(options: BatchIdOptions): AsyncGenerator<BatchResult<Answer>> {
  assertKnownOptions(options, batchIdOptionNames);
  const connection = connect(options);
  return connection.stream(async function* (signal) {
    const { endpoint: recorded } = await connection.client.describe(checkedId(options), signal);
    const endpoint = connection.formOf(recorded, options.endpoint);
    assertSameEndpoint(options, endpoint);
    yield* readResults(connection, options.batchId, endpoint, signal);
  });
}

/** The type of the answers was promised by the caller. */
function assertSameEndpoint({ batchId, endpoint: promised }: BatchIdOptions, actual: Endpoint): void {
  if (promised === undefined || promised === actual) return;
  throw new InvalidInputError('invalid_value', `The batch ${batchId} is for ${actual}, not for ${promised}.`, {
    param: 'endpoint',
  });
}

/** An empty id would ask for the list. */
export function checkedId({ batchId }: Pick<BatchIdOptions, 'batchId'>): string {
  if (typeof batchId === 'string' && batchId !== '') return batchId;
  throw new InvalidInputError('missing_required_parameter', 'Say which batch: batchId.', { param: 'batchId' });
}
