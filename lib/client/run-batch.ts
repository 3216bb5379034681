import type { z } from 'zod';
import { batchProviderKinds } from '../providers/config.ts';
import type { Warning } from '../providers/contract.ts';
import { Router } from '../providers/routing.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { ConflictError, InvalidInputError } from '../records/errors.ts';
import { type ParsedOutcome, parsedOutcome, schemaMembers } from './answer-schema.ts';
import type { Answer, Answers, RequestBodies } from './answers.ts';
import { type Batch, batchFrom, type CreatedBatch } from './batch.ts';
import { batchIdOptionNames, checkedId } from './batches.ts';
import { type Connection, connect } from './connection.ts';
import { AbortError, BatchFailedError, ConnectionError, NotSupportedError, RateLimitError } from './errors.ts';
import { assertKnownOptions } from './known-options.ts';
import { type BatchRequest, inputBytes, usualEndpoint } from './request-source.ts';
import { failure, type Outcome } from './result.ts';
import { readResults } from './results.ts';
import { assertBatchOptions, type SubmissionOptions, submissionOptionNames } from './submission.ts';
import { type TargetOptions, targetOptionNames } from './target.ts';
import { assertWaitOptions, Patience, type WaitOptions, waitOptionNames, watchedToEnd } from './wait.ts';

/** Requests, written as for a live call without its model. */
export type Requests<Body> = Iterable<Body> | AsyncIterable<Body>;

/** How to run a batch of requests to an endpoint; the usual one is chat completions. */
export interface RunBatchOptions<Name extends Endpoint = UsualEndpoint>
  extends TargetOptions,
    Omit<SubmissionOptions, 'endpoint'>,
    WaitOptions {
  /** What the requests are for. Default: `/v1/chat/completions`. */
  endpoint?: Name;
  /** Shared by all requests; what a request says itself goes before. Members are replaced, not merged. */
  defaults?: RequestBodies[Name];
  /**
   * What each answer must be. It is sent as `response_format` (`text.format` for `/v1/responses`), and results have the parsed
   * answer in `parsed`. An answer that does not fit is a failed request with the code `schema_mismatch`.
   */
  schema?: z.ZodType;
}

/** A batch that an earlier call of `runBatch` created, for a program that was stopped meanwhile. */
export interface ResumeOptions<Name extends Endpoint = UsualEndpoint> extends TargetOptions, WaitOptions {
  batchId: string;
  /** The endpoint with which the batch was created. Default: `/v1/chat/completions`. */
  endpoint?: Name;
  /** The schema with which it was created. */
  schema?: z.ZodType;
}

const resumeOptionNames = {
  ...batchIdOptionNames,
  ...waitOptionNames,
  schema: true,
} as const satisfies Record<keyof ResumeOptions, true>;

const runBatchOptionNames = {
  ...targetOptionNames,
  ...submissionOptionNames,
  ...waitOptionNames,
  defaults: true,
  schema: true,
} as const satisfies Record<keyof RunBatchOptions, true>;

/** What became of one request. `parsed` is null where no schema was given. */
export type RunResult<Body = Answer, Parsed = null> = ParsedOutcome<Body, Parsed> & {
  /** Place among the requests, from 0. */
  index: number;
  /** Parameters of this request that the provider cannot take. */
  warnings: Warning[];
};

type AnyBody = RequestBodies[Endpoint];
type UsualEndpoint = typeof usualEndpoint;

/**
 * Runs requests as one batch: submits them, waits, and gives one result for each, in their order. A request that failed
 * is a result, too.
 *
 * An AbortSignal or the timeout cancels the provider's batch.
 *
 * With `batchId` alone it waits for a batch that an earlier call created, and gives its results. The requests of a call have the
 * custom_ids `request-0`, `request-1` and so on.
 *
 * @param model `provider/model`, or a model that is known to be of one provider; with `provider` or `deployment` any.
 * @param requests bodies as for a live call: `messages`, `tools`, `response_format`, images and so on.
 * @throws InvalidInputError with every wrong request; its line is the request's place, from 1.
 * @throws TimeoutError, AbortError after cancelling.
 * @throws BatchFailedError where the provider failed the batch as a whole.
 * @throws what createBatch throws.
 */
