import { z } from 'zod';
import type { RequestLine } from '../lines/request-line.ts';
import { addDollars, EstimateByModel, Estimator } from '../providers/estimate/estimate.ts';
import { providers } from '../providers/registry.ts';
import { InvalidInputError } from '../records/errors.ts';
import { assertCreateOptions, type CreateBatchOptions, createBatch } from './batches.ts';
import { NotSupportedError } from './errors.ts';
import { assertSupported, LinePreparation } from './provider/line-preparation.ts';
import { inputBytes } from './request-source.ts';
import { directAccount } from './target.ts';
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
 * Estimates what a batch would cost, with nothing sent. At a deployment that is a dry run there; for a provider the requests are
 * checked and counted here, by the same rules and prices, and no key is needed.
 *
 * @throws InvalidInputError with every wrong request; NotSupportedError for a provider that there is not.
 */
export async function estimateBatch(options: CreateBatchOptions): Promise<BatchEstimate> {
  assertCreateOptions(options);
  const direct = directAccount(options);
  return direct ? await countedHere(direct, options) : await reportedThere(options);
}

async function countedHere(
  { kind, config }: NonNullable<ReturnType<typeof directAccount>>,
  { input, endpoint, strict = false }: CreateBatchOptions,
): Promise<BatchEstimate> {
  const provider = providers[kind];
  if (endpoint) assertSupported(provider, endpoint);
  const sums = new EstimateByModel();
  const estimators = new Map<string, Estimator>();
  const count = (request: RequestLine, model: string, sentBytes: number) => {
    const estimator = estimators.get(model) ?? new Estimator({ name: kind, provider, config }, model, {});
    estimators.set(model, estimator);
    sums.of(kind, model).add(estimator.estimate(request, sentBytes));
  };
  const preparation = new LinePreparation(provider, config, { endpoint, strict, onRequest: count });
  for await (const _line of preparation.lines(inputBytes(input, endpoint))); // counted as they are made
  const tokens = sums.tokens();
  const models = sums.list();
  const usd = models.reduce<number | null>((sum, { batchUsd }) => addDollars(sum, batchUsd), 0);
  return {
    requests: preparation.lineCount,
    warnings: preparation.warningCount,
    estimatedInputTokens: tokens.input,
    estimatedOutputTokens: tokens.output,
    isOutputBound: sums.isOutputBound,
    estimatedUsd: usd === null ? null : Math.ceil(Number((usd * 1e6).toFixed(6))) / 1e6,
    unpriced: models.flatMap(({ batchUsd, model }) => (batchUsd === null ? [`${kind}/${model}`] : [])),
    simulated: [],
    assumptions: sums.assumptions({}),
  };
}

async function reportedThere(options: CreateBatchOptions): Promise<BatchEstimate> {
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
