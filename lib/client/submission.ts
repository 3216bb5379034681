import type { Endpoint } from '../records/endpoints.ts';
import { endpoints, isEndpoint } from '../records/endpoints.ts';
import { InvalidInputError } from '../records/errors.ts';
import { isHeaderKey } from '../records/idempotency-key.ts';
import { describeIssues, metadataSchema } from '../records/options.ts';
import type { CreatedBatch, LineWarning } from './batch.ts';
import { NotSupportedError } from './errors.ts';

/** What a batch is created from. */
export interface Submission {
  /** JSON lines, in pieces of any length; read once. */
  input: AsyncIterable<Uint8Array>;
  endpoint: Endpoint | undefined;
  metadata: Record<string, string> | undefined;
  strict: boolean;
  idempotencyKey?: string | undefined;
  signal: AbortSignal;
  /** Called for every warning, beyond those that are listed. */
  onWarning?: (warning: LineWarning) => void;
}

export interface SubmissionOptions {
  /** What the batch is for. Default: the first request's url, or `/v1/chat/completions`. */
  endpoint?: Endpoint;
  /** Within which the batch is to be done. Every provider has this one only. */
  completionWindow?: '24h';
  /** At most 16 pairs; keys of 64 and values of 512 characters. Anthropic keeps none: a warning says so. */
  metadata?: Record<string, string>;
  /** Refuse what would be a warning: a parameter that the provider cannot take. Default: false. */
  strict?: boolean;
  /**
   * At a deployment: the same key and the same requests are the same batch, so that a program that was stopped may create it again.
   * With other requests or options the key is refused. Providers have no such key.
   */
  idempotencyKey?: string;
}

export const submissionOptionNames = {
  endpoint: true,
  completionWindow: true,
  metadata: true,
  strict: true,
  idempotencyKey: true,
} as const satisfies Record<keyof SubmissionOptions, true>;

export type Create = (submission: Submission) => Promise<CreatedBatch>;

/**
 * Checks what is said about a batch as a whole.
 *
 * @throws InvalidInputError, NotSupportedError
 */
export function assertBatchOptions(options: SubmissionOptions): void {
  const { endpoint, completionWindow, metadata, idempotencyKey } = options;
  if (idempotencyKey !== undefined && !isHeaderKey(idempotencyKey))
    throw new InvalidInputError('invalid_value', 'idempotencyKey has 1 to 255 printable ASCII characters.', {
      param: 'idempotencyKey',
    });
  if (endpoint !== undefined && !isEndpoint(endpoint))
    throw new InvalidInputError('invalid_value', `The endpoint '${endpoint}' is none of ${endpoints.join(', ')}.`, {
      param: 'endpoint',
    });
  if (completionWindow !== undefined && completionWindow !== '24h')
    throw new NotSupportedError(
      `The completion window '${completionWindow}' is not supported; every provider has 24h.`,
    );
  const checked = metadataSchema.optional().safeParse(metadata);
  if (!checked.success)
    throw new InvalidInputError('invalid_option', `metadata: ${describeIssues(checked.error)}`, { param: 'metadata' });
}
