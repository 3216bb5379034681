import { z } from 'zod';

/**
 * What a creation without an idempotency key leaves for the client's own retries of it: the official clients repeat a call
 * up to twice, wait at most ten minutes for each answer, and count in a header.
 */
export const creationClaimSchema = z.object({
  version: z.number().int(),
  /** Of the batch that the call makes. */
  identity: z.string(),
  /** Retry count of the last call that made it or took it. */
  retryCount: z.number().int(),
  /** Whether somebody knows the batch, and so had its answer: a retry that comes later is one of another call. */
  isKnown: z.boolean(),
  /** Unix seconds; from then on it counts no more. */
  expiresAt: z.number().int(),
});

export type CreationClaim = z.infer<typeof creationClaimSchema>;

/** Three calls of ten minutes each, the pauses between them, and five minutes for slow clocks. */
export const creationClaimSeconds = 35 * 60;

/**
 * What stands after a call.
 *
 * @param asked the claim that the call would make for itself.
 * @returns the standing claim where the call repeats the one that made it.
 */
export function claimAfterCall(standing: CreationClaim, asked: CreationClaim, nowSeconds: number): CreationClaim {
  const isRepetition =
    asked.retryCount > 0 &&
    asked.retryCount > standing.retryCount &&
    !standing.isKnown &&
    nowSeconds < standing.expiresAt;
  if (isRepetition) return { ...standing, retryCount: asked.retryCount };
  return { ...asked, version: standing.version };
}
