import { z } from 'zod';
import type { CreateOutcome } from '../../contract.ts';
import { isOutOfCredit } from './credit.ts';
import { type FailedCall, failedCall, isOwnError } from './failed-call.ts';
import { isSharedByAllLines } from './shared-cause.ts';

/** Over a provider's limit on waiting work; it may be sent later. Source: OpenAI's batch guide, read 2026-11. */
export const queueFullCode = 'token_limit_exceeded';

/** A Batchdrop deployment has another batch under the key; of a 409 without this code nothing is known. */
const idempotencyConflictCode = 'idempotency_conflict';

const createdSchema = z.object({ id: z.string().min(1) });

/** What a create for which there was no time left proves. */
export const stoppedBeforeSending: CreateOutcome = {
  outcome: 'deferred',
  message: 'Stopped before it was sent.',
  retryAfterSeconds: null,
};

/**
 * Makes the one call that costs money, once, and says what it proves: an answer of 4xx that nothing was created; no
 * connection the same; anything else nothing at all.
 *
 * @param namedLines for a creation that carries its lines: the places of those that the provider's message names.
 * @throws what is ours: an unreadable secret, a refused key.
 */
export async function createOutcome(
  provider: string,
  create: () => Promise<unknown>,
  namedLines?: (message: string) => number[],
): Promise<CreateOutcome> {
  try {
    const created = createdSchema.safeParse(await create());
    if (created.success) return { outcome: 'created', providerBatchId: created.data.id };
    return { outcome: 'unknown', message: `${provider} answered the creation without an id.` };
  } catch (error) {
    if (isOwnError(error)) throw error;
    return failedCreate(failedCall(error), namedLines);
  }
}

function failedCreate(failed: FailedCall, namedLines?: (message: string) => number[]): CreateOutcome {
  switch (failed.kind) {
    case 'not_connected':
      return { outcome: 'deferred', message: failed.message, retryAfterSeconds: null };
    case 'unclear':
      return { outcome: 'unknown', message: failed.message };
    case 'answered':
      return answeredCreate(failed, namedLines);
  }
}

function answeredCreate(
  failed: Extract<FailedCall, { kind: 'answered' }>,
  namedLines?: (message: string) => number[],
): CreateOutcome {
  const { status, code, message, retryAfterSeconds } = failed;
  // Whatever is in its body: a server in trouble does not know what it has done.
  if (status >= 500) return { outcome: 'unknown', message };
  if (status === 429 || code === queueFullCode)
    return { outcome: 'deferred', message, retryAfterSeconds, isRateLimit: true };
  if (isOutOfCredit(failed)) return { outcome: 'deferred', message, retryAfterSeconds };
  if (code === idempotencyConflictCode) return { outcome: 'refused', code, message };
  if (status === 408 || status === 409) return { outcome: 'unknown', message };
  const mayBeLines = (status === 400 || status === 413) && !isSharedByAllLines(failed);
  if (!namedLines || !mayBeLines) return { outcome: 'refused', code, message };
  const refusedLines = namedLines(message).map((position) => ({ position, code, message }));
  return { outcome: 'refused', code, message, isUntouched: true, refusedLines };
}
