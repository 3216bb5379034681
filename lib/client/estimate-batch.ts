import { z } from 'zod';
import { InvalidInputError } from '../records/errors.ts';
import { type CreateBatchOptions, createBatch } from './batches.ts';
import { NotSupportedError } from './errors.ts';
import { assertDeployment } from './target.ts';
import { waitForBatch } from './wait.ts';

/** What a batch would be, before anything of it is sent. */
export interface BatchEstimate {
  requests: number;
  /** What providers cannot take, or would most likely refuse. */
  warnings: number;
  estimatedInputTokens: number;
  estimatedOutputTokens: number;
  /** Whether no more output than that can be written. */
  isOutputBound: boolean;
  /** US dollars; null where the price of a model is unknown. */
  estimatedUsd: number | null;
  /** Models without a known price. */
  unpriced: string[];
  /** Accounts that are simulated at the deployment: their part of the dollars would not be paid. */
  simulated: string[];
  /** What was assumed of requests that say nothing themselves. */
  assumptions: string[];
}

const reportedSchema = z.object({
  batchdrop: z.object({
    report: z.object({
      lines: z.number(),
      warnings: z.number(),
      estimatedInputTokens: z.number(),
      estimatedOutputTokens: z.number(),
      isOutputBound: z.boolean(),
      estimatedCost: z.object({
        usd: z.number().nullable(),
        unpriced: z.array(z.string()),
        simulated: z.array(z.string()).default([]),
      }),
      assumptions: z.array(z.string()),
    }),
  }),
});

/**
 * Estimates what a batch would cost at a deployment, by a dry run there: it is validated and counted, and nothing is sent.
 *
 * @throws InvalidInputError with every wrong request; NotSupportedError for a provider that is called directly.
 */
export async function estimateBatch(options: CreateBatchOptions): Promise<BatchEstimate> {
  assertDeployment(options, 'estimateBatch');
  const { idempotencyKey: _unused, ...rest } = options;
  const providerOptions = { ...options.providerOptions, dry_run: true };
  const { id } = await createBatch({ ...rest, providerOptions });
  const { input: _sent, endpoint, completionWindow: _only, metadata: _label, strict: _checked, ...target } = rest;
  const ended = await waitForBatch({ ...target, batchId: id, ...(endpoint && { endpoint }) });
  if (ended.status === 'failed') throw refused(ended.errors?.data ?? []);
  const read = reportedSchema.safeParse(ended);
  if (!read.success)
    throw new NotSupportedError(`The deployment gave no report of the dry run ${id}.`, { cause: read.error });
  const { lines: requests, estimatedCost, ...counted } = read.data.batchdrop.report;
  const { usd: estimatedUsd, unpriced, simulated } = estimatedCost;
  return { requests, ...counted, estimatedUsd, unpriced, simulated };
}

interface RefusedLine {
  code?: string | null;
  message?: string | null;
  param?: string | null;
  line?: number | null;
}

function refused(lines: readonly RefusedLine[]): InvalidInputError {
  const errors = lines.map(({ code, message, param, line }) => ({
    code: code ?? 'invalid_request',
    message: message ?? '',
    param: param ?? null,
    line: line ?? null,
  }));
  const [first] = errors;
  const place = first?.line == null ? '' : `line ${first.line}: `;
  return new InvalidInputError(first?.code ?? 'invalid_request', `${place}${first?.message ?? ''}`, { errors });
}
