import type { Warning } from '../providers/contract.ts';
import { ConflictError, InvalidInputError } from '../records/errors.ts';
import type { Answer } from './answers.ts';
import { type Batch, batchFrom, type CreatedBatch } from './batch.ts';
import { type Connection, connect } from './connection.ts';
import { AbortError, BatchFailedError, ConnectionError, RateLimitError } from './errors.ts';
import { usualEndpoint } from './request-source.ts';
import { failure, type Outcome } from './result.ts';
import { readResults } from './results.ts';
import type { SubmissionOptions } from './submission.ts';
import type { TargetOptions } from './target.ts';
import { type Patience, type WaitOptions, watchedToEnd } from './wait.ts';

/** The requests of a run, and which is which. */
export interface RunInput {
  /** JSON lines, in pieces of any length; read once. */
  bytes: AsyncIterable<Uint8Array>;
  /** How many requests were read so far. */
  count(): number;
  /** @returns a request's place among them, from 0; null for an id that no request of a run has. */
  placeOf(customId: string): number | null;
}

/** What became of one request. */
export interface SettledRequest {
  outcome: Outcome<Answer>;
  /** Parameters of it that the provider cannot take. */
  warnings: Warning[];
}

/** More than a file of 8 GB has: a place above is of no run. */
const maxResumedRequests = 50_000_000;

/** Downloads of the results before what is missing counts as lost. */
const maxDownloads = 3;

/** One run: requests go as a batch, which is waited for, and each request gets its result. */
export class Run {
  readonly #options: TargetOptions & Omit<SubmissionOptions, 'completionWindow'> & WaitOptions;
  readonly #patience: Patience;
  readonly #connection: Connection;
  readonly #placeOf: RunInput['placeOf'];
  readonly #warnings = new Map<number, Warning[]>();
  readonly #outcomes: (Outcome<Answer> | undefined)[] = [];
  #count = 0;

  constructor(
    placeOf: RunInput['placeOf'],
    options: TargetOptions & Omit<SubmissionOptions, 'completionWindow'> & WaitOptions,
    patience: Patience,
  ) {
    this.#placeOf = placeOf;
    this.#options = options;
    this.#patience = patience;
    this.#connection = connect({ ...options, signal: patience.signal });
  }

  /** @returns one for each request, in their order. */
  async settle({ bytes, count }: Omit<RunInput, 'placeOf'>): Promise<SettledRequest[]> {
    const created = await this.#create(bytes);
    this.#count = count();
    return created ? await this.#settledOnceEnded(created) : [];
  }

  /** Of a batch that an earlier run created. */
  async settleBatch(batchId: string): Promise<SettledRequest[]> {
    const { endpoint = usualEndpoint } = this.#options;
    const fields = await this.#connection.call((signal) => this.#connection.client.describe(batchId, signal));
    return await this.#settledOnceEnded(batchFrom(fields, endpoint), true);
  }

  async #settledOnceEnded(batch: Batch, isResumed = false): Promise<SettledRequest[]> {
    const ended = await this.#ended(batch);
    assertNotFailed(ended);
    // A batch that another process created: providers without counts, or with late ones, have results all the same.
    if (isResumed) this.#count = maxResumedRequests;
    await this.#read(ended);
    if (isResumed) this.#count = Math.max(this.#outcomes.length, ended.request_counts?.total ?? 0);
    return Array.from({ length: this.#count }, (_, place) => ({
      warnings: this.#warnings.get(place) ?? [],
      outcome: this.#outcomes[place] ?? missing(ended),
    }));
  }

  /** @returns null where there are no requests. */
  async #create(input: AsyncIterable<Uint8Array>): Promise<CreatedBatch | null> {
    const { endpoint = usualEndpoint, metadata, strict = false, idempotencyKey } = this.#options;
    try {
      return await this.#connection.call((signal) =>
        this.#connection.create({
          input,
          endpoint,
          metadata,
          strict,
          idempotencyKey,
          signal,
          onWarning: ({ line, ...warning }) => this.#warn(line, warning),
        }),
      );
    } catch (error) {
      if (error instanceof InvalidInputError && error.code === 'empty_file') return null;
      throw error instanceof AbortError ? this.#patience.error(null, 'No batch was created.') : error;
    }
  }

  /** What concerns the batch as a whole is told with the first request. */
  #warn(line: number | null, warning: Warning): void {
    const place = (line ?? 1) - 1;
    this.#warnings.set(place, [...(this.#warnings.get(place) ?? []), warning]);
  }

  async #ended(created: Batch): Promise<Batch> {
    const { signal } = this.#patience;
    try {
      signal.throwIfAborted();
      return await watchedToEnd(this.#connection, created, this.#options, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw this.#patience.error(created.id, await this.#cancelled(created.id));
    }
  }

  /** @returns what became of it, in a sentence. */
  async #cancelled(batchId: string): Promise<string> {
    try {
      await this.#connection.cancel(batchId, new AbortController().signal);
      return `The batch ${batchId} was cancelled; batchResults() gives what was finished, once it has ended.`;
    } catch (error) {
      if (error instanceof ConflictError) return error.message;
      return `The batch ${batchId} could not be cancelled and may go on: call cancelBatch().`;
    }
  }

  /** Reads the results, again where a download breaks off or lacks some. */
  async #read(batch: Batch): Promise<void> {
    for (let download = 1; ; download += 1) {
      try {
        return await this.#connection.call((signal) => this.#readOnce(batch, signal));
      } catch (error) {
        if (this.#patience.signal.aborted)
          throw this.#patience.error(batch.id, `The batch ${batch.id} has ended; batchResults() gives its results.`);
        if (!(error instanceof ConnectionError)) throw error;
        if (download >= maxDownloads) return this.#keepWhatCame(error);
      }
    }
  }

  async #readOnce(batch: Batch, signal: AbortSignal): Promise<void> {
    const endpoint = this.#connection.formOf(batch.endpoint, this.#options.endpoint);
    for await (const result of readResults(this.#connection, batch.id, endpoint, signal)) {
      const { customId, ...outcome } = result;
      if (customId === null) continue;
      const place = this.#placeOf(customId);
      if (place === null) throw notOfARun(batch.id, customId);
      if (place < this.#count) this.#outcomes[place] ??= outcome;
    }
  }

  /** A provider that again and again lacks some results does not have them; without any, it is the connection. */
  #keepWhatCame(error: ConnectionError): void {
    if (this.#outcomes.every((outcome) => outcome === undefined)) throw error;
  }
}

function notOfARun(batchId: string, customId: string): InvalidInputError {
  const message = `The batch ${batchId} was not created by runBatch: it has a request '${customId.slice(0, 64)}'. Read it with batchResults().`;
  return new InvalidInputError('invalid_value', message, { param: 'batchId' });
}

function assertNotFailed(batch: Batch): void {
  if (batch.status !== 'failed') return;
  const [first] = batch.errors?.data ?? [];
  const message = `The provider failed the batch ${batch.id}: ${first?.message || 'it does not say why'}`;
  if (first?.code === 'token_limit_exceeded') throw new RateLimitError(message, null);
  throw new BatchFailedError(message, batch);
}

/** A request for which the provider gave no line. */
function missing(batch: Batch): Outcome<never> {
  const details = { statusCode: null, body: null };
  if (batch.status === 'expired')
    return failure('The batch expired before this request was executed.', { code: 'batch_expired', ...details });
  if (batch.status === 'cancelled')
    return failure('The batch was cancelled before this request was executed.', {
      code: 'batch_cancelled',
      ...details,
    });
  return failure('The provider gave no result for this request.', { code: 'result_missing', ...details });
}
