import { sha256 } from '../records/digest.ts';
import { safeText } from '../records/errors.ts';
import type { LineFormat } from './request-line.ts';

/** Longest result line that is read. Answers may be longer than requests: 50,000 tokens with logprobs, a batch of embeddings. */
export const maxResultLineBytes = 256 * 1024 * 1024;

/** Why a request has no answer of its own. */
export interface Failure {
  /** OpenAI's code where it has one (`batch_expired`, `batch_cancelled`), else ours (docs/options.md). */
  code: string;
  message: string;
}

/** Where a result belongs: the customer's own id and the form in which the request came. */
export interface LineIdentity {
  customId: string | null;
  format: LineFormat;
}

/** What became of a request on its way. */
export interface Sent {
  /** Times that it was sent, and so may have been tried by the provider. */
  attempts: number;
  /** The line of the batch's input that it is, from 1. */
  line: number;
}

/**
 * An error line for a request that was never answered, in the form of its request: OpenAI's `{id, custom_id, response:
 * null, error}`, or Anthropic's `{custom_id, result}`.
 *
 * @param id a stable id of the result line, OpenAI's `batch_req_...`.
 */
export function failureLine(id: string, identity: LineIdentity, failure: Failure, sent: Sent): Buffer {
  const error = { code: failure.code, message: safeText(failure.message), attempts: sent.attempts, line: sent.line };
  switch (identity.format) {
    case 'openai':
      return Buffer.from(JSON.stringify({ id, custom_id: identity.customId, response: null, error }));
    case 'anthropic':
      return Buffer.from(JSON.stringify({ custom_id: identity.customId, result: nativeResult(failure), error }));
  }
}

/** Anthropic's result of a request that was never answered. */
export function nativeResult(failure: Failure): object {
  if (failure.code === 'batch_expired') return { type: 'expired' };
  if (failure.code === 'batch_cancelled') return { type: 'canceled' };
  const error = { type: 'api_error', message: safeText(failure.message) };
  return { type: 'errored', error: { type: 'error', error, request_id: null } };
}

/** A stable id of a result line: OpenAI's `batch_req_` and 32 hex digits, the same whenever the line is written. */
export function resultLineId(batchId: string, ordinal: number): string {
  return `batch_req_${sha256(`${batchId}:${ordinal}`).slice(0, 32)}`;
}