export async function runBatch<Name extends Endpoint, Schema extends z.ZodType>(
  model: string,
  requests: Requests<RequestBodies[Name]>,
  options: RunBatchOptions<Name> & { endpoint: Name; schema: Schema },
): Promise<RunResult<Answers[Name], z.output<Schema>>[]>;
export async function runBatch<Schema extends z.ZodType>(
  model: string,
  requests: Requests<RequestBodies[UsualEndpoint]>,
  options: RunBatchOptions & { schema: Schema },
): Promise<RunResult<Answers[UsualEndpoint], z.output<Schema>>[]>;
export async function runBatch<Name extends Endpoint>(
  model: string,
  requests: Requests<RequestBodies[Name]>,
  options: RunBatchOptions<Name> & { endpoint: Name },
): Promise<RunResult<Answers[Name]>[]>;
export async function runBatch(
  model: string,
  requests: Requests<RequestBodies[UsualEndpoint]>,
  options?: RunBatchOptions,
): Promise<RunResult<Answers[UsualEndpoint]>[]>;
export async function runBatch<Schema extends z.ZodType>(
  options: ResumeOptions & { schema: Schema },
): Promise<RunResult<Answers[UsualEndpoint], z.output<Schema>>[]>;
export async function runBatch<Name extends Endpoint = UsualEndpoint>(
  options: ResumeOptions<Name>,
): Promise<RunResult<Answers[Name]>[]>;
export async function runBatch(
  model: string | ResumeOptions<Endpoint>,
  requests?: Requests<AnyBody>,
  options: RunBatchOptions<Endpoint> = {},
): Promise<RunResult<Answer, unknown>[]> {
  if (typeof model === 'object' && model !== null) {
    if (requests !== undefined)
      throw new InvalidInputError('invalid_value', 'A batch that is resumed has its requests: give options alone.', {
        param: 'requests',
      });
    return await resumed(model);
  }
  assertKnownOptions(options, runBatchOptionNames);
  assertBatchOptions(options);
  assertWaitOptions(options);
  const routed = routedOptions(model, options);
  const patience = new Patience(options);
  try {
    const run = new Run(model, routed, patience);
    return await run.results(assertRequests(requests));
  } finally {
    patience.stop();
  }
}

async function resumed(options: ResumeOptions<Endpoint>): Promise<RunResult<Answer, unknown>[]> {
  assertKnownOptions(options, resumeOptionNames);
  assertWaitOptions(options);
  const patience = new Patience(options);
  try {
    const { batchId, ...rest } = options;
    return await new Run('', rest, patience).resultsOf(checkedId({ batchId }));
  } finally {
    patience.stop();
  }
}

function assertRequests(requests: Requests<AnyBody> | undefined): Requests<AnyBody> {
  const isIterable =
    typeof requests === 'object' &&
    requests !== null &&
    (Symbol.iterator in requests || Symbol.asyncIterator in requests);
  if (isIterable) return requests;
  throw new InvalidInputError('invalid_request', 'The requests are an array, or another iterable, of bodies.', {
    param: 'requests',
  });
}

/** Finds the provider by the model where nothing else names it. */
function routedOptions(model: string, options: RunBatchOptions<Endpoint>): RunBatchOptions<Endpoint> {
  if (typeof model !== 'string' || model === '')
    throw new InvalidInputError('invalid_request', 'Name a model, such as openai/gpt-4o-mini.', { param: 'model' });
  if (isDryRun(options.providerOptions))
    throw new InvalidInputError('invalid_option', 'A dry run has no results: call estimateBatch() for its report.', {
      param: 'providerOptions.dry_run',
    });
  if (options.provider !== undefined || options.deployment !== undefined || process.env.BATCHDROP_URL) return options;
  const { route } = router.route(model);
  if (route) return { ...options, provider: route.provider };
  throw new NotSupportedError(
    `No provider is known for the model '${model}'. Pass provider, or write it as in 'openai/${model}'; there are ${new Intl.ListFormat('en').format(batchProviderKinds)}.`,
  );
}

function isDryRun(providerOptions: object = {}): boolean {
  return 'dry_run' in providerOptions && providerOptions.dry_run === true;
}

const router = new Router(
  { providers: Object.fromEntries(batchProviderKinds.map((kind) => [kind, { kind, models: [] }])) },
  undefined,
);

