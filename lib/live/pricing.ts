import type { RequestLine } from '../lines/request-line.ts';
import type { Usage } from '../records/usage.ts';

/** What an answer cost, in US dollars, and what a live call would have. */
export interface AnswerPrice {
  batchUsd: number;
  singleUsd: number | null;
}

/** Knows what requests and answers cost at a target; given to a run by who has the prices. */
export interface Pricing {
  /** US dollars of a request in a batch at most; null where no price, or no bound of its output, is known. */
  estimate(request: RequestLine, model: string, sentBytes: number): number | null;
  /** Null where no price is known. */
  priceOf(usage: Usage, model: string): AnswerPrice | null;
}
