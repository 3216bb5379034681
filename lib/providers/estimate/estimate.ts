import { z } from 'zod';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { isObject } from '../../records/json.ts';
import type { BatchOptions } from '../../records/options.ts';
import { parseJson } from '../../records/parse-json.ts';
import { usageOf } from '../../records/usage.ts';
import { maxOutputTokensOf, type Pricer, pricerOf, type Seller } from './price.ts';
import { type OutputRules, outputOf } from './sent-output.ts';
import { picturesIn } from './sent-pictures.ts';

/** Bytes of JSON that make a token of English text, roughly; other languages differ. */
const bytesPerToken = 4;

/** @param bytes of one request as the provider gets it. */
export function estimateInputTokens(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}

/** Tokens of one live call, input and output together, by the line that is sent. */
export function estimateCall(line: Buffer, endpoint: Endpoint): number {
  const sent: unknown = parseJson(line.toString());
  const given = isObject(sent) ? (sent.body ?? sent.params) : null;
  const body = isObject(given) ? given : {};
  return estimateInputTokens(line.length) + outputOf({ endpoint, format: 'openai', body }, callRules).tokens;
}

/** A pace is no promise: where a call has no limit, what is usual counts and not the most that may be. */
const callRules: OutputRules = { model: '', passesThrough: () => true, sentLimit: null, assumed: null, maximum: null };

/** What requests were counted by, where that is no limit of their own or of ours. */
const assumptionNames = ['modelMaximum', 'assumedByOption', 'unbounded', 'providerTools'] as const;
type AssumptionName = (typeof assumptionNames)[number];

/** What one request will use and cost, as it is sent. */
export interface LineEstimate {
  input: number;
  output: number;
  /** US dollars as part of a batch, and as a single call; null where no price is known. */
  batchUsd: number | null;
  singleUsd: number | null;
  assumptions: readonly AssumptionName[];
}

type EstimatedRequest = Pick<RequestLine, 'endpoint' | 'format' | 'body'>;

/** Estimates the requests for one model. Whoever has many of them makes it once. */
export class Estimator {
  readonly #pricer: Pricer | null;
  readonly #seller: Seller;
  readonly #model: string;
  readonly #rules: OutputRules;

  constructor(seller: Seller, model: string, { assume_output_tokens }: Pick<BatchOptions, 'assume_output_tokens'>) {
    const { provider } = seller;
    this.#seller = seller;
    this.#model = model;
    this.#pricer = pricerOf(seller, model);
    this.#rules = {
      model,
      passesThrough: (request) => provider.passesThrough(request),
      sentLimit: provider.sentOutputLimit?.(model) ?? null,
      assumed: assume_output_tokens ?? null,
      maximum: maxOutputTokensOf(seller, model),
    };
  }

  /** @param sentBytes its length as the provider gets it. */
  estimate(request: EstimatedRequest, sentBytes: number): LineEstimate {
    return this.#counted(request, sentBytes, estimateInputTokens);
  }

  /**
   * The same with as many tokens of input as there can be: tokenizers of every provider give at most one for a byte of text, and
   * what surrounds the texts takes fewer tokens than its JSON has bytes.
   */
  atMost(request: EstimatedRequest, sentBytes: number): LineEstimate {
    return this.#counted(request, sentBytes, (bytes) => bytes);
  }

  #counted(request: EstimatedRequest, sentBytes: number, tokensIn: (bytes: number) => number): LineEstimate {
    const pictures = picturesIn(request, this.#model, this.#seller.provider.pictureTokens);
    const text = tokensIn(Math.max(0, sentBytes - pictures.bytes));
    const input = Math.max(text, countedInput(request)) + pictures.tokens;
    const output = outputOf(request, this.#rules);
    const pricer = output.isPriced ? this.#pricer : null;
    const usage = usageOf({
      input,
      inputImage: pictures.tokens,
      output: output.tokens,
      outputImage: output.imageTokens,
    });
    return {
      input,
      output: output.tokens,
      batchUsd: pricer?.batch(usage) ?? null,
      singleUsd: pricer?.single(usage) ?? null,
      assumptions: assumptionsOf(output.assumption, usesProviderTools(request)),
    };
  }
}

function assumptionsOf(output: AssumptionName | null, hasProviderTools: boolean): AssumptionName[] {
  const tools: AssumptionName[] = hasProviderTools ? ['providerTools'] : [];
  return output === null ? tools : [output, ...tools];
}

/** Tokens that stand in a request as numbers. */
function countedInput({ endpoint, body }: EstimatedRequest): number {
  if (endpoint !== '/v1/embeddings' && endpoint !== '/v1/completions') return 0;
  const given = endpoint === '/v1/embeddings' ? body.input : body.prompt;
  const lists: unknown[] =
    Array.isArray(given) && typeof given[0] === 'number' ? [given] : Array.isArray(given) ? given : [];
  return lists.reduce<number>((sum, list) => (Array.isArray(list) ? sum + list.length : sum), 0);
}