/** More than a file of 8 GB has: an index above is of no run. */
const maxResumedRequests = 50_000_000;

/** Downloads of the results before what is missing counts as lost. */
const maxDownloads = 3;

/** One run: what it was asked, and what came of it. */
class Run {
  readonly #model: string;
  readonly #options: RunBatchOptions<Endpoint>;
  readonly #patience: Patience;
  readonly #connection: Connection;
  readonly #warnings = new Map<number, Warning[]>();
  readonly #outcomes: (Outcome<Answer> | undefined)[] = [];
  #count = 0;
  #schemaMembers: object = {};

  constructor(model: string, options: RunBatchOptions<Endpoint>, patience: Patience) {
    this.#model = model;
    this.#options = options;
    this.#patience = patience;
    this.#connection = connect({ ...options, signal: patience.signal });
  }

  async results(requests: Requests<AnyBody>): Promise<RunResult<Answer, unknown>[]> {
    const { schema, endpoint = usualEndpoint } = this.#options;
    if (schema) this.#schemaMembers = await schemaMembers(schema, endpoint);
    const created = await this.#create(requests);
    return created ? await this.#resultsOnceEnded(created) : [];
  }

  /** Of a batch that an earlier run created. */
  async resultsOf(batchId: string): Promise<RunResult<Answer, unknown>[]> {
    const { endpoint = usualEndpoint } = this.#options;
    const fields = await this.#connection.call((signal) => this.#connection.client.describe(batchId, signal));
    return await this.#resultsOnceEnded(batchFrom(fields, endpoint), true);
  }

  async #resultsOnceEnded(batch: Batch, isResumed = false): Promise<RunResult<Answer, unknown>[]> {
    const ended = await this.#ended(batch);
    assertNotFailed(ended);
    // A batch that another process created: providers without counts, or with late ones, have results all the same.
    if (isResumed) this.#count = maxResumedRequests;
    await this.#read(ended);
    if (isResumed) this.#count = Math.max(this.#outcomes.length, ended.request_counts?.total ?? 0);
    return Array.from({ length: this.#count }, (_, index) => ({
      index,
      warnings: this.#warnings.get(index) ?? [],
      ...this.#parsed(this.#outcomes[index] ?? missing(ended)),
    }));
  }

  #parsed(outcome: Outcome<Answer>): ParsedOutcome<Answer, unknown> {
    const { schema } = this.#options;
    if (schema) return parsedOutcome(outcome, schema);
    return { ...outcome, parsed: null };
  }

  /** @returns null where there are no requests. */
  async #create(requests: Requests<AnyBody>): Promise<CreatedBatch | null> {
    const { endpoint = usualEndpoint, metadata, strict = false, idempotencyKey } = this.#options;
    const input = inputBytes(this.#lines(requests), endpoint);
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

  async *#lines(requests: Requests<AnyBody>): AsyncGenerator<BatchRequest> {
    for await (const request of requests) {
      this.#assertOwnModel(request);
      const body = { ...this.#schemaMembers, ...this.#options.defaults, ...request, model: this.#model };
      yield { custom_id: `request-${this.#count}`, body };
      this.#count += 1;
    }
  }

  /** The model is that of the run: another one in a request would be lost. */
  #assertOwnModel(request: AnyBody): void {
    const model = 'model' in request ? request.model : undefined;
    if (model === undefined || model === this.#model) return;
    const line = this.#count + 1;
    const message = `Request ${this.#count} names the model '${String(model)}', but the run is for '${this.#model}'. Leave it out, or send it in a run of its own.`;
    const errors = [{ code: 'invalid_value', message, param: 'model', line }];
    throw new InvalidInputError('invalid_value', message, { param: 'model', errors });
  }

  /** What concerns the batch as a whole is told with the first request. */
  #warn(line: number | null, warning: Warning): void {
    const index = (line ?? 1) - 1;
    this.#warnings.set(index, [...(this.#warnings.get(index) ?? []), warning]);
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
      const index = Number(/^request-(\d+)$/.exec(customId ?? '')?.[1] ?? Number.NaN);
      if (Number.isNaN(index) && customId !== null) throw notOfARun(batch.id, customId);
      if (index < this.#count) this.#outcomes[index] ??= outcome;
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
