import { z } from 'zod';
import type { RequestLine } from '../lines/request-line.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { isObject } from '../records/json.ts';
import { parseJson } from '../records/parse-json.ts';
import { type TokenCounts, usageOf } from '../records/usage.ts';
import { type Pricer, pricerOf, type Seller } from './price.ts';

/** Bytes of JSON that make a token of English text, roughly; other languages and images differ. */
const bytesPerToken = 4;
/** Output tokens of a request that sets no limit of its own. */
const assumedOutputTokens = 1_000;

/** What a request will use at most, as far as that can be said before it ran. */
export function estimateUsage(request: Pick<RequestLine, 'endpoint' | 'body'>, bodyBytes: number): TokenCounts {
  return { input: estimateInputTokens(bodyBytes), output: estimateOutput(request) };
}

/** @param bytes of one request as the provider gets it. */
export function estimateInputTokens(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}

/** The same for a line as the provider gets it, input and output together. */
export function estimateCall(line: Buffer, endpoint: Endpoint): number {
  const sent: unknown = parseJson(line.toString());
  const body = isObject(sent) ? (sent.body ?? sent.params) : null;
  const { input, output } = estimateUsage({ endpoint, body: isObject(body) ? body : {} }, line.length);
  return input + output;
}

function estimateOutput(request: Pick<RequestLine, 'endpoint' | 'body'>): number {
  if (!generatesText(request.endpoint)) return 0;
  const { body } = request;
  const limit =
    numberOf(body.max_completion_tokens) ?? numberOf(body.max_output_tokens) ?? numberOf(body.max_tokens) ?? 0;
  const choices = Math.max(1, numberOf(body.n) ?? 1);
  return (limit > 0 ? Math.ceil(limit) : assumedOutputTokens) * choices;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function generatesText(endpoint: Endpoint): boolean {
  switch (endpoint) {
    case '/v1/responses':
    case '/v1/chat/completions':
    case '/v1/completions':
    case '/v1/messages':
      return true;
    case '/v1/embeddings':
    case '/v1/moderations':
    case '/v1/images/generations':
    case '/v1/images/edits':
    case '/v1/videos':
      return false;
  }
}

/** What one model's requests will use, as a checkpoint keeps it. */
export const modelEstimateSchema = z.object({
  provider: z.string(),
  model: z.string(),
  input: z.number(),
  output: z.number(),
  batchUsd: z.number().nullable(),
  singleUsd: z.number().nullable(),
});

/** What the requests of one model will use and cost, each priced by itself. */
export class EstimateSum {
  input = 0;
  output = 0;
  /** US dollars as a batch, and as single calls; null where no price is known. */
  batchUsd: number | null = 0;
  singleUsd: number | null = 0;

  readonly #pricer: Pricer | null;

  constructor(pricer: Pricer | null) {
    this.#pricer = pricer;
  }

  add(tokens: TokenCounts): void {
    const usage = usageOf(tokens);
    const pricer = this.#pricer;
    this.input += tokens.input;
    this.output += tokens.output;
    this.batchUsd = sumOf(this.batchUsd, pricer?.batch(usage) ?? null);
    this.singleUsd = sumOf(this.singleUsd, pricer?.single(usage) ?? null);
  }

  resume(earlier: z.infer<typeof modelEstimateSchema>): void {
    this.input += earlier.input;
    this.output += earlier.output;
    this.batchUsd = sumOf(this.batchUsd, earlier.batchUsd);
    this.singleUsd = sumOf(this.singleUsd, earlier.singleUsd);
  }
}

function sumOf(left: number | null, right: number | null): number | null {
  return left === null || right === null ? null : left + right;
}

/** Sums estimates by provider and model. */
export class EstimateByModel {
  readonly #sellerOf: (provider: string) => Seller;
  readonly #sums = new Map<string, { provider: string; model: string; sum: EstimateSum }>();

  constructor(sellerOf: (provider: string) => Seller) {
    this.#sellerOf = sellerOf;
  }

  /** Whoever has many lines of one model asks once. */
  of(provider: string, model: string): EstimateSum {
    const key = JSON.stringify([provider, model]);
    const known = this.#sums.get(key);
    if (known) return known.sum;
    const sum = new EstimateSum(pricerOf(this.#sellerOf(provider), model));
    this.#sums.set(key, { provider, model, sum });
    return sum;
  }

  /** To be added to another one. */
  list(): z.infer<typeof modelEstimateSchema>[] {
    return [...this.#sums.values()].map(({ provider, model, sum }) => ({
      provider,
      model,
      input: sum.input,
      output: sum.output,
      batchUsd: sum.batchUsd,
      singleUsd: sum.singleUsd,
    }));
  }

  tokens(): { input: number; output: number } {
    const sums = this.list();
    return {
      input: sums.reduce((total, { input }) => total + input, 0),
      output: sums.reduce((total, { output }) => total + output, 0),
    };
  }
}