/** Whether the provider itself runs a tool, for a fee and with input that nobody knows before. */
function usesProviderTools({ body }: EstimatedRequest): boolean {
  if (body.web_search_options !== undefined) return true;
  if (!Array.isArray(body.tools)) return false;
  return body.tools.some(({ type }: { type?: unknown }) => type !== undefined && !ownTools.has(type));
}

/** Tools that the client runs. */
const ownTools: ReadonlySet<unknown> = new Set(['function', 'custom']);

const assumptionCounts = z.object({
  modelMaximum: z.number().default(0),
  assumedByOption: z.number().default(0),
  unbounded: z.number().default(0),
  providerTools: z.number().default(0),
});

/** What one model's requests will use, as a checkpoint keeps it. */
export const modelEstimateSchema = z.object({
  provider: z.string(),
  model: z.string(),
  input: z.number(),
  output: z.number(),
  batchUsd: z.number().nullable(),
  assumptions: assumptionCounts,
});

type ModelEstimate = z.infer<typeof modelEstimateSchema>;

/** What the requests of one model will use and cost. */
class EstimateSum {
  readonly #assumptions = { modelMaximum: 0, assumedByOption: 0, unbounded: 0, providerTools: 0 };
  #input = 0;
  #output = 0;
  #batchUsd: number | null = 0;

  add({ input, output, batchUsd, assumptions }: LineEstimate): void {
    this.#input += input;
    this.#output += output;
    this.#batchUsd = addDollars(this.#batchUsd, batchUsd);
    for (const name of assumptions) this.#assumptions[name] += 1;
  }

  resume(earlier: ModelEstimate): void {
    this.#input += earlier.input;
    this.#output += earlier.output;
    this.#batchUsd = addDollars(this.#batchUsd, earlier.batchUsd);
    for (const name of assumptionNames) this.#assumptions[name] += earlier.assumptions[name];
  }

  state(): Omit<ModelEstimate, 'provider' | 'model'> {
    return {
      input: this.#input,
      output: this.#output,
      batchUsd: this.#batchUsd,
      assumptions: { ...this.#assumptions },
    };
  }
}

/** Adds dollars, of which an unknown amount makes the sum unknown. */
export function addDollars(left: number | null, right: number | null): number | null {
  return left === null || right === null ? null : left + right;
}

export type { EstimateSum };

/** Sums estimates by provider and model. */
export class EstimateByModel {
  readonly #sums = new Map<string, { provider: string; model: string; sum: EstimateSum }>();

  /** Whoever has many lines of one model asks once. */
  of(provider: string, model: string): EstimateSum {
    const key = JSON.stringify([provider, model]);
    const known = this.#sums.get(key);
    if (known) return known.sum;
    const sum = new EstimateSum();
    this.#sums.set(key, { provider, model, sum });
    return sum;
  }

  /** To be added to another one. */
  list(): ModelEstimate[] {
    return [...this.#sums.values()].map(({ provider, model, sum }) => ({ provider, model, ...sum.state() }));
  }

  tokens(): { input: number; output: number } {
    const sums = this.list();
    return {
      input: sums.reduce((total, { input }) => total + input, 0),
      output: sums.reduce((total, { output }) => total + output, 0),
    };
  }

  /** What the figures rest on, where that is no limit of the requests themselves: whole sentences. */
  assumptions({ assume_output_tokens }: Pick<BatchOptions, 'assume_output_tokens'>): string[] {
    const count = (name: AssumptionName) => this.list().reduce((sum, { assumptions }) => sum + assumptions[name], 0);
    const sentences: [number, string][] = [
      [count('modelMaximum'), 'without a limit on output are counted at the most that their model writes'],
      [count('assumedByOption'), `without a limit on output are assumed to write ${assume_output_tokens} tokens each`],
      [
        count('unbounded'),
        'have no limit on output, and no maximum of their model is known: 1000 tokens each are assumed',
      ],
      [count('providerTools'), 'use tools that the provider runs: their fees, and what they read, are not counted'],
    ];
    return sentences.filter(([requests]) => requests > 0).map(([requests, text]) => `${requests} requests ${text}.`);
  }

  /** Whether no request can write more than was counted. */
  get isOutputBound(): boolean {
    return this.list().every(
      ({ assumptions: { assumedByOption, unbounded, providerTools } }) =>
        assumedByOption + unbounded + providerTools === 0,
    );
  }

  /** Models of which requests were counted that have no limit at all. */
  unboundedModels(): string[] {
    return this.list().flatMap(({ provider, model, assumptions }) =>
      assumptions.unbounded > 0 ? [`${provider}/${model}`] : [],
    );
  }
}
