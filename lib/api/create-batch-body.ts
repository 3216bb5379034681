import { z } from 'zod';
import type { Services } from '../pipeline/services.ts';
import { sha256 } from '../records/digest.ts';
import { type Endpoint, endpoints } from '../records/endpoints.ts';
import {
  assertLabels,
  assertNoneMeant,
  endpointSchema,
  parseRequestedOptions,
  type RequestedOptions,
  requestedOptionsSchema,
} from '../records/options.ts';
import { ApiError } from './api-error.ts';
import { unsupportedValue } from './issue-text.ts';

/** S3's longest key, with the bucket before it. */
const maxInputFileLength = 1_100;

/** OpenAI's fields, then ours: every option of a batch under its own name. */
export const createBatchBodySchema = z
  .object({
    ...requestedOptionsSchema.partial().shape,
    input_file_id: z
      .string()
      .min(1)
      .max(maxInputFileLength)
      .describe('A file, or an s3:// URI under a prefix that the deployment allows'),
    endpoint: endpointSchema,
    completion_window: z.literal('24h').describe('Always 24h; deadline_hours is the time that the batch may take'),
    custom_llm_provider: z.string().optional().describe('Another name of `provider`'),
  })
  .meta({ id: 'CreateBatchRequest' });

export type CreateBatchBody = z.infer<typeof createBatchBodySchema>;

export interface CreateBatchRequest extends RequestedOptions {
  inputFile: string;
  hashWith: (input: string) => string;
}

/**
 * Puts together what the client asks for and what the deployment says where it does not.
 *
 * @param given the body as it came.
 * @param keyHeader of `Idempotency-Key`.
 * @throws ApiError where two fields contradict each other, or no provider can run the endpoint.
 * @throws InvalidInputError for a field or a label that was most likely meant as an option.
 */
export function createBatchRequest(
  services: Services,
  given: Record<string, unknown>,
  body: CreateBatchBody,
  keyHeader: string | undefined,
): CreateBatchRequest {
  assertRunnable(services, body.endpoint);
  assertNoneMeant(otherNames(given), (option) => option);
  assertLabels(body.metadata);
  const idempotencyKey = oneOf('idempotency_key', body.idempotency_key, keyHeader);
  const provider = oneOf('provider', body.provider, body.custom_llm_provider);
  const asked = { ...givenOptions(given), ...(provider !== undefined && { provider }) };
  return {
    inputFile: body.input_file_id,
    ...parseRequestedOptions({
      ...services.config.defaults,
      ...asked,
      ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
    }),
    hashWith: (input) => hashOf({ ...asked, ...neverCompared, input_file_id: input }),
  };
}

/** A state machine that tries again comes with the same key and another token. */
const neverCompared = { idempotency_key: undefined, task_token: undefined };

function assertRunnable(services: Services, endpoint: Endpoint): void {
  const names = Object.keys(services.config.providers);
  if (names.some((name) => services.account(name).provider.endpoints.includes(endpoint))) return;
  const runnable = new Set<string>(names.flatMap((name) => services.account(name).provider.endpoints));
  throw unsupportedValue(
    'endpoint',
    endpoint,
    endpoints.filter((one) => runnable.has(one)),
  );
}

function oneOf(param: string, first: string | undefined, second: string | undefined): string | undefined {
  if (first !== undefined && second !== undefined && first !== second)
    throw new ApiError(400, `Two different values were given for '${param}'.`, { param, code: 'invalid_value' });
  return first ?? second;
}

function givenOptions(given: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => Object.hasOwn(requestedOptionsSchema.shape, name)),
  );
}

/** What is neither OpenAI's nor ours: clients may send more than they know. */
function otherNames(given: Record<string, unknown>): string[] {
  return Object.keys(given).filter((name) => !Object.hasOwn(createBatchBodySchema.shape, name));
}

/** The same parameters have the same hash in whatever order they come. */
export function hashOf(value: object): string {
  return sha256(JSON.stringify(value, sortedFields));
}

function sortedFields(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
