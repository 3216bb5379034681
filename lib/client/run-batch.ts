import { batchProviderKinds } from '../providers/config.ts';
import type { Warning } from '../providers/contract.ts';
import { Router } from '../providers/routing.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError } from '../records/errors.ts';
import type { Answer, Answers, RequestBodies } from './answers.ts';
import type { Batch, CreatedBatch } from './batch.ts';
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
}

const runBatchOptionNames = {
  ...targetOptionNames,
  ...submissionOptionNames,
  ...waitOptionNames,
  defaults: true,
} as const satisfies Record<keyof RunBatchOptions, true>;

/** What became of one request. */
export type RunResult<Body = Answer> = Outcome<Body> & {
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
 * @param model `provider/model`, or a model that is known to be of one provider; with `provider` or `deployment` any.
 * @param requests bodies as for a live call: `messages`, `tools`, `response_format`, images and so on.
 * @throws InvalidInputError with every wrong request; its line is the request's place, from 1.
 * @throws TimeoutError, AbortError after cancelling.
 * @throws BatchFailedError where the provider failed the batch as a whole.
 * @throws what createBatch throws.
 */
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
export async function runBatch(
  model: string,
  requests: Requests<AnyBody>,
  options: RunBatchOptions<Endpoint> = {},
): Promise<RunResult<Answer>[]> {
  assertKnownOptions(options, runBatchOptionNames);
  assertBatchOptions(options);
  assertWaitOptions(options);
  const routed = routedOptions(model, options);
  const patience = new Patience(options);
  try {
    return await new Run(model, routed, patience).results(requests);
  } finally {
    patience.stop();
  }
}

/** Finds the provider by the model where nothing else names it. */
function routedOptions(model: string, options: RunBatchOptions<Endpoint>): RunBatchOptions<Endpoint> {
  if (typeof model !== 'string' || model === '')
    throw new InvalidInputError('invalid_request', 'Name a model, such as openai/gpt-4o-mini.', { param: 'model' });
  if (options.provider !== undefined || options.deployment !== undefined || process.env.BATCHDROP_URL) return options;
  const route = router.route(model);
  if (route) return { ...options, provider: route.provider };
  throw new NotSupportedError(
    `No provider is known for the model '${model}'. Write it as 'provider/${model}' or pass provider; there are ${new Intl.ListFormat('en').format(batchProviderKinds)}.`,
  );
}

const router = new Router(
  { providers: Object.fromEntries(batchProviderKinds.map((kind) => [kind, { kind, models: [] }])) },
  undefined,
);

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

  constructor(model: string, options: RunBatchOptions<Endpoint>, patience: Patience) {
    this.#model = model;
    this.#options = options;
    this.#patience = patience;
    this.#connection = connect({ ...options, signal: patience.signal });
  }

  async results(requests: Requests<AnyBody>): Promise<RunResult[]> {
    const created = await this.#create(requests);
    if (!created) return [];
    const ended = await this.#ended(created);
    assertNotFailed(ended);
    await this.#read(ended);
    return Array.from({ length: this.#count }, (_, index) => ({
      index,
      warnings: this.#warnings.get(index) ?? [],
      ...(this.#outcomes[index] ?? missing(ended)),
    }));
  }

  /** @returns null where there are no requests. */
  async #create(requests: Requests<AnyBody>): Promise<CreatedBatch | null> {
    const { endpoint = usualEndpoint, metadata, strict = false } = this.#options;
    const input = inputBytes(this.#lines(requests), endpoint);
    try {
      return await this.#connection.call((signal) =>
        this.#connection.create({
          input,
          endpoint,
          metadata,
          strict,
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
      const body = { ...this.#options.defaults, ...request, model: this.#model };
      yield { custom_id: `request-${this.#count}`, body };
      this.#count += 1;
    }
  }

  /** What concerns the batch as a whole is told with the first request. */
  #warn(line: number | null, warning: Warning): void {
    const index = (line ?? 1) - 1;
    this.#warnings.set(index, [...(this.#warnings.get(index) ?? []), warning]);
  }

  async #ended(created: CreatedBatch): Promise<Batch> {
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
      await this.#connection.client.cancel(batchId, new AbortController().signal);
      return `The batch ${batchId} was cancelled; batchResults() gives what was finished, once it has ended.`;
    } catch {
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
      if (index < this.#count) this.#outcomes[index] ??= outcome;
    }
  }

  /** A provider that again and again lacks some results does not have them; without any, it is the connection. */
  #keepWhatCame(error: ConnectionError): void {
    if (this.#outcomes.every((outcome) => outcome === undefined)) throw error;
  }
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
