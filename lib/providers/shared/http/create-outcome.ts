import { z } from 'zod';
import type { CreateOutcome } from '../../contract.ts';
import { isOutOfCredit } from './credit.ts';
import { type FailedCall, failedCall, isOwnError } from './failed-call.ts';

/** Over a provider's limit on waiting work; it may be sent later. Source: OpenAI's batch guide, read 2026-11. */
export const queueFullCode = 'token_limit_exceeded';

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
 * @throws what is ours: an unreadable secret, a refused key.
 */
export async function createOutcome(provider: string, create: () => Promise<unknown>): Promise<CreateOutcome> {
  try {
    const created = createdSchema.safeParse(await create());
    if (created.success) return { outcome: 'created', providerBatchId: created.data.id };
    return { outcome: 'unknown', message: `${provider} answered the creation without an id.` };
  } catch (error) {
    if (isOwnError(error)) throw error;
    return failedCreate(failedCall(error));
  }
}

function failedCreate(failed: FailedCall): CreateOutcome {
  switch (failed.kind) {
    case 'not_connected':
      return { outcome: 'deferred', message: failed.message, retryAfterSeconds: null };
    case 'unclear':
      return { outcome: 'unknown', message: failed.message };
    case 'answered':
      return answeredCreate(failed);
  }
}

function answeredCreate(failed: Extract<FailedCall, { kind: 'answered' }>): CreateOutcome {
  const { status, code, message, retryAfterSeconds } = failed;
  if (status === 429 || code === queueFullCode)
    return { outcome: 'deferred', message, retryAfterSeconds, isRateLimit: true };
  if (isOutOfCredit(failed)) return { outcome: 'deferred', message, retryAfterSeconds };
  if (status === 408 || status === 409 || status >= 500) return { outcome: 'unknown', message };
  return { outcome: 'refused', code, message };
}
