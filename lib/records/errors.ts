import { withoutKnownSecrets } from './known-secrets.ts';
import type { LineError } from './openai-batch.ts';

/**
 * The errors that leave a step. Two questions decide the class: may we retry, and whose fault is it?
 * The names are literals because the state machine matches by them and a minifier renames classes.
 */

/** What every error of the library is; those below that it shares with the pipeline, too. `cause` holds what led to it. */
export class BatchdropError extends Error {
  override readonly name: string = 'BatchdropError';
}

/** The input or an option is wrong; nothing was created, and repeating cannot help. The message says what, where and what to do. */
export class InvalidInputError extends BatchdropError {
  override readonly name = 'InvalidInputError';
  readonly code: string;
  readonly param: string | null;
  /** What is wrong with which line, counted from 1; at most a hundred. Empty where no line is to blame. */
  readonly errors: readonly LineError[];

  constructor(code: string, message: string, options: InvalidInputOptions = {}) {
    super(message, options);
    this.code = code;
    this.param = options.param ?? null;
    this.errors = options.errors ?? [];
  }
}

export interface InvalidInputOptions extends ErrorOptions {
  param?: string;
  errors?: readonly LineError[];
}

/** This execution was replaced by a later one (a higher epoch); it must stop without writing. */
export class StaleEpochError extends Error {
  override readonly name = 'StaleEpochError';

  constructor(batchId: string, epoch: number, current: number) {
    super(`Execution ${batchId}-${epoch} was superseded by epoch ${current}.`);
  }
}

/** Somebody else wrote the record first, again and again; the step may be repeated as it is. */
export class WriteConflictError extends Error {
  override readonly name = 'WriteConflictError';
}

/** A provider, AWS or the network failed for now; the step may be repeated as it is. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
}

/** A provider refused our key. Repeating helps only after the secret was changed. */
export class ProviderAuthenticationError extends Error {
  override readonly name = 'ProviderAuthenticationError';
}

/** A record, object or batch that must exist does not, or its results are gone. */
export class NotFoundError extends BatchdropError {
  override readonly name = 'NotFoundError';
}

/** The record exists with other parameters, or its state does not allow what was asked. */
export class ConflictError extends BatchdropError {
  override readonly name = 'ConflictError';
}

/** The configuration file or the environment is incomplete; said at start, naming what is missing. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Keys that are known by how they begin; every other one is hidden by its value: see known-secrets.ts. */
const secretPatterns = [
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{6,}/g,
  /\bBearer\s+[A-Za-z0-9._~+/=-]+/gi,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
  /\b(?:gsk|xai|whsec|fw)[-_][A-Za-z0-9_-]{6,}/g,
  /([?&](?:X-Amz-[A-Za-z-]+|key|sig|token)=)[^&\s"']+/gi,
];

/** Longest error text that is stored in a record or a result line, in characters. */
export const maxErrorTextLength = 500;

/** Makes a foreign error text fit to be stored or logged: without keys, at most 500 characters. */
export function safeText(text: string): string {
  const clean = secretPatterns.reduce((current, pattern) => current.replace(pattern, hide), withoutKnownSecrets(text));
  return clean.length <= maxErrorTextLength ? clean : `${clean.slice(0, maxErrorTextLength - 1)}…`;
}

function hide(_match: string, prefix: unknown): string {
  return typeof prefix === 'string' ? `${prefix}[hidden]` : '[hidden]';
}
