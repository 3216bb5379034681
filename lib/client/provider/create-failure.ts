import type { CreateOutcome, Deferral, UploadOutcome } from '../../providers/contract.ts';
import { type BatchdropError, ConflictError, InvalidInputError } from '../../records/errors.ts';
import { ConnectionError, RateLimitError } from '../errors.ts';

type NotUploaded = Exclude<UploadOutcome, { outcome: 'uploaded' }>;
type NotCreated = Exclude<CreateOutcome, { outcome: 'created' | 'unknown' }>;

/** The error for a provider that said no, or could not be reached: nothing was created. */
export function refusedError(refusal: NotUploaded | NotCreated): BatchdropError {
  switch (refusal.outcome) {
    case 'refused':
      return refusal.code === 'idempotency_conflict'
        ? new ConflictError(refusal.message)
        : new InvalidInputError(refusal.code, refusal.message);
    case 'deferred':
      return deferredError(refusal);
  }
}

function deferredError({ message, retryAfterSeconds, isRateLimit }: Deferral): BatchdropError {
  return isRateLimit ? new RateLimitError(message, retryAfterSeconds) : new ConnectionError(message);
}
