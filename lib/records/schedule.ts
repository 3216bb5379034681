/**
 * How long to wait before the next look at the providers: a tenth of the batch's age, so that a batch is seen finished
 * at most a tenth late, within bounds, with 10% of jitter so that many batches do not look at once.
 *
 * In AWS (15 to 600 s) that is 53 polls on average and at most 183 in 24 hours.
 *
 * @param random a number in [0, 1).
 */
export function waitSeconds(
  ageSeconds: number,
  bounds: { minSeconds: number; maxSeconds: number },
  random: number,
): number {
  const base = Math.min(Math.max(ageSeconds * 0.1, bounds.minSeconds), bounds.maxSeconds);
  return Math.max(1, Math.round(base * (0.95 + 0.1 * random)));
}

/** Of what a provider asks for; one header of a year must not park a shard until its deadline. */
export const maxRetryAfterSeconds = 3_600;

/**
 * How long a shard that could not be sent waits before it is offered again: doubling from `minSeconds`, at most ten
 * minutes, or what the provider asked for where that is longer, but at most an hour.
 */
export function deferralSeconds(deferrals: number, minSeconds: number, retryAfterSeconds: number | null): number {
  const grown = Math.min(minSeconds * 2 ** Math.min(deferrals, 10), 600);
  return Math.max(grown, Math.min(retryAfterSeconds ?? 0, maxRetryAfterSeconds));
}
