import type { RequestLine } from '../lines/request-line.ts';
import type { Usage } from '../records/usage.ts';

/** US dollars in a batch, and of a live call. */
export interface AnswerPrice {
  batchUsd: number;
  singleUsd: number | null;
}

/** Knows what requests and answers cost at a target. */
export interface Pricing {
  /** What a request costs at most; null where no price, or no bound of its output, is known. */
  atMost(request: RequestLine, model: string, sentBytes: number): AnswerPrice | null;
  /** What an answer cost; null where no price is known. */
  priceOf(usage: Usage, model: string): AnswerPrice | null;
}
