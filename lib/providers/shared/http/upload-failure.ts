import type { UploadOutcome } from '../../contract.ts';
import { isOutOfCredit } from './credit.ts';
import { callError, failedCall, isOwnError } from './failed-call.ts';

/**
 * What a failed upload proves. It is free, so what is not clear may be repeated.
 *
 * @throws what is ours, and TransientError.
 */
export function uploadFailure(error: unknown, what: string): UploadOutcome {
  if (isOwnError(error)) throw error;
  const failed = failedCall(error);
  if (failed.kind !== 'answered') throw callError(what, error);
  const { status, code, message, retryAfterSeconds } = failed;
  if (status === 429) return { outcome: 'deferred', message, retryAfterSeconds, isRateLimit: true };
  if (isOutOfCredit(failed)) return { outcome: 'deferred', message, retryAfterSeconds };
  if (status === 408 || status === 409 || status >= 500) throw callError(what, error);
  return { outcome: 'refused', code, message, ...(status === 413 && { isUntouched: true }) };
}
