import { z } from 'zod';
import { safeText } from '../../records/errors.ts';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import { isOutOfCredit } from '../shared/http/credit.ts';
import { isSharedByAllLines } from '../shared/http/shared-cause.ts';

/** What both of Google's batches say alike. */

const phaseByState = new Map<string, ProviderPhase>([
  ['QUEUED', 'validating'],
  ['PENDING', 'validating'],
  ['RUNNING', 'in_progress'],
  ['PAUSED', 'in_progress'],
  ['UPDATING', 'in_progress'],
  ['CANCELLING', 'cancelling'],
  ['SUCCEEDED', 'completed'],
  ['PARTIALLY_SUCCEEDED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['EXPIRED', 'expired'],
]);

/** @param state `JOB_STATE_RUNNING`, or `BATCH_STATE_RUNNING` as the Gemini API writes it. */
export function phaseOf(state: string): ProviderPhase | undefined {
  return phaseByState.get(state.replace(/^(JOB|BATCH)_STATE_/, ''));
}

export const failureSchema = z
  .object({ code: z.number().nullish(), message: z.string().nullish() })
  .nullish()
  .catch(null);

/** In google/rpc/code.proto. */
const invalidArgument = 3;
const resourceExhausted = 8;

/**
 * @param service its name, where it says nothing.
 * @param hasNeverBegun whether it is proven that none of it ran: what ran is paid for, and is not to be sent again.
 */
export function failureFrom(
  error: z.infer<typeof failureSchema>,
  service: string,
  hasNeverBegun: boolean,
): ProviderBatch['failure'] {
  const isExhausted = error?.code === resourceExhausted || error?.code === 429;
  const message = safeText(error?.message || `${service} failed the batch without saying why.`);
  const failure = { code: isExhausted ? 'resource_exhausted' : 'batch_failed', message };
  const isUnpaid = isExhausted || isOutOfCredit({ status: null, ...failure });
  if (isUnpaid) return { ...failure, isQueueFull: hasNeverBegun };
  const isUntouched = hasNeverBegun && error?.code === invalidArgument && !isSharedByAllLines(failure);
  return { ...failure, isQueueFull: false, ...(isUntouched && { isUntouched }) };
}

/** A count of 64 bits, which JSON of Google's writes as a string. */
const writtenCount = z
  .union([z.string().regex(/^\d+$/).transform(Number), z.number()])
  .pipe(z.number().int().nonnegative());

/** Undefined where it is absent, which may stand for 0; null for -1 and whatever else is no count. */
export const countSchema = writtenCount.nullish().catch(null);

export type Count = z.infer<typeof countSchema>;

/**
 * What is done and what failed. A count that is absent is 0 only where the others make up the total without it.
 *
 * @param counted.total undefined where the service does not say: the total is then the sum, which whoever knows how many
 *   were sent can compare.
 */
export function countsFrom(counted: {
  total: Count;
  completed: Count;
  failed: Count;
  open: Count;
}): ProviderBatch['counts'] {
  const { total, completed, failed, open } = counted;
  if (total === null || completed === null || failed === null || open === null) return null;
  const sum = (completed ?? 0) + (failed ?? 0) + (open ?? 0);
  const isAnyAbsent = completed === undefined || failed === undefined;
  if (total !== undefined && isAnyAbsent && sum !== total) return null;
  return { total: total ?? sum, completed: completed ?? 0, failed: failed ?? 0 };
}
