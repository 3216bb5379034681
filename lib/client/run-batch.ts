import type { z } from 'zod';
import type { Warning } from '../providers/contract.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError } from '../records/errors.ts';
import { type ParsedOutcome, parsedOutcome, schemaMembers } from './answer-schema.ts';
import type { Answer, Answers, RequestBodies } from './answers.ts';
import { batchIdOptionNames, checkedId } from './batches.ts';
import { assertKnownOptions } from './known-options.ts';
import { assertNoDryRun, routedByModel } from './model-target.ts';
import { type BatchRequest, inputBytes, usualEndpoint } from './request-source.ts';
import { Run, type SettledRequest } from './run.ts';
import { assertBatchOptions, type SubmissionOptions, submissionOptionNames } from './submission.ts';
import { type TargetOptions, targetOptionNames } from './target.ts';
import { assertWaitOptions, Patience, type WaitOptions, waitOptionNames } from './wait.ts';

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
    return await resultsOf(model, assertRequests(requests), routed, patience);
  } finally {
    patience.stop();
  }
}

async function resumed(options: ResumeOptions<Endpoint>): Promise<RunResult<Answer, unknown>[]> {
  assertKnownOptions(options, resumeOptionNames);
  assertWaitOptions(options);
  const patience = new Patience(options);
  try {
    const { batchId, schema, ...rest } = options;
    const settled = await new Run(placeOf, rest, patience).settleBatch(checkedId({ batchId }));
    return settled.map((one, index) => resultOf(one, index, schema));
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
  assertNoDryRun(options);
  return routedByModel(model, options);
}

/** The place that a custom_id of a run says; null for another one. */
function placeOf(customId: string): number | null {
  const [, digits] = /^request-(\d+)$/.exec(customId) ?? [];
  return digits === undefined ? null : Number(digits);
}

async function resultsOf(
  model: string,
  requests: Requests<AnyBody>,
  options: RunBatchOptions<Endpoint>,
  patience: Patience,
): Promise<RunResult<Answer, unknown>[]> {
  const { schema, endpoint = usualEndpoint } = options;
  const run = new Run(placeOf, options, patience);
  const shared = { ...(schema && (await schemaMembers(schema, endpoint))), ...options.defaults };
  let count = 0;
  const lines = async function* (): AsyncGenerator<BatchRequest> {
    for await (const request of requests) {
      assertOwnModel(request, model, count);
      yield { custom_id: `request-${count}`, body: { ...shared, ...request, model } };
      count += 1;
    }
  };
  const settled = await run.settle({ bytes: inputBytes(lines(), endpoint), count: () => count });
  return settled.map((one, index) => resultOf(one, index, schema));
}

function resultOf(
  { outcome, warnings }: SettledRequest,
  index: number,
  schema: z.ZodType | undefined,
): RunResult<Answer, unknown> {
  const parsed = schema ? parsedOutcome(outcome, schema) : { ...outcome, parsed: null };
  return { index, warnings, ...parsed };
}

/** The model is that of the run: another one in a request would be lost. */
function assertOwnModel(request: AnyBody, ours: string, place: number): void {
  const model = 'model' in request ? request.model : undefined;
  if (model === undefined || model === ours) return;
  const message = `Request ${place} names the model '${String(model)}', but the run is for '${ours}'. Leave it out, or send it in a run of its own.`;
  const errors = [{ code: 'invalid_value', message, param: 'model', line: place + 1 }];
  throw new InvalidInputError('invalid_value', message, { param: 'model', errors });
}
